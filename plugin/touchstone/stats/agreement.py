"""How far a judge agrees with a truth (people, execution), and whether a constant answer would do as well.

Pure: owns the figures and their plain words; reads no file, knows no label, no rater's name and no rule.
Values are normalised to 0..1. Several items of one row resemble each other, so rows are what is drawn and counted.

* Error (MSE, MAE) and accuracy are means over items; true positive and true negative rates are shares of the items
  whose truth is pass or fail (Yerushalmy, Public Health Rep. 62, 1947). Their intervals are those of every score
  (`intervals.estimate`).
* Correlations and kappa: `association`. Several raters: `raters`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from statistics import median

from . import association
from .figure import Figure, of_estimate
from .intervals import Interval, by_row, estimate
from .raters import krippendorff

__all__ = ["Agreement", "Constant", "Evidence", "Figure", "against_constant", "agreement", "constant", "krippendorff"]


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of one judge with one truth, on the items that both have."""

    n: int
    """Items."""
    rows: int
    """Distinct rows among them."""
    tau_b: Figure
    spearman: Figure
    pearson: Figure
    mse: Figure
    """On the scale 0..1, like `mae`."""
    mae: Figure
    accuracy: Figure
    """Share of items where judge and truth both pass or both fail."""
    kappa: Figure
    tpr: Figure
    """True positive rate: of what passes in truth, the share that the judge passes."""
    tnr: Figure
    """True negative rate: of what fails in truth, the share that the judge fails."""


@dataclass(frozen=True, slots=True)
class Constant:
    """An answer that looks at nothing, and how well it does."""

    name: str
    """`always pass`, `always fail`, or `always 0.75`."""
    value: float
    agreement: Agreement


@dataclass(frozen=True, slots=True)
class Evidence:
    """Whether a judge is shown to be better than the best constant answer."""

    better: bool
    """The lower end of tau-b's interval is above 0."""
    words: str
    """One sentence for a report, figures included; no name in it."""
    constant: str
    """The constant answer with the highest accuracy: `always pass` or `always fail`."""
    tau_b: Figure
    difference: Figure
    """Accuracy of the judge less that of the constant answer, item by item."""
    errs_less: bool
    """Whether a constant answer (pass or fail) has a lower mean absolute error than the judge."""


def agreement(  # noqa: PLR0913  (two sides, their thresholds)
    judge: Sequence[float],
    truth: Sequence[float],
    rows: Sequence[str],
    *,
    threshold: float = 0.5,
    truth_threshold: float | None = None,
    seed: int = 0,
) -> Agreement:
    """All figures of a judge; a value is a pass from `threshold` up (the truth's own threshold may differ).

    Raises ValueError where the three are not of one length, or a value is not from 0 to 1.
    """
    _check(judge, truth, rows)
    says = _passes(judge, threshold)
    is_so = _passes(truth, threshold if truth_threshold is None else truth_threshold)
    errors = [abs(j - t) for j, t in zip(judge, truth, strict=True)]
    right = [float(j == t) for j, t in zip(says, is_so, strict=True)]
    raw, binary = association.cells(judge, truth, rows), association.cells(says, is_so, rows)
    return Agreement(
        n=len(rows),
        rows=len(set(rows)),
        tau_b=association.tau_b(raw, seed),
        spearman=association.spearman(raw, seed),
        pearson=association.pearson(raw, seed),
        mse=_mean([e * e for e in errors], rows),
        mae=_mean(errors, rows),
        accuracy=_mean(right, rows),
        kappa=association.kappa(binary, seed),
        tpr=_share(right, is_so, rows, of=1.0, why="no item passes in truth"),
        tnr=_share(right, is_so, rows, of=0.0, why="no item fails in truth"),
    )


def constant(truth: Sequence[float], rows: Sequence[str], *, threshold: float = 0.5) -> tuple[Constant, ...]:
    """What answers that look at nothing would reach: always pass, always fail, and the one of the least MAE.

    The last is the median of the truth; it is left out where it is one of the first two.
    """
    answers = {"always pass": 1.0, "always fail": 0.0}
    middle = median(truth) if truth else 1.0
    if middle not in answers.values():
        answers[f"always {middle:.3g}"] = middle
    return tuple(
        Constant(name, value, agreement([value] * len(truth), truth, rows, threshold=threshold))
        for name, value in answers.items()
    )


