"""What the review page answers."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
import pytest
from asking import TOKEN, Asked

from touchstone.errors import UsageError
from touchstone.rating.pile import LONGEST, Decision, Pile, Row, Section, Verdict
from touchstone.rating.review import application
from touchstone.rating.sent import LONGEST_NOTE
from touchstone.rating.shell import LARGEST_BODY

ROWS = [
    Row(f"row{n}", f"ask {n}", "train" if n else "val", "filter/eq", "plain", ("runs",), (Section("Proven", "run"),))
    for n in range(4)
]


class Page(Asked):
    """The app, asked as its own page asks it; decisions are kept in a list."""

    def __init__(self, rows: Sequence[Row] = ROWS, others: Mapping[str, Sequence[Decision]] | None = None) -> None:
        self.others, self.kept, self.full = others or {}, list[tuple[str, Verdict, str, str]](), False
        self.pile = Pile(rows, "Ada", self._decided, self._decide, "touchstone synth run plan")
        self.app = application(self.pile, TOKEN)

    def _decide(self, row: str, verdict: Verdict, text: str, note: str) -> None:
        if self.full:
            raise UsageError("the disk is full")
        self.kept.append((row, verdict, text, note))

    def _decided(self) -> Mapping[str, Sequence[Decision]]:
        mine = {row: Decision(verdict, "Ada", text, note) for row, verdict, text, note in self.kept}
        own = {row: [one] for row, one in mine.items() if one.verdict != "undo"}
        return {row: [*self.others.get(row, ()), *own.get(row, ())] for row in {*own, *self.others}}

    def post(self, headers: Mapping[str, str] | None = None, **other: Any) -> httpx.Response:
        return self.send("api/decide", headers, **other)

    def decide(self, row: str = "row0", verdict: object = "keep", **other: Any) -> httpx.Response:
        body = {"id": f"{time.monotonic_ns()}", "row": row, "verdict": verdict, "text": "", "note": "", **other}
        return self.post(json=body)


@pytest.fixture
def page() -> Page:
    return Page()


def test_the_page_and_its_files_are_there_and_no_others(page: Page) -> None:
    assert "<title>Review - touchstone</title>" in page.get("").text
    assert "{{" not in page.get("").text
    files = {
        "page.css": "text/css",
        "review.css": "text/css",
        "review.js": "text/javascript",
        "shell.js": "text/javascript",
        "text.js": "text/javascript",
    }
    for name, kind in files.items():
        assert page.get(name).headers["content-type"].startswith(kind)
    wrong = ("page.js", "review.html", "shell.html", "..%2fpile.py", "x")
    assert [page.get(name).status_code for name in wrong] == [404] * len(wrong)


def test_every_answer_has_the_strict_headers_and_every_script_the_nonce(page: Page) -> None:
    for answer in (page.get(""), page.get("api/state"), page.get("nothing"), page.ask("GET", "/wrong/")):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["cache-control"] == "no-store"
        assert "access-control-allow-origin" not in answer.headers
    one = page.get("")
    nonce = one.headers["content-security-policy"].partition("script-src 'nonce-")[2].partition("'")[0]
    assert one.text.count(f'nonce="{nonce}"') == one.text.count("<script") + one.text.count('rel="stylesheet"') == 3


def test_without_the_token_the_right_command_is_named(page: Page) -> None:
    answer = page.ask("GET", "/wrong/api/state")
    assert answer.status_code == 403
    assert "touchstone synth review" in answer.text


@pytest.mark.parametrize(
    "headers",
    [{"Origin": ""}, {"Origin": "http://evil.example"}, {"Host": "evil.example"}, {"Sec-Fetch-Site": "cross-site"}],
)
def test_another_site_can_decide_nothing(page: Page, headers: dict[str, str]) -> None:
    body = {"id": "1", "row": "row0", "verdict": "drop", "text": "", "note": ""}
    assert page.post(headers, json=body).status_code == 403
    assert page.kept == []


def test_a_row_is_shown_with_its_sections(page: Page) -> None:
    assert page.get("api/row/row1").json() == {
        "id": "row1",
        "input": "ask 1",
        "split": "train",
        "topic": "filter/eq",
        "voice": "plain",
        "verified": ["runs"],
        "sections": [{"title": "Proven", "value": "run", "code": False, "folded": False}],
    }
    assert page.get("api/row/none").status_code == 404


def test_state_says_what_everybody_decided(page: Page) -> None:
    page.others = {"row2": [Decision("drop", "Bob", note="no")]}
    page.decide("row1", "edit", text=" other words ", note=" why ")
    state = page.get("api/state").json()
    assert (state["reviewer"], state["after"], state["longest"]) == ("Ada", "touchstone synth run plan", LONGEST)
    found = {
        row["id"]: [(d["by"], d["verdict"], d["text"], d["mine"]) for d in row["decisions"]] for row in state["rows"]
    }
    assert found == {
        "row0": [],
        "row1": [("Ada", "edit", "other words", True)],
        "row2": [("Bob", "drop", "", False)],
        "row3": [],
    }
    assert page.kept == [("row1", "edit", "other words", "why")]


def test_what_comes_twice_or_is_said_already_is_one_decision(page: Page) -> None:
    assert [page.decide(id="same").status_code for _ in range(3)] == [200] * 3
    page.decide(id="another")
    assert len(page.kept) == 1
    page.decide(note="a note is news")
    assert len(page.kept) == 2


def test_an_undo_of_nothing_is_nothing(page: Page) -> None:
    assert page.decide(verdict="undo").json()["decisions"] == []
    assert page.kept == []
    page.decide(verdict="drop")
    assert page.decide(verdict="undo").json()["decisions"] == []
    assert [one[1] for one in page.kept] == ["drop", "undo"]


def test_a_late_retry_does_not_undo_what_was_said_since(page: Page) -> None:
    page.decide(verdict="drop", id="one")
    page.decide(verdict="keep", id="two")
    assert page.decide(verdict="drop", id="one").json()["decisions"][0]["verdict"] == "keep"


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"row": "nothing"}, "not in the plan's data sets"),
        ({"row": 5}, "id of a row"),
        ({"verdict": "burn"}, "verdict"),
        ({"verdict": None}, "verdict"),
        ({"verdict": ["keep"]}, "verdict"),
        ({"verdict": "edit"}, "new text"),
        ({"verdict": "edit", "text": "   "}, "new text"),
        ({"verdict": "edit", "text": 5}, "new text"),
        ({"verdict": "edit", "text": " ask 0 "}, "another text"),
        ({"verdict": "edit", "text": "x" * (LONGEST + 1)}, "at most"),
        ({"verdict": "edit", "text": "a\ud800"}, "half a character"),
        ({"note": "\udfff"}, "half a character"),
        ({"note": None}, "note"),
        ({"note": "x" * (LONGEST_NOTE + 1)}, "note"),
        ({"id": ""}, "id"),
        ({"id": "x" * 65}, "id"),
    ],
)
def test_a_wrong_decision_says_what_is_wrong(page: Page, changed: dict[str, Any], says: str) -> None:
    answer = page.post(
        content=json.dumps({"id": "1", "row": "row0", "verdict": "keep", "text": "", "note": "", **changed})
    )
    assert answer.status_code == 400
    assert says in answer.json()["error"]
    assert page.kept == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 20_000, b"1" * 5000])
def test_bad_json_is_told_in_words(page: Page, body: bytes) -> None:
    answer = page.post(content=body)
    assert answer.status_code == 400
    assert answer.json()["error"]


def test_what_a_form_could_send_and_what_is_too_large_are_refused(page: Page) -> None:
    assert page.post({"Content-Type": "text/plain"}, content=b"{}").status_code == 415
    assert page.post(content=b" " * (LARGEST_BODY + 1)).status_code == 413


def test_the_longest_edit_and_note_fit_a_body(page: Page) -> None:
    answer = page.decide(verdict="edit", text="\U0001f600" * LONGEST, note="\U0001f600" * LONGEST_NOTE)
    assert answer.status_code == 200
    assert page.decide("row1", "edit", text="語" * LONGEST, note="語" * LONGEST_NOTE).status_code == 200


def test_a_disk_that_is_full_may_be_tried_again(page: Page) -> None:
    page.full = True
    answer = page.decide(id="one")
    assert (answer.status_code, answer.json()) == (503, {"error": "the disk is full"})
    page.full = False
    assert page.decide(id="one").status_code == 200
    assert len(page.kept) == 1
