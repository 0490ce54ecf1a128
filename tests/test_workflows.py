"""The workflows for GitHub, and the example for GitLab: what they may do, and that their scripts do what they say.

`.ci/workflows` checks them against the platforms' schemas.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar

import pytest
import yaml
from click.testing import CliRunner
from projects import TWO_RUN_CONFIGS, Project
from repositories import Repository

from touchstone.cli import main

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / ".github/workflows").glob("*.yml"))
EVALS = ROOT / ".github/workflows/evals.yml"
RECORD = ROOT / ".github/workflows/record.yml"
MARKER = "<!-- touchstone: evals -->"
BOT = {"login": "github-actions[bot]", "type": "Bot"}

needs_jq = pytest.mark.skipif(
    shutil.which("jq") is None and not os.environ.get("TOUCHSTONE_REQUIRE_JQ"), reason="the comment's script calls jq"
)

GH = """#!/usr/bin/env bash
# A `gh` that tells what it was asked, and answers with the comments of a file.
echo "$@" >> asked.log
if [[ "$*" == *--paginate* ]]; then cat there.json; exit; fi
[ ! -e read-only ]
"""


def jobs(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(file.read_text())["jobs"]
    return found


def steps(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, job in jobs(file).items():
        yield from ((name, step) for step in job["steps"])


def script(file: Path, job: str, name: str) -> str:
    (found,) = [step["run"] for step in jobs(file)[job]["steps"] if step.get("name") == name]
    return str(found)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_nothing_that_others_write_stands_in_a_script(file: Path) -> None:
    assert [step["run"] for _, step in steps(file) if "${{" in step.get("run", "")] == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_actions_are_pinned_by_commit_with_their_version_beside(file: Path) -> None:
    used = re.findall(r"uses: (.*)", file.read_text())
    assert used
    assert [one for one in used if not re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", one)] == []


def test_all_files_use_the_same_commit_of_an_action() -> None:
    used = {one for file in FILES for one in re.findall(r"uses: (\S+)", file.read_text())}
    assert len({one.partition("@")[0] for one in used}) == len(used)


@pytest.mark.parametrize("file", [EVALS, RECORD], ids=lambda file: file.stem)
def test_a_job_may_write_or_run_the_projects_code_never_both(file: Path) -> None:
    assert yaml.safe_load(file.read_text())["permissions"] == {}
    for name, job in jobs(file).items():
        runs_code = any("$INSTALL" in step.get("run", "") for step in job["steps"])
        writes = "write" in job["permissions"].values()
        assert not (runs_code and writes), name
        tokens = [step for step in job["steps"] if "github.token" in str(step.get("env"))]
        assert bool(tokens) == writes, name
        checkouts = [step for step in job["steps"] if "actions/checkout" in step.get("uses", "")]
        assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_the_check_that_is_required_is_never_left_out() -> None:
    """GitHub takes a required check that was skipped for one that passed."""
    gates = jobs(EVALS)["gates"]
    assert gates["if"] == "${{ always() }}"
    assert "needs.shard.result != 'success'" in gates["steps"][-1]["if"]


def test_only_the_step_that_records_sees_keys() -> None:
    assert re.search(r"\$\{\{[^}]*secrets", EVALS.read_text()) is None
    seeing = [(job, step["name"]) for job, step in steps(RECORD) if "{{ secrets." in str(step)]
    assert seeing == [("record", "Record what is missing")]
    assert jobs(RECORD)["record"]["environment"] == "record"
    assert list(yaml.safe_load(RECORD.read_text())[True]) == ["workflow_dispatch"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_scripts_are_bash(file: Path) -> None:
    for name, step in steps(file):
        checked = subprocess.run(["bash", "-n"], input=step.get("run", ""), text=True, capture_output=True, check=False)
        assert checked.stderr == "", name


def test_the_example_for_gitlab_is_shell_and_python() -> None:
    file = yaml.safe_load((ROOT / "docs/examples/gitlab-ci.yml").read_text())
    for name in ("evals", "gates", "record"):
        for line in file[name]["script"]:
            assert subprocess.run(["sh", "-n"], input=line, text=True, check=False).returncode == 0
    (comment,) = [line for line in file["gates"]["script"] if "<<'PYTHON'" in line]
    compile(comment.partition("<<'PYTHON'\n")[2].partition("\nPYTHON")[0], "gitlab-ci.yml", "exec")


# The scripts


def shell(text: str, folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """As GitHub runs a step: `bash -e`."""
    path = f"{folder / 'bin'}:/usr/local/bin:/usr/bin:/bin"
    summary = {"GITHUB_STEP_SUMMARY": str(folder / "summary"), "GITHUB_OUTPUT": str(folder / "output")}
    given = {"PATH": path, "HOME": str(folder), **summary, **env}
    return subprocess.run(
        ["bash", "-e", "-c", text], cwd=folder, env=given, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(("shards", "numbers"), [("1", "[1]"), ("4", "[1,2,3,4]"), ("256", None), ("3;id", "")])
def test_shards_are_numbered(tmp_path: Path, shards: str, numbers: str | None) -> None:
    done = shell(script(EVALS, "plan", "Number the shards"), tmp_path, SHARDS=shards)
    assert done.returncode == (1 if numbers == "" else 0), done.stderr
    if numbers != "":
        told = json.loads((tmp_path / "output").read_text().strip().removeprefix("numbers="))
        assert told == (json.loads(numbers) if numbers else list(range(1, 257)))


def test_shards_gates_and_report_of_a_project(project: Project) -> None:
    """The three steps, as they stand in the file, on a project whose answers are recorded."""
    project.rows("good a", "good b", "bad c", "good d")
    assert project.run("--calls", "record").ret == 0
    shutil.rmtree(project.root / ".touchstone")
    tools(project)
    evals = script(EVALS, "shard", "Evals from recordings")
    for number in (1, 2):
        env = {
            "SHARD": f"{number}/2",
            "EVALS": "evals/",
            "OPTIONS": "-p no:anyio",
            "RUN_CONFIGS": "ma*",
        }
        done = shell(evals, project.root, CI="true", **env)
        assert done.returncode == 0, done.stdout + done.stderr
        obeyed = re.search(r"^::stop-commands::(\w{32})$.*^::\1::$", done.stdout, re.DOTALL | re.MULTILINE)
        assert obeyed is not None
        shutil.move(project.root / ".touchstone/runs", project.root / f"shards/touchstone-evals-shard-{number}")
    done = shell(script(EVALS, "gates", "Gates"), project.root)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "PASS: 1 of 1 gates of main passed" in done.stdout
    assert shell(script(EVALS, "gates", "Report"), project.root).returncode == 0
    assert (project.root / "summary").read_text().startswith("## Evals: PASS: 1 of 1 gates of main passed\n")
    shutil.rmtree(project.root / ".touchstone")
    shutil.rmtree(project.root / "shards/touchstone-evals-shard-2")
    done = shell(script(EVALS, "gates", "Gates"), project.root)
    assert done.returncode == 1
    assert "a shard is missing: 2/2" in done.stderr
    assert shell(script(EVALS, "gates", "Report"), project.root).returncode == 0
    assert "could not be merged" in (project.root / "summary").read_text()


NO_WORSE = """
import pytest

