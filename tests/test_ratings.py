"""People's ratings: appended, read with every problem named, merged by git without a conflict."""

from __future__ import annotations

import os
import subprocess
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from touchstone.errors import UsageError
from touchstone.labels import Item, Rating
from touchstone.places import PLACES, Places
from touchstone.ratings import Ratings, labels_of, merge_by_union, ratings_of, scale_of, slug

ITEM = Item("a", "h", "ask", "yes", "main")
OTHER = Item("b", "h", "ask", "no", "main")


def rating(value: str | int = "pass", when: str = "10:00:00", rater: str = "Ada", item: Item = ITEM) -> Rating:
    return Rating(item.row, item.answer, rater, value, f"2026-11-23T{when}Z")


@pytest.fixture
def ratings(tmp_path: Path) -> Ratings:
    return Ratings(tmp_path / "words", "ratings/words")


def test_what_is_added_is_read_again(ratings: Ratings) -> None:
    full = replace(rating("fail"), note="é\u202e\ud800 =1\n\u2028", seconds=4.5, peeked=True)
    ratings.add(rating())
    ratings.add(full)
    assert ratings.all() == [rating(), full]
    assert ratings.problems == []
    assert (ratings.folder / "ada.jsonl").read_text().count("\n") == 2
    assert "\\u202e" in (ratings.folder / "ada.jsonl").read_text()


def test_nothing_is_ever_rewritten(ratings: Ratings) -> None:
    ratings.add(rating())
    before = (ratings.folder / "ada.jsonl").read_bytes()
    ratings.add(rating("fail", "11:00:00"), rating("unsure", "12:00:00"))
    assert (ratings.folder / "ada.jsonl").read_bytes().startswith(before)


@pytest.mark.parametrize(
    ("name", "file"),
    [("Ada", "ada"), ("Ada Lovelace", "ada-lovelace"), ("ada-lovelace", "ada-lovelace"), ("x2", "x2")],
)
def test_plain_names_are_plain_files(name: str, file: str) -> None:
    assert slug(name) == file


def test_hostile_names_are_safe_files_and_never_the_same_one(ratings: Ratings) -> None:
    names = [
        "../../x", "x", "..", ".", "/etc/passwd", "😀", "😃", "", " ", "-", "--rf", "a" * 500, "a" * 501, "CON", "nul",
        "com1", ".hidden", "a\0b", "a\nb", "a b\r", "Zoë", "Zoe", "李", "\ud800", "\u202eada", "a.jsonl", "%2e%2e",
    ]  # fmt: skip
    files = [slug(name) for name in names]
    assert len(set(files)) == len(names)
    for file in files:
        assert len(file) <= 80
        assert set(file) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
        assert file not in ("con", "nul", "com1")
        assert not file.startswith("-")
    for name in filter(str.strip, names):
        ratings.add(rating(rater=name))
    assert {r.rater for r in ratings.all()} == set(filter(str.strip, names))
    assert {p.parent for p in ratings.folder.parent.rglob("*.jsonl")} == {ratings.folder}


@pytest.mark.parametrize(
    "wrong",
    [
        rating("good"),
        rating(0),
        rating(6),
        replace(rating(), value=True),
        replace(rating(), value=1.0),  # type: ignore[arg-type]
        replace(rating(), rater=""),
        replace(rating(), answer="xyz"),
        replace(rating(), when="yesterday"),
        replace(rating(), seconds=-1.0),
        replace(rating(), seconds=float("nan")),
    ],
)
def test_what_could_not_be_read_again_is_not_written(ratings: Ratings, wrong: Rating) -> None:
    with pytest.raises(UsageError):
        ratings.add(rating(), wrong)
    assert ratings.all() == []


def test_a_file_that_cannot_be_written_says_which(tmp_path: Path) -> None:
    (tmp_path / "words").write_text("a file")
    with pytest.raises(UsageError, match=r"words/ada\.jsonl: the rating cannot be written"):
        Ratings(tmp_path / "words").add(rating())


