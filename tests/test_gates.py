"""The rule language and its verdicts."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.errors import UsageError
from touchstone.gates import Rule, Verdict, judge, judge_all, parse_rule
from touchstone.records import Outcome, Response, SampleRecord, Score


def record(
    row: str,
    kind: str = "pass",
    value: float | None = None,
    *,
    why: str = "",
    epoch: int = 1,
    response: Response | None = None,
    **errors: str,
) -> SampleRecord:
    scores = {} if value is None else {"good": Score(value)}
    return SampleRecord("e", row, "c", epoch, Outcome(kind, why), scores, errors, response=response)  # type: ignore[arg-type]


def scored(*values: float) -> list[SampleRecord]:
    return [record(f"r{index}", "pass" if value == 1 else "miss", value) for index, value in enumerate(values)]


def verdict(text: str, records: list[SampleRecord]) -> Verdict:
    return judge(parse_rule(text), records)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("good >= 0.80", Rule("good >= 0.80", "mean", "good", ">=", 0.8)),
        ("mean(good)>.8", Rule("mean(good)>.8", "mean", "good", ">", 0.8)),
        ("  lower( good )  >=  90% ", Rule("lower( good ) >= 90%", "lower", "good", ">=", 0.9)),
        ("mean(passed) >= 1", Rule("mean(passed) >= 1", "mean", "passed", ">=", 1.0)),
        ("passed >= 0.9", Rule("passed >= 0.9", "passed", "", ">=", 0.9)),
        ("every row", Rule("every row", "every")),
        ("every row : keeps_files", Rule("every row : keeps_files", "every", "keeps_files")),
        ("errors <= 0", Rule("errors <= 0", "errors", "", "<=", 0.0)),
        ("cost <= $0.50", Rule("cost <= $0.50", "cost", "", "<=", 0.5)),
        ("cost < 2", Rule("cost < 2", "cost", "", "<", 2.0)),
        ("p95 latency <= 3", Rule("p95 latency <= 3", "latency", "", "<=", 3.0, 95)),
        ("p50 latency < 1.5s", Rule("p50 latency < 1.5s", "latency", "", "<", 1.5, 50)),
    ],
)
def test_rules_are_read(text: str, rule: Rule) -> None:
    assert parse_rule(text) == rule


def test_a_rule_names_the_scores_that_it_needs() -> None:
    assert [parse_rule(text).names for text in ("good >= 0.8", "every row: kept", "passed >= 1", "every row")] == [
        ("good",),
        ("kept",),
        (),
        (),
    ]


@pytest.mark.parametrize(
    ("text", "position", "what"),
    [
        ("", 1, "empty"),
        (">= 0.8", 1, "score's name"),
        ("good", 5, "wanted >="),
        ("good == 0.8", 6, "wanted >="),
        ("good >=", 8, "number"),
        ("good >= high", 9, "number"),
        ("good >= 0.8 or so", 13, "nothing may follow"),
        ("good >= 80", 9, "0 to 1"),
        ("good >= 101%", 9, "0 to 1"),
        ("good <= 0.8", 6, "only >= and >"),
        ("errors >= 3", 8, "only <= and <"),
        ("errors <= 1.5", 11, "whole"),
        ("errors <= 5%", 11, "unit"),
        ("good >= $1", 9, "unit"),
        ("good >= 1 s", 9, "unit"),
        ("median(good) >= 0.8", 1, "no median()"),
        ("latency <= 3", 1, "which percentile"),
        ("p0 latency <= 3", 2, "p1 to p99"),
        ("p100 latency <= 3", 2, "p1 to p99"),
        ("every row:", 11, "missing after ':'"),
        ("every row keeps_files", 11, "wanted ': SCORE'"),
        ("every row: a b", 14, "nothing may follow"),
        ("cost <= " + "9" * 5000, 18, "nothing may follow"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_the_forms_allowed(text: str, position: int, what: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_rule(text)
    assert f"at character {position}:" in str(caught.value)
    assert what in str(caught.value)
    assert "every row: SCORE" in str(caught.value)


@given(st.text() | st.text("everyrow: goodpass95latncycost<>=.0123456789%$s()", min_size=1))
def test_any_text_is_a_rule_or_a_usage_error(text: str) -> None:
    with suppress(UsageError):
        assert parse_rule(text).subject


def test_a_mean_passes_and_fails_with_its_interval() -> None:
    good = verdict("good >= 0.8", scored(*[1.0] * 8, *[0.0] * 2))
    assert (good.kind, good.value, good.n) == ("pass", 0.8, 10)
    assert good.why == "good 0.80 [0.49, 0.94] >= 0.80 (10 rows)"
    bad = verdict("good > 0.8", scored(*[1.0] * 8, *[0.0] * 2))
    assert (bad.kind, bad.why) == ("fail", "good 0.80 [0.49, 0.94] <= 0.80 (10 rows)")
    assert bad.interval == good.interval


def test_sums_of_floats_do_not_fail_a_rule_that_holds() -> None:
    assert verdict("good >= 0.7", scored(*[0.7] * 10)).kind == "pass"
    assert verdict("good >= 0.1", scored(*[0.1] * 3)).kind == "pass"


def test_two_numbers_that_differ_never_look_the_same() -> None:
    assert "0.7995 " in verdict("good >= 0.8", scored(0.799, 0.8)).why
    assert "< 0.8000" in verdict("good >= 0.8", scored(0.799, 0.8)).why
    assert ">= 0.333 " in verdict("good >= 0.333", scored(0.9)).why


def test_lower_judges_the_lower_end() -> None:
    records = scored(*[1.0] * 95, *[0.0] * 5)
    assert verdict("good >= 0.9", records).kind == "pass"
    low = verdict("lower(good) >= 0.9", records)
    assert (low.kind, low.why) == ("fail", "lower(good) 0.89 of 0.95 [0.89, 0.98] < 0.90 (100 rows)")
    assert low.value == pytest.approx(0.8882, abs=1e-4)


def test_passed_is_the_share_of_bodies_that_passed_whatever_was_scored() -> None:
    records = [record("a", "pass", 0.0), record("b", "miss", 1.0), record("c", "pass")]
    found = verdict("passed >= 0.5", records)
    assert (found.kind, found.value) == ("pass", pytest.approx(2 / 3))


def test_every_row_names_the_rows_that_missed() -> None:
    found = verdict("every row", scored(1.0, *[0.0] * 7))
    assert (found.kind, found.why) == ("fail", "every row: 7 of 8 samples missed: r1, r2, r3, r4, r5 and 2 more")
    assert verdict("every row", scored(1.0, 1.0)).why == "every row (2 rows)"
    assert verdict("every row: good", scored(1.0, 0.99)).why == "every row: good: 1 of 2 samples missed: r1"
    assert verdict("every row: good", scored(1.0, 1.0)).kind == "pass"


def test_epochs_are_counted_as_samples_of_their_row() -> None:
    records = [record(row, "pass", 1.0, epoch=epoch) for row in "ab" for epoch in (1, 2, 3)]
    assert verdict("good >= 0.5", records).why.endswith("(2 rows, 6 samples)")
    missed = [*records, record("a", "miss", epoch=4), record("a", "miss", epoch=5)]
    assert verdict("every row", missed).why == "every row: 2 of 8 samples missed: a"


@pytest.mark.parametrize(
    "text", ["good >= 0", "lower(good) >= 0", "passed >= 0", "every row", "every row: good", "cost <= 9"]
)
def test_an_error_is_no_zero_and_no_pass(text: str) -> None:
    answered = record("a", "pass", 1.0, response=Response("x", cost=0.0))
    found = verdict(text, [answered, record("b", "error", why="time-out after 60 s")])
    assert (found.kind, found.errors, found.n) == ("cannot_tell", 1, 1)
    assert "1 of 2 samples have no" in found.why
    assert "time-out after 60 s" in found.why


def test_a_failed_scorer_is_an_error_to_the_rules_that_ask_it() -> None:
    records = [record("a", "pass", 1.0), record("b", "pass", good="boom")]
    found = verdict("good >= 0.5", records)
    assert (found.kind, found.why) == ("cannot_tell", "good >= 0.5: 1 of 2 samples have no score: boom")
    assert verdict("errors <= 0", records).kind == "fail"
    assert verdict("passed >= 1", records).kind == "pass"


def test_a_miss_decides_every_row_whatever_else_erred() -> None:
    found = verdict("every row", [record("a", "miss"), record("b", "error", why="x")])
    assert (found.kind, found.why) == ("fail", "every row: 1 of 1 sample missed: a; 1 error left out")


def test_allowed_errors_let_the_other_rules_judge() -> None:
    records = [*scored(1.0, 1.0), record("x", "error", why="503")]
    rules = [parse_rule("good >= 0.9"), parse_rule("errors <= 1")]
    assert [found.kind for found in judge_all(rules, records)] == ["pass", "pass"]
    assert judge_all(rules, records)[0].why == "good 1.00 [0.34, 1.00] >= 0.90 (2 rows); 1 error left out"
    assert [found.kind for found in judge_all(rules, [*records, records[-1]])] == ["cannot_tell", "fail"]
    strict = [rules[0], parse_rule("errors < 1")]
    assert [found.kind for found in judge_all(strict, records)] == ["cannot_tell", "fail"]
    assert judge_all(rules, [records[-1]])[0].kind == "cannot_tell"


def test_errors_count() -> None:
    assert verdict("errors <= 0", scored(1.0)).why == "0 <= 0 errors in 1 sample"
    assert verdict("errors < 2", [record("a", "error"), record("b", "error")]).why == "2 >= 2 errors in 2 samples"


def test_skipped_samples_do_not_count() -> None:
    skipped = record("s", "skipped", why="OPENAI_API_KEY is not set")
    assert verdict("good >= 0.9", [*scored(1.0), skipped]).n == 1
    none = verdict("good >= 0.9", [skipped, skipped])
    assert (none.kind, none.why) == ("not_judged", "good >= 0.9: all 2 samples skipped: OPENAI_API_KEY is not set")
    assert (verdict("every row", []).kind, verdict("every row", []).why) == ("not_judged", "every row: no samples")


def test_a_score_that_nobody_gave_is_named_with_those_there_are() -> None:
    found = verdict("god >= 0.9", scored(1.0))
    assert (found.kind, found.why) == ("cannot_tell", "god >= 0.9: no sample has a score 'god'; there are: good")


def test_cost_is_the_sum_of_the_calls() -> None:
    calls = [record(str(i), response=Response("x", cost=0.2, latency=i)) for i in range(1, 4)]
    assert verdict("cost <= 0.6", calls).kind == "pass"
    assert verdict("cost < $0.5", calls).why == "cost $0.60 >= 0.50 (3 calls)"
    unknown = verdict("cost <= 9", [*calls, record("u", response=Response("x"))])
    assert (unknown.kind, unknown.why) == ("cannot_tell", "cost <= 9: 1 of 4 calls have no known price")


def test_latency_says_when_it_was_recorded() -> None:
    calls = [record(str(i), response=Response("x", latency=float(i))) for i in range(1, 12)]
    assert verdict("p50 latency <= 6", calls).why == "p50 latency 6.00 s <= 6.00 (11 calls)"
    replayed = [*calls, record("r", response=Response("x", latency=99.0, source="recording"))]
    assert verdict("p95 latency <= 3 s", replayed).why.endswith("> 3.00 (12 calls, recorded)")
    assert verdict("p95 latency <= 3", [record("a")]).kind == "not_judged"
