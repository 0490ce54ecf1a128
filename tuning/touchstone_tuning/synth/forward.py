"""The forward way: topic -> requests -> answers by another run-config, where the plan wants them. Owns that order.

Of a model's list, whatever is no request is dropped and counted; a topic that gives nothing new is left alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from touchstone.config import load_catalogue
from touchstone.errors import CallFailed
from touchstone.records import digest

from . import words
from .alike import Alike
from .making import BARREN, Made, Progress
from .plan import Named, Part, Purpose
from .proofs import Prover
from .reviews import Review
from .splits import split_of
from .tally import Tally
from .task import Proof, Task
from .teacher import Said, Teacher
from .topic import Topic
from .voices import Voice


@dataclass(frozen=True, slots=True)
class Wish:
    """A request that the teacher wrote, and what is known of it."""

    id: str
    topic: Topic
    slot: int
    voice: str
    text: str
    prompt: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    proof: Proof = field(default_factory=Proof)


@dataclass
class Forward:
    """Makes the rows of one purpose the forward way."""

    named: Named
    purpose: Purpose
    task: Task | None
    teacher: Teacher
    topics: Sequence[Topic]
    voices: Mapping[str, tuple[Voice, float]]
    prover: Prover | None
    index: Alike
    reviews: Mapping[str, Review] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)
    seen: dict[str, list[str]] = field(default_factory=dict)
    """Topic -> requests that were kept on it: the teacher is asked for others."""

    @property
    def part(self) -> Part:
        """What the plan wants."""
        return self.named.part(self.purpose)

    async def make(self, progress: Progress, limit: int | None = None) -> Made:
        """Rows, as many as the plan wants (or `limit`). Raises CallError where the teacher cannot go on."""
        wanted, barren = min(self.part.count, limit or self.part.count), 0
        rows: dict[str, list[dict[str, Any]]] = {split: [] for split in self.named.splits(self.purpose)}
        for slot in range(self.part.rounds):
            before = self.tally.kept
            for wish in await self._round(slot, progress):
                for split, row in self._kept(wish, wanted):
                    rows[split].append(row)
            progress("kept", self.tally.kept, wanted)
            barren = barren + 1 if self.tally.kept == before else 0
            if self.tally.kept >= wanted or barren == BARREN:
                break
        self.tally.take(self.teacher.asked.values())
        found = {split: sorted(some, key=lambda row: str(row["id"])) for split, some in rows.items()}
        return Made(found, self.tally, "" if self.tally.kept >= wanted else self._why(barren))

    async def _round(self, slot: int, progress: Progress) -> list[Wish]:
        done = 0

        async def one(topic: Topic) -> list[Wish]:
            nonlocal done
            found = await self._asked(topic, slot)
            done += 1
            progress("asking for requests", done, len(self.topics))
            return found

        lists = await asyncio.gather(*map(one, self.topics))
        return await self._answered([wish for found in lists for wish in found], progress)

    async def _asked(self, topic: Topic, slot: int) -> list[Wish]:
        lot = digest([self.named.name, self.named.plan.seed, self.purpose, topic.id, slot])
        names, weights = zip(*((name, weight) for name, (_, weight) in self.voices.items()), strict=True)
        voice = str(Random(f"{lot} voice").choices(names, weights)[0])
        seen = "; ".join(self.seen.get(topic.id, [])[-6:])
        try:
            texts, said = await self.teacher.requests(topic, self.voices[voice][0], self.part, slot + 1, seen)
        except CallFailed:
            self.tally.refused["the call failed"] += 1
            return []
        if not texts:
            self.tally.refused["an answer that holds no list"] += 1
        return list(self._wishes(topic, slot, voice, lot, texts, said))

    def _wishes(  # noqa: PLR0913, PLR0917  (a wish is made of all of it)
        self, topic: Topic, slot: int, voice: str, lot: str, texts: Sequence[str], said: Said
    ) -> Iterator[Wish]:
        for number, text in enumerate(texts):
            self.tally.drafts += 1
            wrong = list(words.objections(text))
            fields = self.task.prepare(text) if self.task is not None else {}
            if wrong or fields is None:
                self.tally.dropped[wrong[0] if wrong else "the task can do nothing with it"] += 1
                continue
            name = "-".join("".join(c if c.isalnum() and c.isascii() else " " for c in topic.id.lower()).split())[:60]
            yield Wish(f"synth-{name}-{lot[:6]}{number}", topic, slot, voice, text, said.prompt, fields)

    async def _answered(self, wishes: Sequence[Wish], progress: Progress) -> list[Wish]:
        """With the answers of the run-config that the plan names, proven where the task can."""
        if not self.part.answers:
            return list(wishes)
        config = load_catalogue(self.teacher.places).select([self.part.answers])[0]
        answers = await asyncio.gather(*(self.teacher.answer(wish.text, config) for wish in wishes))
        full = [
            {**wish.fields, "right": [answer], "answer": answer} for wish, answer in zip(wishes, answers, strict=True)
        ]
        proofs = [Proof(("answered",))] * len(full)
        if self.prover is not None:
            proofs = await self.prover.prove(full, lambda done, of: progress("proving", done, of))
        return list(self._holding(wishes, full, proofs))

    def _holding(
        self, wishes: Sequence[Wish], full: Sequence[Mapping[str, Any]], proofs: Sequence[Proof]
    ) -> Iterator[Wish]:
        needs = set(self.part.needs)
        for wish, fields, proof in zip(wishes, full, proofs, strict=True):
            if proof.verified and needs <= set(proof.verified):
                yield Wish(wish.id, wish.topic, wish.slot, wish.voice, wish.text, wish.prompt, fields, proof)
            else:
                self.tally.dropped["its answer does not hold"] += 1

    def _kept(self, wish: Wish, wanted: int) -> Iterator[tuple[str, dict[str, Any]]]:
        review = self.reviews.get(wish.id)
        if self.tally.kept >= wanted:
            return
        if review is not None and review.verdict == "drop":
            self.tally.dropped["a person dropped it"] += 1
            return
        text = review.input if review is not None and review.verdict == "edit" and review.input else wish.text
        effect = self.task.effect(wish.fields) if self.task is not None else frozenset[str]()
        if near := self.index.nearest(text, effect):
            self.tally.dropped[f"near another row: {near.how}"] += 1
            return
        self.index.add(wish.id, text, effect)
        self.seen.setdefault(wish.topic.id, []).append(text)
        self.tally.kept += 1
        key = f"{wish.topic.id}\n{text}"
        yield split_of(key, self.named.splits(self.purpose), self.named.plan.seed), self._row(wish, text, review)

    def _row(self, wish: Wish, text: str, review: Review | None) -> dict[str, Any]:
        kind, aim = self.part.aim.said
        made: dict[str, Any] = {
            "plan": self.named.name,
            "seed": self.named.plan.seed,
            "topic": wish.topic.id,
            "slot": wish.slot,
            "way": "forward",
            "purpose": self.purpose,
            "voice": wish.voice,
            "teacher": self.teacher.model,
            "prompt": wish.prompt,
            **({"aim": f"{kind}: {aim}", "style": self.part.aim.style} if kind else {}),
            **({"answered": self.part.answers} if self.part.answers else {}),
            "verified": list(wish.proof.verified),
        }
        if review is not None:
            made["reviewed"] = {"by": review.by, "verdict": review.verdict}
        tags = ["synth", *([kind] if kind else [])]
        return {"id": wish.id, "input": text, "tags": tags, **wish.fields, "made": made}

    def _why(self, barren: int) -> str:
        main = self.tally.dropped.most_common(1) or self.tally.refused.most_common(1)
        most = f"; most often: {main[0][0]} ({main[0][1]})" if main else ""
        tried = f"{BARREN} rounds gave no new one" if barren == BARREN else "after all rounds that the plan allows"
        return f"{self.tally.kept} rows, {tried}{most}"
