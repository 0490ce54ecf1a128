"""Garbage: spares Python's collector the walk over what is none. Owns that switch of the process; frees nothing."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator
from typing import Any, Self

_YOUNG = 10_000
"""New objects between two looks at the young ones: a batch of samples makes as many, and all live on a while."""


@contextlib.contextmanager
def paused() -> Iterator[None]:
    """No collection inside: what imports make lives on, and looking for garbage in it takes a tenth of their time."""
    on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if on:
            gc.enable()


class Spared:
    """What has outlived one full collection is not looked at by the next, from `begin` to `end`, or as a context.

    Items, rows, reports and records live as long as pytest does. Of 100,000 samples they are four million objects, and
    the collector, which looks at all of them whenever a quarter as many new ones are there, takes a sixth of the
    run's time to find nothing. Cycles that fall to pieces later are collected at the end. Where somebody has told the
    collector what to do already, nothing is done.
    """

    def __init__(self) -> None:
        self._begun, self._thresholds = False, gc.get_threshold()

    def begin(self) -> None:
        """Take what lives now to live on."""
        if gc.isenabled() and gc.get_threshold()[0] and not gc.get_freeze_count():
            self._begun, self._thresholds = True, gc.get_threshold()
            gc.set_threshold(max(_YOUNG, self._thresholds[0]), *self._thresholds[1:])
            gc.freeze()
            gc.callbacks.append(_spare)

    def end(self) -> None:
        """Leave the collector as it was."""
        if self._begun:
            self._begun = False
            gc.callbacks.remove(_spare)
            gc.set_threshold(*self._thresholds)
            gc.unfreeze()

    def __enter__(self) -> Self:
        self.begin()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()


def _spare(phase: str, found: dict[str, Any]) -> None:
    """After a full collection: what is left lives on."""
    if phase == "stop" and found["generation"] == 2:
        gc.freeze()
