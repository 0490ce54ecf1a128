"""`touchstone.load` and `compare`: runs and baselines on disk, beside each other, and harmless in a notebook."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import touchstone
from touchstone.api import Comparison
from touchstone.baseline import take, write_baseline
from touchstone.conclusion import Conclusion, Gate
from touchstone.errors import UsageError
from touchstone.records import Outcome, Response, SampleRecord, Score, Usage
from touchstone.report import RunInfo
from touchstone.store import RunWriter

HOSTILE = "<img src=x onerror=alert(1)>\x1b[31m$$\\href{javascript:alert(1)}{x}$$ [x](javascript:1) `<script>`"
LEFT, RIGHT = "20260101-000000-00001", "20260202-000000-00002"


def sample(row: str, config: str, good: bool, **other: Any) -> SampleRecord:
    told = Response("x", usage=Usage(10, 2), cost=0.5, latency=1.0, source="live")
    scores = {"exact": Score(float(good), "why"), "half": Score(0.5)}
    outcome = Outcome("pass" if good else "miss", "" if good else "exact: 0.00")
    made = SampleRecord("words", row, config, 1, outcome, scores, input="?", output="x", request=row + config)
    return replace(made, response=told, row_hash=row.ljust(64, "0"), test=f"t[{row}:{config}]", **other)


def written(root: Path, name: str, records: Sequence[SampleRecord], ships: str = "main") -> Path:
    writer = RunWriter(root / ".touchstone/runs", name)
    for record in records:
        writer.append(record)
    writer.close()
    n = len({record.row for record in records})
    gate = Gate("words", "main", ("exact >= 0.5", "errors <= 0"), True, "t[gate:main]", ("t", 1, "t"), n, n)
    Conclusion(writer.folder, (gate,), RunInfo(name, "2026-01-01", ships), ()).describe()
    return writer.folder


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two runs of eight rows: `main` is right on none, then on all; `other` on the first two, and then on none."""
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "evals").mkdir()
    monkeypatch.chdir(tmp_path / "evals")  # the project is found from below
    rows = "abcdefgh"
    before = [sample(row, "main", False) for row in rows] + [sample(row, "other", row < "c") for row in rows]
    after = [sample(row, "main", True) for row in rows] + [sample(row, "other", False) for row in rows]
    written(tmp_path, LEFT, before)
    written(tmp_path, RIGHT, after)
    write_baseline(tmp_path / "evals/baseline.json", take(LEFT, "main", before, ["main"]))
    return tmp_path


def test_a_run_is_counted_as_its_report_counts_it(root: Path) -> None:
    run = touchstone.load(LEFT[:12])
    assert (run.id, run.ships, run.verdict, run.exit_status) == (LEFT, "main", "fail", None)
    assert [(one.run_config, one.score, one.mean, one.n, one.rows, one.errors) for one in run.scores] == [
        ("main", "passed", 0.0, 8, 8, 0),
        ("main", "exact", 0.0, 8, 8, 0),
        ("main", "half", 0.5, 8, 8, 0),
        ("other", "passed", 0.25, 8, 8, 0),
        ("other", "exact", 0.25, 8, 8, 0),
        ("other", "half", 0.5, 8, 8, 0),
    ]
    assert [one.verdict.kind for one in run.gates] == ["fail", "pass"]
    assert (run.cost, run.calls.count, run.calls.input_tokens) == (8.0, 16, 160)
    assert repr(run) == f"<run {LEFT}: FAIL: 1 of 2 gates of main not passed; 16 samples>"
    with pytest.raises(AttributeError):
        run.exit_status = 0  # type: ignore[misc]


