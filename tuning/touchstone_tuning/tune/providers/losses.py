"""Losses that come in pieces, put together by their step. Reads no provider's words."""

from __future__ import annotations

import math
from collections.abc import Iterable

from ..provider import Loss

Piece = tuple[object, object, object]
"""(step, loss of training, loss of validation) as a provider wrote them, any of them missing or no number."""


def joined(pieces: Iterable[Piece]) -> tuple[Loss, ...]:
    """One Loss a step, in their order; of two values for one the later counts. What is no finite number is none."""
    steps: dict[int, Loss] = {}
    for step, train, validation in pieces:
        at = number(step)
        if at is None:
            continue
        old = steps.get(int(at), Loss(int(at)))
        steps[int(at)] = Loss(old.step, _later(train, old.train), _later(validation, old.validation))
    return tuple(loss for _, loss in sorted(steps.items()) if (loss.train, loss.validation) != (None, None))


def number(value: object) -> float | None:
    """The value where it is a finite number, else None: providers write NaN for what was not measured."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _later(new: object, old: float | None) -> float | None:
    found = number(new)
    return old if found is None else found
