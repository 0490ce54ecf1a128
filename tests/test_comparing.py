"""Comparing run-configs and runs: who with whom, what is paired, what is said; and the A/A check."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from markdown_it import MarkdownIt
from projects import TWO_RUN_CONFIGS, Project
from rich.cells import cell_len

from touchstone.cli import main
from touchstone.comparing import choose, compare, compared, self_check
from touchstone.comparing.sides import Side, of_run
from touchstone.comparing.wording import points, probability
from touchstone.errors import UsageError
from touchstone.records import Outcome, SampleRecord, Score
from touchstone.store import RUN_FILE, RunWriter, write_json


def record(row: str, value: float, run_config: str = "a", *, kind: str = "", **more: Any) -> SampleRecord:
    outcome = Outcome(kind or ("pass" if value == 1 else "miss"))  # type: ignore[arg-type]
    scores = {name: Score(v) for name, v in more.pop("scores", {"good": value}).items()}
    test = f"{more.get('eval', 'e')}/{row}/{run_config}/{more.get('epoch', 1)}"
    hash_, eval_, epoch = more.pop("hash_", "h"), more.pop("eval", "e"), more.pop("epoch", 1)
    return SampleRecord(eval_, row, run_config, epoch, outcome, scores, row_hash=hash_, test=test, **more)


def side(values: Iterable[float], name: str = "a", **more: Any) -> Side:
    records = [record(f"r{index:03}", value, name, **more) for index, value in enumerate(values)]
    return Side(name, "run", name, tuple(records))


def text(*pairs: tuple[Side, Side], flips: bool = False, style: str = "terminal") -> str:
    return compared(compare(pairs), style, flips=flips)


def flat(shown: str) -> str:
    """Without the breaks of lines."""
    return " ".join(shown.split())


@pytest.fixture
def runs(tmp_path: Path) -> Callable[..., Path]:
    def write(name: str, records: Iterable[SampleRecord], shipping: str = "a") -> Path:
        writer = RunWriter(tmp_path, name)
        for one in records:
            writer.append(one)
        writer.close()
        write_json(tmp_path / name / RUN_FILE, {"v": 1, "gates": [], "info": {"id": name, "shipping": shipping}})
        return tmp_path

    return write


# Figures


def test_a_difference_is_paired_tested_and_named_row_by_row() -> None:
    (one,) = compare([(side([1.0] * 60), side([0.0] * 12 + [1.0] * 48, "b"))])
    (score,) = one.scores
    assert (score.eval, score.score, score.first, score.second) == ("e", "passed", 1.0, 0.8)
    assert (score.found.n, score.found.worse, score.found.p) == (60, 12, pytest.approx(2 / 2**12))
    assert score.worse == tuple(f"r{index:03}" for index in range(12))
    assert score.better == ()
    assert score.smallest is not None
    assert one.left_out == ()


def test_holm_counts_everything_that_is_shown() -> None:
    first, others = side([1.0] * 20), [side([0.0] * 6 + [1.0] * 14, name) for name in "bc"]
    found = compare([(first, other) for other in others])
    assert [score.found.p for one in found for score in one.scores] == pytest.approx([2 / 64] * 2)
    assert [score.adjusted for one in found for score in one.scores] == pytest.approx([4 / 64] * 2)
    shown = flat(text(*[(first, other) for other in others]))
    assert "perhaps b is worse than a at e: -30 points" in shown
    assert "p 0.031, but among 2 comparisons 0.062" in shown


def test_a_score_that_is_what_passed_is_stands_once_and_one_that_is_not_beside_it() -> None:
    first = [record(f"r{i}", 1.0, scores={"good": 1.0, "stars": 0.75}) for i in range(9)]
    second = [record(f"r{i}", 1.0, "b", scores={"good": 1.0, "stars": 0.5}) for i in range(9)]
    sides = Side("a", "run", "a", tuple(first)), Side("b", "run", "b", tuple(second))
    (one,) = compare([sides])
    assert [score.score for score in one.scores] == ["passed", "stars"]
    assert one.scores[1].found.test == "sign-flip"
    (only,) = compare([sides], score="good")
    assert [score.score for score in only.scores] == ["good"]


def test_only_rows_with_the_same_content_are_compared_and_the_others_are_named() -> None:
    first = [record("same", 1.0), record("edited", 1.0), record("old", 1.0), record("x", 1.0, kind="error")]
    second = [record("same", 0.0, "b"), record("edited", 0.0, "b", hash_="other"), record("new", 0.0, "b")]
    second += [record("x", 1.0, "b", kind="skipped")]
    pair = Side("a", "run", "a", tuple(first)), Side("b", "run", "b", tuple(second))
    (one,) = compare([pair])
    assert one.scores[0].found.n == 1
    (left,) = one.left_out
    assert (left.edited, left.only_first, left.only_second) == (("edited",), ("old",), ("new",))
    shown = flat(text(pair))
    for words in (
        "e: not compared: 1 row edited in between: edited",
        "e: not compared: 1 row only in a: old",
        "e: not compared: 1 row only in b: new",
        "e: a: 1 sample with an error: left out",
        "e: b: 1 sample skipped: left out",
        "this row could not have shown any: too few",
    ):
        assert words in shown


def test_nothing_to_compare_is_a_usage_error_with_what_there_is() -> None:
    pair = side([1.0]), side([1.0], "b")
    for eval_, score, why in (("x", None, "the eval 'x'"), (None, "y", "a score 'y'")):
        with pytest.raises(UsageError, match=f"do not share {why}") as caught:
            compare([pair], eval_, score)
        assert caught.value.hint == "evals: e; scores: passed, good"
    with pytest.raises(UsageError, match="no row was measured by both"):
        compare([(side([1.0]), side([1.0], "b", hash_="other"))])


def test_repeats_are_told_with_pass_at_k_and_flaky_rows() -> None:
    def repeated(name: str, passes: dict[str, str]) -> Side:
        found = [record(r, float(p), name, epoch=e) for r, ps in passes.items() for e, p in enumerate(ps, 1)]
        return Side(name, "run", name, tuple(found))

    pair = repeated("a", {"x": "111", "y": "101", "z": "000"}), repeated("b", {"x": "111", "y": "111", "z": "000"})
    (one,) = compare([pair])
    assert one.scores[0].found.test == "sign-flip"
    assert [(each.side, each.found.k, each.found.flaky) for each in one.repeated] == [("a", 3, ("y",)), ("b", 3, ())]
    shown = flat(text(pair))
    assert "e: a: pass@3 67 " in shown
    assert "pass^3 33 " in shown
    assert "1 flaky: y" in shown
    assert "no flaky row" in shown


# Words


def test_plain_words_come_first_and_the_differences_first_of_them() -> None:
    a = side([1.0] * 40, eval="z").records + side([1.0] * 40, eval="b").records
    b = side([0.0] * 15 + [1.0] * 25, "b", eval="z").records + side([1.0] * 40, "b", eval="b").records
    shown = text((Side("a", "run", "a", a), Side("b", "run", "b", b)))
    lines = [line for line in shown.splitlines() if line]
    assert lines[0].startswith("b against a ---")
    assert lines[1].startswith("* b is worse than a at z: -38 points [-52, -20]")
    assert lines[2].startswith("* no difference shown at b: 0 points [-7, +7]; these 40 rows could have shown")


def test_flips_are_named_a_few_or_all() -> None:
    pair = side([1.0] * 30), side([0.0] * 10 + [1.0] * 20, "b")
    assert "e: 10 worse: r000, r001, r002, r003, r004 and 5 more" in flat(text(pair))
    assert "r009" in flat(text(pair, flips=True))
    assert "more" not in text(pair, flips=True)


@pytest.mark.parametrize(
    ("value", "shown"), [(0.0, "0"), (-0.0, "0"), (1e-5, "0"), (0.004, "+0.4"), (-0.09, "-9"), (1.0, "+100")]
)
def test_points(value: float, shown: str) -> None:
    assert points(value) == shown


@pytest.mark.parametrize(("p", "shown"), [(1e-9, "<0.001"), (0.0312, "0.031"), (0.4, "0.40"), (1.0, "1.00")])
def test_probabilities(p: float, shown: str) -> None:
    assert probability(p) == shown


HOSTILE = "\x1b[31m[red]x[/] | `code` <b>@you</b> \u202e##[error]" + "y" * 300


def test_hostile_names_break_no_form_of_it() -> None:
    pair = tuple(
        Side(
            HOSTILE,
            "run",
            "c",
            tuple(record(HOSTILE + str(i), value, eval=HOSTILE, scores={HOSTILE: 0.5}) for i in range(8)),
        )
        for value in (0.0, 1.0)
    )
    plain = text(pair, flips=True)  # type: ignore[arg-type]
    assert not set(plain) & {"\x1b", "\u202e"}
    assert "##[" not in plain
    assert max(cell_len(line) for line in plain.splitlines()) <= 80
    page = MarkdownIt("commonmark", {"html": True}).enable("table").render(text(pair, style="markdown"))  # type: ignore[arg-type]
    assert "<b>" not in page
    assert page.count("<table>") == 1
    assert json.loads(text(pair, style="json"))["comparisons"][0]["first"] == HOSTILE  # type: ignore[arg-type]


def test_wide_tables_fit_eighty_columns() -> None:
    first, second = (
        Side(
            n * 50,
            "run",
            n,
            tuple(record(f"{'long-' * 15}{i}", float(i % 3 > 0), eval="eval_" * 9) for i in range(900)),
        )
        for n in "ab"
    )
    second = replace(second, records=tuple(replace(r, outcome=Outcome("pass")) for r in second.records))
    assert max(len(line) for line in text((first, second)).splitlines()) <= 80


# Who with whom


def test_names_are_run_configs_of_the_last_run_or_runs(runs: Callable[..., Path]) -> None:
    runs("1-old", [record("x", 1.0, "a"), record("x", 1.0, "b")])
    folder = runs("2-new", [record("x", 0.0, "a"), record("x", 0.0, "b")], shipping="b")
    ((first, second),) = choose(folder, ["a", "b"])
    assert (first.name, second.name, first.run) == ("a", "b", "2-new")
    ((first, second),) = choose(folder, ["b", "a"], run="1")
    assert (first.name, first.run) == ("b", "1-old")
    ((first, second),) = choose(folder, ["1-old", "2-new"])
    assert (first.name, second.name) == ("a in 1-old", "b in 2-new")
    ((first, second),) = choose(folder, ["1", "2"], run_config="a")
    assert (first.name, second.name) == ("a in 1-old", "a in 2-new")
    assert [pair[0].name for pair in choose(folder, ["a", "b"], against="1")] == ["a in 1-old", "b in 1-old"]
    ((first, second),) = choose(folder, [], against="1")
    assert (first.name, second.name) == ("b in 1-old", "b in 2-new")


@pytest.mark.parametrize(
    ("names", "more", "why"),
    [
        (["a"], {}, "for example: touchstone compare a b"),
        (["a", "a"], {}, "the same name stands twice"),
        (["a", "c"], {}, "'c' is no run-config of the run 1, and no run\n  its run-configs: a, b; runs: 1"),
        (["a", "b"], {"run": "9"}, "there is no run 9"),
        (["c"], {"against": "1"}, "the run 1 has no sample of 'c'"),
        ([], {"against": "1"}, "no run-config of the run 1 ships\n  name one with --run-config: a, b"),
    ],
)
def test_a_name_that_is_nothing_says_what_there_is(
    runs: Callable[..., Path], names: list[str], more: dict[str, str], why: str
) -> None:
    folder = runs("1", [record("x", 1.0, "a"), record("x", 1.0, "b")], shipping="")
    with pytest.raises(UsageError) as caught:
        choose(folder, names, **more)  # type: ignore[arg-type]
    assert why in str(caught.value)


def test_a_sample_that_was_run_again_counts_once(runs: Callable[..., Path]) -> None:
    folder = runs("1", [record("x", 0.0), record("x", 1.0), record("x", 1.0, "b")])
    (one,) = compare(choose(folder, ["a", "b"]))
    assert (one.scores[0].found.n, one.scores[0].first) == (1, 1.0)


# A/A


def epochs(rows: int, times: int, chance: Callable[[int], float], seed: int = 1) -> Side:
    rng = random.Random(seed)
    found = [
        record(f"r{i}", float(rng.random() < chance(i)), epoch=e) for i in range(rows) for e in range(1, times + 1)
    ]
    return Side("a", "run", "a", tuple(found))


@pytest.mark.parametrize("times", [2, 3, 4])
def test_halves_of_the_same_epochs_raise_few_alarms(times: int) -> None:
    (found,) = self_check(epochs(40, times, lambda row: 0.2 + 0.6 * (row % 2)), 300)
    assert (found.rows, found.times) == (40, 300)
    assert found.moving > 10
    assert not found.too_many
    assert found.alarms < 300 * 0.08


def test_the_check_would_see_a_test_that_is_too_keen(monkeypatch: pytest.MonkeyPatch) -> None:
    import touchstone.comparing.chances as chances

    monkeypatch.setattr(chances, "ALARM", 0.5)
    (found,) = chances.self_check(epochs(40, 4, lambda row: 0.5), 300)
    monkeypatch.setattr(chances, "ALARM", 0.05)
    assert found.too_many


def test_a_check_is_the_same_each_time() -> None:
    once = epochs(20, 4, lambda row: 0.5)
    assert self_check(once, 50) == self_check(once, 50)


def test_a_run_without_repeats_says_how_to_make_one(runs: Callable[..., Path]) -> None:
    with pytest.raises(UsageError, match="--epochs 4 --run-config a"):
        self_check(of_run(runs("1", [record("x", 1.0)]), None, None))


# The commands, on a project


def touchstone(project: Project, *args: str) -> Result:
    return CliRunner().invoke(main, ["--root", str(project.root), *args])


EVAL = """
import pytest

