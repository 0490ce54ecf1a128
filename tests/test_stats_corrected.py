"""Corrected scores: hand-worked examples, properties, clusters, and simulated bias and coverage."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Sequence
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from touchstone.stats import estimate
from touchstone.stats.corrected import Corrected, prediction_powered, rogan_gladen

TPR, TNR = 0.8, 0.7


def known(found: Corrected) -> float:
    assert found.mean is not None
    return found.mean


def ends(found: Corrected) -> tuple[float, float]:
    assert found.interval is not None
    return found.interval.low, found.interval.high


def width(found: Corrected) -> float:
    return ends(found)[1] - ends(found)[0]


def judged(rng: random.Random, n: int, share: float, tpr: float = TPR, tnr: float = TNR) -> list[tuple[float, float]]:
    truths = [float(rng.random() < share) for _ in range(n)]
    return [(t, float(rng.random() < (tpr if t else 1 - tnr))) for t in truths]


def table(both: int, judge_only: int, truth_only: int, neither: int) -> list[tuple[float, float]]:
    return [(1.0, 1.0)] * both + [(0.0, 1.0)] * judge_only + [(1.0, 0.0)] * truth_only + [(0.0, 0.0)] * neither


def test_rogan_gladen_by_hand() -> None:
    """TPR 0.8 (40 of 50), TNR 0.7 (35 of 50), 45 % judged a pass: (0.45 + 0.7 - 1)/(0.8 + 0.7 - 1) = 0.3."""
    found = rogan_gladen(table(40, 15, 10, 35), [1.0] * 90 + [0.0] * 110)
    assert known(found) == pytest.approx(0.3)
    assert (found.weight, found.n, found.unlabelled, found.why) == (1.0, 100, 200, "")


def test_fiellers_ends_fit_the_data_just_so() -> None:
    """At each end of the interval, the judge's pass rate is 1.96 standard errors from what that end would give."""
    found = rogan_gladen(table(40, 15, 10, 35), [1.0] * 90 + [0.0] * 110)
    add = 1.959964**2 / 2
    q, tpr, fpr = (90 + add) / (200 + 2 * add), 41 / 52, 16 / 52
    for p in ends(found):
        variance = q * (1 - q) / (200 + 2 * add) + (p * p * tpr * (1 - tpr) + (1 - p) ** 2 * fpr * (1 - fpr)) / 52
        assert abs(q - p * tpr - (1 - p) * fpr) == pytest.approx(1.959964 * variance**0.5, rel=1e-4)


def test_prediction_powered_by_hand() -> None:
    """A judge that is always right: the weight tends to 1/(1 + n/N), the mean to the weighted mean of both sets.

    40 of 80 labelled pass, 240 of 320 unlabelled: 0.5 + 0.8 x (0.75 - 0.5) = 0.7 (up to the smaller spread of 0.75).
    """
    found = prediction_powered(table(40, 0, 0, 40), [1.0] * 240 + [0.0] * 80)
    noise = 0.75 * 0.25 / 319
    weight = (0.25 / 78) / (0.25 / 78 + noise)
    assert found.weight == pytest.approx(weight, abs=0.002)
    assert known(found) == pytest.approx(0.5 + weight * 0.25, abs=0.002)


def test_a_judge_that_knows_nothing_leaves_the_labelled_mean() -> None:
    labelled = table(21, 21, 9, 9)
    found = prediction_powered(labelled, [1.0] * 300)
    assert found.weight == pytest.approx(0.0, abs=0.02)
    assert known(found) == pytest.approx(0.5, abs=0.01)


def test_a_judge_upside_down_is_not_used() -> None:
    found = prediction_powered(table(5, 25, 25, 5), [1.0] * 100 + [0.0] * 100)
    assert (found.weight, found.mean) == (0.0, 0.5)
    upside_down = rogan_gladen(table(5, 25, 25, 5), [1.0] * 100)
    assert (upside_down.mean, upside_down.interval) == (None, None)
    assert "TPR + TNR - 1 is -0.67" in upside_down.why


def test_a_judge_not_shown_to_know_anything_corrects_nothing() -> None:
    found = rogan_gladen(table(8, 7, 5, 6), [1.0] * 100 + [0.0] * 50)
    assert found.mean is None
    assert "not shown to be above 0" in found.why