def test_errors_are_counted_and_in_no_mean(root: Path) -> None:
    lost = replace(sample("a", "main", True), scores={}, errors={"call": "429"}, output=None, response=None)
    lost = replace(lost, outcome=Outcome("error", "429"))
    run = touchstone.load(written(root, "r3", [lost, sample("b", "main", True)]))
    assert [(one.score, one.mean, one.n, one.errors) for one in run.scores] == [
        ("passed", 1.0, 1, 1),
        ("exact", 1.0, 1, 1),
        ("half", 0.5, 1, 1),
    ]
    assert [(one.why, one.samples) for one in run.errors] == [("429", 1)]
    assert run.verdict == "fail"
    frame = run.to_pandas()
    assert frame[frame.row == "a"][["score", "outcome"]].to_numpy().tolist() == [["passed", "error"], ["call", "error"]]
    assert frame[frame.row == "a"].value.isna().all()


def test_every_way_to_name_what_is_there(root: Path) -> None:
    latest = touchstone.load()
    assert latest.id == RIGHT
    assert touchstone.load(latest) is latest
    from_here = Path("../.touchstone/runs") / LEFT
    assert [touchstone.load(one).id for one in ("latest", RIGHT, from_here)] == [RIGHT, RIGHT, LEFT]
    assert latest.folder is not None
    assert touchstone.load(latest.folder, root=root).id == RIGHT
    assert touchstone.load(str(latest.folder)).id == RIGHT
    for name in ("baseline", "evals/baseline.json"):
        kept = touchstone.load(name)
        assert (kept.samples, kept.folder, kept.ships, kept.verdict) == ((), None, "main", "not_judged")
        assert [(one.score, one.mean, one.n) for one in kept.scores] == [
            ("exact", 0.0, 8),
            ("half", 0.5, 8),
            ("passed", 0.0, 8),
        ]
        assert repr(kept) == f"<baseline of {LEFT}: 3 scores>"
        with pytest.raises(UsageError, match="has no page"):
            _ = kept.page


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("2027", f"there is no run 2027\n  runs: {LEFT}, {RIGHT}"),
        ("", "wants a run's name"),
        ("../..", "is no run's folder"),
        ("/etc", "is no run's folder"),
        ("evals/none.json", "there is no such baseline"),
        ("git:main", "git"),
        ("damaged", "damaged/run.json: is no run's description"),
    ],
)
def test_what_is_not_there_is_told_with_what_is(root: Path, name: str, words: str) -> None:
    if name == "damaged":
        folder = written(root, name, [sample("a", "main", True)])
        (folder / "run.json").write_text(json.dumps({"gates": 5, "info": {"id": [], "colour": "red"}}))
    with pytest.raises(UsageError) as caught:
        touchstone.load(name)
    assert words in str(caught.value)


def test_the_page_is_written_when_it_is_asked_for(root: Path) -> None:
    run = touchstone.load()
    assert run.folder is not None
    assert list(run.folder.glob("*.html")) == []
    assert run.page == run.folder / "report.html"
    assert run.page.read_text().startswith("<!doctype html>")


