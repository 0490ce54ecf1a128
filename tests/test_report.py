"""Reports: what they say, that they fit, and that hostile text breaks none of them."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from rich.cells import cell_len

from touchstone.gates import Verdict, judge, parse_rule
from touchstone.records import Outcome, Response, SampleRecord, Score, Usage
from touchstone.report import GateResult, RunInfo, Summary, as_json, headline, markdown, summarise, terminal
from touchstone.report.github import code
from touchstone.report.text import clean, count, crop, dollars, seconds, share, wrap
from touchstone.stats import Interval, estimate

EVALS = (
    "answer_format",
    "correctness",
    "declines_off_topic",
    "no_competitors",
    "non_destructive",
    "prefers_mp4",
    "reencodes_only_if_needed",
)
RUN_CONFIGS = (
    "smollm2",
    "smollm2-few-shot",
    "one-shot",
    "many-shot",
    "safe",
    "think",
    "coder-14b-q8",
    "another-config",
)
ATTACKS = (
    "\x1b[31mred\x1b[0m \x1b]0;title\x07 \x9b31m",
    "a\u202ereversed\u2066 \u200b\u200f\ufeff",
    "line\nbreak\r\nand\ttab\x00\x07\u2028\u2029\x85",
    "| a | b |\\| c \\\\| d |",
    "`code` ``` fence ``` `` trailing \\",
    "@octocat @org/team #123 GH-1",
    "![x](http://evil.example/p.png) [l](javascript:alert(1)) <img src=x onerror=alert(1)> <script>x</script>",
    "</details></table> <!-- ",
    "::error::owned",
    "##[error]owned",
    "[bold red]markup[/] [/] :smile:",
    "lone \ud800 surrogate",
    "Z" + "\u0301" * 500,
    "漢字" * 400,
    "x" * 1_000_000,
    "<" * 300,
    "",
    " ",
    "`",
    "# heading",
    "- item",
    "|---|",
)


def record(
    eval_: str = "e",
    row: str = "r1",
    run_config: str = "c",
    kind: str = "pass",
    why: str = "",
    *,
    scores: dict[str, float] | None = None,
    **more: Any,
) -> SampleRecord:
    found = {name: Score(value) for name, value in (scores or {}).items()}
    return SampleRecord(eval_, row, run_config, more.pop("epoch", 1), Outcome(kind, why), found, **more)  # type: ignore[arg-type]


def gate(records: list[SampleRecord], rule: str, eval_: str, run_config: str, *, binding: bool) -> GateResult:
    own = [r for r in records if (r.eval, r.run_config) == (eval_, run_config)]
    return GateResult(eval_, run_config, binding, judge(parse_rule(rule), own))


def grid(rows: int = 30, source: str = "recording", cost: float | None = None) -> Iterator[SampleRecord]:
    for eval_ in EVALS:
        for skill, run_config in enumerate(RUN_CONFIGS, 1):
            for row in range(rows):
                good = float((row * 7 + len(eval_)) % 9 < skill)
                response = Response(
                    "x",
                    usage=Usage(200, 100),
                    cost=cost,
                    latency=1 + row / 10,
                    source=source,  # type: ignore[arg-type]
                )
                yield record(
                    eval_,
                    f"row-{row:03d}",
                    run_config,
                    "pass" if good else "miss",
                    "" if good else "output.mp4 has two audio streams (eng, deu); wanted one, in German",
                    scores={"executes": 1.0, "meets_expectations": good},
                    response=response,
                    request=f"{run_config}/{row}",
                )


@pytest.fixture(scope="module")
def full() -> Summary:
    records = list(grid())
    gates = [
        gate(records, rule, eval_, run_config, binding=run_config == "safe")
        for eval_ in EVALS
        for run_config in RUN_CONFIGS
        for rule in ("meets_expectations >= 0.5", "every row")
    ]
    return summarise(records, gates, RunInfo("run-1", "2026-11-23", run_configs=RUN_CONFIGS))


def widest(text: str) -> int:
    return max(cell_len(line) for line in text.splitlines())


# Counting


def test_results_count_outcomes_and_scores_apart_from_errors() -> None:
    records = [
        record(row="a", scores={"good": 1.0}),
        record(row="b", kind="miss", why="no", scores={"good": 0.25}),
        record(row="c", kind="error", why="boom"),
        record(row="d", kind="skipped", why="no key"),
        record(row="f", errors={"good": "judge broke"}),
    ]
    result = summarise(records).results["e", "c"]
    assert (result.misses, result.errors, result.skipped) == (1, 1, 1)
    assert result.passed is not None
    assert (result.passed.mean, result.passed.n, result.passed.errors) == (2 / 3, 3, 1)
    good = result.scores["good"]
    assert good is not None
    assert (good.mean, good.n, good.errors) == (0.625, 2, 2)


def test_errors_and_skips_are_told_once_a_reason() -> None:
    records = [record(row=str(i), run_config="gpt", kind="skipped", why="OPENAI_API_KEY is not set") for i in range(9)]
    records += [record(row="a", kind="error", why="time-out"), record(row="b", errors={"judge": "no JSON"})]
    summary = summarise(records)
    assert [(n.run_configs, n.samples, n.why) for n in summary.skipped] == [(("gpt",), 9, "OPENAI_API_KEY is not set")]
    assert {(n.why, n.samples) for n in summary.errors} == {("time-out", 1), ("judge: no JSON", 1)}
    assert summary.run_configs == ("c",)
    for text in (terminal(summary), markdown(summary)):
        assert text.count("OPENAI_API_KEY is not set") == 1
        assert "time-out" in text
        assert "judge: no JSON" in text


def test_a_call_that_evals_share_is_counted_once_in_the_run_and_in_each_eval() -> None:
    response = Response("x", usage=Usage(10, 20), cost=0.5, latency=2.0)
    summary = summarise([record(name, response=response, request="same") for name in "ab"])
    assert (summary.calls.count, summary.calls.cost, summary.calls.output_tokens) == (1, 0.5, 20)
    assert summary.results["b", "c"].calls.cost == 0.5


def test_unknown_tokens_and_prices_are_not_zero() -> None:
    summary = summarise([record(response=Response("x"))])
    assert (summary.calls.output_tokens, summary.calls.cost) == (None, None)
    assert "cost" not in terminal(summary)


def test_the_order_of_the_records_changes_no_report() -> None:
    records = list(grid(rows=4))
    for form in (terminal, markdown, as_json):
        assert form(summarise(records)) == form(summarise(reversed(records)))  # type: ignore[operator]


def test_the_shipping_run_config_stands_first_then_the_order_given_then_names() -> None:
    records = [record(run_config=name) for name in ("zeta", "alpha", "beta", "ships")]
    assert summarise(records, (), RunInfo(shipping="ships", run_configs=("beta",))).run_configs == (
        "ships",
        "beta",
        "alpha",
        "zeta",
    )
    bound = GateResult("e", "zeta", True, Verdict("passed >= 1", "pass", "fine"))
    assert summarise(records, [bound]).run_configs[0] == "zeta"


def test_worst_misses_are_the_lowest_scores_one_a_row() -> None:
    records = [record(row=f"r{i}", kind="miss", why=f"w{i}", scores={"s": i / 10}) for i in range(9, 0, -1)]
    records += [record(row="r9", kind="miss", epoch=2, scores={"s": 0.9})]
    worst = summarise(records).results["e", "c"].worst
    assert [(miss.row, miss.why, miss.epochs) for miss in worst] == [("r9", "w9", 2), ("r1", "w1", 1), ("r2", "w2", 1)]


def test_ten_thousand_records_are_summed_up_quickly() -> None:
    records = list(grid(rows=179))
    started = time.process_time()
    summary = summarise(records)
    assert time.process_time() - started < 2.0
    assert len(records) > 10_000
    assert summary.results["correctness", "safe"].passed


# Terminal


def test_seven_evals_of_eight_run_configs_fit_eighty_columns_of_ascii(full: Summary) -> None:
    text = terminal(full)
    assert text.isascii()
    assert widest(text) <= 80
    overview = text[text.index("\noverview") : text.index("gates that decide")]
    rows = [line.split() for line in overview.splitlines() if re.match(r"[ *](smollm2|safe|think|one-shot) ", line)]
    assert [row[0] for row in rows] == ["*safe", "smollm2", "one-shot", "think"]
    assert all(len(row) == 1 + 2 * len(EVALS) for row in rows)


def test_figures_of_the_tables(full: Summary) -> None:
    text = terminal(full)
    found = full.results["correctness", "safe"]
    assert found.passed is not None
    line = next(line for line in text[text.index("correctness (30 rows") :].splitlines() if line.startswith("*safe"))
    assert line.split() == [
        "*safe",
        *share(found.passed).split(),
        "100",
        ">=89",
        str(found.misses),
        "3000",
        "2.45r",
        "3.75r",
    ]
    assert "passed = meets_expectations" in text


@pytest.mark.parametrize("width", [40, 60, 80, 100, 200])
def test_no_line_is_wider_than_the_terminal(full: Summary, width: int) -> None:
    text = terminal(full, width)
    assert widest(text) <= width
    assert all(text.count(f"\n {name} ") or text.count(f"\n*{name} ") for name in RUN_CONFIGS)


def test_many_scores_are_split_over_tables_and_none_is_lost() -> None:
    scores = {f"score_number_{index}": index / 20 for index in range(20)}
    text = terminal(summarise([record(scores=scores, row=str(row)) for row in range(9)]))
    assert widest(text) <= 80
    for value in scores.values():
        assert f" {round(100 * value)} " in text


def test_long_names_are_cropped_so_that_they_still_differ() -> None:
    names = ["openai-compatible-endpoint-with-long-name-" + end for end in ("a", "b")]
    text = terminal(summarise([record(run_config=name) for name in names]))
    assert widest(text) <= 80
    assert len({line.split()[0] for line in text.splitlines() if line.startswith(" openai")}) == 2


def test_colour_only_when_asked_for(full: Summary, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    assert "\x1b" not in terminal(full)
    assert "\x1b[1;31m" in terminal(full, color=True)
    assert re.sub(r"\x1b\[[0-9;]*m", "", terminal(full, color=True)).split() == terminal(full).split()
    monkeypatch.setenv("NO_COLOR", "1")
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", terminal(full, color=True))


def test_replayed_figures_are_marked_and_live_ones_are_not() -> None:
    live, replayed = (summarise(grid(2, source)) for source in ("live", "recording"))
    for form in (terminal, markdown):
        assert "1.05r" in form(replayed)
        assert "recorded" in form(replayed)
        assert "1.05r" not in form(live)
        assert "recorded" not in form(live)


def test_errors_are_marked_in_the_overview() -> None:
    summary = summarise([record(row="a"), record(row="b", kind="error", why="x"), record("f", kind="error", why="x")])
    text = terminal(summary)
    assert "100!>=21" in text
    assert re.search(r"^ c +100!>=21 +error$", text, re.MULTILINE)
    assert "! some samples erred" in text


def test_gates_that_bind_and_candidates_are_told_apart(full: Summary) -> None:
    text = terminal(full)
    binding = text[text.index("gates that decide") : text.index("candidates' gates")]
    assert binding.count("\nFAIL ") == 7
    assert binding.count("\npass ") == 7
    assert "FAIL non_destructive: every row: " in binding
    assert re.search(r"^smollm2 +0 of 14 passed; not answer_format, ", text, re.MULTILINE)
    assert text.rstrip().endswith("FAIL: 7 of 14 gates of safe not passed")


@pytest.mark.parametrize(
    ("kinds", "line"),
    [
        ((), "no gate decides this run"),
        (("pass", "pass"), "PASS: 2 of 2 gates of c passed"),
        (("pass", "not_judged"), "PASS: 1 of 2 gates of c passed, 1 not judged"),
        (("not_judged",), "none of 1 gates of c was judged"),
        (("pass", "cannot_tell"), "FAIL: 1 of 2 gates of c not passed, of which 1 cannot tell"),
        (("fail", "pass"), "FAIL: 1 of 2 gates of c not passed"),
    ],
)
def test_the_headline(kinds: tuple[Any, ...], line: str) -> None:
    gates = [GateResult("e", "c", True, Verdict("passed >= 1", kind, "why")) for kind in kinds]
    gates.append(GateResult("e", "d", False, Verdict("passed >= 1", "fail", "why")))
    summary = summarise([record(), record(run_config="d")], gates)
    assert headline(summary) == line
    assert terminal(summary).rstrip().endswith(line)
    assert markdown(summary).startswith(f"## Evals: {line}\n")


def test_a_candidates_gates_that_fail_are_told_from_those_that_cannot_tell() -> None:
    kinds = {"a": ("fail", "cannot_tell"), "b": ("cannot_tell",), "p": ("pass",)}
    gates = [GateResult(e, "d", False, Verdict("r", kind, "w")) for e, found in kinds.items() for kind in found]  # type: ignore[arg-type]
    summary = summarise([record(run_config="d")], gates)
    assert "1 of 4 passed; not a; cannot tell b" in terminal(summary)
    assert "| d | 1 of 4 | a | b |" in markdown(summary)


def test_json_says_how_many_more_rows_a_gate_needs() -> None:
    verdict = Verdict("passed >= 0.9", "cannot_tell", "w", needed=88)
    assert as_json(summarise([record()], [GateResult("e", "c", True, verdict)]))["gates"][0]["needed"] == 88


def test_nothing_measured_says_so() -> None:
    assert "no sample was measured" in terminal(summarise([]))
    assert "No sample was measured" in markdown(summarise([]))
    assert as_json(summarise([]))["verdict"] == "not_judged"


# Markdown


def render(text: str) -> str:
    return str(MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(text))


def test_markdown_says_what_fails_first_and_renders_as_tables(full: Summary) -> None:
    text = markdown(full)
    assert text.splitlines()[0] == "## Evals: FAIL: 7 of 14 gates of safe not passed"
    assert "every row" in text.splitlines()[2]
    page = render(text)
    assert page.count("<table>") == page.count("</table>") == 4 + len(EVALS)
    header, first = (row.count("<t") for row in re.findall(r"<tr>.*?</tr>", page, re.DOTALL)[:2])
    assert header == first == 1 + 1 + len(EVALS)
    assert "<strong>safe</strong> (ships)" in page
    assert len(text) < 60_000


@pytest.mark.parametrize("attack", ATTACKS, ids=range(len(ATTACKS)))
def test_hostile_text_breaks_no_report(attack: str) -> None:
    summary = hostile(attack)
    plain = terminal(summary)
    assert widest(plain) <= 80
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]", plain)
    assert not re.search(r"^\s*::|##\[", plain, re.MULTILINE)
    assert len(plain) < 20_000
    assert json.loads(json.dumps(as_json(summary), ensure_ascii=False).encode())["schema"] == 1
    text = markdown(summary)
    text.encode()
    assert not re.search(r"^\s*::|##\[", text, re.MULTILINE)
    assert structure(render(text)) == structure(render(markdown(hostile("harmless"))))
    assert len(text) < 60_000


def hostile(attack: str) -> Summary:
    records = [
        record(row="a", kind="miss", why=attack or "nothing", scores={"s": 0.0}, output=attack),
        record(row="b", kind="error", why=attack or "nothing"),
        record(row="k", run_config="k", kind="skipped", why=attack or "nothing"),
    ]
    verdict = Verdict(attack, "fail", attack or "nothing")
    return summarise(records, [GateResult("e", "c", True, verdict), GateResult("e", "d", False, verdict)])


def structure(page: str) -> list[str]:
    """The tags of a page, code spans reduced to one mark, so that any structure that text smuggled in shows."""
    return re.findall(r"<[^>]+>|@", re.sub(r"<code>.*?</code>", "<code>", page, flags=re.DOTALL))


@pytest.mark.parametrize("attack", [text for text in ATTACKS if text.strip()], ids=repr)
def test_hostile_names_of_a_damaged_run_break_no_report(attack: str) -> None:
    records = [record(attack, attack, attack, "miss", scores={attack: 0.5}), record(attack, "b", attack, "error")]
    gates = [GateResult(attack, attack, binding, Verdict(attack, "fail", "no")) for binding in (True, False)]
    summary = summarise(records, gates)
    plain = terminal(summary)
    assert widest(plain) <= 80
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", plain)
    assert not re.search(r"^\s*::|##\[", plain + markdown(summary), re.MULTILINE)
    page = render(markdown(summary))
    assert not re.search(r"<(?!/?(?:h2|h3|p|ul|li|table|thead|tbody|tr|th|td|code|strong|details|summary|br)\b)", page)
    assert "@" not in re.sub(r"<code>.*?</code>", "", page, flags=re.DOTALL)
    json.dumps(as_json(summary), ensure_ascii=False).encode()


@given(st.text())
def test_any_reason_is_one_code_span_in_one_cell(why: str) -> None:
    row = f"| a | {code(why)} | b |"
    page = render(f"| x | y | z |\n|---|---|---|\n{row}")
    assert re.findall(r"<td>.*?</td>", page, re.DOTALL)[0::2] == ["<td>a</td>", "<td>b</td>"]
    assert re.fullmatch(r"<code>[^<]+</code>", re.findall(r"<td>(.*?)</td>", page, re.DOTALL)[1])


# JSON


def test_json_holds_every_figure(full: Summary) -> None:
    data = json.loads(json.dumps(as_json(full)))
    assert (data["schema"], data["verdict"], data["run"]["id"], data["run"]["shipping"]) == (1, "fail", "run-1", "safe")
    assert data["run"]["run_configs"][0] == "safe"
    result = next(r for r in data["results"] if (r["eval"], r["run_config"]) == ("correctness", "safe"))
    passed = full.results["correctness", "safe"].passed
    assert passed is not None
    assert result["passed"]["mean"] == passed.mean
    assert result["passed"]["interval"] == {"low": passed.interval.low, "high": passed.interval.high}
    assert set(result["scores"]) == {"executes", "meets_expectations"}
    assert result["calls"]["replayed"] == 30
    found = next(g for g in data["gates"] if g["binding"] and g["eval"] == "correctness")
    assert found["rule"] == "meets_expectations >= 0.5"
    assert found["interval"]["low"] < found["value"]


# Text


@given(st.text(), st.integers(3, 50))
def test_clean_text_is_one_printable_line_within_its_limit(text: str, limit: int) -> None:
    line = clean(text, limit)
    assert len(line) <= limit
    assert "\n" not in line
    assert all(char.isprintable() for char in line)


def test_clean_keeps_what_people_write() -> None:
    assert clean("Größe 漢字 naïve हिन्दी 🎬 a|b `c`") == "Größe 漢字 naïve हिन्दी 🎬 a|b `c`"
    assert clean("\x1b[1mbold\x1b[0m\n  next") == "bold next"
    assert clean("abcdefgh", 6) == "abc..."


@pytest.mark.parametrize(
    ("name", "width", "lines"),
    [
        ("reencodes_only_if_needed", 9, ["reencodes", "only_if", "needed"]),
        ("non_destructive", 8, ["non", "destruc-", "tive"]),
        ("output tokens", 8, ["output", "tokens"]),
        ("p50 s", 8, ["p50 s"]),
        ("", 8, [""]),
        ("_", 8, ["_"]),
    ],
)
def test_headings_break_where_names_do(name: str, width: int, lines: list[str]) -> None:
    assert wrap(name, width) == lines


@given(st.text(min_size=1), st.integers(4, 12))
def test_headings_never_exceed_their_width(name: str, width: int) -> None:
    assert all(len(line) <= width for line in wrap(name, width))


def test_cells() -> None:
    wide = estimate({str(i): [float(i < 103)] for i in range(104)})
    assert share(wide) == "99 95-99" if wide and wide.interval.high < 0.995 else share(wide) == "99 >=95"
    assert share(estimate({"a": [0.0]})) == "0 0-79"
    assert share(None) == "-"
    assert [count(value) for value in (None, 0, 9999, 12_345, 999_960, 4_500_000)] == [
        "-",
        "0",
        "9999",
        "12.3k",
        "1.0M",
        "4.5M",
    ]
    assert [dollars(value) for value in (None, 0, 0.00001, 0.0012, 0.2, 1.5)] == [
        "-",
        "$0",
        "<$0.0001",
        "$0.0012",
        "$0.20",
        "$1.50",
    ]
    assert [seconds(value, recorded=True) for value in (None, 0.5, 12.34, 123.4)] == ["-", "0.50r", "12.3r", "123r"]
    assert crop("abcdefghij", 7) == "abc..ij"


@given(st.integers(0, 400), st.integers(1, 400))
def test_a_share_takes_at_most_eight_characters(passes: int, n: int) -> None:
    found = estimate({str(i): [float(i < passes)] for i in range(n)})
    assert len(share(found)) <= 8
    assert isinstance(found and found.interval, Interval)