def test_a_link_is_not_followed(ratings: Ratings, tmp_path: Path) -> None:
    ratings.folder.mkdir()
    (ratings.folder / "ada.jsonl").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="cannot be written"):
        ratings.add(rating())
    assert not (tmp_path / "elsewhere").exists()


LINE = (
    '{"v": 1, "row": "a", "answer": "0123456789abcdef", "rater": "Ada", "value": "pass", '
    '"when": "2026-11-23T10:00:00Z"}'
)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (LINE[:50], "not a whole line"),
        (LINE.replace('"v": 1', '"v": 7'), "version 7"),
        (LINE.replace('"pass"', '"great"'), "'great' is no label"),
        (LINE.replace('"pass"', "true"), "value: "),
        (LINE.replace('"pass"', "3.5"), "value: "),
        (LINE.replace('"pass"', "9"), "9 is no label"),
        (LINE.replace('"rater"', '"who"'), "rater: "),
        (LINE.replace("10:00", "ten"), "when: "),
        (LINE.replace("0123", "ABCD"), "answer: "),
        ("[]", "not a JSON object"),
        ("<<<<<<< HEAD", "conflict marker"),
        (">>>>>>> other", "conflict marker"),
    ],
)
def test_a_bad_line_is_a_problem_and_the_others_are_read(ratings: Ratings, line: str, says: str) -> None:
    ratings.folder.mkdir()
    (ratings.folder / "ada.jsonl").write_text(f"{LINE}\n{line}\n\n{LINE.replace('pass', 'fail')}\n")
    assert [r.value for r in ratings.all()] == ["pass", "fail"]
    (problem,) = ratings.problems
    assert problem.startswith("ratings/words/ada.jsonl:2: ")
    assert says in problem


def test_both_sides_of_a_conflict_are_read(ratings: Ratings) -> None:
    ratings.folder.mkdir()
    sides = ["<<<<<<< HEAD", LINE, "=======", LINE.replace("pass", "fail"), ">>>>>>> other"]
    (ratings.folder / "ada.jsonl").write_text("\n".join(sides) + "\n")
    assert [r.value for r in ratings.all()] == ["pass", "fail"]
    assert len(ratings.problems) == 3


def test_the_very_same_line_twice_is_one_rating(ratings: Ratings) -> None:
    ratings.add(rating(), rating(), rating("fail"))
    assert len(ratings.all()) == 2


def test_a_rating_behind_a_torn_line_has_a_line_of_its_own(ratings: Ratings) -> None:
    ratings.folder.mkdir()
    (ratings.folder / "ada.jsonl").write_text(LINE[:30])
    ratings.add(rating())
    assert ratings.all() == [rating()]
    assert len(ratings.problems) == 1


def test_the_latest_word_counts_by_time_and_then_by_line(ratings: Ratings) -> None:
    ratings.add(rating("fail", "12:00:00"), rating("pass", "11:00:00"), rating("unsure", "12:00:00"))
    ratings.add(rating("pass", "09:00:00", "Bob"))
    current = ratings.current([ITEM, OTHER])
    assert {rater: r.value for rater, r in current[ITEM.key].items()} == {"Ada": "unsure", "Bob": "pass"}
    assert current[OTHER.key] == {}


def test_ratings_of_another_answer_are_stale(ratings: Ratings) -> None:
    ratings.add(rating("fail", "10:00:00"), rating("pass", "11:00:00"), rating(item=OTHER))
    assert ratings.stale([ITEM, OTHER]) == []
    changed = replace(ITEM, output="another answer")
    assert ratings.stale([changed, OTHER]) == [rating("pass", "11:00:00")]
    assert [r.row for r in ratings.stale([])] == ["a", "b"]
    assert ratings.current([changed])[changed.key] == {}


def test_nobody_has_rated_yet(ratings: Ratings) -> None:
    assert ratings.all() == ratings.problems == ratings.stale([ITEM]) == []


def test_one_write_is_by_one_person(ratings: Ratings) -> None:
    with pytest.raises(UsageError, match="more than one rater"):
        ratings.add(rating(), rating(rater="Bob"))


