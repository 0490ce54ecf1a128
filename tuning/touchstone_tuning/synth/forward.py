"""The forward way: topic -> requests -> answers by another run-config, where the plan wants them. Owns that order.

Of a model's list, whatever is no request is dropped and counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from touchstone.config import load_catalogue
from touchstone.errors import CallFailed
from touchstone.records import digest

from . import words
from .keeping import BARREN, Found, Keeper, Made, Progress
from .proofs import Prover
from .task import Proof, Task
from .teacher import Teacher
from .together import together
from .topic import Topic
from .voices import Voice, draw_voice

_SEEN = 6
"""Requests on a topic that the teacher is shown, to write others."""


@dataclass
class Forward:
    """Makes the rows of one purpose."""

    keeper: Keeper
    task: Task | None
    teacher: Teacher
    topics: Sequence[Topic]
    voices: Mapping[str, tuple[Voice, float]]
    prover: Prover | None
    seen: dict[str, list[str]] = field(default_factory=dict)
    """Topic -> requests that were kept on it."""

    async def make(self, progress: Progress) -> Made:
        """As many rows as are wanted and can be had. Raises CallError where the teacher cannot go on."""
        barren = 0
        for slot in range(self.keeper.part.rounds):
            before = self.keeper.tally.kept
            for one in await self._answered(await self._round(slot, progress), progress):
                if self.keeper.keep(one):
                    self.seen.setdefault(one.topic, []).append(one.text)
            progress("kept", self.keeper.tally.kept, self.keeper.wanted)
            barren = barren + 1 if self.keeper.tally.kept == before else 0
            if self.keeper.lacking <= 0 or barren == BARREN:
                break
        tried = f"and {BARREN} rounds on every topic gave no new one" if barren else "after all rounds of the plan"
        return self.keeper.made(tried)

    async def _round(self, slot: int, progress: Progress) -> list[Found]:
        """What the teacher writes on each topic."""
        done = 0

        async def one(topic: Topic) -> list[Found]:
            nonlocal done
            found = await self._asked(topic, slot)
            done += 1
            progress("asking for requests", done, len(self.topics))
            return found

        return [found for some in await together(map(one, self.topics)) for found in some]

    async def _asked(self, topic: Topic, slot: int) -> list[Found]:
        plan = self.keeper.named.plan
        lot = digest([self.keeper.named.name, plan.seed, self.keeper.purpose, topic.id, slot])
        voice = draw_voice(self.voices, lot)
        seen = "; ".join(self.seen.get(topic.id, [])[-_SEEN:])
        try:
            said = await self.teacher.requests(topic, self.voices[voice][0], self.keeper.part, slot + 1, seen)
        except CallFailed:
            self.keeper.tally.refused["the call failed"] += 1
            return []
        texts = words.listed(said.text)
        if not texts:
            self.keeper.tally.refused["an answer that holds no list"] += 1
        blank = Found("", topic.id, slot, voice, "", said.prompt, frozenset(), {}, self._how())
        return list(self._sound(texts, blank, lot))

    def _sound(self, texts: Sequence[str], blank: Found, lot: str) -> Iterator[Found]:
        """Those that are requests, with what the task makes of them."""
        topic = re.sub(r"[^a-z0-9]+", "-", blank.topic.lower()).strip("-")[:60]
        for number, text in enumerate(texts):
            self.keeper.tally.drafts += 1
            wrong = next(words.objections(text), "")
            fields = self.task.prepare(text) if self.task is not None else {}
            if wrong or fields is None:
                self.keeper.tally.dropped[wrong or "the task can do nothing with it"] += 1
                continue
            tagged = {"tags": ["synth", *filter(None, [self.keeper.part.aim.said[0]])], **fields}
            yield replace(blank, id=f"synth-{topic}-{lot[:6]}{number}", text=text, fields=tagged)

    def _how(self) -> dict[str, Any]:
        part = self.keeper.part
        kind, aim = part.aim.said
        aimed = {"aim": f"{kind}: {aim}", "style": part.aim.style} if kind else {}
        return {**aimed, **({"answered": part.answers} if part.answers else {}), "verified": []}

    async def _answered(self, found: Sequence[Found], progress: Progress) -> list[Found]:
        """With the answers of the run-config that the plan names, those of which as much holds as the plan needs."""
        name = self.keeper.part.answers
        if not name:
            return list(found)
        config = load_catalogue(self.teacher.places).select([name])[0]
        answers = await together(self.teacher.answer(one.text, config) for one in found)
        full = [{**one.fields, "right": [text], "answer": text} for one, text in zip(found, answers, strict=True)]
        proofs = [Proof(("answered",))] * len(full)
        if self.prover is not None:
            proofs = await self.prover.prove(full, lambda done, of: progress("proving", done, of))
        return list(self._holding(found, full, proofs))

    def _holding(
        self, found: Sequence[Found], full: Sequence[Mapping[str, Any]], proofs: Sequence[Proof]
    ) -> Iterator[Found]:
        needs = set(self.keeper.part.needs)
        for one, fields, proof in zip(found, full, proofs, strict=True):
            if proof.verified and needs <= set(proof.verified):
                effect = self.task.effect(fields) if self.task is not None else frozenset[str]()
                yield replace(one, fields=fields, effect=effect, how={**one.how, "verified": list(proof.verified)})
            else:
                self.keeper.tally.dropped["its answer does not hold"] += 1
