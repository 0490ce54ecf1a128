"""Whether labels lie together by chance: exact and simulated tests on one rater's labels in order. Pure; no wording.

All tests are conditional: labels are shuffled only among outputs of which execution says the same. A run of passes
among outputs that do pass is then no surprise, and a rater who only repeats what execution saw never comes out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import comb
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]

SHUFFLES = 4_999
_MOST_CELLS = 20_000_000
"""Shuffles times labels that are held at once."""


def shuffled(labels: Sequence[float], strata: Sequence[object], seed: int = 0) -> Array:
    """(shuffles, labels): places in the distinct labels, shuffled within each stratum; the first row is as given."""
    import numpy as np

    places = np.unique(np.asarray(labels, dtype=float), return_inverse=True)[1].astype(np.int8).ravel()
    number = max(199, min(SHUFFLES, _MOST_CELLS // max(1, len(places))))
    found = np.tile(places, (number + 1, 1))
    rng = np.random.default_rng(seed)
    for stratum in dict.fromkeys(strata):
        where = np.flatnonzero([one == stratum for one in strata])
        found[1:, where] = rng.permuted(found[1:, where], axis=1)
    return found


def longest_run(orders: Array) -> tuple[int, int, float]:
    """(where it starts, how long it is, p) of the longest run of one label; p of one as long in `shuffled` labels."""
    import numpy as np

    now = np.ones(len(orders), dtype=np.int32)
    longest, start = now.copy(), 0
    for place in range(1, orders.shape[1]):
        now = np.where(orders[:, place] == orders[:, place - 1], now + 1, 1)
        if now[0] > longest[0]:
            start = place - int(now[0]) + 1
        np.maximum(longest, now, out=longest)
    return start, int(longest[0]), float((longest >= longest[0]).mean())


def all_alike(label: float, inside: Sequence[bool], labels: Sequence[float], strata: Sequence[object]) -> float:
    """The chance that all inside have this label: Fisher's exact test, one-sided, its strata multiplied."""
    p = 1.0
    for stratum in dict.fromkeys(strata):
        here = [(i, v == label) for i, v, s in zip(inside, labels, strata, strict=True) if s == stratum]
        drawn, having = sum(i for i, _ in here), sum(v for _, v in here)
        p *= comb(having, drawn) / comb(len(here), drawn)
    return p


def explained(labels: Sequence[float], groups: Sequence[object]) -> float:
    """The share of the labels' variance that groups explain, corrected for their number (Kelley's epsilon squared).

    0 where it explains no more than chance would, 1 where it explains all; 0 where labels or groups are all alike.
    """
    n, known = len(labels), set(groups)
    mean = sum(labels) / n
    total = sum((value - mean) ** 2 for value in labels)
    if total < 1e-12 or len(known) < 2 or n <= len(known):
        return 0.0
    rest = 0.0
    for group in known:
        inside = [value for value, g in zip(labels, groups, strict=True) if g == group]
        centre = sum(inside) / len(inside)
        rest += sum((value - centre) ** 2 for value in inside)
    return max(0.0, 1 - rest / total * (n - 1) / (n - len(known)))


def strongest(orders: Array, groupings: Mapping[str, Sequence[object]]) -> tuple[dict[str, float], float]:
    """(grouping -> how many standard deviations above chance it explains the labels, p of the highest of them).

    One test for all groupings together: the highest is laid beside the highest of each shuffle (Westfall & Young 1993).
    """
    import numpy as np

    if not groupings:
        return {}, 1.0
    standing = np.zeros((len(groupings), len(orders)))
    numbers = orders.astype(np.float32)
    for index, groups in enumerate(groupings.values()):
        between = _between(numbers, groups)
        spread = between.std()
        standing[index] = (between - between.mean()) / spread if spread > 1e-9 else 0.0
    highest = standing.max(0)
    heights = {name: float(standing[index, 0]) for index, name in enumerate(groupings)}
    return heights, float((highest >= highest[0] - 1e-9).mean())


def _between(orders: Array, groups: Sequence[object]) -> Array:
    """The sum of squares between groups, up to a constant, of each order."""
    import numpy as np

    names = {name: place for place, name in enumerate(dict.fromkeys(groups))}
    member = np.eye(len(names), dtype=np.float32)[[names[group] for group in groups]]
    sums = (orders @ member).astype(float)
    return np.asarray((sums * sums / member.sum(0)).sum(1))
