"""Retry around a model: a call that failed in a way that may pass is made again, a few times, ever later."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ..errors import CallError, CallFailed
from ..models import Model
from ..records import Request, Response

if TYPE_CHECKING:
    from tenacity import RetryCallState


@dataclass(frozen=True)
class Retrying:
    """Asks `inner` up to `attempts` times. Only CallFailed is retried: a refusal would be the same again.

    What failed before is kept with the answer, or with the error.
    """

    inner: Model
    attempts: int = 5
    first_wait: float = 0.5
    """Seconds, doubled for each next wait, plus up to as much again by chance, so that callers do not march in step."""
    longest_wait: float = 60.0
    """Seconds. A provider that asks for a longer wait gets none: the call fails at once and says so."""

    async def complete(self, request: Request) -> Response:
        """The first answer. Raises the last CallError when all attempts failed."""
        trial = _Trial(self.inner, request)
        try:
            return await trial.attempt()
        except CallFailed as error:
            return await self._again(trial, error)

    async def aclose(self) -> None:
        """Close the inner model."""
        await self.inner.aclose()

    async def _again(self, trial: _Trial, error: CallFailed) -> Response:
        """The attempts after the first, the failure of which starts tenacity's count."""
        from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt

        first: list[CallFailed] = [error]

        async def attempt() -> Response:
            if first:
                raise first.pop()
            return await trial.attempt()

        again = AsyncRetrying(
            retry=retry_if_exception(self._may_pass),
            stop=stop_after_attempt(self.attempts),
            wait=self._wait,
            reraise=True,
        )
        return await again(attempt)

    def _may_pass(self, error: BaseException) -> bool:
        return isinstance(error, CallFailed) and (error.retry_after or 0.0) <= self.longest_wait

    def _wait(self, state: RetryCallState) -> float:
        """Seconds: exponential with jitter, but never less than the provider asked for."""
        from tenacity import wait_exponential, wait_random

        ours = (wait_exponential(self.first_wait, self.longest_wait) + wait_random(0, self.first_wait))(state)
        error = state.outcome.exception() if state.outcome else None
        asked = error.retry_after if isinstance(error, CallFailed) else None
        return max(ours, asked or 0.0)


@dataclass(slots=True)
class _Trial:
    """One call and what became of its attempts."""

    inner: Model
    request: Request
    failed: list[Mapping[str, Any]] = field(default_factory=list)

    async def attempt(self) -> Response:
        """Once."""
        began = time.monotonic()
        try:
            response = await self.inner.complete(self.request)
        except CallError as error:
            self.failed.append({"why": str(error)[:300], "seconds": round(time.monotonic() - began, 3)})
            error.attempts = tuple(self.failed)
            raise
        return replace(response, attempts=tuple(self.failed)) if self.failed else response
