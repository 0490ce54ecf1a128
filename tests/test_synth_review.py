"""`touchstone synth review`, as a user types it, and what the next run makes of it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner, Result
from synthesis import Sums, said

from touchstone.cli.reviewing import review
from touchstone_tuning.synth.reviews import Reviews, text_hash


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
