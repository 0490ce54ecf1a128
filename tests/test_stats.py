"""Intervals: checked against scipy, against hand-worked numbers and by simulation."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from touchstone.stats import Estimate, estimate, quantile, wilson


def once(*values: float) -> dict[str, list[float]]:
    return {f"r{index}": [value] for index, value in enumerate(values)}


def known(found: Estimate | None) -> Estimate:
    assert found is not None
    return found


def width(found: Estimate | None) -> float:
    return known(found).interval.high - known(found).interval.low


@pytest.mark.parametrize(("passes", "n"), [(0, 1), (1, 1), (0, 30), (30, 30), (27, 30), (81, 104), (1, 500)])
def test_pass_fail_once_a_row_is_scipys_wilson(passes: int, n: int) -> None:
    found = known(estimate(once(*[1.0] * passes, *[0.0] * (n - passes))))
    wanted = binomtest(passes, n).proportion_ci(0.95, "wilson")
    assert (found.interval.low, found.interval.high) == pytest.approx((wanted.low, wanted.high), abs=1e-12)
    assert (found.mean, found.n, found.rows) == (passes / n, n, n)


def test_nothing_measured_has_no_estimate() -> None:
    assert estimate({}) is None
    assert estimate({"a": [], "b": []}) is None


def test_errors_are_carried_and_are_no_part_of_the_mean() -> None:
    assert known(estimate(once(1.0, 1.0), errors=7)) == known(estimate({**once(1.0, 1.0), "lost": []}, errors=7))
    assert known(estimate(once(1.0, 1.0), errors=7)).errors == 7


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), float("inf")])
def test_a_value_that_is_no_score_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="from 0 to 1"):
        estimate(once(0.5, value))


def test_identical_epochs_tell_no_more_than_one() -> None:
    rows = once(*[1.0] * 80, *[0.0] * 20)
    one, five = width(estimate(rows)), width(estimate({row: values * 5 for row, values in rows.items()}))
    assert five == pytest.approx(one, rel=0.03)


def test_independent_epochs_tell_more_than_one_but_no_more_than_fresh_rows() -> None:
    rng = random.Random(3)
    thrice = {str(row): [float(rng.random() < 0.7) for _ in range(3)] for row in range(100)}
    first = {row: values[:1] for row, values in thrice.items()}
    fresh = {f"{row}.{k}": [value] for row, values in thrice.items() for k, value in enumerate(values)}
    assert width(estimate(fresh)) <= width(estimate(thrice)) < 0.75 * width(estimate(first))


def test_all_passing_repeats_are_trusted_as_rows_not_as_samples() -> None:
    found = known(estimate({str(row): [1.0] * 10 for row in range(30)}))
    assert found.interval.high == 1.0
    assert found.interval.low < 0.89


def test_one_miss_among_many_never_raises_the_lower_end() -> None:
    perfect = {str(row): [1.0] * 3 for row in range(100)}
    flawed = perfect | {"0": [0.0, 1.0, 1.0]}
    assert known(estimate(flawed)).interval.low <= known(estimate(perfect)).interval.low + 1e-3


@pytest.mark.parametrize("value", [0.0, 0.3, 0.7, 1.0])
@pytest.mark.parametrize("n", [1, 2, 30, 1000])
def test_a_constant_score_has_an_interval_that_is_not_zero_wide(value: float, n: int) -> None:
    found = known(estimate(once(*[value] * n)))
    assert found.interval.low <= value <= found.interval.high
    assert width(found) > 1 / (2 * n)


def test_grades_that_vary_little_have_a_narrower_interval_than_passes_of_the_same_mean() -> None:
    rng = random.Random(5)
    grades = once(*[rng.choice([0.4, 0.5, 0.6]) for _ in range(100)])
    assert width(estimate(grades)) < 0.4 * width(estimate(once(*[0.0, 1.0] * 50)))


@given(st.lists(st.lists(st.floats(0, 1), max_size=4), max_size=30))
def test_every_interval_holds_its_mean_and_stays_inside_zero_to_one(rows: list[list[float]]) -> None:
    found = estimate({str(index): row for index, row in enumerate(rows)})
    if any(rows):
        assert 0.0 <= known(found).interval.low <= known(found).mean <= known(found).interval.high <= 1.0
    else:
        assert found is None


@given(st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), min_size=1), st.randoms())
def test_the_order_of_rows_changes_nothing(values: list[float], rng: random.Random) -> None:
    shuffled = rng.sample(values, len(values))
    assert known(estimate(once(*values))) == known(estimate(once(*shuffled)))


def _passes(rng: random.Random, epochs: int) -> list[float]:
    chance = rng.betavariate(1.8, 0.2)
    return [float(rng.random() < chance) for _ in range(epochs)]


def _stars(rng: random.Random, epochs: int) -> list[float]:
    return rng.choices([0, 0.25, 0.5, 0.75, 1], [1, 1, 2, 4, 8], k=epochs)


@pytest.mark.parametrize(
    ("draw", "truth", "epochs"), [(_passes, 0.9, 1), (_passes, 0.9, 3), (_stars, 49 / 64, 1), (_stars, 49 / 64, 3)]
)
def test_intervals_cover_the_truth_as_often_as_they_say(draw, truth: float, epochs: int) -> None:  # type: ignore[no-untyped-def]
    rng = random.Random(11)
    found = [known(estimate({str(row): draw(rng, epochs) for row in range(60)})).interval for _ in range(800)]
    covered = sum(span.low <= truth <= span.high for span in found) / len(found)
    assert 0.93 <= covered <= 0.985


def test_wilson_by_hand() -> None:
    """9 of 10: centre (0.9 + 0.19207) / 1.38415, half width 0.24 of it (Wilson 1927)."""
    span = wilson(0.9, 10)
    assert (span.low, span.high) == pytest.approx((0.5958, 0.9821), abs=5e-5)


def test_quantiles() -> None:
    assert quantile([], 0.5) is None
    assert quantile([3.0], 0.95) == 3.0
    assert quantile([4.0, 1.0, 2.0, 3.0], 0.5) == 2.5
    assert quantile(range(101), 0.95) == pytest.approx(95)
    assert quantile([1.0, 2.0], 1.0) == 2.0


def test_importing_gates_and_reports_loads_nothing_heavy() -> None:
    heavy = ("scipy", "numpy", "rich")
    code = f"import sys, touchstone.gates, touchstone.report; print([m for m in {heavy} if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
