"""The teacher: a model that writes requests, and says whether one fits its facts. Owns the prompts; keeps nothing.

Every call goes through `calls.Door`: recordings, cache, claims and retries are the engine's own.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from touchstone.calls import Door
from touchstone.config import load_catalogue
from touchstone.errors import CallError, UsageError
from touchstone.models import LOCAL, identity
from touchstone.places import Places
from touchstone.prompts import Prompts
from touchstone.records import Message, Response, Row, RunConfig, digest

from .plan import Named, Part
from .topic import Topic
from .voices import Example, Voice, load_voices
from .words import cleaned, listed

PACKAGED = Path(__file__).parent / "prompts"
TOP = 5
"""Likeliest tokens that are read of the word yes or no: more would only fatten the recordings."""


class BudgetSpent(CallError):
    """The run may cost no more; what was kept so far is kept."""


@dataclass(frozen=True, slots=True)
class Budget:
    """Bounds on what a run's live calls may take."""

    cost: float | None = None
    """US dollars."""
    calls: int | None = None

    def check(self, door: Door) -> None:
        """Raises BudgetSpent where a bound is reached. Calls that are under way may pass it by what they cost."""
        if self.cost is not None and door.cost > 0 and door.cost >= self.cost:
            raise BudgetSpent(f"the budget of ${self.cost:g} is spent; --max-cost allows more")
        if self.calls is not None and door.live >= self.calls:
            raise BudgetSpent(f"{door.live} calls were made; --max-calls allows more")


@dataclass(frozen=True, slots=True)
class Notes:
    """What a request is written from."""

    facts: str
    say: tuple[str, ...]
    """Names and numbers that have to stand in it."""
    who: str
    """The voice's name."""
    opener: str
    """How it begins."""


@dataclass(frozen=True, slots=True)
class Said:
    """What one call came to."""

    text: str
    prompt: str
    """Twelve hex digits: the digest of all of the prompt but the facts."""


