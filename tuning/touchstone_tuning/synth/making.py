"""Rounds of drafts, proofs and requests until a plan has its rows. Owns the order and what ends it; writes no file.

A round has so many drafts on each topic. What a round keeps follows from the plan, the task and the teacher's answers
alone, in an order that no clock and no number of workers changes, so that recordings give the same rows again.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from random import Random
from typing import Any

from touchstone.errors import CallFailed, UsageError
from touchstone.records import digest

from . import words
from .alike import Alike
from .plan import Named, Purpose
from .proofs import Prover
from .reviews import Review
from .splits import split_of
from .tally import Tally
from .task import Draft, Proof, Task
from .teacher import Notes, Said, Teacher
from .topic import Topic
from .voices import Voice, opener

Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and of how much."""
SPARE = 1.25
"""Drafts for each row that is wanted."""
BARREN = 3
"""Rounds without a new row after which no further one is tried."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A draft on its way to a row."""

    id: str
    slot: int
    draft: Draft
    voice: str
    effect: frozenset[str]
    proof: Proof = field(default_factory=Proof)
    text: str = ""
    attempt: int = 0
    prompt: str = ""
    asked: bool = False
    """Whether a model was asked if the request fits."""


@dataclass
class Made:
    """Rows by split, and what they took."""

    rows: dict[str, list[dict[str, Any]]]
    tally: Tally
    stopped: str = ""
    """Why there are fewer than the plan wants; empty where there are not."""


