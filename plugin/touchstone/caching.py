"""Models around models: answers that were given before are given again. Owns when; the stores own how."""

from __future__ import annotations

import asyncio
import os
import warnings
from collections.abc import Mapping
from typing import Any, Literal

from .caches import CacheLike, ClaimsLike
from .errors import NotRecorded, UsageError
from .models import Model
from .recordings import Recordings
from .records import Request, Response

RECORD = "pytest evals/ --calls record"
"""What records the calls of evals."""
Calls = Literal["replay", "auto", "record", "live"]
"""Where answers may come from: recordings alone; recordings, then calls; the same, and recorded; calls alone."""


def calls_here(asked: Calls | None) -> Calls:
    """What was asked for; where nothing was, replay where CI is set, else auto."""
    return asked or ("replay" if os.environ.get("CI", "").lower() not in ("", "0", "false") else "auto")


def keepable(response: Response) -> bool:
    """Whether an answer may be given again: not what a provider's filter cut, which another day lets through."""
    return response.finish != "content_filter"


class Cached:
    """Asks `inner` only what the cache does not hold, and never twice at a time, whichever processes want it.

    `fresh` asks always, and keeps the answers.
    """

    def __init__(self, inner: Model, cache: CacheLike, claims: ClaimsLike, *, fresh: bool = False) -> None:
        self.inner, self.cache, self.claims, self.fresh = inner, cache, claims, fresh
        self._waiting: dict[str, Mapping[str, Any]] = {}
        self._writing = asyncio.Lock()
        self._warned = False

    async def complete(self, request: Request) -> Response:
        """The cached answer, or the inner model's, kept."""
        key = request.key
        if self.fresh:
            return await self._call(key, request)
        if found := await self._find(key):
            return found
        async with self.claims.claim(key):
            return await self._find(key) or await self._call(key, request)

    async def aclose(self) -> None:
        """Close the inner model."""
        await self.inner.aclose()

    async def _find(self, key: str) -> Response | None:
        value = await self.cache.find("response", key)
        return _response(value) if value else None

    async def _call(self, key: str, request: Request) -> Response:
        response = await self.inner.complete(request)
        if keepable(response):
            await self._keep(key, {"request": request.as_dict(), "response": response.as_dict()})
        return response

    async def _keep(self, key: str, value: Mapping[str, Any]) -> None:
        """Write, with all others that came while the last were written. What fails is told once; no answer is lost."""
        self._waiting[key] = value
        async with self._writing:
            if key in self._waiting:  # else it went with the others
                await self._write()

    async def _write(self) -> None:
        values, self._waiting = self._waiting, {}
        try:
            await asyncio.to_thread(self.cache.put_all, "response", values)
        except UsageError as error:
            if not self._warned:
                self._warned = True
                warnings.warn(f"answers are not being cached: {error}", RuntimeWarning, stacklevel=2)


class Recorded:
    """Answers from recordings as far as `calls` allows, then from `inner`. It adds; `Recordings.write` writes."""

    def __init__(self, inner: Model, recordings: Recordings, calls: Calls, anew: str = RECORD) -> None:
        """`anew` is the command that records, as errors name it."""
        self.inner, self.recordings, self.calls, self.anew = inner, recordings, calls, anew

    async def complete(self, request: Request) -> Response:
        """The recorded answer, or the inner model's. Raises NotRecorded in replay."""
        found = None if self.calls == "live" else self.recordings.get(request.key)
        if found is not None:
            return found
        if self.calls == "replay":
            raise NotRecorded(f"no recording for this call to {request.model}: record it with `{self.anew}`")
        response = await self.inner.complete(request)
        if self.calls == "record" and keepable(response):
            self.recordings.add(request, response)
        return response

    async def aclose(self) -> None:
        """Close the inner model."""
        await self.inner.aclose()


def _response(value: Mapping[str, Any]) -> Response | None:
    """A cached response; None for one whose shape is not ours, which is then made again."""
    try:
        return Response.from_dict(value["response"], "cache")
    except (KeyError, TypeError):
        return None
