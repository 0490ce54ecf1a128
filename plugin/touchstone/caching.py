"""Models around models: answers that were given before are given again. Owns when; the stores own how."""

from __future__ import annotations

import asyncio
import contextlib
import os
import warnings
from collections.abc import Mapping
from typing import Any, Literal

from .caches import CacheLike, ClaimsLike
from .errors import NotRecorded, UsageError
from .journal import Journal, left_behind
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


class Keeper:
    """Where new answers go: into the journal at once, then, many together, into the cache. One for all run-configs."""

    def __init__(self, cache: CacheLike, journal: Journal) -> None:
        self.cache, self._journal = cache, journal
        self._waiting: dict[str, Mapping[str, Any]] = {}
        self._writing = asyncio.Lock()
        self._failed = False

    async def keep(self, request: Request, response: Response) -> None:
        """Returns when the cache has it. What fails is told once; no answer is lost to the run."""
        value = {"request": request.as_dict(), "response": response.as_dict()}
        self._waiting[request.key] = value
        self._note(request.key, value)
        async with self._writing:
            if request.key in self._waiting:  # else it went with the others
                await self._write()

    def take_in(self) -> None:
        """What processes left in their journals that are gone."""
        with contextlib.suppress(UsageError), left_behind(self._journal.folder) as found:
            if found:
                self.cache.put_all("response", found)

    def close(self) -> None:
        """The journal stays where the cache has not all of it."""
        self._journal.close(keep=self._failed or bool(self._waiting))

    def _note(self, key: str, value: Mapping[str, Any]) -> None:
        try:
            self._journal.add(key, value)
        except OSError as error:
            self._fail(f"{self._journal.folder}: {error.strerror}")

    async def _write(self) -> None:
        """All that came while the last were written: writers of other processes may hold the cache for long."""
        values, self._waiting = self._waiting, {}
        try:
            await asyncio.to_thread(self._put, values)
        except (UsageError, OSError) as error:
            self._fail(str(error))
        if not (self._waiting or self._failed):
            self._journal.clear()

    def _put(self, values: Mapping[str, Mapping[str, Any]]) -> None:
        self._journal.sync()
        self.cache.put_all("response", values)

    def _fail(self, why: str) -> None:
        if not self._failed:
            self._failed = True
            warnings.warn(f"answers are not being cached: {why}", RuntimeWarning, stacklevel=2)


class Cached:
    """Asks `inner` only what the cache does not hold, and never twice at a time, whichever processes want it.

    `fresh` asks always, and keeps the answers.
    """

    def __init__(self, inner: Model, keeper: Keeper, claims: ClaimsLike, *, fresh: bool = False) -> None:
        self.inner, self.keeper, self.claims, self.fresh = inner, keeper, claims, fresh

    async def complete(self, request: Request) -> Response:
        """The cached answer, or the inner model's, kept."""
        if self.fresh:
            return await self._call(request)
        if found := await self._find(request.key):
            return found
        async with self.claims.claim(request.key):
            return await self._find(request.key) or await self._call(request)

    async def aclose(self) -> None:
        """Close the inner model."""
        await self.inner.aclose()

    async def _find(self, key: str) -> Response | None:
        value = await self.keeper.cache.find("response", key)
        return cached_response(value) if value else None

    async def _call(self, request: Request) -> Response:
        response = await self.inner.complete(request)
        if keepable(response):
            await self.keeper.keep(request, response)
        return response


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


def cached_response(value: Mapping[str, Any]) -> Response | None:
    """A cached response; None for one whose shape is not ours, which is then made again."""
    try:
        return Response.from_dict(value["response"], "cache")
    except (KeyError, TypeError):
        return None
