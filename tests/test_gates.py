"""The rule language and its verdicts."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.errors import UsageError
from touchstone.gates import Rule, Standing, Verdict, judge, judge_all, parse_rule
from touchstone.records import Outcome, Response, SampleRecord, Score


def record(
    row: str,
    kind: str = "pass",
    value: float | None = None,
    *,
    why: str = "",
    epoch: int = 1,
    response: Response | None = None,
    hash_: str = "0123456789",
    asked: dict[str, Response] | None = None,
    **errors: str,
) -> SampleRecord:
    scores = {} if value is None else {"good": Score(value)}
    outcome = Outcome(kind, why)  # type: ignore[arg-type]
    return SampleRecord(
        "e", row, "c", epoch, outcome, scores, errors, response=response, row_hash=hash_, asked=asked or {}
    )


def scored(*values: float) -> list[SampleRecord]:
    return [record(f"r{index}", "pass" if value == 1 else "miss", value) for index, value in enumerate(values)]


def verdict(text: str, records: list[SampleRecord]) -> Verdict:
    return judge(parse_rule(text), records)


WORDS = ["no", "worse", "than", "baseline", "by", "more", "good", "0.1", "2%", ">=", "every", "row", ":"]
BASELINE = Rule("good no worse than baseline by more than 0.02", "baseline", "good", ">=", -0.02)
PASSED_BASELINE = Rule("no worse than baseline by more than 2%", "baseline", "", ">=", -0.02)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("good >= 0.80", Rule("good >= 0.80", "mean", "good", ">=", 0.8)),
        ("mean(good)>.8", Rule("mean(good)>.8", "mean", "good", ">", 0.8)),
        ("  lower( good )  >=  90% ", Rule("lower( good ) >= 90%", "lower", "good", ">=", 0.9)),
        ("mean(passed) >= 1", Rule("mean(passed) >= 1", "passed", "", ">=", 1.0)),
        ("lower(passed) >= 1", Rule("lower(passed) >= 1", "lower", "", ">=", 1.0)),
        ("passed >= 0.9", Rule("passed >= 0.9", "passed", "", ">=", 0.9)),
        ("every row", Rule("every row", "every")),
        ("every row : keeps_files", Rule("every row : keeps_files", "every", "keeps_files")),
        ("errors <= 0", Rule("errors <= 0", "errors", "", "<=", 0.0)),
        ("cost <= $0.50", Rule("cost <= $0.50", "cost", "", "<=", 0.5)),
        ("cost < 2", Rule("cost < 2", "cost", "", "<", 2.0)),
        ("p95 latency <= 3", Rule("p95 latency <= 3", "latency", "", "<=", 3.0, 95)),
        ("good no worse than baseline by more than 0.02", BASELINE),
        (" good  no worse than baseline by more than  0.02", BASELINE),
        ("no worse than baseline by more than 2%", PASSED_BASELINE),
        (
            "passed no worse than baseline by more than 2%",
            replace(PASSED_BASELINE, text="passed " + PASSED_BASELINE.text),
        ),
        ("no >= 0.5", Rule("no >= 0.5", "mean", "no", ">=", 0.5)),
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
        ("no worse than baseline", 23, "by more than 0.02"),
        ("good no worse than baseline by 0.02", 29, "by more than 0.02"),
        ("no worse than baseline by more than", 36, "number"),
        ("no worse than baseline by more than 2", 37, "0 to 1"),
        ("no worse than baseline by more than 0.1 s", 37, "unit"),
        ("no worse than baseline by more than 0.1 now", 41, "nothing may follow"),
        ("no worse than main by more than 0.1", 4, "wanted >="),
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


@given(
    st.text()
    | st.text("everyrow: goodpass95latncycost<>=.0123456789%$s()", min_size=1)
    | st.lists(
        st.sampled_from(
            ["no", "worse", "than", "baseline", "by", "more", "good", "0.1", "2%", ">=", "every", "row", ":"]
        )
    ).map(" ".join)
)
def test_any_text_is_a_rule_or_a_usage_error(text: str) -> None:
    with suppress(UsageError):
        assert parse_rule(text).subject


def test_a_mean_passes_and_fails_with_its_interval() -> None:
    good = verdict("good >= 0.8", scored(*[1.0] * 8, *[0.0] * 2))
    assert (good.kind, good.value, good.n) == ("pass", 0.8, 10)
    assert good.why == "good 0.80 [0.49, 0.94] >= 0.80 (10 rows)"
    bad = verdict("good >= 0.95", scored(*[1.0] * 8, *[0.0] * 2))
    assert (bad.kind, bad.needed, bad.why) == ("fail", None, "good 0.80 [0.49, 0.94] < 0.95 (10 rows)")
    assert bad.interval == good.interval


def test_a_mean_below_its_bound_cannot_tell_until_its_whole_interval_is() -> None:
    unsure = verdict("good >= 0.9", scored(*[1.0] * 8, *[0.0] * 2))
    assert (unsure.kind, unsure.needed) == ("cannot_tell", 25)
    assert unsure.why == "good 0.80 [0.49, 0.94] < 0.90, but 10 rows cannot tell: 25 more rows would"
    assert verdict("good >= 0.9", scored(*[1.0] * 28, *[0.0] * 7)).kind == "fail"
    assert verdict("good >= 0.9", scored(*[1.0] * 24, *[0.0] * 6)).kind == "cannot_tell"


@pytest.mark.parametrize("rule", ["passed >= 0.9", "good >= 0.9", "lower(good) >= 0.9", "lower(good) > 0.9"])
@pytest.mark.parametrize("share", [0.5, 0.7, 0.85, 0.95, 1.0])
@pytest.mark.parametrize("n", [20, 100])
def test_the_rows_that_are_said_to_be_missing_would_tell(rule: str, share: float, n: int) -> None:
    def of(rows: int) -> Verdict:
        return verdict(rule, scored(*[1.0] * round(share * rows), *[0.0] * (rows - round(share * rows))))

    found = of(n)
    if found.needed is None:
        assert found.kind in ("pass", "fail")
    else:
        # whole rows: the mean can only stay nearly the same
        assert of(round((n + found.needed) * 1.1)).kind in ("pass", "fail")
        assert of(max(n, round((n + found.needed) * 0.8))).kind == "cannot_tell"


def test_a_mean_on_its_bound_says_that_no_number_of_rows_tells() -> None:
    found = verdict("good > 0.8", scored(*[1.0] * 8, *[0.0] * 2))
    assert (found.kind, found.needed) == ("cannot_tell", None)
    assert found.why.endswith(", but 10 rows cannot tell, nor could more: the mean is the bound; look at "
                              "`touchstone compare`")  # fmt: skip


def test_the_number_of_rows_is_said_up_to_ten_thousand() -> None:
    found = verdict("good >= 0.8", scored(*[1.0] * 799, *[0.0] * 201))
    assert found.kind == "cannot_tell"
    assert found.needed is not None
    assert found.needed > 10_000
    assert "more than 10,000 more would; look at `touchstone compare`" in found.why


def test_a_miss_among_what_must_be_perfect_fails_at_once() -> None:
    assert verdict("good >= 1", scored(1.0, 1.0, 0.0)).kind == "fail"
    assert verdict("lower(good) >= 1", scored(1.0, 1.0)).kind == "cannot_tell"


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
    said = "lower(good) 0.89 of 0.95 [0.89, 0.98] < 0.90, but 100 rows cannot tell: 39 more rows would"
    assert (low.kind, low.needed, low.why) == ("cannot_tell", 39, said)
    assert low.value == pytest.approx(0.8882, abs=1e-4)
    assert verdict("lower(good) >= 0.99", records).kind == "fail"


def test_passed_is_the_share_of_bodies_that_passed_whatever_was_scored() -> None:
    records = [record("a", "pass", 0.0), record("b", "miss", 1.0), record("c", "pass")]
    found = verdict("passed >= 0.5", records)
    assert (found.kind, found.value) == ("pass", pytest.approx(2 / 3))


def test_the_lower_end_of_what_passed() -> None:
    records = [record(str(row), "pass" if row else "miss") for row in range(10)]
    assert verdict("lower(passed) >= 0.5", records).why == "lower(passed) 0.60 of 0.90 [0.60, 0.98] >= 0.50 (10 rows)"


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


def test_cost_counts_the_judges_calls_once() -> None:
    asked = {"key": Response("x", cost=0.2)}
    calls = [record(str(i), response=Response("x", cost=0.1), asked=asked) for i in range(2)]
    assert verdict("cost <= 1", calls).value == pytest.approx(0.4)


def test_latency_says_when_it_was_recorded() -> None:
    calls = [record(str(i), response=Response("x", latency=float(i))) for i in range(1, 12)]
    assert verdict("p50 latency <= 6", calls).why == "p50 latency 6.00 s <= 6.00 (11 calls)"
    replayed = [*calls, record("r", response=Response("x", latency=99.0, source="recording"))]
    assert verdict("p95 latency <= 3 s", replayed).why.endswith("> 3.00 (12 calls, recorded)")
    assert verdict("p95 latency <= 3", [record("a")]).kind == "not_judged"


# Against a baseline


def standing(*values: float, hash_: str = "01234567") -> Standing:
    return Standing("main", {"good": {f"r{index}": (hash_, value) for index, value in enumerate(values)}})


def against(records: list[SampleRecord], stands: Standing | None, margin: float = 0.02) -> Verdict:
    return judge_all([parse_rule(f"good no worse than baseline by more than {margin}")], records, stands)[0]


@pytest.mark.parametrize("margin", [0.0, 0.02])
@pytest.mark.parametrize("values", [(1.0,), (0.0,) * 30, (1.0, 0.0) * 20, (1 / 3, 2 / 3, 0.1)])
def test_what_is_the_same_is_no_worse(values: tuple[float, ...], margin: float) -> None:
    found = against(scored(*values), standing(*(round(value, 6) for value in values)), margin)
    assert (found.kind, found.value, found.needed) == ("pass", 0.0, None)


def test_what_is_worse_by_too_much_fails_with_both_means_and_the_difference() -> None:
    found = against(scored(*[0.0] * 30, *[1.0] * 70), standing(*[1.0] * 100))
    assert (found.kind, found.n, found.value) == ("fail", 100, pytest.approx(-0.3))
    assert found.why.startswith("good 0.70 against 1.00 of main, the baseline: -0.30 [-0.39, -0.20] < -0.02 (100 rows)")


def test_a_drop_that_chance_explains_cannot_tell_and_says_how_many_rows_would() -> None:
    found = against(scored(*[0.0] * 3, *[1.0] * 27), standing(*[1.0] * 30))
    assert found.kind == "cannot_tell"
    assert found.needed is not None
    assert f"but 30 rows cannot tell: {found.needed:,} more rows would" in found.why
    many = (30 + found.needed) // 30 + 1
    assert against(scored(*([0.0] * 3 + [1.0] * 27) * many), standing(*[1.0] * 30 * many)).kind == "fail"


def test_a_drop_within_the_margin_and_a_rise_pass() -> None:
    assert against(scored(0.0, *[1.0] * 49), standing(*[1.0] * 50)).kind == "pass"
    assert against(scored(*[1.0] * 50), standing(*[0.0] * 50)).why.startswith(
        "good 1.00 against 0.00 of main, the baseline: +1.00 ["
    )


def test_rows_that_were_edited_or_are_new_or_gone_are_named_and_not_compared() -> None:
    records = [*scored(1.0, 1.0), record("r2", "miss", 0.0, hash_="ffff"), record("new", "miss", 0.0)]
    found = against(records, standing(1.0, 1.0, 1.0, 1.0))
    assert (found.kind, found.n) == ("pass", 2)
    assert found.why.endswith(
        "(2 rows); not compared: 1 edited since: r2; 1 not in the baseline: new; 1 only in the baseline: r3"
    )


@pytest.mark.parametrize(
    ("stands", "why"),
    [
        (None, "nothing of this eval and score; look, then: `touchstone baseline update`, and commit it"),
        (Standing(problem="there is no baseline"), "baseline by more than 0.02: there is no baseline"),
        (Standing("main", {"other": {"r0": ("01234567", 1.0)}}), "nothing of this eval and score"),
        (standing(1.0, hash_="ffffffff"), "no row is as it was in the baseline"),
    ],
)
def test_without_a_row_to_compare_it_cannot_tell(stands: Standing | None, why: str) -> None:
    found = against(scored(1.0), stands)
    assert (found.kind, found.value) == ("cannot_tell", None)
    assert why in found.why


def test_epochs_are_compared_by_their_rows_mean() -> None:
    records = [record(row, "pass", value, epoch=epoch) for row in "ab" for epoch, value in enumerate((1.0, 0.0, 1.0))]
    stands = Standing("main", {"good": dict.fromkeys("ab", ("01234567", 0.666667))})
    assert (against(records, stands, 0).kind, against(records, stands, 0).n) == ("pass", 2)


def test_an_error_is_no_drop() -> None:
    records = [*scored(1.0), record("r1", "error", why="time-out")]
    assert against(records, standing(1.0, 1.0)).why.endswith("1 of 2 samples have no score: time-out")
    rules = [parse_rule("errors <= 1"), parse_rule("good no worse than baseline by more than 0")]
    found = judge_all(rules, records, standing(1.0, 1.0))[1]
    assert found.kind == "pass"
    assert found.why.endswith("(1 row); not compared: 1 only in the baseline: r1; 1 error left out")


@given(st.lists(st.tuples(st.sampled_from([0.0, 0.25, 0.5, 1.0]), st.sampled_from([0.0, 0.25, 0.5, 1.0])), min_size=1))
def test_a_baseline_rule_keeps_to_its_principle(rows: list[tuple[float, float]]) -> None:
    found = against(scored(*(now for now, _ in rows)), standing(*(then for _, then in rows)), 0.1)
    assert found.value is not None
    assert found.interval is not None
    assert (found.kind == "pass") == (found.value >= -0.1 - 1e-9)
    assert (found.kind == "fail") == (found.interval.high < -0.1 - 1e-9)
