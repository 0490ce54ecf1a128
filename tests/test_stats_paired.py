"""Paired differences, their power, and repeats: checked against scipy, brute force, hand-worked numbers, simulation."""

from __future__ import annotations

import random
import time
from itertools import product
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, permutation_test

from touchstone.stats.paired import Effect, Paired, difference, effect, holm, mcnemar, sign_flip
from touchstone.stats.power import more_rows, rows_for_difference, rows_for_mean, smallest_difference
from touchstone.stats.repeats import flaky, pass_all, pass_at, repeats

Sides = dict[str, tuple[list[float], list[float]]]


def flips(both: int, worse: int, better: int, neither: int = 0) -> Sides:
    """Passes and fails, once a row."""
    kinds = [(1.0, 1.0)] * both + [(1.0, 0.0)] * worse + [(0.0, 1.0)] * better + [(0.0, 0.0)] * neither
    return {f"r{index}": ([first], [second]) for index, (first, second) in enumerate(kinds)}


def known(found: Paired | None) -> Paired:
    assert found is not None
    return found


def seen(found: Effect | None) -> Effect:
    assert found is not None
    return found


def test_passes_and_fails_once_a_row_are_mcnemars_exact_test() -> None:
    """126 against 120 of 150 (kiln's demo), 13 rows flipping: p 0.42, not 0.39 of the two shares alone."""
    found = known(difference(flips(117, 9, 3, 21)))
    assert (found.test, found.n, found.better, found.worse, found.flips) == ("mcnemar", 150, 3, 9, 12)
    assert found.p == pytest.approx(binomtest(3, 12).pvalue)
    assert found.mean == pytest.approx(-0.04)


def test_the_interval_is_bonett_and_prices_by_hand() -> None:
    """30 rows, 9 worse, 3 better: (4 - 10)/32 +- 1.96 sqrt((14/32 - (6/32)^2)/32)."""
    found = known(difference(flips(10, 9, 3, 8)))
    half = 1.959964 * sqrt((14 / 32 - (6 / 32) ** 2) / 32)
    assert (found.interval.low, found.interval.high) == pytest.approx((-0.1875 - half, -0.1875 + half), abs=1e-6)
    assert found.mean == pytest.approx(-0.2)


def test_rows_that_all_agree_have_an_interval_that_is_not_zero_wide() -> None:
    found = known(difference(flips(100, 0, 0)))
    assert (found.mean, found.p) == (0.0, 1.0)
    assert -0.03 < found.interval.low < -0.02
    assert 0.02 < found.interval.high < 0.03
    graded = known(difference({str(row): ([0.5], [0.7]) for row in range(50)}))
    assert graded.interval.low < 0.2 - 1e-3
    assert graded.interval.high > 0.2 - 1e-9


def test_rows_that_only_one_has_are_no_pairs() -> None:
    alone: Sides = {"x": ([1.0], []), "y": ([], [0.0])}
    assert difference({**flips(5, 2, 1), **alone}) == difference(flips(5, 2, 1))
    assert difference(alone) is None
    assert effect({}) is None


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), float("inf")])
def test_a_value_that_is_no_score_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="from 0 to 1"):
        difference({"a": ([0.5], [value])})


@given(st.lists(st.sampled_from([-1.0, -0.75, -2 / 3, -0.5, -0.2, 0.0, 0.25, 1 / 3, 0.5, 0.8, 1.0]), max_size=9))
def test_the_sign_flip_test_is_brute_force_over_all_signs(differences: list[float]) -> None:
    total = abs(sum(differences))
    sums = [abs(sum(s * d for s, d in zip(signs, differences, strict=True))) for signs in _signs(len(differences))]
    assert sign_flip(differences) == pytest.approx(sum(one >= total - 1e-9 for one in sums) / len(sums))


def _signs(n: int) -> list[tuple[int, ...]]:
    return list(product((-1, 1), repeat=n))


def test_the_sign_flip_test_agrees_with_scipy_where_nothing_is_on_a_lattice() -> None:
    rng = random.Random(5)
    first, second = ([rng.random() for _ in range(12)] for _ in range(2))
    wanted = permutation_test(
        (second, first), lambda x, y: sum(x) - sum(y), permutation_type="samples", n_resamples=5000
    )
    assert sign_flip([b - a for a, b in zip(first, second, strict=True)]) == pytest.approx(wanted.pvalue, abs=2e-3)


def test_many_rows_of_odd_grades_are_drawn_quickly_the_same_each_time_and_never_with_p_zero() -> None:
    rng = random.Random(6)
    rows: Sides = {str(row): ([rng.random() / 2], [rng.random()]) for row in range(3000)}
    started = time.perf_counter()
    found = known(difference(rows))
    assert time.perf_counter() - started < 5
    assert found.p == 1 / 10_000
    assert known(difference(dict(reversed(rows.items())))).p == found.p


