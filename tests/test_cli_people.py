"""`touchstone golden`, `rate` and `ratings`, as somebody types them."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner, Result
from projects import TWO_RUN_CONFIGS, Project

from touchstone.cli import main


def touchstone(project: Project, *args: str) -> Result:
    return CliRunner().invoke(main, ["--root", str(project.root), *args])


def golden(project: Project) -> list[dict[str, object]]:
    return [json.loads(line) for line in (project.root / "datasets/golden/words.jsonl").read_text().splitlines()]


@pytest.fixture
def drawn(project: Project) -> Project:
    """A project with a run and a golden set of three outputs."""
    project.run()
    assert touchstone(project, "golden", "words").exit_code == 0
    return project


def sheet(project: Project, rater: str = "Ada") -> list[dict[str, str]]:
    result = touchstone(project, "rate", "words", "--csv", str(project.root / "s.csv"), "--rater", rater)
    assert result.exit_code == 0, result.output
    return list(csv.DictReader(io.StringIO((project.root / "s.csv").read_bytes().decode("utf-8-sig"))))


def taken(project: Project, lines: Sequence[Mapping[str, str]] | str | bytes, *args: str) -> Result:
    if not isinstance(lines, str | bytes):
        out = io.StringIO()
        writer = csv.DictWriter(out, list(lines[0]))
        writer.writeheader()
        writer.writerows(lines)
        lines = out.getvalue()
    file = project.write("back.csv", lines)
    return touchstone(project, "ratings", "import", "words", str(file), *(args or ("--rater", "Ada")))


def kept(project: Project, rater: str = "ada") -> list[dict[str, object]]:
    file = project.root / f"datasets/ratings/words/{rater}.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def test_a_golden_set_is_drawn_from_the_last_run(project: Project) -> None:
    project.write("evals/run_configs.yaml", TWO_RUN_CONFIGS)
    project.run()
    result = touchstone(project, "golden", "words", "--size", "3")
    assert result.exit_code == 0
    assert "datasets/golden/words.jsonl: 3 outputs of 3 rows, 3 of them new" in result.output
    assert [line["row"] for line in golden(project)] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["nothing"], "there is no eval 'nothing'"),
        (["words", "--run", "2020"], "there is no run 2020"),
        (["words", "--balance", "truth"], "has the score 'truth'"),
        (["../x"], "no name of an eval"),
    ],
)
def test_what_cannot_be_drawn_is_told(project: Project, args: list[str], says: str) -> None:
    project.run()
    result = touchstone(project, "golden", *args)
    assert result.exit_code == 1
    assert says in result.output
    assert not (project.root / "datasets/golden").exists()


def test_without_a_run_there_is_a_next_step(project: Project) -> None:
    assert "pytest evals/" in touchstone(project, "golden", "words").output


def test_rows_that_changed_since_the_run_are_left_out(project: Project) -> None:
    project.run()
    project.rows("good a", "another b", "bad c")
    result = touchstone(project, "golden", "words")
    assert "left out 1 samples of rows that have changed" in result.output
    assert [line["row"] for line in golden(project)] == ["a", "c"]


def test_a_set_that_people_rated_is_not_overwritten(drawn: Project) -> None:
    taken(drawn, [{**line, "value": "pass"} for line in sheet(drawn)])
    before = golden(drawn)
    drawn.rows("good a", "good b", "bad c", "good d")
    drawn.run()
    refused = touchstone(drawn, "golden", "words")
    assert refused.exit_code == 1
    assert "--add --size N" in refused.output
    assert "holds 3 outputs already" in touchstone(drawn, "golden", "words", "--add", "--size", "3").output
    assert touchstone(drawn, "golden", "words", "--add").exit_code == 0
    after = golden(drawn)
    assert len(after) == 4
    assert all(line in after for line in before)


def test_a_sheet_goes_out_and_comes_back(drawn: Project) -> None:
    lines = sheet(drawn)
    assert list(lines[0]) == ["row", "answer", "input", "output", "value", "note"]
    assert {line["row"]: line["output"] for line in lines} == {"a": "good a", "b": "good b", "c": "bad c"}
    values = dict(zip("abc", [" PASS ", "f", ""], strict=True))
    result = taken(drawn, [{**line, "value": values[line["row"]], "note": "é"[: line["row"] == "a"]} for line in lines])
    assert result.exit_code == 0
    assert "took 2 ratings by Ada" in result.output
    assert {r["row"]: (r["value"], r.get("note", "")) for r in kept(drawn)} == {"a": ("pass", "é"), "b": ("fail", "")}
    assert {line["row"]: line["value"] for line in sheet(drawn)} == {"a": "pass", "b": "fail", "c": ""}
    assert "took 0 ratings" in taken(drawn, sheet(drawn)).output


def test_semicolons_marks_blank_lines_and_other_columns_are_forgiven(drawn: Project) -> None:
    lines = sheet(drawn)
    text = "\ufeffVALUE;Row;extra;Answer\r\n\r\n;;;\r\n" + "".join(
        f"Fail;{line['row']};x;{line['answer'].upper()}\r\n" for line in lines
    )
    assert taken(drawn, text).exit_code == 0
    assert len(kept(drawn)) == 3


def test_every_bad_line_is_listed_and_nothing_is_taken(drawn: Project) -> None:
    lines = sheet(drawn)
    bad = [
        {**lines[0], "value": "pass"},
        {**lines[1], "value": "great"},
        {**lines[2], "value": "pass", "answer": "0" * 16},
        {**lines[2], "value": "pass", "row": "zz"},
        {**lines[0], "value": "fail"},
        {**lines[1], "value": "", "note": "why"},
    ]
    result = taken(drawn, bad)
    assert result.exit_code == 1
    for number, words in [
        (3, "'great' is no label"),
        (4, "is not the golden one"),
        (5, "no golden row 'zz'"),
        (6, "rated twice"),
        (7, "a note without a value"),
    ]:
        assert re.search(rf"back\.csv:{number}: .*{words}", result.output)
    assert "nothing was taken" in result.output
    assert kept(drawn) == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "has no column row, answer, value"),
        ("a,b\n1,2\n", "has no column"),
        (b"\xff\xfe", "is not UTF-8"),
        ('row,answer,value\na,"b\n', "is no CSV"),
    ],
)
def test_a_file_that_is_no_sheet_is_told(drawn: Project, text: str | bytes, says: str) -> None:
    result = taken(drawn, text)
    assert result.exit_code == 1
    assert says in result.output
    assert "Traceback" not in result.output


def test_no_cell_is_a_formula_and_what_comes_back_is_what_went(project: Project) -> None:
    project.dataset([{"id": "1-2", "input": "=cmd|'/c calc'!A1"}, {"id": "x", "input": "@SUM(1)\t\U0001f600\u202e"}])
    project.run()
    touchstone(project, "golden", "words")
    lines = sheet(project)
    for line in lines:
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in line.values())
        assert not line["row"][0].isdigit()
        assert line["answer"].startswith("sha256:")
    notes = ["'=1+1", "-1"]
    assert (
        taken(project, [{**line, "value": "p", "note": n} for line, n in zip(lines, notes, strict=True)]).exit_code == 0
    )
    assert sorted(str(r["note"]) for r in kept(project)) == ["-1", "=1+1"]
    assert "took 0 ratings" in taken(project, sheet(project)).output


def test_the_scale_is_that_of_earlier_ratings(drawn: Project) -> None:
    stars = [{**line, "value": "4.0"} for line in sheet(drawn)]
    assert taken(drawn, stars).exit_code == 1
    assert taken(drawn, stars, "--rater", "Ada", "--scale", "stars").exit_code == 0
    assert {r["value"] for r in kept(drawn)} == {4}
    assert taken(drawn, [{**s, "value": "5"} for s in stars], "--rater", "Bob").exit_code == 0
    refused = taken(drawn, stars, "--rater", "Bob", "--scale", "pass_fail")
    assert "rated on the scale stars" in refused.output


def test_who_rates_is_gits_user_or_must_be_said(drawn: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    subprocess.run(["git", "init", "-q"], cwd=drawn.root, check=True)
    result = touchstone(drawn, "rate", "words", "--csv", str(drawn.root / "s.csv"))
    assert result.exit_code == 1
    assert "--rater" in result.output
    subprocess.run(["git", "config", "user.name", "Grace Hopper"], cwd=drawn.root, check=True)
    taken(drawn, [{**line, "value": "pass"} for line in sheet(drawn)], "--scale", "pass_fail")
    assert len(kept(drawn, "grace-hopper")) == 3


def test_what_was_rated_is_counted_and_what_is_stale_is_listed(drawn: Project) -> None:
    assert "nobody has rated them: touchstone rate words" in touchstone(drawn, "ratings", "show", "words").output
    taken(drawn, [{**line, "value": "pass" if line["row"] < "c" else "fail"} for line in sheet(drawn)])
    file = drawn.root / "datasets/golden/words.jsonl"
    file.write_text(file.read_text().replace('"bad c"', '"worse c"'))
    drawn.write("datasets/ratings/words/bob.jsonl", "{\n")
    said = touchstone(drawn, "ratings", "show", "words").output
    assert re.search(r"Ada +2 of 3 rated: pass 2\n", said)
    assert re.search(r"stale: .*\n  c \([0-9a-f]{16}\): fail, by Ada", said)
    assert "datasets/ratings/words/bob.jsonl:1: not a whole line" in said


def test_without_a_golden_set_there_is_a_next_step(project: Project) -> None:
    for args in (["rate", "words", "--rater", "Ada"], ["ratings", "show", "words"]):
        result = touchstone(project, *args)
        assert result.exit_code == 1
        assert "touchstone golden words" in result.output


SCORED = """
import pytest

