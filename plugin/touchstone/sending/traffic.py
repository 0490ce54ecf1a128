"""The traffic of one process: its lanes, and the budget that it shares with the other workers of its run."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from pathlib import Path

from ..models import LOCAL, Model
from ..records import RunConfig, digest
from .budget import FILE, NO_LIMIT, Budget, Limit
from .lane import Lane
from .pace import Pace
from .refusable import Refusable
from .retrying import Retrying
from .slots import Slots
from .tollgate import Tollgate
from .window import START, Window

HERE = (*LOCAL, "python/")
"""Models that run in this process: nobody refuses them a call for being one too many."""


@dataclass(frozen=True, slots=True)
class Share:
    """What a process has to do with the others of its run."""

    folder: Path
    """Where they meet: the run's own folder."""
    worker: int = 0
    """Which of the workers this is, from 0."""
    workers: int = 1
    limit: Limit = NO_LIMIT


class Traffic:
    """Makes models fit to be asked: tried again, in their lane, within the budget."""

    def __init__(self, concurrency: int, share: Share | None = None) -> None:
        """`concurrency`: calls to one model that may be in flight at most, of all workers together."""
        self.concurrency, self._share = concurrency, share
        self.budget = Budget(share.folder / FILE, share.limit) if share and share.limit else None
        self._lanes: dict[tuple[str, str | None], Lane] = {}
        self._stopped = self._finishing = False

    def around(self, model: Model, config: RunConfig) -> Model:
        """The model of a run-config, as calls are to reach it."""
        model = self.tolled(model, config)
        # Refusable behind the lane: those who wait in it hear of a refusal too.
        return Retrying(self.lane(config).through(Refusable(model)))

    def tolled(self, model: Model, config: RunConfig, share: float = 1.0) -> Model:
        """The model within the budget alone; `share`: what a call costs of its usual price."""
        return model if self.budget is None else Tollgate(model, self.budget, config, share)

    def lane(self, config: RunConfig) -> Lane:
        """The one way to a model, whichever run-configs ask it."""
        name = config.model, config.base_url
        if name not in self._lanes:
            self._lanes[name] = self._new_lane(name, local=config.model.startswith(HERE))
            if self._stopped:
                self._lanes[name].stop(finish=self._finishing)
        return self._lanes[name]

    @property
    def in_flight(self) -> int:
        """Calls that have gone out and have not come back."""
        return sum(lane.in_flight for lane in self._lanes.values())

    def stop(self, *, finish: bool = False) -> None:
        """No call goes out any more; with `finish`, but for those that were tried before."""
        self._stopped, self._finishing = True, finish
        for lane in self._lanes.values():
            lane.stop(finish=finish)

    def close(self) -> None:
        """Let go of what is shared."""
        for lane in self._lanes.values():
            if lane.slots is not None:
                lane.slots.close()
        if self.budget is not None:
            self.budget.close()

    def _new_lane(self, name: tuple[str, str | None], *, local: bool) -> Lane:
        share, cap = self._share, self.concurrency
        if share is None or share.workers == 1:
            return Lane(Window(cap, cap if local else START))
        own = ceil(cap / share.workers)
        slots = Slots(share.folder / f"slots-{digest(list(name))[:12]}", cap, share.worker)
        return Lane(Window(own, own if local else ceil(START / share.workers)), Pace(1 / share.workers), slots)
