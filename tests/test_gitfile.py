"""Files as they stand at a commit, and what is said where they are not to be had."""

from __future__ import annotations

from pathlib import Path

import pytest
from repositories import Repository

from touchstone.errors import UsageError
from touchstone.gitfile import blob, commits, read_at

FILE = "evals/baseline.json"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository.at(tmp_path)


def at(repository: Repository, ref: str) -> str:
    return read_at(repository.root / FILE, ref, repository.root)[0]


def test_a_file_is_read_as_it_stands_at_a_ref_whatever_lies_in_the_folder(repository: Repository) -> None:
    first = repository.commit(FILE, "one")
    repository.commit(FILE, "two")
    repository.git("checkout", "--quiet", "-b", "topic")
    repository.commit(FILE, "three")
    (repository.root / FILE).write_text("not committed")
    assert [at(repository, ref) for ref in ("main", "HEAD", "HEAD~2", first, first[:8])] == [
        "two",
        "three",
        "one",
        "one",
        "one",
    ]
    assert (
        read_at(repository.root / FILE, "main", repository.root)[1]
        == f"main ({repository.git('rev-parse', 'main')[:8]})"
    )
    assert (repository.root / FILE).read_text() == "not committed"


def test_a_project_below_the_repositorys_root_finds_its_own_file(tmp_path: Path) -> None:
    repository = Repository.at(tmp_path)
    repository.commit(f"services/bot/{FILE}", "inner")
    root = tmp_path / "services/bot"
    assert read_at(root / FILE, "main", root)[0] == "inner"
    assert [commit.subject for commit in commits(root / FILE, root)] == ["change"]


def test_a_branch_that_only_the_remote_has_is_found(tmp_path: Path) -> None:
    upstream = Repository.at(tmp_path / "up") if (tmp_path / "up").mkdir() is None else None
    assert upstream is not None
    upstream.commit(FILE, "theirs")
    upstream.git("clone", "--quiet", "--origin", "origin", str(upstream.root), str(tmp_path / "down"))
    down = Repository(tmp_path / "down")
    down.git("checkout", "--quiet", "--detach")
    down.git("branch", "--quiet", "-D", "main")
    text, shown = read_at(down.root / FILE, "main", down.root)
    assert (text, shown.split()[0]) == ("theirs", "origin/main")


@pytest.mark.parametrize(
    "ref", ["nope", "", "--output=stolen", "-h", "main:../x", "a\0b", "main --", "..", "@{upstream}"]
)
def test_what_is_no_ref_says_what_to_type_and_runs_nothing(repository: Repository, ref: str) -> None:
    repository.commit(FILE, "one")
    with pytest.raises(UsageError) as caught:
        at(repository, ref)
    assert caught.value.hint
    assert not (repository.root / "stolen").exists()


def test_errors_name_what_is_missing(repository: Repository, tmp_path_factory: pytest.TempPathFactory) -> None:
    repository.commit("README.md", "nothing else")
    with pytest.raises(
        UsageError, match=r"git:main: there is no evals/baseline.json at main \([0-9a-f]{8}\)"
    ) as caught:
        at(repository, "main")
    assert "touchstone baseline update" in caught.value.hint
    with pytest.raises(UsageError, match="git knows no commit 'nope'") as caught:
        at(repository, "nope")
    assert "git fetch --depth=1 origin nope" in caught.value.hint
    assert caught.value.hint.endswith("branches: main")
    alone = tmp_path_factory.mktemp("alone")
    with pytest.raises(UsageError, match="is no git repository") as caught:
        read_at(alone / FILE, "main", alone)
    assert "--against evals/baseline.json" in caught.value.hint


def test_without_git_it_says_so(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(UsageError, match="there is no git here"):
        at(repository, "main")


def test_what_is_no_text_says_so(repository: Repository) -> None:
    repository.commit(FILE, "x")
    (repository.root / FILE).write_bytes(b"\xff\xfe\0")
    repository.git("commit", "--quiet", "-am", "bytes")
    with pytest.raises(UsageError, match="cannot be read"):
        at(repository, "main")


def test_commits_are_those_that_changed_the_file_and_merges_count_once(repository: Repository) -> None:
    assert commits(repository.root / FILE, repository.root) == ()
    repository.commit(FILE, "one", date="2026-01-01", subject="first \x1f odd")
    repository.commit("other", "x")
    repository.git("checkout", "--quiet", "-b", "topic")
    repository.commit(FILE, "two", date="2026-01-02")
    repository.commit(FILE, "three", date="2026-01-03")
    repository.git("checkout", "--quiet", "main")
    repository.git("merge", "--quiet", "--no-ff", "-m", "merge topic", "topic", date="2026-01-04")
    repository.commit(FILE, None, date="2026-01-05", subject="gone")
    found = commits(repository.root / FILE, repository.root)
    assert [(one.date, one.subject) for one in found] == [
        ("2026-01-01", "first \x1f odd"),
        ("2026-01-04", "merge topic"),
        ("2026-01-05", "gone"),
    ]
    assert [blob(repository.root / FILE, one, repository.root) for one in found] == ["one", "three", None]
