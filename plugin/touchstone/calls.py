"""Calls: the one way from a request to a response. Composes recordings, cache, claims and sending; owns their order.

recordings -> cache -> (one at a time per request) sending: retry, lane, budget -> model
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from .batching import HALF, Aloud, Held, Later, Notes, Slip, Waiting, way_of
from .caches import open_stores
from .caching import RECORD, Cached, Calls, Keeper, Recorded, cached_response, keepable
from .conversation import has_later
from .errors import ModelUnavailable, NotRecorded
from .journal import Journal
from .models import Model, identity, missing, open_model
from .places import Places
from .prompts import Prompts
from .recordings import Recordings
from .records import Message, Request, Response, Row, RunConfig
from .requests import build_request
from .sending import Traffic
from .toolbox import NO_TOOLS, Toolbox, open_toolbox

_REMEMBERED = 10_000
"""Answers that are held in memory."""
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


@dataclass(frozen=True)
class Unavailable:
    """Stands where no live call can be made; says why."""

    why: str

    async def complete(self, request: Request) -> Response:
        """Raises ModelUnavailable."""
        raise ModelUnavailable(self.why)

    async def aclose(self) -> None:
        """Nothing to close."""


def unable(config: RunConfig, root: Path) -> str | None:
    """Why this run-config cannot make live calls here, with what its address needs; None where it can."""
    unset = [name for name in _variables(config.base_url) if not os.environ.get(name)]
    return f"{unset[0]} is not set" if unset else missing(config, root)


class Door:
    """All run-configs of one pytest process, and what they share. Lives in one event loop."""

    def __init__(self, places: Places, prompts: Prompts, calls: Calls, traffic: Traffic, anew: str = RECORD) -> None:
        """`anew` is the command that records, as errors name it."""
        self.anew, self.traffic = anew, traffic
        self.opened: Callable[[RunConfig, Path], Model] = open_model
        """Gives the innermost model of a run-config, for a project's root; may be set before the first call."""
        self.slip: Slip | None = None
        """Where calls that can be batched are put instead of being made; may be set before the first call."""
        self.places, self.prompts, self.calls = places, prompts, calls
        self.recordings = Recordings(places.recordings)
        stores = open_stores(places.cache, places.state)
        self.cache, self.claims = stores.cache, stores.claims
        self.keeper = Keeper(self.cache, Journal(places.state / "journal"))
        self.live, self.cost = 0, 0.0
        self._taken_in = False
        self._identities: dict[str, str] = {}
        self._models: dict[str, Model] = {}
        self._toolboxes: dict[str, Toolbox] = {}
        self._given: dict[str, Response] = {}
        self._asked: dict[str, asyncio.Future[Response]] = {}
        """Under way, or failed: a call that failed fails every sample that wants it."""

    def request(self, config: RunConfig, row: Row, epoch: int) -> Request:
        """The request of a sample. Raises UsageError for a prompt or weights that cannot be told."""
        return self.following(config, self.prompts.render(config.prompt, row), epoch)

    def following(self, config: RunConfig, messages: tuple[Message, ...], epoch: int) -> Request:
        """The request that goes on from these messages."""
        return build_request(config, self._identity(config), messages, epoch, self.toolbox(config).definitions)

    def later(self, config: RunConfig, row: Row) -> tuple[Message, ...]:
        """What the user says after the answer to the first request, a turn each. Raises UsageError."""
        return self.prompts.later(config.prompt, row)

    def toolbox(self, config: RunConfig) -> Toolbox:
        """The tools of a run-config. Raises UsageError."""
        if not config.tools:
            return NO_TOOLS
        if config.name not in self._toolboxes:
            self._toolboxes[config.name] = open_toolbox(config, self.places)
        return self._toolboxes[config.name]

    def goes_on(self, config: RunConfig, row: Row) -> bool:
        """Whether a sample may take more calls than one."""
        return bool(self.toolbox(config).functions) or has_later(row)

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
        response = await asyncio.shield(self._asked[key])
        self._asked.pop(key, None)
        self._remember(key, response)
        return response

    def _remember(self, key: str, response: Response) -> None:
        """For other samples that want it; not for ever where the cache has it too."""
        self._given[key] = response
        if len(self._given) > _REMEMBERED and self.calls in ("auto", "record") and keepable(response):
            del self._given[next(iter(self._given))]

    def at_hand(self, requests: Sequence[Request]) -> dict[str, Response]:
        """By key, the answers for which `complete` would wait for nobody: found together, and kept by nobody here."""
        found = {one.key: known for one in requests if (known := self._recalled(one.key)) is not None}
        if self.calls == "auto":  # `record` wants to add to the recordings what only the cache holds
            found |= self._kept([one.key for one in requests if one.key not in found])
        return found

    def give(self, answers: Mapping[str, Response]) -> None:
        """Answers, by their requests' keys, that are known before anybody asks."""
        self._given.update(answers)

    async def settled(self) -> None:
        """Wait for the calls that are under way, however they end."""
        await asyncio.gather(*self._asked.values(), return_exceptions=True)

    def missing(self, config: RunConfig) -> str | None:
        """Why this run-config cannot make live calls here; None where it can."""
        return unable(config, self.places.root)

    def known(self, request: Request) -> str | None:
        """Where the answer lies already: "recording", "cache", or nowhere."""
        if self.calls != "live" and self.recordings.get(request.key) is not None:
            return "recording"
        self._take_in()
        held = self.calls in ("auto", "record") and self.cache.get("response", request.key) is not None
        return "cache" if held else None

    def _recalled(self, key: str) -> Response | None:
        if key in self._given or self.calls == "live":
            return self._given.get(key)
        return self.recordings.get(key)

    def _take_in(self) -> None:
        """Before the cache is looked into for the first time: what a process left that was killed."""
        if not self._taken_in and self.calls != "replay":
            self._taken_in = True
            self.keeper.take_in()

    def _kept(self, keys: Sequence[str]) -> dict[str, Response]:
        self._take_in()
        kept = self.cache.get_many("response", keys)
        return {key: response for key, value in kept.items() if (response := cached_response(value)) is not None}

    async def aclose(self) -> None:
        """Close every model, and write what was recorded."""
        for model in self._models.values():
            await model.aclose()
        self.recordings.write()
        self.keeper.close()
        self.traffic.close()
        self.cache.close()
        self.claims.close()

    def _identity(self, config: RunConfig) -> str:
        if config.name not in self._identities:
            self._identities[config.name] = identity(config, self.places.root)
        return self._identities[config.name]

    async def _complete(self, config: RunConfig, request: Request) -> Response:
        try:
            response = await self._model(config).complete(request)
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
        if self.calls == "live":
            return ModelUnavailable(f"--calls live asks the model, and it cannot run here: {why}")
        changed = "its prompt or a parameter changed since it was recorded, and it cannot run here"
        return NotRecorded(f"no recording for this call: {changed} ({why}). Then: {self.anew}")

    @cached_property
    def _recorded_models(self) -> frozenset[str]:
        """Looked up once: it walks all recordings, and is asked of each sample that is skipped."""
        return self.recordings.models

    def _model(self, config: RunConfig) -> Model:
        if config.name not in self._models:
            self._take_in()
            self._models[config.name] = self._stack(config)
        return self._models[config.name]

    def _stack(self, config: RunConfig) -> Model:
        why = self.missing(config)
        inner: Model = Unavailable(why) if why else self._asking(config)
        cached = Cached(inner, self.keeper, self.claims, fresh=self.calls == "live")
        return Recorded(cached, self.recordings, self.calls, self.anew)

    def _asking(self, config: RunConfig) -> Model:
        """The model, or what stands in its place where calls go into a batch."""
        if self.slip is None:
            live = self._live(_expanded(config))
            return Held(live, self._noted) if self.calls != "live" and self._noted else live
        if (way := way_of(config)) is None:
            return Aloud(self._live(_expanded(config)), self.slip, config.name)
        return Later(self.traffic.tolled(Waiting(way, self.slip), config, HALF), self.slip, self._noted)

    @cached_property
    def _noted(self) -> dict[str, str]:
        """What is in a batch already, by keys."""
        return Notes(self.places.state).held()

    def _live(self, config: RunConfig) -> Model:
        return self.traffic.around(self.opened(config, self.places.root), config)


def _variables(text: str | None) -> list[str]:
    return [a or b for a, b in _VARIABLE.findall(text or "")]


def _expanded(config: RunConfig) -> RunConfig:
    if not config.base_url:
        return config
    return config.model_copy(update={"base_url": os.path.expandvars(config.base_url)})
