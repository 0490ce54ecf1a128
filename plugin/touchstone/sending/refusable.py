"""What stands between a run-config and its model when every call of it would be refused: nothing more is sent."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..errors import CallRefused
from ..models import Model
from ..records import Request, Response


@dataclass
class Refusable:
    """Asks `inner` until it once says that it would refuse everything: a bad key, an unknown model, no money left."""

    inner: Model
    _refused: CallRefused | None = field(default=None, init=False)

    async def complete(self, request: Request) -> Response:
        """The inner model's answer. Raises the first such refusal again, for every later call."""
        if self._refused is not None:
            raise CallRefused(str(self._refused), status=self._refused.status, always=True)
        try:
            return await self.inner.complete(request)
        except CallRefused as error:
            if error.always:
                self._refused = self._refused or error
            raise

    async def aclose(self) -> None:
        """Close the inner model."""
        await self.inner.aclose()
