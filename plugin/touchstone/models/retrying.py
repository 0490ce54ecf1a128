"""Retry around a model: a call that failed in a way that may pass is made again, a few times, ever later."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import CallFailed
from ..records import Request, Response
from . import Model

if TYPE_CHECKING:
    from tenacity import RetryCallState


@dataclass(frozen=True)
class Retrying:
    """Asks `inner` up to `attempts` times. Only CallFailed is retried: a refusal would be the same again."""

    inner: Model
    attempts: int = 5
    first_wait: float = 0.5
    """Seconds, doubled for each next wait, plus up to as much again by chance, so that callers do not march in step."""
    longest_wait: float = 60.0
    """Seconds. A provider that asks for a longer wait gets none: the call fails at once and says so."""

    async def complete(self, request: Request) -> Response:
        """The first answer. Raises the last CallFailed when all attempts failed."""
        try:
            return await self.inner.complete(request)
        except CallFailed as error:
            return await self._again(request, error)

    async def aclose(self) -> None:
        """Close the inner model."""
        await self.inner.aclose()

    async def _again(self, request: Request, error: CallFailed) -> Response:
        """The attempts after the first, the failure of which starts tenacity's count."""
        from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt

        failed: list[CallFailed] = [error]

        async def attempt() -> Response:
            if failed:
                raise failed.pop()
            return await self.inner.complete(request)

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
