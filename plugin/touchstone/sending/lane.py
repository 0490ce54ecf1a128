"""A lane: the way of all calls to one model, with its window and its pace. Owns who goes next; never tries again."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from ..errors import CallFailed, CallStopped
from ..models import Model
from ..records import Request, Response
from .pace import Pace
from .slots import Slots
from .window import Window
from .worst import likely_tokens

CROWD, LAST = 6, 20
"""So many refusals among so many last calls are no accident: at 5 % by chance they come once in 3,000 windows."""
STOPPED = "stopped before it was asked"


@dataclass
class Lane:
    """First come, first served. Lives in one event loop."""

    window: Window
    pace: Pace = field(default_factory=Pace)
    slots: Slots | None = None
    """Places that all workers of a run share; None where this process is alone."""
    clock: Callable[[], float] = time.monotonic
    in_flight: int = field(default=0, init=False)
    stopped: bool = field(default=False, init=False)
    _finishing: bool = field(default=False, init=False)
    _failed: set[str] = field(default_factory=set, init=False)
    """Requests, by key, whose last attempt failed: they may come again."""
    _tokens: float = field(default=0.0, init=False)
    _waiting: deque[_Turn] = field(default_factory=deque, init=False)
    _late: deque[bool] = field(default_factory=lambda: deque(maxlen=LAST), init=False)
    """Of the last calls, whether they were refused."""
    _alarm: asyncio.TimerHandle | None = field(default=None, init=False)

    def through(self, model: Model) -> Laned:
        """The model, reached by this lane."""
        return Laned(model, self)

    @asynccontextmanager
    async def turn(self, tokens: float, key: str = "") -> AsyncIterator[None]:
        """Hold a place for a call of about so many tokens, from when it may go. `key` is its request's."""
        await self._wait(tokens, key)
        try:
            if self.slots is None:
                yield
            else:
                async with self.slots.one():
                    yield
        finally:
            self.in_flight -= 1
            self._tokens -= tokens
            self._pump()

    def answered(self, response: Response, key: str = "") -> None:
        """An answer came; its place is still held."""
        self._failed.discard(key)
        self._late.append(False)
        self.window.answered(self.in_flight)
        self.pace.answered(response.allowances, self._flight, self.clock())

    def failed(self, error: CallFailed, began: float, key: str = "") -> None:
        """A call that began at `began` failed; only what is about too many calls slows the lane."""
        self._failed.add(key)
        if not error.throttled:
            return
        self._late.append(True)
        if self._too_many(error):
            now = self.clock()
            self.window.refused(began, now)
            self.pace.refused(error.allowances, error.retry_after, self._flight, began, now)

    def _too_many(self, error: CallFailed) -> bool:
        """Whether it is for us to slow down, or one of the refusals that a busy provider strews in.

        Where the headers say that more may come, it is not. Where they say nothing, many refusals among the last calls
        tell, and from then on every one.
        """
        if error.allowances:
            return any(told.remaining < 1 for told in error.allowances)
        return self.window.throttled or sum(self._late) >= CROWD

    def stop(self, *, finish: bool = False) -> None:
        """Let nobody go any more. Those in flight stay; with `finish`, those that were tried before are tried again."""
        self.stopped, self._finishing = True, finish
        for one in self._waiting:
            if not (self._may_finish(one.key) or one.turn.done()):
                one.turn.set_exception(CallStopped(STOPPED))
        self._waiting = deque(one for one in self._waiting if not one.turn.done())

    @property
    def _flight(self) -> dict[str, float]:
        """What is on its way beside the call that speaks."""
        return {"requests": self.in_flight - 1, "tokens": self._tokens}

    def _may_finish(self, key: str) -> bool:
        return self._finishing and key in self._failed

    async def _wait(self, tokens: float, key: str) -> None:
        if self.stopped and not self._may_finish(key):
            raise CallStopped(STOPPED)
        if not self._waiting and self._may_go(tokens):
            self._go(tokens)
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Turn(tokens, key, turn))
        self._pump()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # it was let go and does not
                self.in_flight -= 1
                self._tokens -= tokens
                self._pump()
            raise

    def _may_go(self, tokens: float) -> bool:
        return self.in_flight < self.window.places and self.pace.wait(tokens, self.clock()) <= 0

    def _go(self, tokens: float) -> None:
        self.in_flight += 1
        self._tokens += tokens
        self.pace.sent(tokens, self.clock())

    def _pump(self) -> None:
        """Let go whoever may; where only time is wanted, come again by then."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        while self._waiting and self.in_flight < self.window.places:
            first = self._waiting[0]
            if not first.turn.cancelled():
                if (pause := self.pace.wait(first.tokens, self.clock())) > 0:
                    self._alarm = asyncio.get_running_loop().call_later(pause, self._pump)
                    return
                self._go(first.tokens)
                first.turn.set_result(None)
            self._waiting.popleft()


@dataclass(frozen=True, slots=True)
class _Turn:
    """Who waits to go."""

    tokens: float
    key: str
    turn: asyncio.Future[None]


@dataclass(frozen=True)
class Laned:
    """A model behind a lane."""

    inner: Model
    lane: Lane

    async def complete(self, request: Request) -> Response:
        """The inner model's answer, when it is this call's turn."""
        async with self.lane.turn(likely_tokens(request), request.key):
            began = self.lane.clock()
            try:
                response = await self.inner.complete(request)
            except CallFailed as error:
                self.lane.failed(error, began, request.key)
                raise
            self.lane.answered(response, request.key)
            return response

    async def aclose(self) -> None:
        """Close the inner model."""
        await self.inner.aclose()
