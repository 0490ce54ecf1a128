"""The backward way: a job is composed and proven first, then somebody is found to ask for it. Owns that order.

Drafts are one stream: each topic once, then each topic again, in an order that follows from the plan's seed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from random import Random

from touchstone.errors import CallFailed, UsageError
from touchstone.records import digest

from . import words
from .keeping import BARREN, Found, Keeper, Made, Progress
from .plan import Named, Purpose
from .proofs import Prover
from .task import Draft, Proof, Task
from .teacher import Notes, Teacher
from .together import together
from .topic import Topic
from .topics import chosen
from .voices import Voice, draw_voice, opener

SPARE = 1.25
"""Drafts at a time for each row that is still wanted."""


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

    def found(self) -> Found:
        """As the keeper takes it."""
        verified = [*self.proof.verified, *(["asked"] if self.asked else [])]
        how = {**({"attempt": self.attempt} if self.attempt else {}), "verified": verified}
        draft = self.draft
        return Found(
            self.id, draft.topic, self.slot, self.voice, self.text, self.prompt, self.effect, draft.fields, how
        )


@dataclass
class Backward:
    """Makes the rows of one purpose."""

    keeper: Keeper
    task: Task
    teacher: Teacher | None
    topics: Sequence[Topic]
    voices: Mapping[str, tuple[Voice, float]]
    prover: Prover

    async def make(self, progress: Progress) -> Made:
        """As many rows as are wanted and can be had. Raises CallError where the teacher cannot go on."""
        drafts, barren = self._drafts(), 0
        while self.keeper.lacking > 0 and barren < BARREN * len(self.topics):
            before, seen = self.keeper.tally.kept, self.keeper.tally.drafts
            some = list(islice(drafts, round(self.keeper.lacking * SPARE) + 5))
            if not some:
                return self.keeper.made("after all rounds that the plan allows")
            for one in await self._worded(await self._proven(some, progress), progress):
                self.keeper.keep(one.found())
            progress("kept", self.keeper.tally.kept, self.keeper.wanted)
            barren = barren + self.keeper.tally.drafts - seen if self.keeper.tally.kept == before else 0
        return self.keeper.made(f"and {barren} drafts in a row gave no new one")

    def _drafts(self) -> Iterator[Candidate]:
        """What does the same as a kept row, or as a draft before it, is dropped at once."""
        named, seen = self.keeper.named, set[frozenset[str]]()
        own = named.plan.alike.own
        for slot in range(self.keeper.part.rounds):
            for topic in sorted(self.topics, key=lambda one: self._lot(one, slot, named.plan.seed)):
                lot = self._lot(topic, slot, named.name, named.plan.seed)
                draft = self.task.compose(topic.id, self.keeper.purpose, Random(lot))
                if draft is None:
                    continue
                self.keeper.tally.drafts += 1
                effect = self.task.effect(draft.fields)
                if (own and effect in seen) or self.keeper.index.nearest("", effect):
                    self.keeper.tally.dropped["does the same as another row"] += 1
                    continue
                seen.add(effect)
                row = f"synth-{topic.id.replace('/', '-')}-{lot[:8]}"
                yield Candidate(row, slot, draft, draw_voice(self.voices, lot), effect)

    def _lot(self, topic: Topic, slot: int, *more: str | int) -> str:
        return digest([*more, self.keeper.purpose, topic.id, slot])

    async def _proven(self, drafts: Sequence[Candidate], progress: Progress) -> list[Candidate]:
        """Those of which as much holds as the plan needs."""
        jobs = [one.draft.fields for one in drafts]
        proofs = await self.prover.prove(jobs, lambda done, of: progress("proving", done, of))
        needs, holding = self.keeper.part.needs, list[Candidate]()
        for draft, proof in zip(drafts, proofs, strict=True):
            missing = next((word for word in needs if word not in proof.verified), "")
            if proof.verified and not missing:
                holding.append(replace(draft, proof=proof))
            else:
                self.keeper.tally.dropped[_short(proof, missing)] += 1
        return holding

    async def _worded(self, candidates: Sequence[Candidate], progress: Progress) -> list[Candidate]:
        """Those for which the task or the teacher found words, in the order given."""
        teacher = self.teacher
        if teacher is None:
            return [found for one in candidates if (found := self._own_words(one)) is not None]
        waiting, worded = list(candidates), dict[str, Candidate]()
        for attempt in range(1, self.keeper.named.plan.attempts + 1):
            tries = [replace(one, attempt=attempt) for one in waiting]
            said = await self._each(tries, partial(self._said, teacher), "asking for requests", progress)
            fit = await self._each(said, partial(self._fitting, teacher), "asking whether they fit", progress)
            worded.update({one.id: one for one in fit})
            waiting = [one for one in waiting if one.id not in worded]
        if waiting:
            self.keeper.tally.dropped["no request that fits"] += len(waiting)
        return [worded[one.id] for one in candidates if one.id in worded]

    async def _each(
        self,
        candidates: Sequence[Candidate],
        work: Callable[[Candidate], Awaitable[Candidate | None]],
        doing: str,
        progress: Progress,
    ) -> list[Candidate]:
        """The work on all at the same time, and what it left of them; a call that failed for now leaves nothing."""
        done = 0

        async def one(candidate: Candidate) -> Candidate | None:
            nonlocal done
            try:
                found = await work(candidate)
            except CallFailed:
                self.keeper.tally.refused["the call failed"] += 1
                found = None
            done += 1
            progress(doing, done, len(candidates))
            return found

        return [found for found in await together(map(one, candidates)) if found is not None]

    def _own_words(self, candidate: Candidate) -> Candidate | None:
        """With the task's own request; none where it has none, or one that cannot stand."""
        text = candidate.draft.text
        if against := next(words.objections(text), ""):
            self.keeper.tally.dropped[against] += 1
            return None
        return replace(candidate, text=text)

    async def _said(self, teacher: Teacher, candidate: Candidate) -> Candidate | None:
        """With a request that nothing speaks against."""
        voice, _ = self.voices[candidate.voice]
        say = tuple(group[0] for group in candidate.draft.must)
        begin = opener(voice, say, Random(f"{candidate.id} opener {candidate.attempt}"))
        notes = Notes(candidate.draft.facts, say, candidate.voice, begin)
        said = await teacher.request(notes, candidate.attempt)
        if against := next(self._objections(candidate.draft, voice, said.text), ""):
            self.keeper.tally.refused[against] += 1
            return None
        return replace(candidate, text=said.text, prompt=said.prompt)

    def _objections(self, draft: Draft, voice: Voice, text: str) -> Iterator[str]:
        yield from words.objections(text)
        yield from self.task.objections(draft, text)
        if words.lacking(draft.must, text, foreign=bool(voice.speaks)):
            yield "lacks a name or a number"
        if not words.speaks(voice.speaks, text):
            yield "not in the voice's language"

    async def _fitting(self, teacher: Teacher, candidate: Candidate) -> Candidate | None:
        """The same, if a model says that the request asks for the job."""
        least = self.keeper.named.plan.check
        if least is False:
            return candidate
        least = self.voices[candidate.voice][0].check or least
        if await teacher.fits(candidate.draft.facts, candidate.text) < least:
            self.keeper.tally.refused["asked, a model says that it does not fit"] += 1
            return None
        return replace(candidate, asked=True)


def _short(proof: Proof, missing: str) -> str:
    """Why a proof is not enough, in words that many drafts share."""
    if proof.lost:
        return f"its proof broke off ({proof.why.partition(':')[0]})"
    return f"not {missing}" if proof.verified else "does not run"


def composable(named: Named, purpose: Purpose, topics: Sequence[Topic]) -> tuple[Topic, ...]:
    """Those of the plan's topics that a job can be composed for. Raises UsageError where there is none."""
    found = tuple(one for one in chosen(topics, named.part(purpose).topics) if one.composable)
    if not found:
        hint = f"of {len(topics)} topics the task composes jobs for {sum(t.composable for t in topics)}"
        raise UsageError(f"rows: {purpose}: no topic of it can be composed", where=named.shown, hint=hint)
    return found
