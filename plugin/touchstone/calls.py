"""Calls: the one way from a request to a response. Composes recordings, cache, claims, retry, model; owns their order.

recordings -> cache -> (one at a time per request, so many at a time per model) retry -> model
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from .caches import open_stores
from .caching import RECORD, Cached, Calls, Recorded
from .errors import ModelUnavailable, NotRecorded
from .models import Model, identity, missing, open_model
from .models.retrying import Retrying
from .places import Places
from .prompts import Prompts
from .recordings import Recordings
from .records import Message, Request, Response, Row, RunConfig
from .requests import build_request

_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


@dataclass(frozen=True)
class Limited:
    """At most so many calls of `inner` at a time."""

    inner: Model
    slots: asyncio.Semaphore

    async def complete(self, request: Request) -> Response:
        """The inner model's answer, when it is this call's turn."""
        async with self.slots:
            return await self.inner.complete(request)

    async def aclose(self) -> None:
        """Close the inner model."""
        await self.inner.aclose()


@dataclass(frozen=True)
class Unavailable:
    """Stands where no live call can be made; says why."""

    why: str

    async def complete(self, request: Request) -> Response:
        """Raises ModelUnavailable."""
        raise ModelUnavailable(self.why)

    async def aclose(self) -> None:
        """Nothing to close."""


class Door:
    """All run-configs of one pytest process, and what they share. Lives in one event loop."""

    def __init__(self, places: Places, prompts: Prompts, calls: Calls, concurrency: int, anew: str = RECORD) -> None:
        """`anew` is the command that records, as errors name it."""
        self.anew = anew
        self.opened: Callable[[RunConfig, Path], Model] = open_model
        """Gives the innermost model of a run-config, for a project's root; may be set before the first call."""
        self.places, self.prompts, self.calls, self.concurrency = places, prompts, calls, concurrency
        self.recordings = Recordings(places.recordings)
        stores = open_stores(places.cache, places.state)
        self.cache, self.claims = stores.cache, stores.claims
        self.live, self.cost = 0, 0.0
        self._identities: dict[str, str] = {}
        self._models: dict[str, Model] = {}
        self._slots: dict[str, asyncio.Semaphore] = {}
        self._given: dict[str, Response] = {}
        self._asked: dict[str, asyncio.Future[Response]] = {}
        """Under way, or failed: a call that failed fails every sample that wants it."""

    def request(self, config: RunConfig, row: Row, epoch: int) -> Request:
        """The request of a sample. Raises UsageError for a prompt or weights that cannot be told."""
        messages = self.prompts.render(config.prompt, row)
        return build_request(config, self._identity(config), messages, epoch)

    async def ask(
        self, config: RunConfig, messages: tuple[Message, ...], epoch: int, parameters: Mapping[str, Any]
    ) -> tuple[str, Response]:
        """A judge's call: its request's key, and the response."""
        plain = build_request(config, self._identity(config), messages, epoch)
        request = replace(plain, params={**plain.params, **parameters})
        return request.key, await self.complete(config, request)

    async def complete(self, config: RunConfig, request: Request) -> Response:
        """The response, made or found once however many samples want it."""
        key = request.key
        if key in self._given:
            return self._given[key]
        if key not in self._asked:
            self._asked[key] = asyncio.ensure_future(self._complete(config, request))
        self._given[key] = response = await asyncio.shield(self._asked[key])
        self._asked.pop(key, None)
        return response

    def missing(self, config: RunConfig) -> str | None:
        """Why this run-config cannot make live calls here; None where it can."""
        unset = [name for name in _variables(config.base_url) if not os.environ.get(name)]
        return f"{unset[0]} is not set" if unset else missing(config, self.places.root)

    def known(self, request: Request) -> str | None:
        """Where the answer lies already: "recording", "cache", or nowhere."""
        if self.calls != "live" and self.recordings.get(request.key) is not None:
            return "recording"
        held = self.calls in ("auto", "record") and self.cache.get("response", request.key) is not None
        return "cache" if held else None

    async def aclose(self) -> None:
        """Close every model, and write what was recorded."""
        for model in self._models.values():
            await model.aclose()
        self.recordings.write()
        self.cache.close()
        self.claims.close()

    def _identity(self, config: RunConfig) -> str:
        if config.name not in self._identities:
            self._identities[config.name] = identity(config, self.places.root)
        return self._identities[config.name]

    async def _complete(self, config: RunConfig, request: Request) -> Response:
        try:
            response = await self._model(config, request).complete(request)
        except (NotRecorded, ModelUnavailable) as error:
            raise self._verdict(config, request, error) from error
        if response.source == "live":
            self.live, self.cost = self.live + 1, self.cost + (response.cost or 0.0)
        return response

    def _verdict(self, config: RunConfig, request: Request, error: Exception) -> Exception:
        """A model that was never recorded is skipped for its key; one that was has changed, which is an error.

        Otherwise a broken prompt would turn the gates of CI from red into skipped.
        """
        why = self.missing(config)
        if why and not (config.default and self.calls == "replay") and request.model not in self._recorded_models:
            return ModelUnavailable(why)
        if isinstance(error, NotRecorded) or why is None:
            return error
        changed = "its prompt or a parameter changed since it was recorded, and it cannot run here"
        return NotRecorded(f"no recording for this call: {changed} ({why}). Then: {self.anew}")

    @cached_property
    def _recorded_models(self) -> frozenset[str]:
        """Looked up once: it walks all recordings, and is asked of each sample that is skipped."""
        return self.recordings.models

    def _model(self, config: RunConfig, request: Request) -> Model:
        if config.name not in self._models:
            self._models[config.name] = self._stack(config, request.model)
        return self._models[config.name]

    def _stack(self, config: RunConfig, model: str) -> Model:
        why = self.missing(config)
        inner: Model = Unavailable(why) if why else self._live(config, model)
        cached = Cached(inner, self.cache, self.claims, fresh=self.calls == "live")
        return Recorded(cached, self.recordings, self.calls, self.anew)

    def _live(self, config: RunConfig, model: str) -> Model:
        slots = self._slots.setdefault(model, asyncio.Semaphore(self.concurrency))
        return Limited(Retrying(self.opened(_expanded(config), self.places.root)), slots)


def _variables(text: str | None) -> list[str]:
    return [a or b for a, b in _VARIABLE.findall(text or "")]


def _expanded(config: RunConfig) -> RunConfig:
    if not config.base_url:
        return config
    return config.model_copy(update={"base_url": os.path.expandvars(config.base_url)})