def test_many_at_once_lose_nothing(ratings: Ratings) -> None:
    def rate(who: int) -> None:
        for n in range(100):
            ratings.add(replace(rating(), rater="Ada", note=f"{who} {n} " + "long " * 100))

    threads = [threading.Thread(target=rate, args=(who,)) for who in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(ratings.all()), ratings.problems) == (400, [])


@pytest.mark.parametrize(
    ("values", "scale"),
    [
        ([], None),
        (["unsure"], None),
        (["pass", "unsure"], "pass_fail"),
        (["pass", "critical"], "critical"),
        ([3], "stars"),
    ],
)
def test_the_scale_is_what_was_said(values: list[str | int], scale: str | None) -> None:
    assert scale_of([rating(v) for v in values]) == scale


def test_two_scales_in_one_eval_are_told() -> None:
    with pytest.raises(UsageError, match="two scales"):
        scale_of([rating(3), rating("pass")])


def test_every_scale_has_unsure_last() -> None:
    assert labels_of("pass_fail") == ("fail", "pass", "unsure")
    assert labels_of("stars") == (1, 2, 3, 4, 5, "unsure")


class Repository:
    """A real git repository."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.places = Places.of(root, lambda name: PLACES[name][0])
        self.git("init", "-q", "-b", "main")

    def git(self, *args: str) -> str:
        who = {f"GIT_{w}_{p}": "x@example.org" for w in ("AUTHOR", "COMMITTER") for p in ("NAME", "EMAIL")}
        alone = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", **who}
        done = subprocess.run(
            ["git", *args], cwd=self.root, capture_output=True, text=True, env={**os.environ, **alone}, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def rate_on(self, branch: str, *new: Rating) -> None:
        self.git("checkout", "-q", "-B", branch, "main")
        for one in new:
            ratings_of(self.places, "folder/words").add(one)
        self.commit(branch)

    def commit(self, message: str) -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)

    def merged(self, *branches: str) -> list[Rating]:
        self.git("checkout", "-q", "main")
        for branch in branches:
            self.git("merge", "-q", "--no-edit", branch)
        ratings = ratings_of(self.places, "folder/words")
        assert ratings.problems == []
        return ratings.all()


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path)
    assert merge_by_union(made.places) == made.places.ratings / ".gitattributes"
    assert merge_by_union(made.places) is None
    ratings_of(made.places, "folder/words").add(rating(when="01:00:00"))
    made.commit("start")
    return made


def test_two_people_on_two_branches_merge_without_a_conflict(repository: Repository) -> None:
    ada, bob = rating("fail"), rating(rater="Bob")
    repository.rate_on("one", ada)
    repository.rate_on("two", bob)
    assert set(repository.merged("one", "two")) == {rating(when="01:00:00"), ada, bob}


def test_one_person_on_two_branches_merges_without_a_conflict(repository: Repository) -> None:
    one, two, three = rating("fail", "02:00:00"), rating("unsure", "03:00:00"), rating("fail", "03:00:00", item=OTHER)
    repository.rate_on("one", one)
    repository.rate_on("two", two, three)
    assert set(repository.merged("one", "two")) == {rating(when="01:00:00"), one, two, three}


def test_a_rating_that_was_picked_to_two_branches_is_one(repository: Repository) -> None:
    same = rating("fail", "02:00:00")
    repository.rate_on("one", same)
    repository.rate_on("two", rating("pass", "01:30:00"), same)
    assert sorted(r.when[11:19] for r in repository.merged("one", "two")) == ["01:00:00", "01:30:00", "02:00:00"]


def test_this_repository_merges_ratings_so() -> None:
    root = Path(__file__).parents[1]
    asked = ["git", "check-attr", "merge", "datasets/ratings/correctness/ada.jsonl", "datasets/ratings/a/b/ada.jsonl"]
    said = subprocess.run(asked, cwd=root, capture_output=True, text=True, check=True).stdout
    assert said.count("merge: union") == 2
