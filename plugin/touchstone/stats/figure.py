"""One figure with its 95 % interval, and the bootstrap by rows. Knows nothing of judges, raters or wording of reports.

The interval of a figure that is no mean (a correlation, kappa, alpha) is the bias-corrected and accelerated bootstrap
(Efron, J. Am. Stat. Assoc. 82, 1987; `scipy.stats.bootstrap`) over rows: a row is drawn with all its items. Where the
data are too few or too alike for a bootstrap to see their noise, it is joined with a Wilson interval (`cautious`).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any, TypeAlias

from .intervals import Estimate, Interval, wilson

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

RESAMPLES = 1999
FEW = 10
"""With fewer rows than this, the bootstrap alone is too sure of itself."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with its interval; `value` is None where the number is not defined, and `why` says why."""

    value: float | None
    interval: Interval | None = None
    """95 %; None where the number is not defined, or where one row alone stands behind it."""
    why: str = ""


def of_estimate(found: Estimate | None, why: str) -> Figure:
    """The figure of a mean; `why` is for the case that there is none."""
    return Figure(None, why=why) if found is None else Figure(found.mean, found.interval)


@dataclass(frozen=True, slots=True)
class Sample:
    """What stands behind a figure."""

    rows: int
    """Drawn with all their items by the bootstrap."""
    worth: float
    """Independent rows that the data are worth; less than `rows` where nearly all answers are alike."""
    small: bool = False
    """Too thin in places for a bootstrap alone."""


def bootstrapped(value: float, statistic: Callable[[Array], Array], sample: Sample, *, seed: int) -> Figure:
    """A figure from -1 to 1 with its bootstrap interval.

    `statistic`: weights (..., rows) -> figure (...); weight k counts a row k times; nan where it is not defined.
    """
    if sample.rows < 2:
        return Figure(value, why="one row alone has no interval")
    spans = [found] if (found := _bootstrap(statistic, sample.rows, seed)) else []
    if not spans or sample.small or sample.rows < FEW or abs(value) > 1 - 1e-9:
        spans.append(cautious(value, sample.worth))
    low, high = min(s.low for s in spans), max(s.high for s in spans)
    return Figure(value, Interval(max(-1.0, min(low, value)), min(1.0, max(high, value))))


def cautious(value: float, size: float) -> Interval:
    """Wilson's interval of (1 + value)/2, taken as a share of `size` rows, put back on -1 to 1.

    For two-by-two tables with even margins this is exact for accuracy, hence for kappa and phi; elsewhere it is wide.
    """
    span = wilson(min(1.0, max(0.0, (1 + value) / 2)), size)
    return Interval(2 * span.low - 1, 2 * span.high - 1)


def _bootstrap(statistic: Callable[[Array], Array], rows: int, seed: int) -> Interval | None:
    """None where all resamples say the same or where the method has no answer.

    A resample in which the figure is not defined (no failing item in it, say) shows no agreement: it counts as 0.
    """
    import numpy as np
    from scipy.stats import bootstrap  # type: ignore[import-untyped]

    def figures(drawn: Array, axis: int = -1) -> Array:
        return np.nan_to_num(statistic(_weights(drawn, rows)))

    settings: dict[str, Any] = {"vectorized": True, "batch": 200, "random_state": np.random.default_rng(seed)}
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # scipy warns where BCa has no answer; the caller then takes another way
        drawn = bootstrap((np.arange(rows),), figures, method="percentile", n_resamples=RESAMPLES, **settings)
        if np.ptp(drawn.bootstrap_distribution) < 1e-12:
            return None
        found = bootstrap((np.arange(rows),), figures, n_resamples=0, bootstrap_result=drawn, method="BCa", **settings)
    ends = [found.confidence_interval, drawn.confidence_interval]
    return next((Interval(float(low), float(high)) for low, high in ends if isfinite(low) and isfinite(high)), None)


def _weights(drawn: Array, rows: int) -> Array:
    """Indices of rows (..., any) -> how often each row was drawn (..., rows)."""
    import numpy as np

    flat = drawn.reshape(-1, drawn.shape[-1])
    places = flat + rows * np.arange(len(flat))[:, None]
    return np.bincount(places.ravel(), minlength=rows * len(flat)).reshape(*drawn.shape[:-1], rows).astype(float)