def test_drawn_and_exact_p_agree() -> None:
    rng = random.Random(7)
    rows = [rng.gauss(0.03, 0.2) for _ in range(60)]
    exact = sign_flip(rows)
    many = sign_flip([*rows, *[1e-4 * rng.choice((-1, 1)) for _ in range(2000)]])
    assert many == pytest.approx(exact, abs=0.02)


def test_mcnemar_is_the_sign_flip_test_of_passes_and_fails() -> None:
    for better, worse in ((0, 0), (0, 5), (0, 6), (3, 9), (7, 7)):
        assert sign_flip([1.0] * better + [-1.0] * worse) == pytest.approx(mcnemar(better, worse))


def test_epochs_are_of_their_row_and_not_rows_of_their_own() -> None:
    rows: Sides = {str(row): ([1.0] * 5, [1.0] * 4 + [0.0]) for row in range(4)}
    found = known(difference(rows))
    assert (found.test, found.n, found.worse) == ("sign-flip", 4, 4)
    assert found.mean == pytest.approx(-0.2)
    assert found.p == pytest.approx(2 / 16)


@given(st.lists(st.tuples(st.lists(st.floats(0, 1), max_size=3), st.lists(st.floats(0, 1), max_size=3)), max_size=20))
def test_every_interval_holds_its_mean_and_the_other_way_round_is_the_mirror(
    rows: list[tuple[list[float], list[float]]],
) -> None:
    there = difference({str(index): pair for index, pair in enumerate(rows)})
    back = difference({str(index): (second, first) for index, (first, second) in enumerate(rows)})
    if there is None:
        assert back is None
        return
    assert -1 <= there.interval.low <= there.mean <= there.interval.high <= 1
    assert 0 < there.p <= 1
    assert known(back).p == pytest.approx(there.p)
    assert known(back).interval.low == pytest.approx(-there.interval.high)


def _pass(rng: random.Random, epochs: int) -> tuple[list[float], list[float]]:
    chance = rng.betavariate(2, 1)
    draw = [float(rng.random() < chance) for _ in range(2 * epochs)]
    return draw[:epochs], draw[epochs:]


def _stars(rng: random.Random, epochs: int) -> tuple[list[float], list[float]]:
    draw = rng.choices([0, 0.25, 0.5, 0.75, 1], [1, 1, 2, 4, 8], k=2 * epochs)
    return draw[:epochs], draw[epochs:]


@pytest.mark.parametrize(("draw", "epochs"), [(_pass, 1), (_pass, 3), (_stars, 1), (_stars, 3)])
@pytest.mark.parametrize("rows", [12, 60])
def test_two_that_are_the_same_are_told_apart_at_most_once_in_twenty(draw, epochs: int, rows: int) -> None:  # type: ignore[no-untyped-def]
    rng = random.Random(17)
    found = [known(difference({str(row): draw(rng, epochs) for row in range(rows)})) for _ in range(800)]
    alarms = sum(one.p < 0.05 for one in found)
    assert binomtest(alarms, len(found), 0.05, "greater").pvalue > 0.01
    assert sum(one.interval.low <= 0 <= one.interval.high for one in found) / len(found) >= 0.935


def test_intervals_cover_a_difference_that_is_there() -> None:
    rng = random.Random(19)
    kinds, weights = [(1.0, 1.0), (1.0, 0.0), (0.0, 1.0), (0.0, 0.0)], [0.5, 0.2, 0.1, 0.2]
    drawn = [rng.choices(kinds, weights, k=60) for _ in range(1000)]
    found = [known(difference({str(i): ([a], [b]) for i, (a, b) in enumerate(rows)})).interval for rows in drawn]
    assert 0.93 <= sum(one.low <= -0.1 <= one.high for one in found) / len(found) <= 0.98


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))
    assert holm([0.9, 0.8]) == (1.0, 1.0)
    assert holm([]) == ()


@pytest.mark.parametrize(("n", "share"), [(30, 0.3), (104, 0.2), (104, 0.0), (400, 0.1)])
def test_the_smallest_difference_is_shown_four_times_in_five(n: int, share: float) -> None:
    """Simulated: rows with that true difference, and the flips that were seen."""
    found = Effect(0.0, seen(effect(flips(1, 0, 0))).interval, n, 0, 0, share, True)
    smallest = smallest_difference(found)
    assert smallest is not None
    flipping = max((share * n + 2) / (n + 2), smallest)
    rng, shown = random.Random(23), 0
    for _ in range(1500):
        better = sum(rng.random() < (flipping + smallest) / 2 for _ in range(n))
        worse = sum(
            rng.random() < (flipping - smallest) / 2 / (1 - (flipping + smallest) / 2) for _ in range(n - better)
        )
        shown += mcnemar(better, worse) < 0.05
    assert shown / 1500 == pytest.approx(0.8, abs=0.04)