@dataclass
class Maker:
    """Makes the rows of one purpose the backward way."""

    named: Named
    purpose: Purpose
    task: Task
    teacher: Teacher
    topics: Sequence[Topic]
    voices: Mapping[str, tuple[Voice, float]]
    prover: Prover
    index: Alike
    """Holds what no row may be alike to; takes each kept row in."""
    reviews: Mapping[str, Review] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)

    async def make(self, progress: Progress, limit: int | None = None) -> Made:
        """Rows, as many as the plan wants (or `limit`). Raises CallError where the teacher cannot go on."""
        part = self.named.part(self.purpose)
        wanted = min(part.count, limit or part.count)
        rows: dict[str, list[dict[str, Any]]] = {split: [] for split in self.named.splits(self.purpose)}
        barren, stopped = 0, ""
        for first in range(0, part.rounds, part.a_round):
            before = self.tally.kept
            slots = range(first, min(first + part.a_round, part.rounds))
            for split, row in self._folded(await self._round(slots, wanted, progress), wanted):
                rows[split].append(row)
            progress("kept", self.tally.kept, wanted)
            barren = barren + 1 if self.tally.kept == before else 0
            if self.tally.kept >= wanted or barren == BARREN:
                break
        if self.tally.kept < wanted:
            stopped = self._why(barren)
        self.tally.take(self.teacher.asked.values())
        return Made(
            {split: sorted(found, key=lambda row: str(row["id"])) for split, found in rows.items()}, self.tally, stopped
        )

    async def _round(self, slots: range, wanted: int, progress: Progress) -> list[Candidate]:
        seen = set[frozenset[str]]()
        drafts = list(islice((one for slot in slots for one in self._drafts(slot, seen)), self._enough(wanted)))
        proofs = await self.prover.prove([one.draft.fields for one in drafts], lambda n, of: progress("proving", n, of))
        proven = [replace(one, proof=proof) for one, proof in zip(drafts, proofs, strict=True)]
        needs = set(self.named.part(self.purpose).needs)
        holding = [one for one in proven if one.proof.verified and needs <= set(one.proof.verified)]
        self.tally.dropped.update(_refuted(one.proof, needs) for one in proven if one not in holding)
        return await self._worded(holding, progress)

    def _drafts(self, slot: int, seen: set[frozenset[str]]) -> Iterator[Candidate]:
        """One a topic, in an order of its own for each slot; what does the same as a kept row is dropped at once."""
        seed, name = self.named.plan.seed, self.named.name
        for topic in sorted(self.topics, key=lambda one: digest([seed, self.purpose, one.id, slot])):
            lot = digest([name, seed, self.purpose, topic.id, slot])
            draft = self.task.compose(topic.id, self.purpose, Random(lot))
            if draft is None:
                continue
            self.tally.drafts += 1
            effect = self.task.effect(draft.fields)
            if effect in seen or self.index.nearest("", effect):
                self.tally.dropped["does the same as another row"] += 1
                continue
            seen.add(effect)
            row = f"synth-{topic.id.replace('/', '-')}-{lot[:8]}"
            yield Candidate(row, slot, draft, self._voice(lot), effect)

    def _enough(self, wanted: int) -> int:
        """Drafts that will do for the rows that are still wanted; another round makes up for more that are dropped."""
        return round((wanted - self.tally.kept) * SPARE) + 5

    def _voice(self, lot: str) -> str:
        names, weights = zip(*((name, weight) for name, (_, weight) in self.voices.items()), strict=True)
        return str(Random(f"{lot} voice").choices(names, weights)[0])

    async def _worded(self, candidates: Sequence[Candidate], progress: Progress) -> list[Candidate]:
        """Those for which the teacher found words, in the order given."""
        waiting, worded = list(candidates), dict[str, Candidate]()
        for attempt in range(1, self.named.plan.attempts + 1):
            said = await self._each(waiting, lambda one, n=attempt: self._said(one, n), "asking for requests", progress)  # type: ignore[misc]
            sound = [one for one in said if one is not None]
            fit = await self._each(sound, self._fitting, "asking whether they fit", progress)
            worded.update({one.id: one for one in fit if one is not None})
            waiting = [one for one in waiting if one.id not in worded]
            if not waiting:
                break
        if waiting:
            self.tally.dropped["no request that fits"] += len(waiting)
        return [worded[one.id] for one in candidates if one.id in worded]

    async def _each(
        self, candidates: Sequence[Candidate], work: Callable[[Candidate], Any], doing: str, progress: Progress
    ) -> list[Candidate | None]:
        """The work on each, at the same time; a call that failed for now is a candidate without words."""
        done = 0

        async def one(candidate: Candidate) -> Candidate | None:
            nonlocal done
            try:
                found: Candidate | None = await work(candidate)
            except CallFailed:
                self.tally.refused["the call failed"] += 1
                found = None
            done += 1
            progress(doing, done, len(candidates))
            return found

        return list(await asyncio.gather(*map(one, candidates)))

    async def _said(self, candidate: Candidate, attempt: int) -> Candidate | None:
        """With a request that nothing speaks against."""
        voice, _ = self.voices[candidate.voice]
        say = tuple(group[0] for group in candidate.draft.must)
        begin = opener(voice, say, Random(f"{candidate.id} opener {attempt}"))
        said: Said = await self.teacher.request(Notes(candidate.draft.facts, say, candidate.voice, begin), attempt)
        found = [*words.objections(said.text), *self.task.objections(candidate.draft, said.text)]
        found += ["lacks a name or a number"] * bool(
            words.lacking(candidate.draft.must, said.text, foreign=bool(voice.speaks))
        )
        found += ["not in the voice's language"] * (not words.speaks(voice.speaks, said.text))
        if found:
            self.tally.refused[found[0]] += 1
            return None
        return replace(candidate, text=said.text, attempt=attempt, prompt=said.prompt)

    async def _fitting(self, candidate: Candidate) -> Candidate | None:
        """The same, if a model says that the request asks for the job."""
        least = self.named.plan.check
        if least is not False:
            least = self.voices[candidate.voice][0].check or least
        if least is False:
            return candidate
        if await self.teacher.fits(candidate.draft.facts, candidate.text) < least:
            self.tally.refused["asked, a model says that it does not fit"] += 1
            return None
        return replace(candidate, asked=True)

    def _folded(self, candidates: Sequence[Candidate], wanted: int) -> Iterator[tuple[str, dict[str, Any]]]:
        """(split, row) of what is kept, one after the other: each must differ from all before it."""
        for one in candidates:
            if self.tally.kept >= wanted:
                return
            review = self.reviews.get(one.id)
            if review is not None and review.verdict == "drop":
                self.tally.dropped["a person dropped it"] += 1
                continue
            text = review.input if review is not None and review.verdict == "edit" and review.input else one.text
            if near := self.index.nearest(text, one.effect):
                self.tally.dropped[f"near another row: {near.how}"] += 1
                continue
            self.index.add(one.id, text, one.effect)
            self.tally.kept += 1
            yield self._split(one), self._row(one, text, review)

    def _split(self, candidate: Candidate) -> str:
        shares = self.named.splits(self.purpose)
        key = f"{candidate.draft.topic}\n{' '.join(sorted(candidate.effect))}"
        return split_of(key, shares, self.named.plan.seed)

    def _row(self, one: Candidate, text: str, review: Review | None) -> dict[str, Any]:
        plan = self.named.plan
        made: dict[str, Any] = {
            "plan": self.named.name,
            "seed": plan.seed,
            "topic": one.draft.topic,
            "slot": one.slot,
            "way": "backward",
            "purpose": self.purpose,
            "voice": one.voice,
            "teacher": self.teacher.model,
            "prompt": one.prompt,
            "attempt": one.attempt,
            "verified": [*one.proof.verified, *(["asked"] if one.asked else [])],
        }
        if review is not None:
            made["reviewed"] = {"by": review.by, "verdict": review.verdict}
        fields = dict(one.draft.fields)
        return {"id": one.id, "input": text, "tags": fields.pop("tags", []), **fields, "made": made}

    def _why(self, barren: int) -> str:
        kept = f"{self.tally.kept} rows"
        main = self.tally.dropped.most_common(1)
        most = f"; most drafts were dropped because: {main[0][0]} ({main[0][1]})" if main else ""
        if barren == BARREN:
            return f"{kept}, and {BARREN} rounds on every topic gave no new one{most}"
        return f"{kept} after all rounds that the plan allows{most}"


def _refuted(proof: Proof, needs: set[str]) -> str:
    if not proof.verified:
        return "does not run"
    missing = sorted(needs - set(proof.verified))
    return f"not {missing[0]}" if missing else "not proven"


def backward_topics(named: Named, purpose: Purpose, topics: Sequence[Topic]) -> tuple[Topic, ...]:
    """Those that a job can be composed for. Raises UsageError where there is none."""
    from .topics import chosen

    part = named.part(purpose)
    found = tuple(one for one in chosen(topics, part.topics) if one.composable)
    if not found:
        hint = f"of {len(topics)} topics the task composes jobs for {sum(t.composable for t in topics)}"
        raise UsageError(f"rows: {purpose}: no topic of it can be composed", where=named.shown, hint=hint)
    return found


def reasons(counter: Counter[str]) -> list[str]:
    """`reason (count)`, the most frequent first."""
    return [f"{why} ({count})" for why, count in counter.most_common()]
