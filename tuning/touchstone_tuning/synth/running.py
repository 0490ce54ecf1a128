"""A plan's run: opens the door to models, makes each purpose's rows, writes them. Owns that sequence; words nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from touchstone.caching import Calls
from touchstone.calls import Door
from touchstone.errors import UsageError
from touchstone.places import Places
from touchstone.prompts import Prompts
from touchstone.sending import Traffic

from .backward import Backward, composable
from .forward import Forward
from .keeping import Keeper, Made, Progress
from .neighbours import neighbours, rows_of
from .plan import Named, Purpose
from .proofs import Prover
from .reviews import Review, reviews_of
from .rowfile import write_rows
from .task import Task, load_task
from .teacher import Budget, Teacher
from .topic import Topic
from .topics import chosen, find_topics
from .verdicts import Verdicts
from .voices import load_voices


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says of a run."""

    calls: Calls = "auto"
    concurrency: int = 8
    budget: Budget = field(default_factory=Budget)
    limit: int | None = None
    """Stop at so many rows, also where the plan wants more; what is written is then cut short too."""
    write: bool = True


@dataclass(frozen=True, slots=True)
class Bench:
    """What every purpose of a plan's run shares."""

    named: Named
    places: Places
    door: Door
    task: Task | None
    teacher: Teacher | None
    """None where the task words its own requests."""
    topics: tuple[Topic, ...]
    options: Options


def recordings(places: Places) -> Path:
    """Where the teacher's calls are kept: apart from those of evals, which are read at every run of them."""
    return places.root / "tuning" / "recordings"


def verdicts(named: Named, places: Places) -> Path:
    """Where it is kept what the plan's proofs came to."""
    return places.root / "tuning" / "verdicts" / f"{named.name}.jsonl"


@asynccontextmanager
async def bench(named: Named, places: Places, options: Options) -> AsyncIterator[Bench]:
    """The plan's task, teacher and topics; at the end, what was recorded is written."""
    shelf = replace(places, recordings=recordings(places))
    prompts, anew = Prompts(places.prompts, places.shown(places.prompts)), f"touchstone synth run {named.name}"
    door = Door(shelf, prompts, options.calls, Traffic(options.concurrency), f"{anew} --calls record")
    try:
        task = load_task(named.plan.task, places.root, named.shown) if named.plan.task else None
        teacher = Teacher.of(named, places, door, options.budget) if named.plan.teacher else None
        yield Bench(named, places, door, task, teacher, await find_topics(named, task, teacher), options)
    finally:
        await door.aclose()


async def make(on: Bench, purpose: Purpose, progress: Progress) -> Made:
    """The rows of one purpose; written unless the options say otherwise."""
    part, limit = on.named.part(purpose), on.options.limit
    around = neighbours(on.named, purpose, on.places, on.task)
    wanted = min(part.count, limit or part.count)
    teacher = on.teacher.model if on.teacher else ""
    keeper = Keeper(on.named, purpose, teacher, around, reviewed(on.named, on.places), wanted)
    with _prover(on) as prover:
        made = await _way(on, keeper, prover).make(progress)
    made.tally.take(on.teacher.asked.values() if on.teacher else ())
    if on.options.write:
        for split, rows in made.rows.items():
            write_rows(on.named.file(split, on.places), rows)
    return made


def _way(on: Bench, keeper: Keeper, prover: Prover | None) -> Backward | Forward:
    voices = load_voices(on.named.plan.voices, on.places)
    if keeper.part.way == "forward":
        if on.teacher is None:
            raise UsageError("the forward way wants a teacher", where=on.named.shown)
        topics = chosen(on.topics, keeper.part.topics)
        return Forward(keeper, on.task, on.teacher, topics, voices, prover)
    if on.task is None or prover is None:
        raise UsageError("the backward way wants a task", where=on.named.shown)
    return Backward(keeper, on.task, on.teacher, composable(on.named, keeper.purpose, on.topics), voices, prover)


@contextmanager
def _prover(on: Bench) -> Iterator[Prover | None]:
    """Worker processes for the task's proofs; none where there is no task."""
    if on.task is None:
        yield None
        return
    path = verdicts(on.named, on.places)
    held = Verdicts(path, on.places.shown(path))
    prover = Prover(on.named.plan.task, on.places.root, on.task.identity(), on.door.cache, held, on.options.calls)
    try:
        yield prover
    finally:
        prover.close()


def reviewed(named: Named, places: Places) -> Mapping[tuple[str, str], Review]:
    """(row's id, hash of its request as the model wrote it) -> the decision that stands."""
    return reviews_of(named.name, places).standing()


def kept(named: Named, places: Places, purposes: Sequence[Purpose]) -> dict[str, list[dict[str, Any]]]:
    """The rows that lie in the plan's data sets, by split."""
    found: dict[str, list[dict[str, Any]]] = {}
    for purpose in purposes:
        for split in named.splits(purpose):
            path = named.file(split, places)
            found[split] = [dict(row) for row in rows_of(path, places)] if path.is_file() else []
    return found