def test_a_good_judge_narrows_the_interval() -> None:
    rng = random.Random(1)
    labelled, more = judged(rng, 80, 0.5, 0.95, 0.95), [j for _, j in judged(rng, 800, 0.5, 0.95, 0.95)]
    alone = prediction_powered(labelled, [])
    assert width(prediction_powered(labelled, more)) < 0.65 * width(alone)


def test_without_unlabelled_outputs_it_is_the_labelled_mean() -> None:
    labelled = judged(random.Random(2), 60, 0.6)
    found = prediction_powered(labelled, [])
    plain = estimate({str(place): [truth] for place, (truth, _) in enumerate(labelled)})
    assert plain is not None
    assert found.mean == pytest.approx(plain.mean)
    assert ends(found) == pytest.approx((plain.interval.low, plain.interval.high), abs=0.01)
    assert "nothing but the labelled" in found.why


@pytest.mark.parametrize("method", [prediction_powered, rogan_gladen])
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_judge_without_a_mistake_is_not_taken_for_perfect(method, value: float) -> None:  # type: ignore[no-untyped-def]
    found = method(table(30, 0, 0, 30), [value] * 1000)
    assert ends(found)[0] <= known(found) <= ends(found)[1]
    assert width(found) > 0.02


def test_what_cannot_be_corrected_says_why() -> None:
    assert "no output is labelled" in prediction_powered([], [1.0]).why
    assert "no labelled output passes" in rogan_gladen([(0.0, 1.0)] * 9, [1.0]).why
    assert "no labelled output fails" in rogan_gladen([(1.0, 1.0)] * 9, [1.0]).why
    assert "no output is without a label" in rogan_gladen(table(9, 0, 0, 9), []).why
    assert rogan_gladen([], []).mean is None


def test_labelled_outputs_that_are_unlike_the_others_are_named() -> None:
    """The judge passes nothing at all, though it passed four of ten failing labelled outputs."""
    found = rogan_gladen(table(95, 40, 5, 60), [0.0] * 300)
    assert found.mean == 0.0
    assert "are the labelled outputs like these?" in found.why
    assert width(found) > 0


@pytest.mark.parametrize("method", [prediction_powered, rogan_gladen])
def test_bad_input_is_refused(method) -> None:  # type: ignore[no-untyped-def]
    for pairs, others in (([(1.1, 0.0)], [1.0]), ([(1.0, float("nan"))], [1.0]), ([(1.0, 1.0)], [-0.1])):
        with pytest.raises(ValueError, match="from 0 to 1"):
            method(pairs, others)
    with pytest.raises(ValueError, match="1 rows for 2 outputs"):
        method([(1.0, 1.0)] * 2, [1.0], rows=["a"])
    with pytest.raises(ValueError, match="3 rows for 1 outputs"):
        method([(1.0, 1.0)] * 2, [1.0], unlabelled_rows=["a", "b", "c"])


@pytest.mark.parametrize("method", [prediction_powered, rogan_gladen])
def test_epochs_that_all_say_the_same_tell_no_more_than_one(method) -> None:  # type: ignore[no-untyped-def]
    labelled = table(30, 8, 10, 32)
    others = [1.0] * 100 + [0.0] * 100
    names, more = [str(n) for n in range(80)], [f"u{n}" for n in range(200)]
    once = method(labelled, others)
    thrice = method(labelled * 3, others * 3, rows=names * 3, unlabelled_rows=more * 3)
    fresh = method(labelled * 3, others * 3)
    assert thrice.mean == pytest.approx(once.mean, abs=1e-6)
    assert width(thrice) == pytest.approx(width(once), rel=0.06)
    assert width(fresh) < 0.7 * width(once)


def test_thresholds_of_truth_and_judge_may_differ() -> None:
    labelled = [(0.9 * t, 0.4 + 0.2 * j) for t, j in table(40, 15, 10, 35)]
    others = [0.6] * 90 + [0.4] * 110
    assert known(rogan_gladen(labelled, others)) == pytest.approx(0.3)
    assert rogan_gladen(labelled, others, truth_threshold=0.95).mean is None


share = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])
pairs = st.lists(st.tuples(share, share), max_size=40)


