"""Which of two answers is better: a judge is asked twice, with both orders. Owns what a pair of verdicts means.

Judges like the answer that they see first (or last) more than they should. So a preference counts only where both
orders agree; where they contradict each other, the order has decided, and the pair is a tie. Asks through the caller's
door; reads no file and words nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import fsum
from typing import Any, Literal, TypeAlias

from ..errors import TouchstoneError
from ..records import Message, Response, RunConfig, Sample
from ..scorers import Ask
from ..stats import Estimate, by_row, estimate
from ..stats.paired import mcnemar
from .form import Verdict
from .judge import BoundJudge

Kind: TypeAlias = Literal["win", "loss", "tie", "same", "order", "error"]
"""For the first of the two: preferred in both orders; the other one is; a tie; the same text, so that nobody was
asked; a tie because the orders contradict each other; no usable verdict."""
WORTH: Mapping[Kind, float] = {"win": 1.0, "loss": 0.0, "tie": 0.5, "same": 0.5, "order": 0.5}
HIGH = 0.5
"""From which share of pairs on that the order decides, a judge cannot compare."""
NOTABLE = 0.2


@dataclass(frozen=True, slots=True)
class Preference:
    """One pair of answers to the same row, judged."""

    row: str
    epoch: int
    kind: Kind
    said: tuple[str, ...] = ()
    """What the judge said with the one order and with the other."""
    reasons: tuple[str, ...] = ()
    why: str = ""
    """Of an error."""
    asked: tuple[Response, ...] = ()
    """What its calls came to."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What the preferences of many pairs come to, for the first of the two."""

    wins: int
    losses: int
    ties: int
    """All of them, also those without a call and those that the order decided."""
    same: int
    order: int
    errors: int
    rate: Estimate | None
    """Wins and half of the ties, with its interval; None where no pair was judged."""
    p: float
    """Exact two-sided sign test over rows; ties say nothing to it."""
    decided: Estimate | None
    """Share of the pairs asked about that the order decided."""

    @property
    def asked(self) -> int:
        """Pairs with two usable verdicts."""
        return self.wins + self.losses + self.ties - self.same


async def prefer(judge: BoundJudge, first: Sample, second: Sample, ask: Ask) -> Preference:
    """Ask the judge about a pair, with both orders. Whatever goes wrong is an error, never a preference."""
    row, epoch = first.row.id, first.epoch
    if first.output == second.output:
        return Preference(row, epoch, "same")
    calls = _Calls(ask)
    try:
        forth = await judge.prefer(first, second, calls)
        back = await judge.prefer(second, first, calls)
    except TouchstoneError as error:
        return Preference(row, epoch, "error", why=str(error), asked=tuple(calls.made))
    reasons = (forth.reasoning, back.reasoning)
    return Preference(row, epoch, _kind(forth, back), (forth.said, back.said), reasons, asked=tuple(calls.made))


async def prefer_all(
    judge: BoundJudge, pairs: Sequence[tuple[Sample, Sample]], ask: Ask, progress: Callable[[int, int], None]
) -> list[Preference]:
    """Every pair, in order; as many at a time as the door lets through."""
    done = 0

    async def one(pair: tuple[Sample, Sample]) -> Preference:
        nonlocal done
        found = await prefer(judge, *pair, ask)
        done += 1
        progress(done, len(pairs))
        return found

    return list(await asyncio.gather(*(one(pair) for pair in pairs)))


def tally(preferences: Iterable[Preference]) -> Tally:
    """The figures. Epochs of one row are a cluster to the interval, and one voice to the sign test."""
    every = list(preferences)
    count = {kind: sum(one.kind == kind for one in every) for kind in (*WORTH, "error")}
    values = by_row((one.row, WORTH[one.kind]) for one in every if one.kind != "error")
    asked = by_row((one.row, float(one.kind == "order")) for one in every if one.kind not in ("error", "same"))
    means = [fsum(row) / len(row) for row in values.values()]
    return Tally(
        wins=count["win"],
        losses=count["loss"],
        ties=count["tie"] + count["same"] + count["order"],
        same=count["same"],
        order=count["order"],
        errors=count["error"],
        rate=estimate(values, errors=count["error"]),
        p=mcnemar(sum(mean > 0.5 for mean in means), sum(mean < 0.5 for mean in means)),
        decided=estimate(asked),
    )


class _Calls:
    """Asks, and keeps what was answered: it was paid, also where the judge then fails."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self.made: list[Response] = []

    async def __call__(
        self, config: RunConfig, messages: tuple[Message, ...], epoch: int, parameters: Mapping[str, Any]
    ) -> Response:
        response = await self._ask(config, messages, epoch, parameters)
        self.made.append(response)
        return response


def _kind(forth: Verdict, back: Verdict) -> Kind:
    """`forth` has the first of the two in the first place, `back` in the second."""
    one, other = forth.value - 0.5, 0.5 - back.value
    if not one or not other:
        return "tie"  # a tie one way and a preference the other way is no preference, but contradicts nothing
    if (one > 0) != (other > 0):
        return "order"
    return "win" if one > 0 else "loss"
