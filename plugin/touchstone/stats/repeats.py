"""What repeating tells: whether one of k tries passes, whether all do, and which rows do both. Pure; no wording."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import comb

from .intervals import Estimate, estimate


@dataclass(frozen=True, slots=True)
class Repeats:
    """Rows that were done several times."""

    k: int
    any: Estimate
    """pass@k: the chance that at least one of k tries passes."""
    all: Estimate
    """pass^k: the chance that all k do."""
    flaky: tuple[str, ...]
    """Rows that both passed and missed, the most undecided first."""
    short: int
    """Rows with fewer than k tries, left out of pass@k and pass^k."""


def repeats(passes_by_row: Mapping[str, Sequence[bool]], k: int | None = None) -> Repeats | None:
    """pass@k and pass^k over rows, each row counting once; None where no row was done twice, or none k times.

    `k` is by default the number of tries that most rows have (the larger, if two are as frequent).
    """
    tries = {row: list(values) for row, values in passes_by_row.items() if values}
    k = k or _usual(tries)
    full = {row: values for row, values in tries.items() if len(values) >= k}
    if k < 2 or not full:
        return None
    any_ = estimate({row: [pass_at(len(values), sum(values), k)] for row, values in full.items()})
    all_ = estimate({row: [pass_all(len(values), sum(values), k)] for row, values in full.items()})
    assert any_ is not None and all_ is not None  # noqa: S101, PT018  (there are rows)
    return Repeats(k, any_, all_, flaky(tries), len(tries) - len(full))


def pass_at(n: int, passed: int, k: int) -> float:
    """pass@k of one row, unbiased: 1 - C(n - c, k) / C(n, k) (Chen et al., arXiv 2107.03374, 2021)."""
    _check(n, passed, k)
    return 1.0 - comb(n - passed, k) / comb(n, k)


def pass_all(n: int, passed: int, k: int) -> float:
    """pass^k of one row, unbiased: C(c, k) / C(n, k) (Yao et al., tau-bench, arXiv 2406.12045, 2024)."""
    _check(n, passed, k)
    return comb(passed, k) / comb(n, k)


def flaky(passes_by_row: Mapping[str, Sequence[bool]]) -> tuple[str, ...]:
    """Rows with both passes and misses, those nearest to one half first."""
    shares = {row: sum(values) / len(values) for row, values in passes_by_row.items() if values}
    return tuple(sorted((r for r, s in shares.items() if 0 < s < 1), key=lambda r: (abs(shares[r] - 0.5), r)))


def _usual(tries: Mapping[str, Sequence[bool]]) -> int:
    counts = Counter(len(values) for values in tries.values())
    return max(counts, key=lambda k: (counts[k], k), default=0)


def _check(n: int, passed: int, k: int) -> None:
    if not (0 <= passed <= n and 1 <= k <= n):
        raise ValueError(f"wanted 0 <= passes <= tries and 1 <= k <= tries, not {passed} of {n} and k = {k}")
