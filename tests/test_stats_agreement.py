"""Agreement of judges: against scipy, hand-worked and published examples, properties, and simulated false alarms."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from math import isfinite

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from touchstone.stats import estimate
from touchstone.stats.agreement import Agreement, Figure, against_constant, agreement, constant, krippendorff

STARS = [0.0, 0.25, 0.5, 0.75, 1.0]
FIGURES = ("tau_b", "spearman", "pearson", "mse", "mae", "accuracy", "kappa", "tpr", "tnr")
ONE_SIDED = ("tpr", "tnr")


def names(values: Sequence[object]) -> list[str]:
    return [f"r{place}" for place in range(len(values))]


def agreed(
    judge: Sequence[float], truth: Sequence[float], rows: Sequence[str] | None = None, **more: float
) -> Agreement:
    return agreement(judge, truth, rows or names(truth), **more)  # type: ignore[arg-type]


def known(figure: Figure) -> float:
    assert figure.value is not None
    return figure.value


def ends(figure: Figure) -> tuple[float, float]:
    assert figure.interval is not None
    return figure.interval.low, figure.interval.high


def width(figure: Figure) -> float:
    return ends(figure)[1] - ends(figure)[0]


def table(both: int, judge_only: int, truth_only: int, neither: int) -> tuple[list[float], list[float]]:
    """(judge, truth) of a two-by-two table."""
    judge = [1.0] * (both + judge_only) + [0.0] * (truth_only + neither)
    truth = [1.0] * both + [0.0] * judge_only + [1.0] * truth_only + [0.0] * neither
    return judge, truth


def noisy(n: int, seed: int) -> tuple[list[float], list[float]]:
    rng = random.Random(seed)
    truth = [rng.choice(STARS) for _ in range(n)]
    return [min(1.0, max(0.0, t + rng.choice([-0.5, -0.25, 0, 0, 0.25, 0.5]))) for t in truth], truth


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("n", [2, 7, 40, 700])
def test_correlations_are_scipys(n: int, seed: int) -> None:
    judge, truth = noisy(n, seed)
    judge[0], truth[0], judge[1], truth[1] = 0.0, 0.25, 1.0, 0.75
    found = agreed(judge, truth)
    assert known(found.tau_b) == pytest.approx(scipy_stats.kendalltau(judge, truth).statistic)
    assert known(found.spearman) == pytest.approx(scipy_stats.spearmanr(judge, truth).statistic)
    assert known(found.pearson) == pytest.approx(scipy_stats.pearsonr(judge, truth).statistic)


def test_correlations_of_grades_without_ties_are_scipys() -> None:
    rng = random.Random(2)
    judge, truth = ([rng.random() for _ in range(900)] for _ in range(2))
    found = agreed(judge, truth)
    assert known(found.tau_b) == pytest.approx(scipy_stats.kendalltau(judge, truth).statistic)
    assert known(found.spearman) == pytest.approx(scipy_stats.spearmanr(judge, truth).statistic)
    assert ends(found.tau_b) == pytest.approx(ends(agreed([round(j, 2) for j in judge], truth).tau_b), abs=0.01)


def test_two_by_two_by_hand() -> None:
    """20 both pass, 5 only the judge, 10 only the truth, 15 neither: the worked example of many a lesson on kappa.

    Accuracy 35/50 = 0.7, chance (25 x 30 + 25 x 20)/2500 = 0.5, kappa (0.7 - 0.5)/0.5 = 0.4.
    """
    found = agreed(*table(20, 5, 10, 15))
    assert (known(found.accuracy), known(found.kappa)) == pytest.approx((0.7, 0.4))
    assert (known(found.tpr), known(found.tnr)) == pytest.approx((20 / 30, 15 / 20))
    assert known(found.mae) == known(found.mse) == pytest.approx(0.3)
    assert known(found.tau_b) == pytest.approx((20 * 15 - 5 * 10) / (25 * 25 * 30 * 20) ** 0.5)
    assert ends(found.tpr) == pytest.approx(
        tuple(scipy_stats.binomtest(20, 30).proportion_ci(0.95, "wilson")), abs=1e-12
    )


def test_kappa_of_a_large_table_has_the_published_interval() -> None:
    """Fleiss, Cohen & Everitt (Psychol. Bull. 72, 1969): the table above, ten times as large."""
    found = agreed(*table(200, 50, 100, 150))
    p = {(1, 1): 0.4, (1, 0): 0.1, (0, 1): 0.2, (0, 0): 0.3}
    judge, truth, po, pe = {1: 0.5, 0: 0.5}, {1: 0.6, 0: 0.4}, 0.7, 0.5
    a = sum(p[i, i] * ((1 - pe) - (judge[i] + truth[i]) * (1 - po)) ** 2 for i in (0, 1))
    b = (1 - po) ** 2 * sum(p[i, j] * (judge[j] + truth[i]) ** 2 for i in (0, 1) for j in (0, 1) if i != j)
    error = ((a + b - (po * pe - 2 * pe + po) ** 2) / (500 * (1 - pe) ** 4)) ** 0.5
    assert width(found.kappa) == pytest.approx(2 * 1.96 * error, rel=0.06)


def test_errors_of_grades_by_hand() -> None:
    found = agreed([0.5, 0.75, 0.0, 1.0], [1.0, 0.75, 0.25, 1.0])
    assert (known(found.mae), known(found.mse)) == pytest.approx((0.75 / 4, 0.3125 / 4))
    errors = estimate({"a": [0.5], "b": [0.0], "c": [0.25], "d": [0.0]})
    assert errors is not None
    assert found.mae.interval == errors.interval


def test_the_thresholds_of_judge_and_truth_may_differ() -> None:
    judge, truth = [0.25, 0.75, 0.75, 0.25], [0.6, 0.9, 0.9, 0.6]
    assert known(agreed(judge, truth).accuracy) == 0.5
    assert known(agreed(judge, truth, truth_threshold=0.8).accuracy) == 1.0


@pytest.mark.parametrize("n", [2, 3, 10, 34, 200])
@pytest.mark.parametrize("flip", [False, True])
def test_a_perfect_judge_has_an_interval_that_is_not_zero_wide(n: int, flip: bool) -> None:
    truth = [float(place % 2) for place in range(n)]
    found = agreed([1 - t for t in truth] if flip else truth, truth)
    for name in FIGURES:
        assert width(getattr(found, name)) > 1 / (2 * n), name
    assert abs(known(found.tau_b)) == pytest.approx(1)


def test_a_perfect_judge_of_ten_rows_is_trusted_as_wilson_trusts_ten_passes() -> None:
    truth = [0.0, 1.0] * 5
    found = agreed(truth, truth)
    accuracy_low = ends(found.accuracy)[0]
    assert accuracy_low == pytest.approx(10 / (10 + 1.959964**2), rel=1e-6)
    assert ends(found.kappa) == pytest.approx((2 * accuracy_low - 1, 1.0))
    assert ends(found.tau_b) == pytest.approx((2 * accuracy_low - 1, 1.0))


@pytest.mark.parametrize("fails", [1, 2, 3])
def test_one_or_two_caught_fails_are_no_evidence(fails: int) -> None:
    truth = [0.0] * fails + [1.0] * (30 - fails)
    judge = [0.0] * (fails + 2) + [1.0] * (28 - fails)
    assert not against_constant(judge, truth, names(truth)).better


def test_resampling_draws_rows_with_all_their_items() -> None:
    judge, truth = table(20, 5, 10, 15)
    once = agreed(judge, truth)
    thrice = agreed(judge * 3, truth * 3, names(truth) * 3)
    fresh = agreed(judge * 3, truth * 3)
    assert (thrice.n, thrice.rows) == (150, 50)
    for name in FIGURES:
        assert width(getattr(thrice, name)) == pytest.approx(width(getattr(once, name)), rel=0.06), name
        assert width(getattr(fresh, name)) < 0.7 * width(getattr(once, name)), name


def test_what_is_not_defined_says_why() -> None:
    alike = agreed([1.0] * 4, [0.0, 1.0, 0.0, 1.0])
    assert (alike.tau_b.value, alike.tau_b.why) == (None, "the judge's answers are all alike")
    assert "truth's answers" in agreed([0.0, 1.0], [1.0, 1.0]).pearson.why
    assert "no item fails" in agreed([0.0, 1.0], [1.0, 1.0]).tnr.why
    assert "no item passes" in agreed([0.0, 1.0], [0.0, 0.0]).tpr.why
    assert "nothing was measured" in agreed([], []).mae.why
    assert agreed([0.0, 1.0], [0.0, 1.0], ["a", "a"]).tau_b == Figure(1.0, None, "one row alone has no interval")


def test_numbers_that_differ_by_rounding_alone_are_one_answer() -> None:
    assert agreed([0.1 + 0.2, 0.3, 0.3], [0.0, 1.0, 0.0]).tau_b.value is None


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match="3 answers, 2 truths and 2 rows"):
        agreement([1.0, 1.0, 1.0], [1.0, 1.0], ["a", "b"])
    for wrong in (1.5, -0.1, float("nan")):
        with pytest.raises(ValueError, match="from 0 to 1"):
            agreed([wrong, 1.0], [1.0, 1.0])
        with pytest.raises(ValueError, match="from 0 to 1"):
            against_constant([1.0, 1.0], [1.0, wrong], ["a", "b"])


def test_a_hundred_items_take_less_than_a_second() -> None:
    judge, truth = noisy(100, 1)
    agreed(judge, truth)
    start = time.perf_counter()
    agreed(judge, truth)
    assert time.perf_counter() - start < 1.0


items = st.lists(
    st.tuples(st.sampled_from([*STARS, 0.1, 0.9]), st.sampled_from(STARS), st.sampled_from("abcdefghijklmnop")),
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(items)
def test_never_nan_and_every_interval_holds_its_value(drawn: list[tuple[float, float, str]]) -> None:
    found = agreed([j for j, _, _ in drawn], [t for _, t, _ in drawn], [r for _, _, r in drawn])
    for name in FIGURES:
        figure = getattr(found, name)
        floor = -1 if name in ("tau_b", "spearman", "pearson", "kappa") else 0
        if figure.value is None:
            assert figure.why
        elif figure.interval is None:
            assert found.rows == 1
        else:
            low, high = ends(figure)
            assert floor <= low <= figure.value <= high <= 1
            assert low < high
            assert isfinite(figure.value)


@settings(max_examples=30, deadline=None)
@given(items)
def test_who_is_called_the_judge_changes_no_correlation(drawn: list[tuple[float, float, str]]) -> None:
    judge, truth, rows = ([d[k] for d in drawn] for k in range(3))
    one, other = agreed(judge, truth, rows), agreed(truth, judge, rows)  # type: ignore[arg-type]
    for name in ("tau_b", "spearman", "pearson", "kappa", "mae", "mse", "accuracy"):
        assert getattr(one, name).value == pytest.approx(getattr(other, name).value), name


@settings(max_examples=30, deadline=None)
@given(items, st.randoms())
def test_the_order_of_items_changes_nothing(drawn: list[tuple[float, float, str]], rng: random.Random) -> None:
    mixed = rng.sample(drawn, len(drawn))
    one, other = (agreed(*([d[k] for d in order] for k in range(3))) for order in (drawn, mixed))  # type: ignore[arg-type]
    for name in FIGURES:
        assert getattr(one, name).value == pytest.approx(getattr(other, name).value), name


@settings(max_examples=30, deadline=None)
@given(items)
def test_ranks_alone_decide_tau_and_spearman(drawn: list[tuple[float, float, str]]) -> None:
    judge, truth = [j for j, _, _ in drawn], [t for _, t, _ in drawn]
    plain, bent = agreed(judge, truth), agreed([j**3 for j in judge], truth)
    assert (plain.tau_b.value, plain.spearman.value) == pytest.approx((bent.tau_b.value, bent.spearman.value))
    assert plain.tau_b.interval == bent.tau_b.interval


def test_the_seed_alone_moves_the_bootstrap() -> None:
    judge, truth = noisy(40, 4)
    assert agreed(judge, truth) == agreed(judge, truth)
    assert agreed(judge, truth).tau_b != agreed(judge, truth, seed=1).tau_b


def _coin(rng: random.Random) -> tuple[float, float]:
    return float(rng.random() < 0.85), float(rng.random() < 0.76)


def _dice(rng: random.Random) -> tuple[float, float]:
    return rng.choice(STARS), float(rng.random() < 0.76)


def _rare(rng: random.Random) -> tuple[float, float]:
    return float(rng.random() < 0.9), float(rng.random() < 0.9)


@pytest.mark.parametrize("draw", [_coin, _dice, _rare])
@pytest.mark.parametrize("n", [10, 34, 80])
def test_a_judge_that_guesses_is_seldom_called_better_or_worse(draw, n: int) -> None:  # type: ignore[no-untyped-def]
    rng = random.Random(7)
    better = worse = 0
    for _ in range(200):
        drawn = [draw(rng) for _ in range(n)]
        evidence = against_constant([j for j, _ in drawn], [t for _, t in drawn], names(drawn))
        better += evidence.better
        worse += "wrong way" in evidence.words
    assert better <= 11
    assert worse <= 11


def _skilled(rng: random.Random) -> tuple[float, float]:
    truth = float(rng.random() < 0.5)
    return float(rng.random() < (0.8 if truth else 0.3)), truth


def test_intervals_of_tau_and_kappa_cover_the_truth() -> None:
    """TPR 0.8, TNR 0.7, even margins: kappa is TPR + TNR - 1 = 0.5, phi 0.5/sqrt(4 x 0.55 x 0.45)."""
    rng = random.Random(8)
    wanted = {"kappa": 0.5, "tau_b": 0.5 / (4 * 0.55 * 0.45) ** 0.5}
    covered = dict.fromkeys(wanted, 0)
    for _ in range(300):
        drawn = [_skilled(rng) for _ in range(60)]
        found = agreed([j for j, _ in drawn], [t for _, t in drawn])
        for name, value in wanted.items():
            low, high = ends(getattr(found, name))
            covered[name] += low <= value <= high
    assert all(0.92 <= count / 300 <= 0.99 for count in covered.values()), covered


def test_constant_answers() -> None:
    truth = [1.0] * 26 + [0.0] * 8
    found = {line.name: line.agreement for line in constant(truth, names(truth))}
    assert list(found) == ["always pass", "always fail"]
    assert known(found["always pass"].mae) == pytest.approx(8 / 34)
    assert (known(found["always pass"].tpr), known(found["always pass"].tnr)) == (1.0, 0.0)
    assert known(found["always fail"].accuracy) == pytest.approx(8 / 34)
    assert found["always fail"].tau_b.value is None


def test_the_constant_of_least_error_is_the_median() -> None:
    truth = [0.0, 0.5, 0.75, 0.75, 1.0]
    lines = constant(truth, names(truth))
    assert [line.name for line in lines] == ["always pass", "always fail", "always 0.75"]
    assert min(lines, key=lambda line: known(line.agreement.mae)) is lines[-1]
    assert [line.name for line in constant([], [])] == ["always pass", "always fail"]


def test_labels_that_are_noise_are_called_so() -> None:
    """26 passes and 8 fails; grades that know nothing of them, and err more than a constant pass does."""
    truth = [1.0] * 26 + [0.0] * 8
    judge = [1.0, 0.25, 0.0, 0.75, 0.25] * 5 + [1.0] + [0.75, 0.25, 0.0, 1.0, 0.5, 0.0, 0.75, 0.25]
    found = against_constant(judge, truth, names(truth))
    assert not found.better
    assert found.errs_less
    assert found.constant == "always pass"
    assert found.words.startswith("no evidence that this judge is better than always saying pass: tau-b ")
    assert '; a constant "pass" errs less: MAE 0.24 against 0.5' in found.words
    assert ends(found.difference)[1] < 0


def test_a_good_judge_is_called_good() -> None:
    judge, truth = table(10, 2, 3, 25)
    found = against_constant(judge, truth, names(truth))
    assert found.better
    assert found.words.startswith("better than always saying fail: tau-b +0.")
    assert known(found.difference) == pytest.approx(35 / 40 - 27 / 40)
    assert ends(found.difference)[0] > 0


def test_a_useful_judge_that_errs_more_than_a_constant_is_told_both() -> None:
    """It finds the rare fails, at the price of false alarms."""
    judge, truth = table(60, 0, 30, 10)
    found = against_constant(judge, truth, names(truth))
    assert found.better
    assert found.words.endswith('; a constant "pass" errs less: MAE 0.10 against 0.30')


def test_a_judge_upside_down_is_named() -> None:
    judge, truth = table(3, 25, 10, 2)
    found = against_constant(judge, truth, names(truth))
    assert not found.better
    assert ", the wrong way round" in found.words


@pytest.mark.parametrize(
    ("judge", "truth", "words"),
    [([], [], "nothing was measured"), ([0.0, 1.0], [1.0, 1.0], "truth's answers are all alike")],
)
def test_what_cannot_be_told_is_no_evidence(judge: list[float], truth: list[float], words: str) -> None:
    found = against_constant(judge, truth, names(truth))
    assert not found.better
    assert words in found.words


KRIPPENDORFF = {
    "A": "1 2 3 3 2 1 4 1 2 . . .",
    "B": "1 2 3 3 2 2 4 1 2 5 . 3",
    "C": ". 3 3 3 2 3 4 2 2 5 1 .",
    "D": "1 2 3 3 2 4 4 1 2 5 1 .",
}


def _ratings(by_rater: dict[str, str]) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for rater, line in by_rater.items():
        for item, mark in enumerate(line.split()):
            found.setdefault(str(item), {}).update({} if mark == "." else {rater: float(mark)})
    return found


@pytest.mark.parametrize(("level", "alpha"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_krippendorffs_own_example(level, alpha: float) -> None:  # type: ignore[no-untyped-def]
    """Krippendorff 2011, example C: four observers, twelve units, missing data."""
    found = krippendorff(_ratings(KRIPPENDORFF), level=level)
    assert known(found) == pytest.approx(alpha, abs=5e-4)
    assert ends(found)[0] < alpha <= ends(found)[1]


def test_alpha_of_two_raters_by_hand() -> None:
    """Krippendorff 2011, example A: ten units, passes and fails; alpha 0.095."""
    found = krippendorff(_ratings({"A": "0 1 0 0 0 0 0 0 1 0", "B": "1 1 1 0 0 1 0 0 0 0"}), level="nominal")
    assert known(found) == pytest.approx(0.095, abs=5e-4)


def test_perfect_raters_have_an_interval_that_is_not_zero_wide() -> None:
    found = krippendorff(_ratings({"A": "0 1 " * 6, "B": "0 1 " * 6}))
    assert found.value == 1.0
    assert 0.3 < ends(found)[0] < 0.6


def test_alpha_that_is_not_defined_says_why() -> None:
    assert "two people" in krippendorff({}).why
    assert "two people" in krippendorff({"a": {"x": 1.0}, "b": {"y": 0.0}}).why
    assert "alike" in krippendorff({"a": {"x": 1.0, "y": 1.0}, "b": {"x": 1.0, "y": 1.0}}).why
    assert "one row" in krippendorff({"a": {"x": 1.0, "y": 0.0}}).why


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.dictionaries(st.sampled_from("xyz"), st.sampled_from(STARS)), max_size=12),
    st.sampled_from(["nominal", "ordinal", "interval"]),
)
def test_alpha_is_never_nan_and_takes_no_notice_of_names(units: list[dict[str, float]], level) -> None:  # type: ignore[no-untyped-def]
    ratings = {str(place): unit for place, unit in enumerate(units)}
    found = krippendorff(ratings, level=level)
    swapped = krippendorff(
        {k: {"q" + r: v for r, v in sorted(u.items(), reverse=True)} for k, u in ratings.items()}, level=level
    )
    assert found.value == pytest.approx(swapped.value)
    if found.value is None:
        assert found.why
    elif found.interval is not None:
        assert -1 <= ends(found)[0] <= found.value <= ends(found)[1] <= 1
        assert width(found) > 0
