"""The binomial distribution, over arrays. By scipy.special, which is imported in a third of the time of scipy.stats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[np.float64]


def at_most(successes: Any, trials: Any, chance: Any) -> Array:
    """P(X <= successes); 0 for fewer than none."""
    import numpy as np
    from scipy.special import bdtr  # type: ignore[import-untyped]

    found: Array = np.where(np.less(successes, 0), 0.0, bdtr(np.maximum(successes, 0), trials, chance))
    return found


def more_than(successes: Any, trials: Any, chance: Any) -> Array:
    """P(X > successes); 1 for fewer than none."""
    import numpy as np
    from scipy.special import bdtrc

    found: Array = np.where(np.less(successes, 0), 1.0, bdtrc(np.maximum(successes, 0), trials, chance))
    return found


def exactly(successes: Any, trials: Any, chance: float) -> Array:
    """P(X = successes)."""
    import numpy as np
    from scipy.special import gammaln, xlog1py, xlogy

    ways = gammaln(trials + 1) - gammaln(successes + 1) - gammaln(trials - successes + 1)
    found: Array = np.exp(ways + xlogy(successes, chance) + xlog1py(trials - successes, -chance))
    return found


def exceeded_by(share: float, trials: Any, chance: float) -> Array:
    """The fewest successes that are exceeded with at most this probability, of each number of trials."""
    import numpy as np

    low, high = np.full(len(trials), -1.0), np.asarray(trials, dtype=float)  # more than `high` never occurs
    while (apart := high - low > 1).any():
        middle = np.floor((low + high) / 2)
        enough = more_than(middle, trials, chance) <= share
        low, high = np.where(apart & ~enough, middle, low), np.where(apart & enough, middle, high)
    return high
