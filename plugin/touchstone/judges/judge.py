"""A judge as a scorer: puts the case, asks its model through the engine's own door, reads the verdict.

Whatever is no verdict is an error, never a score.
"""

from __future__ import annotations

import asyncio
import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import fsum
from pathlib import Path
from typing import Any

from ..config import Catalogue, Places
from ..errors import ScorerError, UsageError
from ..models import identity
from ..records import Message, Response, Sample, Score, digest
from ..scorers import Ask, Traits
from .definition import Definition, load_judge
from .form import Verdict
from .prompt import RULE, reasons_wanted, render, token_wanted, verdict_wanted

TOP = 20
"""Likeliest tokens that G-Eval reads; the most that providers give."""


@dataclass(frozen=True, slots=True)
class Judge:
    """A scorer that asks a model: `Judge("polite")` is `evals/judges/polite.j2`, and its score is called `polite`."""

    name: str

    @property
    def __name__(self) -> str:
        """The scorer's name."""
        return self.name

    @property
    def __touchstone__(self) -> Traits:
        """It gives one score, of its own name."""
        return Traits(names=(self.name,), asks=True)

    def bound(self, places: Places, catalogue: Catalogue) -> BoundJudge:
        """The judge of this project. Raises UsageError."""
        return BoundJudge.of(load_judge(self.name, places, catalogue), places.root)

    async def __call__(self, sample: Sample, ask: Ask) -> Score:
        """Only a judge that was looked up in a project can judge."""
        raise UsageError(f"the judge {self.name!r} stands outside of an eval's scorers")


@dataclass(frozen=True)
class BoundJudge:
    """A judge with its file read and its functions found."""

    definition: Definition
    root: Path
    view: Callable[[Sample], str] | None
    context: tuple[Callable[[Sample], str], ...]

    @classmethod
    def of(cls, definition: Definition, root: Path) -> BoundJudge:
        """Find what the file names. Raises UsageError."""
        view, context = definition.head.view, definition.head.context
        found = [_function(name, definition, root) for name in context]
        return cls(definition, root, _function(view, definition, root) if view else None, tuple(found))

    @property
    def __name__(self) -> str:
        return self.definition.name

    @property
    def __touchstone__(self) -> Traits:
        return Traits(names=(self.definition.name,), asks=True)

    @cached_property
    def identity(self) -> str:
        """SHA-256 (hex) of all that can change its verdicts on the same material."""
        return identity_of(self.definition, self.root)

    async def __call__(self, sample: Sample, ask: Ask) -> Score:
        """Judge one sample. Raises ScorerError for an unusable answer, CallError where there is none."""
        messages = await asyncio.to_thread(self.messages, sample)
        verdicts = [await self._verdict(messages, ask, epoch) for epoch in range(1, self.definition.head.repeats + 1)]
        value, said = self._settled(verdicts)
        return Score(value, f"{said}: {_line(verdicts[0].reasoning)}", _details(verdicts))

    def messages(self, sample: Sample) -> tuple[Message, ...]:
        """The case as it is put to the model."""
        answer = self.view(sample) if self.view else sample.output
        material = {"input": sample.row.input, "answer": answer, "row": sample.row}
        context = "\n\n".join(text for function in self.context if (text := function(sample)))
        return render(self.definition, material, {"context": context})

    async def prefer(self, messages: tuple[Message, ...], ask: Ask) -> Verdict:
        """The verdict on a case that was put by the caller: for comparisons of two answers."""
        return await self._verdict(messages, ask, 1)

    async def _verdict(self, messages: tuple[Message, ...], ask: Ask, epoch: int) -> Verdict:
        if self.definition.head.method == "g_eval":
            return await self._weighed(messages, ask)
        wanted = _with(messages, verdict_wanted(self.definition))
        schema = self.definition.form.schema(self.definition.head.reasoning)
        response = await ask(self.definition.config, wanted, epoch, {"schema": schema})
        return self.definition.form.read(_whole(response))

    async def _weighed(self, messages: tuple[Message, ...], ask: Ask) -> Verdict:
        """G-Eval: reasons first, then the probabilities of the first token of a verdict."""
        first = _with(messages, reasons_wanted(self.definition))
        reasons = (await ask(self.definition.config, first, 1, {})).text.strip()
        then = (*first, Message("assistant", reasons), Message("user", token_wanted(self.definition)))
        response = await ask(self.definition.config, then, 1, {"max_tokens": 1, "logprobs": TOP})
        if not response.logprobs:
            raise ScorerError(f"{self.definition.config.model} gives no log-probabilities: use `method: verdict`")
        verdict = self.definition.form.weigh(response.logprobs[0])
        return Verdict(verdict.value, verdict.said, reasons)

    def _settled(self, verdicts: Sequence[Verdict]) -> tuple[float, str]:
        """The majority of labels, the mean of numbers; labels that tie are their mean."""
        values = [verdict.value for verdict in verdicts]
        mean = fsum(values) / len(values)
        if len(verdicts) == 1:
            return mean, verdicts[0].said
        votes = {said: [v.said for v in verdicts].count(said) for said in dict.fromkeys(v.said for v in verdicts)}
        told = ", ".join(f"{count} x {said}" for said, count in votes.items())
        most = [said for said, count in votes.items() if count == max(votes.values())]
        if not self.definition.form.categorical or len(most) > 1:
            return mean, told
        return next(v.value for v in verdicts if v.said == most[0]), told


def identity_of(definition: Definition, root: Path) -> str:
    """SHA-256 (hex) of a judge: its file, the rule that heads every prompt, and the model itself. Raises UsageError."""
    return digest([RULE, definition.identity(identity(definition.config, root))])


def _with(messages: tuple[Message, ...], wanted: str) -> tuple[Message, ...]:
    """What is wanted stands last, behind the material, where it is remembered."""
    last = messages[-1]
    return (*messages[:-1], Message(last.role, f"{last.content}\n\n{wanted}"))


def _whole(response: Response) -> str:
    if response.finish == "length":
        raise ScorerError("the judge's answer was cut off: give it more `max_tokens`, or bound its `reasoning:`")
    if response.finish == "content_filter":
        raise ScorerError("the provider's filter cut the judge's answer")
    return response.text


def _details(verdicts: Sequence[Verdict]) -> Mapping[str, Any]:
    return {"verdicts": [{"said": v.said, "value": v.value, "reasoning": v.reasoning} for v in verdicts]}


def _line(text: str) -> str:
    return " ".join(text.split())[:200]


def _function(name: str, definition: Definition, root: Path) -> Callable[[Sample], str]:
    """`module:function`, importable from the project's root."""
    module, _, attribute = name.partition(":")
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        hint = "write it as package.module:function, importable from the project's root"
        raise UsageError(f"cannot find {name!r}: {error}", where=definition.shown, hint=hint) from error
    function: Callable[[Sample], str] = found
    return function