@dataclass(frozen=True)
class Teacher:
    """A run-config that writes."""

    named: Named
    places: Places
    door: Door
    config: RunConfig
    voices: Mapping[str, Voice]
    budget: Budget = Budget()
    turn: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))
    """Calls that may be under way: the budget is looked at when it is a call's turn, not when it is planned."""
    asked: dict[str, Response] = field(default_factory=dict)
    """Every response by its request's key: what the rows took, however often a run is repeated."""

    @classmethod
    def of(cls, named: Named, places: Places, door: Door, budget: Budget) -> Teacher:
        """The plan's teacher. Raises UsageError."""
        voices = {name: voice for name, (voice, _) in load_voices(named.plan.voices, places).items()}
        return cls(
            named,
            places,
            door,
            _config(named.plan.teacher, named, places),
            voices,
            budget,
            asyncio.Semaphore(door.traffic.concurrency),
        )

    @property
    def model(self) -> str:
        """The model's identity, as it stands in requests."""
        return identity(self.config, self.places.root)

    async def request(self, notes: Notes, attempt: int) -> Said:
        """The request that somebody of that voice would have typed, with the words it has to begin with."""
        asked = self._notes(notes)
        turns = [
            turn for name, voice in self.voices.items() for one in voice.examples for turn in self._example(name, one)
        ]
        # The same beginning for every voice: a model that keeps what it has read reads it once.
        messages = (*asked[:-1], *turns, asked[-1])
        prompt = digest([[m.role, m.content] for m in messages[:-1]])[:12]
        begun = (Message("assistant", notes.opener),) if self._goes_on and notes.opener else ()
        response = await self._ask((*messages, *begun), attempt, {"stop": ["\n"]})
        said = response.text if not begun or response.text.startswith(notes.opener) else notes.opener + response.text
        return Said(cleaned(said), prompt)

    async def fits(self, facts: str, request: str) -> float:
        """The probability that the model gives to "yes, the request asks for that job"."""
        messages = self._render("fits", {"facts": facts, "request": request})
        limits = {"temperature": 0.0, "max_tokens": 1, "logprobs": TOP}
        return _yes(await self._ask(messages, 1, limits))

    async def requests(self, topic: Topic, voice: Voice, part: Part, number: int, seen: str) -> Said:
        """Forward: a list of requests on a topic, as the model wrote it."""
        kind, aim = part.aim.said
        about = f"{topic.id.replace('/', ' > ')}{f' ({topic.about})' if topic.about else ''}"
        values: dict[str, Any] = {
            "about": self.named.plan.about,
            "kind": kind,
            "aim": aim,
            "style": part.aim.style,
            "seen": seen,
        }
        values |= {"guidance": self.named.plan.guidance, "topic": about, "how": voice.how, "count": part.a_call}
        messages = self._render("requests", values)
        response = await self._ask(messages, number, {"max_tokens": 80 * part.a_call})
        return Said(response.text, digest([m.content for m in messages])[:12])

    async def topics(self, path: str, count: int) -> list[str]:
        """Topics below one; an answer of no use gives none."""
        values = {"about": self.named.plan.about, "guidance": self.named.plan.guidance, "topic": path, "count": count}
        response = await self._ask(self._render("topics", values), 1, {"max_tokens": 30 * count})
        return [name for name in dict.fromkeys(listed(response.text)) if name][:count]

    async def answer(self, request: str, config: RunConfig) -> str:
        """What another run-config answers to a request."""
        call = self.door.request(config, Row(id="row", input=request), 1)
        async with self.turn:
            self.budget.check(self.door)
            response = await self.door.complete(config, call)
        self.asked[call.key] = response
        return response.text

    async def _ask(self, messages: tuple[Message, ...], number: int, parameters: Mapping[str, Any]) -> Response:
        async with self.turn:
            self.budget.check(self.door)
            key, response = await self.door.ask(self.config, messages, number, parameters)
        self.asked[key] = response
        return response

    @property
    def _goes_on(self) -> bool:
        """Whether the model goes on from the beginning of an answer: the embedded runtime does, others need not."""
        return self.config.model.startswith(LOCAL)

    def _example(self, who: str, example: Example) -> tuple[Message, Message]:
        opener = " ".join(example.request.split()[:2])
        return self._notes(Notes(example.facts, example.say, who, opener))[-1], Message("assistant", example.request)

    def _notes(self, notes: Notes) -> tuple[Message, ...]:
        people = {name: voice.how for name, voice in self.voices.items()}
        values = {"facts": notes.facts, "must": notes.say, "opener": notes.opener, "who": notes.who, "people": people}
        return self._render("request", values)

    def _render(self, name: str, values: Mapping[str, Any]) -> tuple[Message, ...]:
        own = self.places.root / "tuning" / "prompts"
        prompts = self._own if (own / f"{name}.j2").is_file() else self._packaged
        return prompts.render(name, _row(values))

    @cached_property
    def _own(self) -> Prompts:
        return Prompts(self.places.root / "tuning" / "prompts", "tuning/prompts")

    @cached_property
    def _packaged(self) -> Prompts:
        return Prompts(PACKAGED, "touchstone_tuning/synth/prompts")


def _row(values: Mapping[str, Any]) -> Row:
    return Row(id="row", input=dict(values))


def _config(given: str | Mapping[str, Any], named: Named, places: Places) -> RunConfig:
    if isinstance(given, str):
        return load_catalogue(places).select([given])[0]
    try:
        return RunConfig.model_validate({**given, "name": "teacher", "prompt": "request"})
    except ValueError as error:
        raise UsageError(f"teacher: {error}", where=named.shown) from error


def _yes(response: Response) -> float:
    """From the log-probabilities of the first token; from the word itself where there are none."""
    if not response.logprobs:
        return float(response.text.strip().casefold().startswith("yes"))
    mass = {"yes": 0.0, "no": 0.0}
    for token, logprob in response.logprobs[0].items():
        word = token.strip().casefold()
        if word in mass:
            mass[word] += math.exp(logprob)
    total = sum(mass.values())
    return mass["yes"] / total if total else 0.0
