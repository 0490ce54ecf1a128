"""Several raters against each other: Krippendorff's alpha. Pure; knows no labels and no names.

Krippendorff, Computing Krippendorff's Alpha-Reliability, 2011; Hayes & Krippendorff, Commun. Methods Meas. 1, 2007.
Written here because the packages that have it are not under a licence that fits this one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from .figure import Figure, Sample, bootstrapped

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

Level: TypeAlias = Literal["nominal", "ordinal", "interval"]


def krippendorff(ratings: Mapping[str, Mapping[str, float]], *, level: Level = "ordinal", seed: int = 0) -> Figure:
    """Krippendorff's alpha of item -> rater -> value, with a bootstrap over items; missing ratings are left out.

    1 is perfect agreement, 0 what chance gives, below 0 worse. Items with one rating tell nothing and are not counted.
    """
    units = [list(by.values()) for by in ratings.values() if len(by) > 1]
    if not units:
        return Figure(None, why="no item has ratings by two people")
    values = sorted({value for unit in units for value in unit})
    if len(values) < 2:
        return Figure(None, why="all ratings are alike")
    pairs = _coincidences(units, values)
    return bootstrapped(
        float(_alpha(pairs.sum(0), values, level)),
        lambda weights: _alpha(weights @ pairs, values, level),
        Sample(len(units), _worth(pairs)),
        seed=seed,
    )


def _coincidences(units: Sequence[Sequence[float]], values: Sequence[float]) -> Array:
    """(items, values * values): how often each value meets each other within an item, over its ratings less one."""
    import numpy as np

    counts = np.array([[unit.count(value) for value in values] for unit in units], dtype=float)
    meet = counts[:, :, None] * counts[:, None, :] - counts[:, :, None] * np.eye(len(values))
    return np.asarray((meet / (counts.sum(1) - 1)[:, None, None]).reshape(len(units), -1))


def _alpha(coincidences: Array, values: Sequence[float], level: Level) -> Array:
    """1 - observed over expected disagreement; (..., values * values) -> (...); nan where nothing differs."""
    import numpy as np

    met = coincidences.reshape(*coincidences.shape[:-1], len(values), len(values))
    marginal = met.sum(-1)
    apart = _distance(marginal, values, level)
    seen = (met * apart).sum((-1, -2))
    chance = (marginal[..., :, None] * marginal[..., None, :] * apart).sum((-1, -2))
    flat = chance < 1e-12
    return np.where(flat, np.nan, 1 - (marginal.sum(-1) - 1) * seen / np.where(flat, 1, chance))


def _distance(marginal: Array, values: Sequence[float], level: Level) -> Array:
    """Squared differences (..., values, values); ordinal values differ by the ratings that lie between them."""
    import numpy as np

    if level == "nominal":
        return 1 - np.eye(len(values))
    place = np.asarray(values) if level == "interval" else marginal.cumsum(-1) - marginal / 2
    return np.asarray((place[..., :, None] - place[..., None, :]) ** 2)


def _worth(pairs: Array) -> float:
    """Items that the ratings are worth: fewer where nearly all ratings are alike (see `association`)."""
    import numpy as np

    side = round(float(np.sqrt(pairs.shape[-1])))
    marginal = pairs.sum(0).reshape(side, side).sum(-1)
    share = marginal / marginal.sum()
    return float(len(pairs) * min(1.0, 2 * (1 - (share**2).sum())))
