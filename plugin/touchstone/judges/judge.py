"""A judge as a scorer: puts the case, asks its model through the engine's own door, reads the verdict.

Whatever is no verdict is an error, never a score.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import fsum
from pathlib import Path
from typing import Any

from ..config import Catalogue
from ..errors import CallRefused, ScorerError, TouchstoneError, UsageError
from ..fingerprint import fingerprint, reach
from ..models import identity
from ..places import Places
from ..records import Message, Response, Sample, Score, digest
from ..scorers import Ask, Traits
from .definition import Definition, load_judge
from .form import Verdict
from .imported import Said
from .prompt import RULE, defused, reasons_wanted, render, token_wanted, verdict_wanted

TOP = 20
"""Likeliest tokens that G-Eval reads; the most that providers give."""


@dataclass(frozen=True, slots=True)
class Judge:
    """A scorer that asks a model: `Judge("polite")` is `evals/judges/polite.j2`, and its score is called `polite`."""

    name: str
    """Of its file, `evals/judges/NAME.j2`."""

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
        definition = load_judge(self.name, places, catalogue)
        if definition.head.compares:
            hint = f"touchstone prefer {definition.head.eval} A B --judge {self.name}"
            raise UsageError("compares two answers, and scores none", where=definition.shown, hint=hint)
        return BoundJudge.of(definition, places.root)

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
        view = definition.head.view
        context = [_function("context", name, definition, root) for name in definition.head.context]
        return cls(definition, root, _function("view", view, definition, root) if view else None, tuple(context))

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

    @cached_property
    def said(self) -> Said | None:
        """What it has said elsewhere; None for a judge that is asked."""
        return Said.of(self.definition, self.root) if self.definition.head.method == "imported" else None

    async def __call__(self, sample: Sample, ask: Ask) -> Score:
        """Judge one sample. Raises ScorerError for an unusable answer, CallError where there is none."""
        if self.said is not None:
            return self.said.score(sample)
        verdicts = await self.verdicts(await asyncio.to_thread(self.messages, sample), ask)
        value, said = self._settled(verdicts)
        return Score(value, f"{said}: {_line(verdicts[0].reasoning)}", _details(verdicts))

    def messages(self, sample: Sample) -> tuple[Message, ...]:
        """The case as it is put to the model."""
        material = {"input": sample.row.input, "answer": self._shown(sample), "row": sample.row}
        return render(self.definition, material, {"context": self._context([sample])})

    def comparison(self, first: Sample, second: Sample) -> tuple[Message, ...]:
        """The case of two answers to the same row, in this order."""
        row = first.row
        material = {"input": row.input, "first": self._shown(first), "second": self._shown(second), "row": row}
        return render(self.definition, material, {"context": self._context([first, second])})

    async def prefer(self, first: Sample, second: Sample, ask: Ask) -> Verdict:
        """Which of two answers is better, in this order: 1 the first, 0 the second, between them a tie."""
        verdicts = await self.verdicts(await asyncio.to_thread(self.comparison, first, second), ask)
        value, said = self._settled(verdicts)
        return Verdict(value, said, verdicts[0].reasoning)

    async def verdicts(self, messages: tuple[Message, ...], ask: Ask) -> list[Verdict]:
        """What it says of the case, once for each of its repeats."""
        return [await self._verdict(messages, ask, epoch) for epoch in range(1, self.definition.head.repeats + 1)]

    def _shown(self, sample: Sample) -> str:
        return sample.output if self.view is None else _told(self.view, sample)

    def _context(self, samples: Sequence[Sample]) -> str:
        told = (_told(function, sample) for sample in samples for function in self.context)
        return "\n\n".join(dict.fromkeys(text for text in told if text))

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
        reasons = _unfiltered(await ask(self.definition.config, first, 1, {})).text.strip()
        # Its own words may quote the answer, with the marks made whole again.
        then = (*first, Message("assistant", defused(reasons)), Message("user", token_wanted(self.definition)))
        verdict = self.definition.form.weigh(await self._likely(then, ask))
        return Verdict(verdict.value, verdict.said, reasons)

    async def _likely(self, messages: tuple[Message, ...], ask: Ask) -> Mapping[str, float]:
        """The likeliest first tokens of a verdict. Raises ScorerError for a model that does not tell."""
        none = f"{self.definition.config.model} gives no log-probabilities: use `method: verdict`"
        try:
            response = await ask(self.definition.config, messages, 1, {"max_tokens": 1, "logprobs": TOP})
        except CallRefused as error:
            if "logprob" in str(error).lower():
                raise ScorerError(f"{none} ({_line(str(error))})") from error
            raise
        if not _unfiltered(response).logprobs:
            raise ScorerError(none)
        return response.logprobs[0]

    def _settled(self, verdicts: Sequence[Verdict]) -> tuple[float, str]:
        """The majority of labels, the mean of numbers; where labels tie, the mean of those."""
        values = [verdict.value for verdict in verdicts]
        mean = fsum(values) / len(values)
        if len(verdicts) == 1:
            return mean, verdicts[0].said
        votes = {said: [v.said for v in verdicts].count(said) for said in dict.fromkeys(v.said for v in verdicts)}
        told = ", ".join(f"{count} x {said}" for said, count in votes.items())
        most = [said for said, count in votes.items() if count == max(votes.values())]
        if not self.definition.form.categorical:
            return mean, told
        # One label, or those that tie: their mean.
        return fsum(next(v.value for v in verdicts if v.said == said) for said in most) / len(most), told


def identity_of(definition: Definition, root: Path) -> str:
    """SHA-256 (hex) of a judge: its file, the words around it, the code that it names, and the model itself.

    Raises UsageError where the model cannot be told.
    """
    reach(root)
    words = [RULE, verdict_wanted(definition), reasons_wanted(definition), token_wanted(definition)]
    functions = [name for name in (definition.head.view, *definition.head.context) if name]
    code = [fingerprint(name.partition(":")[0]) for name in functions]
    said = [Said.of(definition, root).digest] if definition.head.method == "imported" else []
    return digest([words, code, definition.identity(identity(definition.config, root)), *said])


def _with(messages: tuple[Message, ...], wanted: str) -> tuple[Message, ...]:
    """What is wanted stands last, behind the material, where it is remembered."""
    last = messages[-1]
    return (*messages[:-1], Message(last.role, f"{last.content}\n\n{wanted}"))


def _whole(response: Response) -> str:
    if response.finish == "length":
        raise ScorerError("the judge's answer was cut off: give it more `max_tokens`, or bound its `reasoning:`")
    return _unfiltered(response).text


def _unfiltered(response: Response) -> Response:
    if response.finish == "content_filter":
        raise ScorerError("the provider's filter cut the judge's answer")
    return response


def _told(function: Callable[[Sample], str], sample: Sample) -> str:
    """What the project's own function says of a sample."""
    name = getattr(function, "__name__", type(function).__name__)
    try:
        text = function(sample)
    except TouchstoneError:
        raise
    except Exception as error:  # (the project's code: whatever it raises is this judge's error)
        raise ScorerError(f"{name} raised {type(error).__name__}: {error}") from error
    if not isinstance(text, str):
        raise ScorerError(f"{name} returned {type(text).__name__}; wanted text")
    return text


def _details(verdicts: Sequence[Verdict]) -> Mapping[str, Any]:
    return {"verdicts": [{"said": v.said, "value": v.value, "reasoning": v.reasoning} for v in verdicts]}


def _line(text: str) -> str:
    return " ".join(text.split())[:200]


def _function(key: str, name: str, definition: Definition, root: Path) -> Callable[[Sample], str]:
    """`module:function`, importable from the project's root."""
    module, _, attribute = name.partition(":")
    reach(root)
    hint = "write it as package.module:function, importable from the project's root"
    where = definition.where.get(key, definition.shown)
    try:
        found = getattr(importlib.import_module(module), attribute)
    except Exception as error:  # (importing runs the project's code, which may raise anything)
        raise UsageError(f"cannot find {name!r}: {error}", where=where, hint=hint) from error
    if not callable(found):
        raise UsageError(f"{name!r} is no function, but {type(found).__name__}", where=where, hint=hint)
    function: Callable[[Sample], str] = found
    return function