@pytest.mark.eval(dataset="words", gates=["no worse than baseline by more than 0.02"])
def test_words(output):
    assert output.startswith("good")
"""


def tools(project: Project) -> None:
    """`pytest` and the like where a runner has them: on the path."""
    (project.root / "bin").mkdir()
    for name in ("pytest", "touchstone", "python", "python3"):
        (project.root / "bin" / name).symlink_to(Path(sys.executable).parent / name)


@pytest.fixture
def pull(project: Project) -> Project:
    """A checkout of a pull request into main, as a runner has it: main is there as `origin/main` alone, its baseline
    says that all 20 rows pass. Under the changed prompt, whose answers are recorded, none does."""
    project.eval(NO_WORSE)
    project.rows(*(f"good {number}" for number in range(20)))
    assert project.run("--calls", "record").ret == 1
    assert touchstone(project, "baseline", "update") == 0
    project.write(".gitignore", ".touchstone/\nbin/\nshards/\nsummary\noutput\n*.md\ncalls.log\n__pycache__/\n")
    repository = Repository.at(project.root)
    repository.git("add", "--all")
    repository.git("commit", "--quiet", "-m", "main")
    repository.git("branch", "--move", "pull")
    repository.git("update-ref", "refs/remotes/origin/main", "pull")
    project.write("evals/prompts/ask.j2", "not {{ input }}\n")
    project.run("--calls", "record")
    touchstone(project, "baseline", "update")  # it moves its own baseline; that helps it nothing
    repository.git("commit", "--quiet", "--all", "-m", "Another prompt")
    shutil.rmtree(project.root / ".touchstone")
    tools(project)
    return project


def touchstone(project: Project, *args: str) -> int:
    return CliRunner().invoke(main, ["--root", str(project.root), *args]).exit_code


def sharded(project: Project, **env: str) -> list[subprocess.CompletedProcess[str]]:
    """The step that runs evals, of two shards, and their runs where the job `gates` finds them."""
    given = {"EVALS": "evals/", "OPTIONS": "-p no:anyio", "RUN_CONFIGS": "", "CI": "true", **env}
    done = []
    for number in (1, 2):
        done.append(shell(script(EVALS, "shard", "Evals from recordings"), project.root, SHARD=f"{number}/2", **given))
        if (project.root / ".touchstone/runs").exists():
            shutil.move(project.root / ".touchstone/runs", project.root / f"shards/touchstone-evals-shard-{number}")
    return done


def concluded(project: Project, **env: str) -> tuple[int, str, str]:
    """The steps that judge and report: (exit of the first, what the second says, the report)."""
    gates = shell(script(EVALS, "gates", "Gates"), project.root, **env)
    report = shell(script(EVALS, "gates", "Report"), project.root, **env)
    assert report.returncode == 0, report.stderr
    text = (project.root / "report.md").read_text()
    assert (project.root / "summary").read_text() == text
    return gates.returncode, report.stdout + report.stderr, text


CHANGED = [
    r"## Evals: worse at 1 of 1 score against `origin/main \(\w{8}\)`; FAIL: 1 of 1 gates of main not passed",
    r"\* \*\*worse: words of main: 100 -> 0 %, -100 \[-\d+, -\d+\] points over 20 rows \(20 fell, 0 rose\), .*\*\*",
    r"\* every score differs",
    r"\* cost and tokens: no provider says",
]


def test_a_pull_request_is_judged_by_and_compared_with_mains_baseline(pull: Project) -> None:
    base = {"BASELINE": "origin/main"}
    for one in sharded(pull, **base):
        assert one.returncode == 0, one.stdout + one.stderr
        assert "removed" not in one.stdout
    code, said, text = concluded(pull, **base)
    assert (code, said) == (1, "")
    for line, wanted in zip(text.splitlines(), CHANGED, strict=False):
        assert re.fullmatch(wanted, line), line
    assert "passed 0.00 against 1.00 of main, the baseline" in text


def test_where_main_has_no_baseline_the_report_is_plain_and_that_is_said(pull: Project) -> None:
    repository = Repository(pull.root)
    repository.git("rm", "--quiet", "--cached", "evals/baseline.json")
    repository.git("commit", "--quiet", "-m", "main without a baseline")
    repository.git("update-ref", "refs/remotes/origin/main", "HEAD")
    base = {"BASELINE": "origin/main"}
    assert [one.returncode for one in sharded(pull, **base)] == [0, 0]
    code, said, text = concluded(pull, **base)
    assert code == 0  # by the branch's own, which it brings
    assert said.startswith("::notice::origin/main has no evals/baseline.json, so the report cannot say what changed:")
    assert "touchstone baseline update" in said
    assert text.startswith("## Evals: PASS: 1 of 1 gates of main passed\n")


def test_a_checkout_without_main_is_red_and_says_what_to_do(pull: Project) -> None:
    Repository(pull.root).git("update-ref", "-d", "refs/remotes/origin/main")
    for one in sharded(pull, BASELINE="origin/main"):
        assert one.returncode == 1
        assert one.stdout.startswith("::error::git knows no commit 'origin/main': check out with fetch-depth: 0")


def test_a_run_in_which_nothing_ships_is_reported_without_a_comparison(pull: Project) -> None:
    pull.write(
        "evals/run_configs.yaml", TWO_RUN_CONFIGS.replace(", default: true", "").replace(", temperature: 0.5", "")
    )
    base = {"BASELINE": "origin/main"}
    assert [one.returncode for one in sharded(pull, **base)] == [0, 0]
    code, said, text = concluded(pull, **base)
    assert code == 0
    assert "::warning::the report compares nothing" in said
    assert "no run-config of the run merged ships" in said
    assert text.startswith("## Evals: no gate decides this run\n")


def test_a_pull_request_whose_answers_nobody_recorded_is_red(pull: Project) -> None:
    shutil.rmtree(pull.root / "fixtures")
    pull.write(
        "evals/run_configs.yaml",
        "run_configs:\n- {name: main, model: openai/gpt-4.1-mini, prompt: ask, default: true}\n",
    )
    base = {"BASELINE": "origin/main"}
    assert [one.returncode for one in sharded(pull, **base)] == [1, 1]
    code, _, text = concluded(pull, **base)
    assert code == 1
    title, nothing, *_ = text.splitlines()
    assert title.endswith("FAIL: 1 of 1 gates of main not passed, of which 1 cannot tell")
    assert nothing == "* nothing could be compared: 20 samples without an answer or a score now, see Errors"
    assert "record it with `pytest evals/ --calls record`" in text


@pytest.mark.parametrize("has_baseline", [True, False])
def test_gitlabs_script_judges_by_and_compares_with_the_target_branch(pull: Project, has_baseline: bool) -> None:
    """`git fetch` takes the branch from `origin`, as in the shallow checkout of a runner."""
    repository = Repository(pull.root)
    if not has_baseline:
        repository.git("update-ref", "refs/remotes/origin/main", repository.commit("evals/baseline.json", None))
    repository.git("init", "--quiet", "--bare", str(pull.root / "bin/origin.git"))
    repository.git("remote", "add", "origin", str(pull.root / "bin/origin.git"))
    repository.git("push", "--quiet", "origin", "refs/remotes/origin/main:refs/heads/main")
    repository.git("update-ref", "-d", "refs/remotes/origin/main")
    file = yaml.safe_load((ROOT / "docs/examples/gitlab-ci.yml").read_text())
    of = {"CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main", "CI": "true", "CI_NODE_TOTAL": "2"}
    for number in ("1", "2"):
        done = shell("\n".join(file["evals"]["script"]), pull.root, CI_NODE_INDEX=number, **of)
        assert done.returncode == 0, done.stdout + done.stderr
    done = shell("\n".join(file["gates"]["script"]), pull.root, **of)
    text = (pull.root / "report.md").read_text()
    if has_baseline:
        assert done.returncode == 1, done.stdout + done.stderr
        for line, wanted in zip(text.splitlines(), CHANGED, strict=False):
            assert re.fullmatch(wanted, line), line
    else:
        assert "main has no evals/baseline.json, so the report cannot say what changed" in done.stdout
        assert text.startswith("## Evals: FAIL: 1 of 1 gates of main not passed, of which 1 cannot tell\n")


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """A folder with a report, and a `gh` that keeps what it is asked."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/gh").write_text(GH)
    (tmp_path / "bin/gh").chmod(0o755)
    (tmp_path / "result").mkdir()
    (tmp_path / "result/report.md").write_text("## Evals: PASS\n")
    return tmp_path