@pytest.mark.eval(dataset="words", gates=["passed >= 0"])
def test_words(output, run_config):
    assert run_config.name == "main" or not output.endswith("!")
"""


@pytest.mark.parametrize("workers", [0, 2])
def test_compare_and_selfcheck_on_a_run(project: Project, workers: int) -> None:
    project.write("evals/run_configs.yaml", TWO_RUN_CONFIGS)
    project.rows(*[f"word{i}" + "!" * (i < 10) for i in range(24)])
    project.eval(EVAL)
    project.run("--epochs", "2", workers=workers)
    done = touchstone(project, "compare", "main", "other")
    assert done.exit_code == 0
    assert "* other is worse than main at words: -42 points [" in done.output
    assert "words: 10 worse: a, b, c, d, e and 5 more" in done.output
    assert "words: main: pass@2 100 >=" in done.output
    data = json.loads(touchstone(project, "compare", "main", "other", "--format", "json").output)
    assert data["comparisons"][0]["scores"][0]["found"]["p"] == pytest.approx(2 / 2**10)
    check = touchstone(project, "selfcheck", "--aa", "--times", "10")
    assert (check.exit_code, "this checks nothing" in check.output) == (0, True)
    wrong = touchstone(project, "selfcheck")
    assert (wrong.exit_code, "--aa" in wrong.output) == (2, True)


def test_commands_without_a_run_say_what_to_do(project: Project) -> None:
    for args in (("compare", "a", "b"), ("selfcheck", "--aa"), ("baseline", "update")):
        done = touchstone(project, *args)
        assert (done.exit_code, "pytest evals/ makes one" in done.output) == (1, True)


def test_runs_of_two_versions_of_the_app_are_compared(project: Project) -> None:
    project.eval(EVAL.replace('run_config.name == "main" or not output.endswith("!")', 'output.startswith("good")'))
    project.rows(*[f"good {i}" for i in range(12)])
    project.run()
    project.write("app.py", "def echo(request):\n    return 'bad'\n")
    project.run("--calls", "live")
    first, second = (run.name for run in project.runs)
    done = touchstone(project, "compare", first, second)
    assert f"main in {second} is worse than main in {first} at words: -100" in flat(done.output)
    assert touchstone(project, "compare", "--against", first, "--run", second).output == done.output
    assert "\x1b" not in done.output
