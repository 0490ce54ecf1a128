"""What people decide of new rows, in its files."""

from __future__ import annotations

import re
import threading
from pathlib import Path
from typing import Any

import pytest
from synthesis import said

from touchstone.errors import UsageError
from touchstone_tuning.synth.reviews import Review, Reviews, stale, text_hash, written


@pytest.fixture
def reviews(tmp_path: Path) -> Reviews:
    return Reviews(tmp_path / "reviews" / "plan", "reviews/plan")


def verdict(reviews: Reviews, row: str = "r") -> str | None:
    found = reviews.standing().get((row, text_hash("as the model wrote it")))
    return None if found is None else found.verdict


def test_a_decision_comes_back_as_it_went(reviews: Reviews) -> None:
    one = said("r", "edit", input="näher\n\u202e", note="why", was="as the model wrote it")
    reviews.add(one)
    assert reviews.all() == [one]
    assert list(reviews.folder.iterdir()) == [reviews.folder / "ann.jsonl"]
    assert "\u202e" not in (reviews.folder / "ann.jsonl").read_text()


def test_the_latest_word_of_a_person_counts_whatever_the_order_of_lines(reviews: Reviews) -> None:
    for one in (said("r", "drop", when=1), said("r", "keep", when=3), said("r", "edit", when=2, input="x")):
        reviews.add(one)
    assert verdict(reviews) == "keep"


@pytest.mark.parametrize(
    ("first", "second", "stands"),
    [("keep", "drop", "drop"), ("drop", "keep", "drop"), ("edit", "keep", "edit"), ("drop", "edit", "drop")],
)
def test_of_two_peoples_words_the_heavier_stands(reviews: Reviews, first: str, second: str, stands: str) -> None:
    reviews.add(said("r", first, "Ann", 1, input="x"))
    reviews.add(said("r", second, "Bob", 2, input="y"))
    assert verdict(reviews) == stands
    assert len(reviews.decisions()["r", text_hash("as the model wrote it")]) == 2


def test_of_two_edits_the_later_stands(reviews: Reviews) -> None:
    reviews.add(said("r", "edit", "Bob", 2, input="later"))
    reviews.add(said("r", "edit", "Ann", 1, input="earlier"))
    assert reviews.standing()["r", text_hash("as the model wrote it")].input == "later"


def test_what_is_taken_back_is_no_decision(reviews: Reviews) -> None:
    reviews.add(said("r", "keep", "Bob", 1))
    reviews.add(said("r", "drop", "Ann", 2))
    reviews.add(said("r", "undo", "Ann", 3))
    assert verdict(reviews) == "keep"
    reviews.add(said("r", "undo", "Bob", 4))
    assert (verdict(reviews), reviews.standing()) == (None, {})


def test_decisions_on_another_request_are_apart(reviews: Reviews) -> None:
    reviews.add(said("r", "drop", "Ann", 1, hash=text_hash("an older one")))
    reviews.add(said("r", "keep", "Bob", 2))
    assert verdict(reviews) == "keep"
    assert stale(reviews.all(), {"r": text_hash("as the model wrote it")}) == [(reviews.all()[0], "written anew")]


def test_a_row_that_is_gone_makes_all_stale_but_drops() -> None:
    every = [said("a", "keep"), said("b", "drop"), said("c", "edit", input="x"), said("d", "keep")]
    found = stale(every, {"d": every[3].hash})
    assert [(one.row, why) for one, why in found] == [("a", "the row is gone"), ("c", "the row is gone")]


def test_the_same_line_twice_is_one_and_others_are_named(reviews: Reviews) -> None:
    reviews.add(said("r", "keep"))
    file = reviews.folder / "ann.jsonl"
    line = file.read_bytes()
    more = [b'{"v": 1, "row": "r"}', b"<<<<<<< HEAD", b'{"v": 1, ', line.replace(b"keep", b"burn").strip()]
    file.write_bytes(line + line + b"\n".join(more))
    assert len(reviews.all()) == 1
    assert [re.match(r"reviews/plan/ann.jsonl:(\d+):", one)[1] for one in reviews.problems] == ["3", "6", "4", "5"]  # type: ignore[index]
    reviews.add(said("s", "drop"))
    assert {one.row for one in reviews.all()} == {"r", "s"}, "a torn last line tears no other"


@pytest.mark.parametrize(
    "wrong",
    [
        {"verdict": "burn"},
        {"hash": "x"},
        {"by": ""},
        {"by": "x" * 61},
        {"when": "today"},
        {"verdict": "edit", "input": "  "},
        {"verdict": "edit", "input": "x" * 4001},
        {"note": "\ud800"},
    ],
)
def test_what_could_not_be_read_again_is_not_written(reviews: Reviews, wrong: dict[str, str]) -> None:
    given = {"verdict": "keep", **wrong}
    with pytest.raises(UsageError):
        reviews.add(said("r", given.pop("verdict"), given.pop("by", "Ann"), **given))
    assert not reviews.folder.exists()


def test_a_folder_that_takes_nothing_is_told(tmp_path: Path) -> None:
    (tmp_path / "plan").write_text("in the way")
    with pytest.raises(UsageError, match="cannot be written"):
        Reviews(tmp_path / "plan").add(said("r", "keep"))


def test_a_clock_put_back_lets_no_older_word_win(reviews: Reviews) -> None:
    assert reviews.when("Ann", 1_795_000_000.0) == "2026-11-18T11:06:40Z"
    reviews.add(said("r", "keep", when=9))
    assert reviews.when("Ann", 0) == "2026-01-01T00:00:09Z"
    assert reviews.when("Bob", 0) == "1970-01-01T00:00:00Z"


def test_many_people_at_once_tear_no_line(reviews: Reviews) -> None:
    def add(by: str) -> None:
        for number in range(40):
            reviews.add(said(f"r{number}", "keep", by))

    threads = [threading.Thread(target=add, args=(by,)) for by in ("Ann", "Ann", "Bob")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert reviews.problems == []
    assert {len(of) for of in reviews.decisions().values()} == {2}


EDIT = said("r", "edit", input="edited", was="as the model wrote it")


@pytest.mark.parametrize(
    ("row", "lines", "expected"),
    [
        ({"input": "plain"}, [EDIT], (text_hash("plain"), "plain")),
        ({"input": "plain", "made": {"reviewed": {"verdict": "keep"}}}, [EDIT], (text_hash("plain"), "plain")),
        ({"input": "edited", "made": {"reviewed": {"verdict": "edit"}}}, [EDIT], (EDIT.hash, EDIT.was)),
        (
            {"input": "by hand", "made": {"reviewed": {"verdict": "edit", "was": EDIT.hash}}},
            [EDIT],
            (EDIT.hash, EDIT.was),
        ),
        ({"input": "edited", "made": {"reviewed": {"verdict": "edit", "was": EDIT.hash}}}, [], (EDIT.hash, "edited")),
        ({"input": "edited", "made": {"reviewed": {"verdict": "edit"}}}, [], (text_hash("edited"), "edited")),
    ],
)
def test_what_the_model_wrote_is_known_of_an_edited_row(
    row: dict[str, Any], lines: list[Review], expected: tuple[str, str]
) -> None:
    assert written({"id": "r", **row}, lines) == expected