def against_constant(  # noqa: PLR0913  (two sides, their thresholds)
    judge: Sequence[float],
    truth: Sequence[float],
    rows: Sequence[str],
    *,
    threshold: float = 0.5,
    truth_threshold: float | None = None,
    seed: int = 0,
) -> Evidence:
    """Whether the judge's answers tell anything about the truth; raises as `agreement` does."""
    _check(judge, truth, rows)
    is_so = _passes(truth, threshold if truth_threshold is None else truth_threshold)
    always = 1.0 if sum(is_so) * 2 >= len(is_so) else 0.0
    name = "always pass" if always else "always fail"
    tau = association.tau_b(association.cells(judge, truth, rows), seed)
    better = tau.interval is not None and tau.interval.low > 0
    judged, fixed = _mae(judge, truth), min(_mae([c] * len(truth), truth) for c in (0.0, 1.0))
    return Evidence(
        better=better,
        words=_words(better, tau, name) + _errs(judged, judge, truth),
        constant=name,
        tau_b=tau,
        difference=_difference(_passes(judge, threshold), is_so, always, rows),
        errs_less=fixed < judged,
    )


def _check(judge: Sequence[float], truth: Sequence[float], rows: Sequence[str]) -> None:
    if not len(judge) == len(truth) == len(rows):
        raise ValueError(f"{len(judge)} answers, {len(truth)} truths and {len(rows)} rows do not belong together")
    if not all(isfinite(value) and 0.0 <= value <= 1.0 for value in (*judge, *truth)):
        raise ValueError("an answer is a number from 0 to 1")


def _passes(values: Sequence[float], threshold: float) -> list[float]:
    return [float(value >= threshold) for value in values]


def _mean(values: Sequence[float], rows: Sequence[str]) -> Figure:
    return of_estimate(estimate(by_row(zip(rows, values, strict=True))), association.NOTHING)


def _share(right: Sequence[float], is_so: Sequence[float], rows: Sequence[str], *, of: float, why: str) -> Figure:
    kept = [(r, row) for r, so, row in zip(right, is_so, rows, strict=True) if so == of]
    return of_estimate(estimate(by_row((row, r) for r, row in kept)), why)


def _difference(says: Sequence[float], is_so: Sequence[float], always: float, rows: Sequence[str]) -> Figure:
    """Paired by item: +1 where only the judge is right, -1 where only the constant is."""
    gains = [float(s == so) - float(so == always) for s, so in zip(says, is_so, strict=True)]
    found = _mean([(1 + gain) / 2 for gain in gains], rows)
    if found.value is None or found.interval is None:
        return found
    return Figure(2 * found.value - 1, Interval(2 * found.interval.low - 1, 2 * found.interval.high - 1))


def _mae(judge: Sequence[float], truth: Sequence[float]) -> float:
    return sum(abs(j - t) for j, t in zip(judge, truth, strict=True)) / max(1, len(truth))


def _words(better: bool, tau: Figure, name: str) -> str:
    if tau.value is None or tau.interval is None:
        return f"no evidence that this judge is better than {_saying(name)}: {tau.why}"
    seen = f"tau-b {tau.value:+.2f}, from {tau.interval.low:+.2f} to {tau.interval.high:+.2f}"
    if better:
        return f"better than {_saying(name)}: {seen}"
    wrong_way = ", the wrong way round" if tau.interval.high < 0 else ""
    return f"no evidence that this judge is better than {_saying(name)}: {seen}{wrong_way}"


def _saying(name: str) -> str:
    return name.replace("always", "always saying")


def _errs(judged: float, judge: Sequence[float], truth: Sequence[float]) -> str:
    """`; a constant "pass" errs less: MAE 0.24 against 0.44`, where it does."""
    fixed = {word: _mae([value] * len(truth), truth) for word, value in (("pass", 1.0), ("fail", 0.0))}
    word = min(fixed, key=lambda name: fixed[name])
    return (
        f'; a constant "{word}" errs less: MAE {fixed[word]:.2f} against {judged:.2f}' if fixed[word] < judged else ""
    )
