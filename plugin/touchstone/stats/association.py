"""How two measurements of the same items go together: tau-b, Spearman, Pearson, Cohen's kappa, by rows.

Pure; owns no threshold and no wording. Every figure is a function of how often each distinct pair (judge, truth)
occurs, so that thousands of resamples are a few matrix products.

* Kendall's tau-b (Kendall, Biometrika 33, 1945): concordant less discordant pairs, over the pairs not tied.
* Spearman's rho (1904): Pearson's r of the mid-ranks. Pearson's r (1895).
* Cohen's kappa (Educ. Psychol. Meas. 20, 1960): agreement beyond what the two margins alone would give.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from .figure import Figure, Sample, bootstrapped

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

NOTHING = "nothing was measured by both"
CONSTANT = "the {side}'s answers are all alike"
SMALL = 5
"""A cell of a two-by-two table with fewer items is not left to the bootstrap alone."""
CELLS = 500
"""More distinct pairs than this are rounded to hundredths for the interval."""
MANY = 2000
"""More items than this are rounded to hundredths altogether."""


@dataclass(frozen=True, slots=True)
class Cells:
    """The distinct pairs of answers, and how often each row gave each."""

    judge: Array
    truth: Array
    counts: Array
    """(rows, pairs)."""


def cells(judge: Sequence[float], truth: Sequence[float], rows: Sequence[str]) -> Cells:
    """Count the pairs by row. All three are of one length; answers that differ by rounding alone are one."""
    import numpy as np

    pairs = np.round(np.column_stack([judge, truth]).astype(float), 12)
    if len(pairs) > MANY:
        pairs = np.round(pairs, 2)
    names = {name: place for place, name in enumerate(dict.fromkeys(rows))}
    return _merged(pairs, np.array([names[row] for row in rows], dtype=int), np.ones(len(pairs)))


def tau_b(found: Cells, seed: int) -> Figure:
    """Kendall's tau-b."""
    return _figure(found, _tau_b, seed)


def spearman(found: Cells, seed: int) -> Figure:
    """Spearman's rank correlation."""
    return _figure(found, _spearman, seed)


def pearson(found: Cells, seed: int) -> Figure:
    """Pearson's correlation."""
    return _figure(found, _pearson, seed)


def kappa(found: Cells, seed: int) -> Figure:
    """Cohen's kappa of two sides whose values are 0 and 1."""
    return _figure(found, _kappa, seed)


def _merged(pairs: Array, row: Array, count: Array) -> Cells:
    """One cell for each distinct pair. `pairs`: (any, 2); the row (its place) of each, and how often it is there."""
    import numpy as np

    distinct, which = np.unique(pairs, axis=0, return_inverse=True)
    counts = np.zeros((int(row.max(initial=-1)) + 1, len(distinct)))
    np.add.at(counts, (row, which.ravel()), count)
    return Cells(distinct[:, 0], distinct[:, 1], counts)


def _coarse(found: Cells) -> Cells:
    """In hundredths, where the distinct pairs are too many to resample in a second."""
    import numpy as np

    if len(found.judge) <= CELLS:
        return found
    row, cell = np.nonzero(found.counts)
    pairs = np.round(np.column_stack([found.judge, found.truth]), 2)
    return _merged(pairs[cell], row, found.counts[row, cell])


def _figure(found: Cells, statistic: Callable[[Cells, Array], Array], seed: int) -> Figure:
    """`statistic`: cells, counts (..., pairs) -> figure (...), nan where not defined."""
    if not len(found.counts):
        return Figure(None, why=NOTHING)
    for name, side in (("judge", found.judge), ("truth", found.truth)):
        if len(set(side)) < 2:
            return Figure(None, why=CONSTANT.format(side=name))
    coarse = _coarse(found)
    return bootstrapped(
        float(statistic(found, found.counts.sum(0))),
        lambda weights: statistic(coarse, weights @ coarse.counts),
        Sample(len(found.counts), _size(coarse), small=_sparse(found)),
        seed=seed,
    )


def _size(found: Cells) -> float:
    """Rows that the data are worth: fewer where one side is nearly constant.

    Two groups of n1 and n2 tell as much as 4 n1 n2 / n items in even groups do.
    """
    import numpy as np

    w, n = found.counts.sum(0), found.counts.sum()
    apart = [w @ (np.abs(side[:, None] - side) > 0) @ w for side in (found.judge, found.truth)]
    return float(len(found.counts) * min(1.0, 2 * min(apart) / n**2))


def _sparse(found: Cells) -> bool:
    """Whether this is a two-by-two table with a small cell."""
    two = len(set(found.judge)) == 2 and len(set(found.truth)) == 2
    return two and (len(found.judge) < 4 or bool(found.counts.sum(0).min() < SMALL))


def _tau_b(found: Cells, w: Array) -> Array:
    """Concordant less discordant pairs of items, over the root of those not tied in the judge times in the truth."""
    import numpy as np

    x, y = (np.sign(side[:, None] - side) for side in (found.judge, found.truth))
    top, left, right = (((w @ signs) * w).sum(-1) for signs in (x * y, abs(x), abs(y)))
    with np.errstate(invalid="ignore"):
        return np.asarray(np.clip(top / np.sqrt(left * right), -1, 1))


def _spearman(found: Cells, w: Array) -> Array:
    """Pearson's r of the mid-ranks within the resample."""
    return _correlation(w, w @ _below(found.judge), w @ _below(found.truth))


def _pearson(found: Cells, w: Array) -> Array:
    return _correlation(w, found.judge, found.truth)


def _below(side: Array) -> Array:
    """(pairs, pairs): weights @ this are mid-ranks, but for a constant."""
    import numpy as np

    return np.asarray(0.5 + 0.5 * np.sign(side[None, :] - side[:, None]))


def _correlation(w: Array, x: Array, y: Array) -> Array:
    """Weighted correlation of x and y over the last axis."""
    import numpy as np

    n = w.sum(-1, keepdims=True)
    x, y = (side - (w * side).sum(-1, keepdims=True) / n for side in (x, y))
    top, left, right = ((w * a * b).sum(-1) for a, b in ((x, y), (x, x), (y, y)))
    flat = np.minimum(left, right) < 1e-12
    return np.where(flat, np.nan, np.clip(top / np.sqrt(np.where(flat, 1, left * right)), -1, 1))


def _kappa(found: Cells, w: Array) -> Array:
    import numpy as np

    n, x, y = w.sum(-1), found.judge, found.truth
    same, judge, truth = ((w * side).sum(-1) / n for side in (x == y, x, y))
    chance = judge * truth + (1 - judge) * (1 - truth)
    flat = chance > 1 - 1e-12
    return np.where(flat, np.nan, (same - chance) / np.where(flat, 1, 1 - chance))
