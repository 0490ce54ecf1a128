"""Models that stand in the place of a live one where calls go into a batch. Make no call themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..errors import AnswerLater, CallFailed
from ..models import Model
from ..records import Request, Response
from .slip import Slip
from .way import Way

AGAIN = "run the same command again later"


@dataclass(frozen=True)
class Waiting:
    """Puts each request on the slip."""

    way: Way
    slip: Slip

    async def complete(self, request: Request) -> Response:
        """Raises AnswerLater."""
        self.slip.want(self.way, request)
        raise AnswerLater(f"goes into a batch at the end of this run: {AGAIN}")

    async def aclose(self) -> None:
        """Nothing to close."""


@dataclass(frozen=True)
class Later:
    """Asks `inner` for what is in no batch yet, once for all workers of a run: whoever asks has claimed the request."""

    inner: Model
    slip: Slip
    noted: Mapping[str, str]
    """Key -> the batch that it is in already."""

    async def complete(self, request: Request) -> Response:
        """Raises AnswerLater; CallFailed for what failed in a batch that this run has picked up."""
        slip, key = self.slip.read(), request.key
        if key in slip.failed:
            raise CallFailed(slip.failed[key])
        if key in self.noted:
            raise AnswerLater(f"submitted as {self.noted[key]}: {AGAIN}")
        if key in slip.wanted:
            raise AnswerLater(f"goes into a batch at the end of this run: {AGAIN}")
        return await self.inner.complete(request)

    async def aclose(self) -> None:
        """Close the inner model."""
        await self.inner.aclose()


@dataclass(frozen=True)
class Held:
    """A live model that is not asked for what a batch has been asked for already, and paid for."""

    inner: Model
    noted: Mapping[str, str]
    """Key -> the batch that it is in."""

    async def complete(self, request: Request) -> Response:
        """The inner model's answer. Raises AnswerLater for what is in a batch."""
        if (batch := self.noted.get(request.key)) is not None:
            raise AnswerLater(f"submitted as {batch}: {AGAIN}, or ask anew with --calls live")
        return await self.inner.complete(request)

    async def aclose(self) -> None:
        """Close the inner model."""
        await self.inner.aclose()


@dataclass
class Aloud:
    """A live model that says, at its first call, that it is none that can be batched."""

    inner: Model
    slip: Slip
    name: str
    """The run-config's."""
    _told: bool = field(default=False, init=False)

    async def complete(self, request: Request) -> Response:
        """The inner model's answer."""
        if not self._told:
            self._told = True
            self.slip.tell(f"calls of the run-config {self.name!r} cannot be batched: they were made as usual")
        return await self.inner.complete(request)

    async def aclose(self) -> None:
        """Close the inner model."""
        await self.inner.aclose()