def comment(page: Path, *there: tuple[int, dict[str, str], str]) -> tuple[str, str]:
    """What is asked of GitHub last, where these comments are there (two a page), and the comment's text."""
    all_ = [{"id": number, "user": user, "body": body} for number, user, body in there]
    pages = [all_[at : at + 2] for at in range(0, len(all_), 2)] or [[]]
    (page / "there.json").write_text("".join(map(json.dumps, pages)))
    text = script(EVALS, "comment", "One comment, always the same")
    env = {"NAME": "evals", "REPOSITORY": "o/r", "NUMBER": "7", "PAGE": "https://github.com/o/r/actions/runs/1"}
    done = shell(text, page, **env)
    assert done.returncode == 0, done.stderr
    return (page / "asked.log").read_text().splitlines()[-1], (page / "comment.md").read_text()


@needs_jq
def test_the_first_comment_is_written_with_its_marker(page: Path) -> None:
    asked, text = comment(page)
    assert asked == "api --silent --method POST repos/o/r/issues/7/comments -F body=@comment.md"
    assert text.startswith(f"{MARKER}\n## Evals: PASS\n")
    assert "(https://github.com/o/r/actions/runs/1)" in text


@needs_jq
def test_the_next_is_the_same_and_a_forged_one_is_not(page: Path) -> None:
    person = {"login": "eve", "type": "User"}
    forged = (1, person, f"{MARKER}\n## Evals: PASS"), (2, {"login": "github-actions[bot]", "type": "User"}, MARKER)
    quoted, other = (3, BOT, f"> {MARKER}"), (4, BOT, "<!-- touchstone: others -->\n")
    asked, _ = comment(page, *forged, quoted, other)
    assert " POST " in asked
    asked, _ = comment(page, *forged, quoted, other, (5, BOT, f"{MARKER}\nold"), (6, BOT, f"{MARKER}\nolder"))
    assert asked == "api --silent --method PATCH repos/o/r/issues/comments/5 -F body=@comment.md"