def test_without_pandas_it_is_told_what_to_install(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    for made in (touchstone.load(), touchstone.compare(LEFT, RIGHT)):
        with pytest.raises(UsageError, match=r"pandas is not installed\n  pip install pandas"):
            made.to_pandas()


class Tags(HTMLParser):
    """Every tag and attribute that a browser would see."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self.seen |= {tag, *(f"{tag} {name}" for name, _ in attrs)}


def test_hostile_texts_stay_texts_in_a_notebook(root: Path) -> None:
    bad = [
        sample(
            row,
            HOSTILE,
            False,
            eval=HOSTILE,
            scores={HOSTILE: Score(0.5, HOSTILE)},
            errors={HOSTILE: HOSTILE},
            outcome=Outcome("miss", HOSTILE),
        )
        for row in ("a", HOSTILE)
    ]
    run = touchstone.load(written(root, "r3", bad, HOSTILE))
    found = touchstone.compare(run, touchstone.load(written(root, "r4", bad, HOSTILE)), run_config=HOSTILE)
    scored = touchstone.score([({"input": HOSTILE, "id": "a"}, HOSTILE)], [named], run_config="x")
    for made in (run, found, scored):
        page = Tags(made._repr_html_())
        assert page.seen <= {
            *("div", "div class", "p", "strong", "ul", "li", "table", "thead", "tbody", "tr", "th", "th style", "td"),
            *("td style", "details", "summary"),
        }
        assert made._repr_html_().startswith('<div class="touchstone tex2jax_ignore mathjax_ignore">')
        assert "\x1b" not in repr(made) + made._repr_html_() + made._repr_markdown_()
        assert "onerror=" in made._repr_html_()


def named(sample: touchstone.Sample) -> dict[str, float]:
    return {HOSTILE: 0.5}


def test_run_configs_of_one_run(root: Path) -> None:
    found = touchstone.compare("other", "main")
    by = {one.score: one for one in found.differences}
    assert (found.first, found.second, set(by)) == ("other", "main", {"passed", "half"})
    one = by["passed"]
    assert (one.rows, one.first, one.second, one.difference, one.test) == (8, 0.0, 1.0, 1.0, "mcnemar")
    assert one.better == tuple("abcdefgh")
    assert one.worse == ()
    assert one.p == pytest.approx(2 * 0.5**8)
    assert one.p_holm == pytest.approx(2 * one.p)
    assert one.is_shown
    assert one.interval.low < 1 <= one.interval.high
    assert not by["half"].is_shown
    assert by["half"].smallest is not None
    assert repr(found).splitlines()[0].startswith("main against other ---")
    assert found.words[0].startswith("main is better than other at words: +100 points [")
    assert found.to_pandas()[["score", "better", "worse"]].to_numpy().tolist() == [["passed", 8, 0], ["half", 0, 0]]


def test_a_run_knows_its_project_from_elsewhere(
    root: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = touchstone.load()
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert touchstone.compare("main", "other", run=run).differences[0].difference == -1.0
    assert touchstone.compare("baseline", run).differences[0].difference == 1.0
    assert touchstone.load(root=root).id == run.id
    with pytest.raises(UsageError, match="there is no run"):
        touchstone.load()


def test_two_runs_a_run_and_the_baseline_and_another_run_config(root: Path) -> None:
    left, right = touchstone.load(LEFT), touchstone.load(RIGHT)

    def moved(found: Comparison) -> tuple[str, str, float]:
        return found.first, found.second, found.differences[0].difference

    assert moved(touchstone.compare(left, right)) == (f"main in {LEFT}", f"main in {RIGHT}", 1.0)
    assert moved(touchstone.compare(LEFT, right)) == (f"main in {LEFT}", f"main in {RIGHT}", 1.0)
    assert moved(touchstone.compare(left, right, run_config="other"))[2] == -0.25
    assert moved(touchstone.compare("baseline", right, score="exact")) == (
        "main in the baseline",
        f"main in {RIGHT}",
        1.0,
    )
    assert moved(touchstone.compare("main", "other", run=left))[2] == 0.25


@pytest.mark.parametrize(
    ("sides", "asked", "words"),
    [
        (("mane", "other"), {}, f"'mane': there is no run mane\n  run-configs of {RIGHT}: main, other; runs: "),
        (("main", "main"), {}, "would be compared with itself"),
        (("main", "other"), {"eval": "x"}, "do not share the eval 'x'\n  evals: words; scores: passed, exact, half"),
        (("main", "other"), {"run": "2027"}, "there is no run 2027"),
        ((LEFT, RIGHT), {"run_config": "x"}, "has no sample of 'x'\n  its run-configs: main, other"),
        (("baseline", RIGHT), {"run_config": "other"}, "the baseline has no scores of 'other'"),
    ],
)
def test_what_cannot_be_compared_is_told(root: Path, sides: tuple[str, str], asked: dict[str, str], words: str) -> None:
    with pytest.raises(UsageError) as caught:
        touchstone.compare(*sides, **asked)  # type: ignore[arg-type]
    assert words in str(caught.value)


def test_in_a_notebook_a_comparison_is_text_and_nothing_is_displayed_on_the_way(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = repr(touchstone.compare("other", "main"))
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
    assert repr(touchstone.compare("other", "main")) == plain
    assert "points 95 %" in plain
    assert capsys.readouterr().out == ""
