"""What people decide of new rows: how it is kept, what the page answers, what `synth review` and `run` do."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner, Result
from synthesis import Sums

from touchstone.cli.reviewing import review
from touchstone.errors import UsageError
from touchstone.rating.pile import LONGEST, Decision, Pile, Row, Section, Verdict
from touchstone.rating.review import application
from touchstone.rating.sent import LONGEST_NOTE
from touchstone.rating.shell import LARGEST_BODY
from touchstone_tuning.synth.reviews import Review, Reviews, stale, text_hash, written

TOKEN = "the-token"
HERE = "http://127.0.0.1:8123"


# ---- the decisions in their files ----


def said(row: str, verdict: str, by: str = "Ann", when: int = 0, **other: str) -> Review:
    given = {"hash": text_hash("as the model wrote it"), "when": f"2026-01-01T00:00:{when:02}Z", **other}
    return Review(row=row, verdict=verdict, by=by, **given)  # type: ignore[arg-type]


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


# ---- the page's answers ----

ROWS = [
    Row(f"row{n}", f"ask {n}", "train" if n else "val", "filter/eq", "plain", ("runs",), (Section("Proven", "run"),))
    for n in range(4)
]


class Page:
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

    def ask(self, method: str, path: str, **other: Any) -> httpx.Response:
        async def asked() -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url=HERE) as client:
                return await client.request(method, path, **other)

        return asyncio.run(asked())

    def get(self, path: str, **other: Any) -> httpx.Response:
        return self.ask("GET", f"/{TOKEN}/{path}", **other)

    def post(self, headers: Mapping[str, str] | None = None, **other: Any) -> httpx.Response:
        sent = {"Origin": HERE, "Content-Type": "application/json", **(headers or {})}
        return self.ask("POST", f"/{TOKEN}/api/decide", headers={k: v for k, v in sent.items() if v}, **other)

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


# ---- the command ----


def run(sums: Sums, *words: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("touchstone")), "--root", str(sums.root), "synth", "run", "sums"]
    clean = {name: value for name, value in os.environ.items() if name != "CI"}
    given = [*command, "--for", "train", "--limit", "6", *words]
    return subprocess.run(given, capture_output=True, text=True, check=True, timeout=120, cwd=sums.root, env=clean)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Sums:
    """A project whose plan was run; not to be changed."""
    sums = Sums.made(tmp_path_factory.mktemp("made") / "sums")
    run(sums)
    return sums


@pytest.fixture
def sums(made: Sums, tmp_path: Path) -> Sums:
    import shutil

    return Sums(Path(shutil.copytree(made.root, tmp_path / "sums")))


def rows(sums: Sums) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for split in ("train", "val") for row in sums.rows(split)}


def command(sums: Sums, *words: str) -> Result:
    return CliRunner().invoke(review, ["sums", *words], obj=sums.root)


def decided(sums: Sums) -> Reviews:
    return Reviews(sums.root / "tuning" / "reviews" / "sums")


class Served:
    """The command, serving; asked over its socket."""

    def __init__(self, process: subprocess.Popen[str], client: httpx.Client) -> None:
        self.process, self.client, self.rest = process, client, ""
        assert process.stdout is not None
        said = "".join(process.stdout.readline() for _ in range(3))
        found = re.search(r"http://127\.0\.0\.1:\d+/\S{32}/", said)
        assert found, said
        self.url = found[0]

    def state(self) -> dict[str, Any]:
        return dict(self.client.get(f"{self.url}api/state").json())

    def decide(self, row: str, verdict: str, text: str = "", note: str = "") -> None:
        body = {"id": f"{time.monotonic_ns()}", "row": row, "verdict": verdict, "text": text, "note": note}
        answer = self.client.post(f"{self.url}api/decide", json=body, headers={"Origin": self.url.rsplit("/", 2)[0]})
        assert answer.status_code == 200, answer.text

    def end(self) -> str:
        """Ctrl-C, and what is said then."""
        self.process.send_signal(signal.SIGINT)
        assert self.process.stdout is not None
        rest = self.process.stdout.read()
        assert self.process.wait() == 0, rest
        assert "Traceback" not in rest
        return rest


@pytest.fixture
def serve(sums: Sums) -> Iterator[Any]:
    """Starts the command as a process of its own."""
    started: list[tuple[subprocess.Popen[str], httpx.Client]] = []
    code = "import sys; from pathlib import Path; from touchstone.cli.reviewing import review; "
    code += "review.main(sys.argv[1:], obj=Path.cwd())"

    def serving(*words: str) -> Served:
        process = subprocess.Popen(
            [sys.executable, "-c", code, "sums", "--no-open", *words],
            cwd=sums.root,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        started.append((process, httpx.Client(trust_env=False)))
        return Served(*started[-1])

    yield serving
    for process, client in started:
        client.close()
        process.kill()
        process.communicate()


def test_rows_are_served_with_what_is_proven_and_where_they_come_from(sums: Sums, serve: Any) -> None:
    on = serve("--reviewer", "Ann")
    state = on.state()
    assert state["reviewer"] == "Ann"
    assert {row["id"] for row in state["rows"]} == rows(sums).keys()
    first = rows(sums)[state["rows"][0]["id"]]
    shown = on.client.get(f"{on.url}api/row/{first['id']}").json()
    assert (shown["input"], shown["verified"]) == (first["input"], ["runs", "as-expected", "asked"])
    sections = {one["title"]: one["value"] for one in shown["sections"]}
    assert sections["Proven command"] == first["right"][0]
    assert sections["Where it comes from"] == first["made"]
    assert sections["Also in the row"] == {"tags": ["sum"], "a": first["a"], "b": first["b"]}
    assert "0 decisions now; 0 of 6 rows decided" in on.end()


def test_a_review_is_applied_by_the_next_run_and_can_be_gone_on_with(sums: Sums, serve: Any) -> None:
    before = rows(sums)
    kept, edited, dropped = sorted(before)[:3]
    on = serve("--reviewer", "Ann")
    on.decide(kept, "keep")
    on.decide(edited, "edit", f"quite other words about {before[edited]['a']}.txt and {before[edited]['b']}", "clearer")
    on.decide(dropped, "drop")
    assert "3 decisions now; 3 of 6 rows decided: 1 keep, 1 edit, 1 drop, in tuning/reviews/sums" in on.end()
    assert (sums.root / "tuning/reviews/.gitattributes").read_text() == "*.jsonl merge=union\n"

    run(sums)
    after = rows(sums)
    assert dropped not in after
    assert len(after) == 6, "another row took its place"
    assert after[edited]["input"].startswith("quite other words")
    assert {**after[edited]["made"], "reviewed": None} == {**before[edited]["made"], "reviewed": None}
    assert after[edited]["made"]["reviewed"].items() >= {"by": "Ann", "verdict": "edit"}.items()
    assert after[kept]["made"]["reviewed"].items() >= {"by": "Ann", "verdict": "keep"}.items()
    assert after[kept]["input"] == before[kept]["input"]

    again = serve("--reviewer", "Bob")
    found = {row["id"]: row["decisions"] for row in again.state()["rows"]}
    assert (found[edited][0]["verdict"], found[edited][0]["note"]) == ("edit", "clearer")
    assert again.client.get(f"{again.url}api/row/{edited}").json()["input"] == before[edited]["input"]
    again.decide(edited, "drop")
    again.end()
    listed = command(sums, "--list").output
    assert f"dropped, and gone:\n  {dropped}: drop by Ann" in listed
    assert before[dropped]["input"] in listed
    assert "stale" not in listed
    run(sums)
    assert edited not in rows(sums)


def test_an_edit_that_is_taken_back_gives_the_models_words_again(sums: Sums, serve: Any) -> None:
    before = sums.files()
    row = min(rows(sums))
    on = serve("--reviewer", "Ann")
    on.decide(row, "edit", "quite other words")
    on.end()
    run(sums)
    assert sums.files() != before
    again = serve("--reviewer", "Ann")
    again.decide(row, "undo")
    again.end()
    run(sums)
    assert sums.files() == before


def test_a_decision_on_a_request_that_was_written_anew_is_listed_and_not_applied(sums: Sums) -> None:
    first, second, third = sorted(rows(sums))[:3]
    there = decided(sums)
    old = text_hash("what the model wrote last year")
    there.add(said(first, "drop", hash=old))
    there.add(said(second, "edit", hash=old, input="an edit of older words"))
    there.add(said("synth-gone", "keep", hash=old))
    there.add(said(third, "keep", "Bob", hash=text_hash(rows(sums)[third]["input"])))
    listed = command(sums, "--list").output
    assert "1 of 6 rows decided: 1 keep" in listed
    assert "stale, never applied:" in listed
    assert f"{first}: drop by Ann, 2026-01-01T00:00:00Z: written anew" in listed
    assert f"{second}: edit by Ann, 2026-01-01T00:00:00Z: written anew" in listed
    assert "synth-gone: keep by Ann, 2026-01-01T00:00:00Z: the row is gone" in listed
    before = rows(sums)
    run(sums)
    after = rows(sums)
    assert {name: row["input"] for name, row in after.items()} == {name: row["input"] for name, row in before.items()}
    assert [name for name, row in after.items() if "reviewed" in row["made"]] == [third]


def test_the_list_counts_by_split_and_person(sums: Sums) -> None:
    every = sums.rows("train")
    decided(sums).add(said(every[0]["id"], "keep", hash=text_hash(every[0]["input"])))
    decided(sums).add(said(every[0]["id"], "drop", "B\x1b[31mob", hash=text_hash(every[0]["input"])))
    (sums.root / "tuning/reviews/sums/torn.jsonl").write_text('{"v": 1')
    lines = command(sums, "--list", "--for", "train").output.splitlines()
    assert lines[0] == "tuning/synth/sums.yaml: 1 of 6 rows decided: 1 drop"
    assert f"  train: 1 of {len(every)} rows decided: 1 drop" in lines
    assert "  Ann: 1 keep, 0 edit, 0 drop" in lines
    assert any(line.startswith("cannot be read") for line in lines)
    assert any("torn.jsonl:1" in line for line in lines)
    assert "\x1b" not in "".join(lines)


def test_of_other_purposes_nothing_is_stale(sums: Sums) -> None:
    row = sums.rows("train")[0]
    decided(sums).add(said(row["id"], "keep", hash=text_hash(row["input"])))
    listed = command(sums, "--list", "--for", "eval")
    assert listed.exit_code == 0
    assert "0 of 0 rows decided" in listed.output
    assert "stale" not in listed.output


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--for", "eval", "--reviewer", "Ann"], "touchstone synth run sums"),
        (["--reviewer", "x" * 61], "--reviewer"),
        (["--reviewer", "  "], '--reviewer "Your Name"'),
        (["--for", "golden"], "it has: eval, train"),
    ],
)
def test_what_cannot_be_reviewed_is_told(sums: Sums, words: list[str], says: str) -> None:
    result = command(sums, *words, "--no-open")
    assert result.exit_code == 1
    assert says in result.output


def test_an_unknown_plan_names_the_nearest(sums: Sums) -> None:
    assert "did you mean sums?" in CliRunner().invoke(review, ["sum", "--list"], obj=sums.root).output


def test_the_reviewer_is_gits_user(sums: Sums, serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "user.name")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "Grace")
    assert serve().state()["reviewer"] == "Grace"


def test_rows_that_were_mended_by_hand_are_left_out_if_they_hold_no_request(sums: Sums) -> None:
    file = sums.root / "datasets/synth/train.jsonl"
    file.write_text('{"id": 5, "input": "x"}\n{"id": "a", "input": ["x"]}\n{"id": "b", "input": "x", "made": 1}\n')
    assert f"0 of {len(sums.rows('val'))} rows decided" in command(sums, "--list").output