@needs_jq
def test_a_token_that_may_not_write_is_no_failure_and_said(page: Path) -> None:
    (page / "read-only").touch()
    comment(page)
    assert (page / "summary").read_text().startswith("No comment was written: the token of this run may not write")


@needs_jq
def test_a_report_that_is_too_long_is_cut_between_lines_and_closed(page: Path) -> None:
    rows = "".join(f"| {number} | ü |\n" for number in range(8000))
    (page / "result/report.md").write_text(f"## Evals\n<details><summary>Every eval</summary>\n\n{rows}</details>\n")
    _, text = comment(page)
    assert len(text.encode()) < 61_000
    assert text.count("<details>") == text.count("</details>") == 1
    assert "longer than a comment may be" in text
    assert re.search(r"\| \d+ \| ü \|\n\n</details>\n", text)


# GitLab's note


class Notes(BaseHTTPRequestHandler):
    """The part of GitLab's API that the note wants. Its user is 9."""

    there: ClassVar[list[dict[str, Any]]] = []
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        page = int((re.search(r"&page=(\d+)", self.path) or ["", "1"])[1])
        self._answer({"id": 9} if self.path.endswith("/user") else self.there[100 * (page - 1) : 100 * page])

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.asked.append(f"{self.command} {self.path} {json.loads(body)['body']}")
        self._answer({})

    do_PUT = do_POST

    def _answer(self, value: object) -> None:
        assert self.headers["PRIVATE-TOKEN"] == "secret"
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(value).encode())

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.mark.parametrize("ours", [None, 150])
def test_gitlabs_note_is_written_once_and_a_forged_one_is_not_taken(tmp_path: Path, ours: int | None) -> None:
    file = yaml.safe_load((ROOT / "docs/examples/gitlab-ci.yml").read_text())
    (text,) = [line for line in file["gates"]["script"] if "<<'PYTHON'" in line]
    (tmp_path / "report.md").write_text("## Evals: PASS\n")
    forged = {"id": 1, "author": {"id": 8}, "body": MARKER}
    quoted = {"id": 2, "author": {"id": 9}, "body": f"> {MARKER}"}
    own = [{"id": ours, "author": {"id": 9}, "body": f"{MARKER}\nold"}] if ours else []
    Notes.there, Notes.asked = [forged, *[quoted] * 110, *own], []
    with HTTPServer(("127.0.0.1", 0), Notes) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        api = {"CI_API_V4_URL": f"http://127.0.0.1:{server.server_port}", "CI_PROJECT_ID": "3"}
        env = {"TOUCHSTONE_TOKEN": "secret", "CI_MERGE_REQUEST_IID": "7", "no_proxy": "*"}
        done = shell(text, tmp_path, **api, **env)
        server.shutdown()
    assert done.returncode == 0, done.stderr
    where = "PUT /projects/3/merge_requests/7/notes/150" if ours else "POST /projects/3/merge_requests/7/notes"
    assert Notes.asked == [f"{where} {MARKER}\n## Evals: PASS\n"]