def test_five_rows_can_show_nothing_and_more_rows_show_less() -> None:
    assert smallest_difference(known(difference(flips(5, 0, 0)))) is None
    sizes = [smallest_difference(known(difference(flips(n, 0, 0)))) for n in (10, 50, 200, 1000)]
    assert all(one is not None for one in sizes)
    assert sizes == sorted(sizes, reverse=True)  # type: ignore[type-var]


def test_grades_show_smaller_differences_than_passes_and_fails() -> None:
    rng = random.Random(29)
    graded: Sides = {str(row): ([rng.choice([0.5, 0.75])], [rng.choice([0.5, 0.75])]) for row in range(100)}
    small, coarse = (
        smallest_difference(known(difference(graded))),
        smallest_difference(known(difference(flips(50, 25, 25)))),
    )
    assert small is not None
    assert coarse is not None
    assert small < coarse / 2


@pytest.mark.parametrize("wanted", [1, 2, 3, 7, 64, 65, 1000, 123_456])
def test_more_rows_finds_the_fewest(wanted: int) -> None:
    assert more_rows(lambda n: n >= 50 + wanted, 50) == wanted


def test_more_rows_gives_up() -> None:
    assert more_rows(lambda n: False, 50) is None


def test_rows_needed_are_the_fewest_at_which_wilsons_interval_leaves_the_bound() -> None:
    """Mean 0.6 against 0.8: z^2 0.8 0.2 / 0.2^2 = 15.4 rows."""
    rows = {str(row): [float(row < 3)] for row in range(5)}
    assert rows_for_mean(rows, lambda low, high: high < 0.8) == 16 - 5
    assert rows_for_mean(rows, lambda low, high: high < 0.6) is None


def test_identical_epochs_need_as_many_rows_as_one() -> None:
    once = {str(row): [float(row < 30)] for row in range(50)}
    thrice = {row: values * 3 for row, values in once.items()}
    one = rows_for_mean(once, lambda low, high: high < 0.65)
    three = rows_for_mean(thrice, lambda low, high: high < 0.65)
    assert one is not None
    assert three == pytest.approx(one, rel=0.1)


def test_rows_needed_for_a_difference_are_enough_and_one_less_is_not() -> None:
    found = seen(effect(flips(40, 5, 2, 3)))
    needed = rows_for_difference(found, lambda low, high: high < -0.02)
    assert needed is not None
    n = 50 + needed

    def high(n: int) -> float:
        from touchstone.stats.paired import span

        return span(found.mean, found.square, n, once=True).high

    assert high(n) < -0.02 <= high(n - 1)


def test_pass_at_k_and_pass_all_k_by_hand() -> None:
    """5 tries, 2 passed: at least one of 2 passes 1 - 3/10, both pass 1/10."""
    assert pass_at(5, 2, 2) == pytest.approx(0.7)
    assert pass_all(5, 2, 2) == pytest.approx(0.1)
    assert (pass_at(5, 2, 1), pass_all(5, 2, 1)) == pytest.approx((0.4, 0.4))
    assert (pass_at(3, 0, 3), pass_at(3, 1, 3), pass_all(3, 2, 3), pass_all(3, 3, 3)) == (0, 1, 0, 1)
    with pytest.raises(ValueError, match="k = 4"):
        pass_at(3, 1, 4)


def test_pass_at_k_is_unbiased() -> None:
    rng = random.Random(31)
    found = [pass_at(6, sum(rng.random() < 0.3 for _ in range(6)), 3) for _ in range(20_000)]
    assert sum(found) / len(found) == pytest.approx(1 - 0.7**3, abs=0.01)


def test_repeats_say_which_rows_are_flaky() -> None:
    found = repeats({"a": [True] * 3, "b": [True, True, False], "c": [False] * 3, "d": [True, False]})
    assert found is not None
    assert (found.k, found.flaky, found.short) == (3, ("d", "b"), 1)
    assert found.any.mean == pytest.approx(2 / 3)
    assert found.all.mean == pytest.approx(1 / 3)
    assert found.all.interval.low < 1 / 3 < found.all.interval.high
    assert repeats({"a": [True], "b": [False]}) is None
    assert repeats({"a": [True], "b": [True, False]}, k=3) is None
    assert repeats({}) is None
    assert flaky({"a": [], "b": [True]}) == ()