@settings(max_examples=150, deadline=None)
@given(pairs, st.lists(share, max_size=60), st.integers(1, 60), st.sampled_from([prediction_powered, rogan_gladen]))
def test_never_nan_never_outside_never_zero_wide(
    labelled: list[tuple[float, float]], others: list[float], rows: int, method
) -> None:  # type: ignore[no-untyped-def]
    names, more = [str(n % rows) for n in range(len(labelled))], [str(n % rows) for n in range(len(others))]
    found = method(labelled, others, rows=names, unlabelled_rows=more)
    assert 0.0 <= found.weight <= 1.0
    if found.mean is None:
        assert found.why
        assert found.interval is None
    else:
        assert 0.0 <= ends(found)[0] <= found.mean <= ends(found)[1] <= 1.0
        assert width(found) > 1e-3


@settings(max_examples=40, deadline=None)
@given(pairs, st.lists(share, max_size=60), st.randoms())
def test_the_order_changes_nothing(
    labelled: list[tuple[float, float]], others: list[float], rng: random.Random
) -> None:
    one = prediction_powered(labelled, others)
    other = prediction_powered(rng.sample(labelled, len(labelled)), rng.sample(others, len(others)))
    assert one.mean == pytest.approx(other.mean)
    if one.interval and other.interval:
        assert ends(one) == pytest.approx(ends(other))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(share, share), min_size=1, max_size=40), st.lists(share, min_size=1, max_size=60))
def test_turning_all_answers_round_turns_the_mean_round(
    labelled: list[tuple[float, float]], others: list[float]
) -> None:
    one = prediction_powered(labelled, others)
    other = prediction_powered([(1 - t, 1 - j) for t, j in labelled], [1 - j for j in others])
    assert known(one) == pytest.approx(1 - known(other))
    assert ends(one) == pytest.approx((1 - ends(other)[1], 1 - ends(other)[0]))


def _simulated(
    share: float, times: int, labelled: int, others: int, epochs: int
) -> tuple[list[Corrected], list[float]]:
    rng = random.Random(round(share * 100))
    found, raw = [], []
    for _ in range(times):
        chances = [rng.betavariate(2 * share, 2 - 2 * share) for _ in range(others)]
        answers = [j for chance in chances for _, j in judged(rng, epochs, chance)]
        rows = [str(row) for row in range(others) for _ in range(epochs)]
        found.append(prediction_powered(judged(rng, labelled, share), answers, unlabelled_rows=rows))
        raw.append(fmean(answers))
    return found, raw


def _covered(found: Sequence[Corrected], truth: float) -> float:
    return fmean(ends(one)[0] <= truth <= ends(one)[1] for one in found)


@pytest.mark.parametrize("share", [0.2, 0.8])
@pytest.mark.parametrize(("labelled", "others", "epochs"), [(60, 200, 1), (100, 100, 3)])
def test_ppi_is_unbiased_and_covers_where_the_raw_mean_does_not(
    share: float, labelled: int, others: int, epochs: int
) -> None:
    found, raw = _simulated(share, 200, labelled, others, epochs)
    assert abs(fmean(raw) - share) > 0.03
    assert fmean(known(one) for one in found) == pytest.approx(share, abs=0.01)
    assert 0.91 <= _covered(found, share) <= 0.985


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_rogan_gladen_is_right_where_labelled_outputs_are_of_another_share(share: float) -> None:
    """Half of the labelled outputs pass; TPR and TNR are as they are among the others."""
    rng = random.Random(4)
    found = [rogan_gladen(judged(rng, 200, 0.5), [j for _, j in judged(rng, 200, share)]) for _ in range(200)]
    assert fmean(known(one) for one in found) == pytest.approx(share, abs=0.02)
    assert 0.91 <= _covered(found, share) <= 0.985


def test_correcting_loads_nothing_heavy() -> None:
    code = (
        "import sys; from touchstone.stats.corrected import prediction_powered, rogan_gladen as r;"
        "prediction_powered([(1.0, 1.0), (0.0, 0.0)], [1.0]); r([(1.0, 1.0)] * 9 + [(0.0, 0.0)] * 9, [1.0]);"
        "print([m for m in ('scipy', 'numpy') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
