"""A run beside what main stands on: the first five lines, what is compared and what is not, and that it fits."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from markdown_it import MarkdownIt
from projects import TWO_RUN_CONFIGS, Project
from repositories import Repository
from test_report import ATTACKS, structure, widest

from touchstone.baseline import Baseline, take, write_baseline
from touchstone.cli import main
from touchstone.conclusion import Conclusion
from touchstone.gates import Verdict
from touchstone.places import PLACES, Places
from touchstone.records import Outcome, Response, SampleRecord, Score, Usage
from touchstone.report import GateResult, RunInfo, as_json, markdown, summarise, terminal
from touchstone.report.fitting import LIMIT, Block, fitted
from touchstone.reporting import compared
from touchstone.store import RUN_FILE, RunWriter, write_json

SCORED = """
import pytest

def good(sample):
    return 1.0 if sample.output.startswith("good") else 0.0

@pytest.mark.eval(dataset="words", scorers=[good], gates=["passed >= 0.0"])
def test_words(sample):
    sample.require("good")
"""


def record(row: str, value: float, *, eval_: str = "e", run_config: str = "ships", **more: Any) -> SampleRecord:
    kind = more.pop("kind", "pass" if value == 1 else "miss")
    tokens = more.pop("tokens", 10)
    answer = more.pop("output", f"answer of {row}")
    response = None if tokens is None else Response(answer, usage=Usage(100, tokens), cost=0.001, source="recording")
    why = more.pop("why", "" if kind == "pass" else "wrong")
    scores = {name: Score(v) for name, v in more.pop("scores", {}).items()}
    return SampleRecord(
        eval_,
        row,
        run_config,
        more.pop("epoch", 1),
        Outcome(kind, why),
        scores,
        output=answer,
        response=response,
        row_hash=more.pop("hash_", f"{row:0<64}"),
        test=f"{eval_}/{row}/{run_config}/{more.pop('e', 1)}",
        **more,
    )


def rows(passes: Iterable[float], **more: Any) -> list[SampleRecord]:
    return [record(f"r{index:04}", value, **more) for index, value in enumerate(passes)]


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places.of(tmp_path, lambda name: PLACES[name][0])


def write(places: Places, name: str, records: Iterable[SampleRecord], **meta: Any) -> None:
    writer = RunWriter(places.state / "runs", name)
    for one in records:
        writer.append(one)
    writer.close()
    info = {"id": name, "shipping": "ships"}
    write_json(places.state / "runs" / name / RUN_FILE, {"v": 1, "gates": [], "info": info, **meta})


def laid(
    places: Places, before: Iterable[SampleRecord], now: Iterable[SampleRecord], against: str = "before", **meta: Any
) -> tuple[str, dict[str, Any], str]:
    """(Markdown, JSON, terminal) of a run `now` against a run `before`."""
    write(places, "before", before, **meta.pop("then", {}))
    write(places, "now", now, **meta.pop("since", {}))
    run = Conclusion.read(places.state / "runs/now")
    other = compared(places, run, against, **meta)
    summary = run.summary
    return markdown(summary, other), as_json(summary, other)["comparison"], terminal(summary, beside=other)


def five(text: str) -> list[str]:
    return text.splitlines()[:5]


# The first five lines


def test_the_first_lines_say_what_changed_and_that_it_is_real(places: Places) -> None:
    text, data, shown = laid(places, rows([1.0] * 60 + [0.0] * 40), rows([1.0] * 45 + [0.0] * 55, tokens=15))
    title, worse, others, costs, *_ = five(text)
    assert title == "## Evals: worse at 1 of 1 score against `the run before`; no gate decides this run" or (
        title == "## Evals: worse at 1 of 1 score against the run before; no gate decides this run"
    )
    assert worse == (
        "* **worse: e of ships: 60 -> 45 %, -15 [-22, -7] points over 100 rows (15 fell, 0 rose), "
        "real by the paired test**"
    )
    assert others == "* every score differs"
    assert costs == (
        "* input tokens per answer 100.0 (same), output tokens per answer 10.0 -> 15.0 (+50 %), "
        "cost per 1,000 answers $1.00 (same)"
    )
    assert "-15 [-22, -7] points over 100 rows" in " ".join(shown.split())
    (one,) = data["run_configs"]
    assert one["scores"][0]["found"]["p"] < 0.001
    assert one["took"]["now"]["output_tokens"] == 1500


def test_nothing_shown_says_what_the_rows_could_have_shown(places: Places) -> None:
    text, _, _ = laid(places, rows([1.0] * 30 + [0.0] * 30), rows([0.0] + [1.0] * 29 + [0.0] * 30))
    title, none, *_ = five(text)
    assert "no difference shown against" in title
    assert re.fullmatch(r"\* no difference shown at e; their rows could have shown \d+ points", none)
    few, _, _ = laid(replace(places, state=places.root / "few"), rows([1.0, 0.0]), rows([0.0, 1.0]))
    assert "no difference shown at e; too few rows to show any" in few


def test_better_and_worse_and_perhaps_stand_apart_and_holm_counts_all(places: Places) -> None:
    def side(*passes: int) -> list[SampleRecord]:
        return [
            r for at, n in enumerate(passes) for r in rows([1.0] * n + [0.0] * (60 - n), eval_=f"eval{at}", scores={})
        ]

    text, data, _ = laid(places, side(40, 20, 30, 30), side(20, 40, 24, 30))
    lines = five(text)
    assert "worse at 1 and better at 1 of 4 scores" in lines[0]
    assert lines[1].startswith("* **worse: eval0 of ships: 67 -> 33 %")
    assert lines[2].startswith("* **better: eval1 of ships: 33 -> 67 %")
    assert lines[3].startswith("* perhaps, but not beyond chance among 4 comparisons: eval2 -10 [")
    assert "no difference shown at eval3" in lines[3]
    assert lines[4] == "* tokens and cost per answer: same"
    assert "▼ -33" in text
    assert "▲ +33" in text
    assert "△" not in text.split("Per cent of samples")[0]
    assert "▽ -10" in text
    assert data["comparisons"] == 4


def test_however_many_scores_differ_it_is_five_lines(places: Places) -> None:
    before = [r for at in range(40) for r in rows([float(at % 2)] * 30, eval_=f"eval_{at:02}")]
    now = [r for at in range(40) for r in rows([1.0 - at % 2] * 30, eval_=f"eval_{at:02}")]
    text, _, shown = laid(places, before, now)
    head = text.split("\n\n")[0].splitlines()
    assert len(head) == 5
    assert "worse at 20 and better at 20 of 40 scores" in head[0]
    assert "and eval\\_05" in head[1]
    assert " and 12 more" in head[1]
    assert max(map(len, head)) < 1500
    assert widest(shown) <= 80


def test_the_terminal_says_the_same_in_ascii_within_eighty_columns(places: Places) -> None:
    _, _, shown = laid(places, rows([1.0] * 60), rows([1.0] * 40 + [0.0] * 20))
    assert shown.isascii()
    assert widest(shown) <= 80
    assert "worse at 1 of 1 score against the run before ---" in shown


# Rows


def test_new_removed_and_edited_rows_are_named_and_not_compared(places: Places) -> None:
    same = rows([1.0] * 10)
    before = [*same, record("edited", 1.0), record("removed", 1.0)]
    now = [*same, record("edited", 0.0, hash_="another" * 9), record("new_one", 0.0), record("lost", 0, kind="error")]
    text, data, _ = laid(places, before, now)
    assert "rows: 2 new, 1 removed, 1 edited" in five(text)[2]
    assert "1 sample without an answer or a score" in five(text)[2]
    for line in ("* e: 2 new: lost, new\\_one", "* e: 1 removed: removed", "* e: 1 edited: edited"):
        assert line in text
    assert "1 sample with an error now" in text
    assert data["run_configs"][0]["scores"][0]["found"]["n"] == 10


@pytest.mark.parametrize("chosen", [("-k", "r1 or r2"), ("--rows", "2")], ids=["-k", "--rows"])
def test_rows_that_were_not_selected_are_not_called_removed(project: Project, chosen: tuple[str, str]) -> None:
    project.write("evals/run_configs.yaml", TWO_RUN_CONFIGS)
    project.dataset([{"id": f"r{i}", "input": f"w{i}"} for i in range(4)])
    project.eval(SCORED)
    project.run()
    project.run(*chosen)
    there = Places.of(project.root, lambda name: PLACES[name][0])
    home = Conclusion.read(project.runs[-1])
    text = markdown(home.summary, compared(there, home, project.runs[-2].name))
    assert "rows: 2 not selected" in text
    assert "removed" not in text


def test_rows_that_turned_show_both_answers_folded_what_is_the_same_once(places: Places) -> None:
    before = [record("a", 1.0, output="Sure.\nold command\n"), record("b", 0.0, output="bad", why="was wrong")]
    now = [record("a", 0.0, output="Sure.\nnew command\n", why="two streams"), record("b", 1.0, output="")]
    text, _, _ = laid(places, before, now)
    assert "<details><summary>Answers before and now: 1 row that got worse</summary>" in text
    assert "`a` of e: passed -> missed\n<br>now: `two streams`\n" in text
    assert "```diff\n| Sure.\n- old command\n+ new command\n```" in text
    assert "`b` of e: missed -> passed\n<br>before: `was wrong`" in text
    assert "```diff\n- bad\n+ (an empty answer)\n```" in text
    assert text.count("<details>") == text.count("</details>")


def test_where_no_answer_is_there_the_first_lines_say_that_it_is_why(places: Places) -> None:
    now = [record(row, 0, kind="error", why="no recording") for row in "ab"]
    text, _, _ = laid(places, rows([1.0, 1.0]), now)
    assert five(text)[1] == "* nothing could be compared: 2 samples without an answer or a score now, see Errors"
    assert "without an answer" not in five(text)[2]


def test_answers_of_before_that_nobody_kept_are_said_to_be_lacking(places: Places) -> None:
    write_baseline(places.baseline, take("gone", "ships", [record("a", 1.0)], ["ships"]))
    text, _, _ = laid(places, [], [record("a", 0.0, output="the new one")], str(places.baseline))
    assert "<summary>Answers now (those of before are not here): 1 row that got worse</summary>" in text
    assert "```diff\n| the new one\n```" in text


def test_repeated_rows_turn_by_their_share(places: Places) -> None:
    before = [record("a", 1.0, epoch=e, e=e) for e in (1, 2)]
    now = [record("a", 1.0), record("a", 0.0, epoch=2, e=2, output="the bad one")]
    text, _, _ = laid(places, before, now)
    assert "`a` of e: passed -> passed 50 % of its epochs" in text
    assert "+ the bad one" in text


def test_an_eval_that_one_side_lacks_is_named(places: Places) -> None:
    text, data, _ = laid(places, rows([1.0], eval_="old"), rows([1.0], eval_="fresh"))
    assert "nothing could be compared against" in five(text)[0]
    assert five(text)[1] == "* nothing could be compared: no row of now was measured before with the same content"
    assert "new evals: fresh; not run: old" in "\n".join(five(text))
    assert data["run_configs"][0]["only_second"] == ["fresh"]


# Baselines


def test_a_baseline_compares_what_ships_and_takes_its_runs_answers_where_they_are(places: Places) -> None:
    before = rows([1.0] * 20, scores={"graded": 1 / 3})
    write_baseline(places.baseline, take("before", "ships", before, ["ships"]))
    now = rows([0.0] * 6 + [1.0] * 14, scores={"graded": 1 / 3}, output="another")
    text, data, _ = laid(places, before, now, "evals/baseline.json")
    assert "`evals/baseline.json`" in five(text)[0]
    assert "- answer of r0000\n+ another" in text
    scores = {one["score"]: one["found"] for one in data["run_configs"][0]["scores"]}
    assert (scores["passed"]["worse"], scores["graded"]["worse"], scores["graded"]["better"]) == (6, 0, 0)
    for file in (places.state / "runs/before").iterdir():
        file.unlink()
    (places.state / "runs/before").rmdir()
    run = Conclusion.read(places.state / "runs/now")
    alone = markdown(run.summary, compared(places, run, "evals/baseline.json"))
    assert "answer of" not in alone
    assert "\n| another" in alone


def test_a_baseline_of_version_1_has_no_costs_and_says_so(places: Places) -> None:
    kept = {"ships": {"passed": {"r0000": ["r0000000", 1.0]}}}
    places.baseline.parent.mkdir(parents=True)
    places.baseline.write_text(json.dumps({"v": 1, "run": "x", "ships": "ships", "evals": {"e": kept}}))
    text, data, _ = laid(places, [], rows([1.0]), "evals/baseline.json")
    assert "cost and tokens: not known of both sides" in "\n".join(five(text))
    assert data["run_configs"][0]["took"] == {"before": None, "now": None}


def test_a_score_that_something_else_gives_now_is_not_compared_and_said(places: Places) -> None:
    then = {"scorers": {"e": {"passed": "1", "graded": "1"}}}
    since = {"scorers": {"e": {"passed": "1", "graded": "2"}}}
    before, now = rows([1.0] * 9, scores={"graded": 0.5}), rows([1.0] * 9, scores={"graded": 0.25})
    text, data, _ = laid(places, before, now, then=then, since=since)
    assert "the scorer changed, so not compared: e" in "\n".join(five(text))
    assert "* e: graded: what gives this score has changed" in text
    assert data["run_configs"][0]["changed"] == [["e", "graded"]]
    assert [one["score"] for one in data["run_configs"][0]["scores"]] == ["passed"]
    unknown, _, _ = laid(places, before, now, since=since)
    assert "the scorer changed" not in unknown


def test_a_run_config_that_is_named_is_compared_with_itself_or_else_with_what_shipped(places: Places) -> None:
    both = [*rows([1.0] * 9), *rows([0.0] * 9, run_config="other")]
    _, data, _ = laid(places, both, [*both, *rows([1.0] * 9, run_config="third")], run_configs=["other", "third"])
    assert [(one["run_config"], one["first"]) for one in data["run_configs"]] == [
        ("other", "other in before"),
        ("third", "ships in before"),
    ]


# Hostile text


@pytest.mark.parametrize("attack", [*ATTACKS, "```\n::set-output name=x::y\n@octocat closes #12", "~~~\n```\n# x"])
def test_hostile_answers_and_reasons_stay_text(places: Places, attack: str) -> None:
    def made(text: str) -> str:
        before = [record("a", 1.0, output=text), record("b", 0.0, why=text or "no", output="x")]
        now = [record("a", 0.0, output=f"{text}!", why=text or "no"), record("b", 1.0, output=text)]
        return laid(places, before, now)[0]

    text = made(attack)
    text.encode()
    assert not re.search(r"^\s*::|##\[|^\s*#[^# ]", text, re.MULTILINE)
    page = render(text)
    assert "@" not in bare(page)
    assert not re.search(r"#\d", bare(page))
    assert not re.search(r"<(img|a|script|style|iframe)\b", page)
    assert frame(page) == frame(render(made("harmless")))


@pytest.mark.parametrize("attack", [text for text in ATTACKS if text.strip()], ids=repr)
def test_hostile_names_of_rows_evals_and_refs_stay_text(places: Places, attack: str) -> None:
    before = [record(attack, 1.0, eval_=attack, run_config="ships"), record("gone" + attack, 1.0, eval_=attack)]
    now = [record(attack, 0.0, eval_=attack), record("new" + attack, 0.0, eval_=attack), record("x", 1, eval_="y")]
    text, data, shown = laid(places, before, now)
    assert widest(shown) <= 80
    assert not re.search(r"^\s*::|##\[", text + shown, re.MULTILINE)
    page = render(text)
    assert "@" not in bare(page)
    assert not re.search(r"<(img|a|script|style|iframe)\b", page)
    assert len(five(text)) == 5
    json.dumps(data, ensure_ascii=False).encode()


@pytest.mark.parametrize("name", ["www.evil.example", "fixes GH-12", "a:smile:b", "org/repo#3", "@me", "x://y"])
def test_names_that_github_would_link_are_code(places: Places, name: str) -> None:
    text, _, _ = laid(places, [record(name, 1.0)], [record(name, 0.0)])
    assert f"1 worse: `{name}`" in text


def render(text: str) -> str:
    return str(MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(text))


def bare(page: str) -> str:
    """What is read as text: no code."""
    return re.sub(r"<code\b.*?</code>", "", page, flags=re.DOTALL)


def frame(page: str) -> list[str]:
    return structure(re.sub(r"<code class.*?</code>", "<code>", page, flags=re.DOTALL))


# The limit


def test_sixty_kilobytes_whatever_the_run_and_what_is_left_out_is_counted(places: Places) -> None:
    wide = "漢字 | `x` " * 400
    before = [r for at in range(30) for r in rows([1.0] * 60, eval_=f"eval{at:03}", output=wide)]
    now = [r for at in range(30) for r in rows([0.0] * 60, eval_=f"eval{at:03}", output=f"{wide}!", why=wide)]
    text, _, _ = laid(places, before, now)
    assert len(text.encode()) <= LIMIT
    assert re.search(r"[\d,]+ more rows left out here, as GitHub shows no longer text\.", text)
    assert "6 more evals left out" in text
    assert text.count("<details>") == text.count("</details>")
    page = render(text)
    assert page.count("<table>") == page.count("</table>")


@pytest.mark.parametrize("number", [1, 1000])
def test_a_run_without_a_baseline_fits_too(number: int) -> None:
    records = [
        record(f"row{at}", 0.0, eval_=f"eval-{at % 200}", run_config=f"config-{at % number}", scores={"s" * 50: 0.5})
        for at in range(1000)
    ]
    gates = [GateResult(f"e{at}", "ships", True, Verdict("r", "fail", "why " * 200)) for at in range(number)]
    text = markdown(summarise(records, gates, RunInfo("x", shipping="ships")))
    assert len(text.encode()) <= LIMIT
    assert text.startswith("## Evals: FAIL")


def test_blocks_are_served_by_rank_and_stand_in_order() -> None:
    long = tuple("x" * 99 for _ in range(50))
    blocks = [
        Block("first", ("# one",), long, rank=2, noun="row", share=100_000),
        Block("second", ("# two",), long, rank=1, noun="row", share=2000),
        Block("third", ("y" * 5000,), rank=3),
    ]
    text = fitted(blocks, 5000)
    assert len(text.encode()) <= 5000
    assert text.index("# one") < text.index("# two")
    first, second = text.split("# two")
    assert second.count("x" * 99) == 18
    assert "32 more rows left out here" in second
    shown = first.count("x" * 99)
    assert f"{50 - shown} more rows left out here" in first
    assert text.endswith("Left out, as GitHub shows no longer text: third.\n")


# The command


def touchstone(project: Project, *args: str) -> Result:
    return CliRunner().invoke(main, ["--root", str(project.root), *args])


def test_the_report_against_a_branch_without_a_checkout(project: Project) -> None:
    project.eval(SCORED)
    project.dataset([{"id": f"r{at}", "input": f"good {at}"} for at in range(12)])
    repository = Repository.at(project.root)
    project.run()
    assert touchstone(project, "baseline", "update", project.runs[-1].name).exit_code == 0
    repository.git("add", "evals", "datasets", "app.py")
    repository.git("commit", "--quiet", "-m", "main")
    repository.git("checkout", "--quiet", "-b", "topic")
    (project.root / "evals/baseline.json").write_text("not this one")
    project.write("evals/prompts/ask.j2", "{% block user %}bad {{ input }}{% endblock %}\n")
    assert project.run("--baseline", "git:main").ret == 0
    written = (project.runs[-1] / "report.md").read_text()
    for name in ("main", "git:main"):
        done = touchstone(project, "report", project.runs[-1].name, "--against", name, "--format", "markdown")
        assert done.exit_code == 0, done.output
        sha = repository.git("rev-parse", "main")[:8]
        assert done.output.startswith(f"## Evals: worse at 1 of 1 score against main ({sha}); PASS: 1 of 1 gates")
        assert "words of main: 100 -> 0 %" in done.output
        assert done.output == f"{written}\n"
    told = touchstone(project, "report", project.runs[-1].name, "--against", "main")
    assert "words of main: 100 -> 0 %" in told.output
    assert json.loads((project.runs[-1] / "report.json").read_text())["comparison"]["comparisons"] == 1


@pytest.mark.parametrize(
    ("against", "why"),
    [
        ("nope", "'nope' is no run, no file and no git ref"),
        ("git:nope", "git knows no commit 'nope'"),
        ("main", "there is no evals/baseline.json at main"),
        ("evals/other.json", "evals/other.json: there is no such baseline"),
        ("pyproject.toml", "pyproject.toml: is no baseline"),
        ("", "wants a name"),
    ],
)
def test_what_is_nothing_to_compare_with_says_what_to_type(project: Project, against: str, why: str) -> None:
    project.run()
    Repository.at(project.root).commit("README.md", "x")
    done = touchstone(project, "report", "--against", against)
    assert (done.exit_code, done.exception.__class__) == (1, SystemExit)
    assert why in done.output
    assert "\n  " in done.output


def test_outside_git_a_name_that_is_nothing_says_so(project: Project) -> None:
    project.run()
    done = touchstone(project, "report", "--against", "main")
    assert "'main' is no run, no file and no git ref" in done.output
    assert "is no git repository" in done.output
    same = touchstone(project, "report", "--against", project.runs[-1].name)
    assert "compared with itself" in same.output
    assert touchstone(project, "report", "--run-config", "main").exit_code == 2


def test_gates_read_the_baseline_that_is_named(project: Project) -> None:
    project.eval(SCORED.replace("passed >= 0.0", "no worse than baseline by more than 0.02"))
    project.rows("good a", "good b")
    assert project.run().ret == 1
    assert touchstone(project, "baseline", "update").exit_code == 0
    (project.root / "evals/baseline.json").rename(project.root / "kept.json")
    assert project.run("--baseline", "kept.json").ret == 0
    result = project.run("--baseline", "git:main")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--baseline: *is no git repository*", "*--against*"])


def test_a_gate_does_not_compare_scores_that_something_else_gives_now(project: Project) -> None:
    rule = "good no worse than baseline by more than 0.02"
    project.eval(SCORED.replace("passed >= 0.0", rule))
    project.rows("good a", "bad b")
    project.run()
    touchstone(project, "baseline", "update")
    project.eval(SCORED.replace("passed >= 0.0", f'{rule}", "passed >= 0.1') + "# another gate, the same scorer\n")
    assert project.run().ret == 0
    project.eval(SCORED.replace("passed >= 0.0", rule).replace('startswith("good")', 'startswith("go")'))
    result = project.run()
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*CANNOT TELL*what gives good has changed since the baseline*"])


def test_the_shipping_run_config_that_has_another_name_now_is_compared_with_the_old_one(project: Project) -> None:
    project.write("evals/run_configs.yaml", TWO_RUN_CONFIGS)
    project.eval(SCORED)
    project.run()
    touchstone(project, "baseline", "update", project.runs[-1].name)
    swapped = TWO_RUN_CONFIGS.replace(", default: true", "").replace("temperature: 0.5", "default: true")
    project.write("evals/run_configs.yaml", swapped)
    project.run("--baseline", "evals/baseline.json")
    data = json.loads((project.runs[-1] / "report.json").read_text())["comparison"]["run_configs"]
    assert [(one["run_config"], one["first"]) for one in data] == [("other", "main on evals/baseline.json")]


def test_baselines_keep_what_answers_took_and_what_gave_the_scores(project: Project) -> None:
    project.eval(SCORED)
    project.run()
    touchstone(project, "baseline", "update")
    kept = json.loads((project.root / "evals/baseline.json").read_text())
    assert (kept["v"], kept["took"]["words"]["main"]["answers"]) == (2, 3)
    assert sorted(kept["scorers"]["words"]) == ["good", "passed"]
    assert all(re.fullmatch("[0-9a-f]{12}", one) for one in kept["scorers"]["words"].values())


def test_updating_keeps_the_others_figures_and_drops_those_of_another_run_config() -> None:
    old = Baseline("1", "a", {"x": {"a": {}}, "y": {"b": {}}}, scorers={"x": {"s": "1"}, "y": {"s": "1"}})
    merged = old.updated(Baseline("2", "a", {"z": {"a": {}}}, scorers={"z": {"s": "2"}}))
    assert (sorted(merged.evals), sorted(merged.scorers)) == (["x", "z"], ["x", "z"])