def starts(sample):
    return sample.output.startswith(("good", "bad", "a", "b", "c"))

@pytest.mark.eval(dataset="words", scorers=[starts], gates=["passed >= 0.5"])
def test_words(output):
    assert output
"""


def test_the_page_is_served_until_ctrl_c(drawn: Project) -> None:
    drawn.eval(SCORED)
    command = [sys.executable, "-c", "from touchstone.cli import main; main()"]
    args = ["rate", "words", "--rater", "Ada", "--no-open", "--show", "tags"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [*command, *args], cwd=drawn.root, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment
    ) as process:
        late = threading.Timer(60, process.kill)
        late.start()
        assert process.stdout is not None
        said = "".join(process.stdout.readline() for _ in range(3))
        found = re.search(r"http://127\.0\.0\.1:\d+/\S{32}/", said)
        assert found, said
        url = found[0]
        with httpx.Client(trust_env=False) as client:
            key = client.get(f"{url}api/state").json()["items"][0]["key"]
            assert "tags" in client.get(f"{url}api/item/{key}").json()["about"]
            body = {"id": "1", "key": key, "value": "pass", "note": "", "seconds": 2}
            origin = url.rsplit("/", 2)[0]
            before = client.get(f"{url}api/evidence/{key}")
            assert before.status_code == 403
            assert client.post(f"{url}api/rate", json=body, headers={"Origin": origin}).status_code == 200
            after = client.get(f"{url}api/evidence/{key}", timeout=30).json()["evidence"]
            assert after == {"starts": {"value": 1.0, "why": ""}}
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
        late.cancel()
    assert process.returncode == 0, rest
    assert "1 rating now; 1 of 3 outputs rated, in datasets/ratings/words" in rest
    assert "Traceback" not in rest
    assert len(kept(drawn)) == 1
    assert Path(drawn.root / "datasets/ratings/.gitattributes").read_text() == "*.jsonl merge=union\n"
