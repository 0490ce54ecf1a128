"""Golden outputs through an eval's scorers and judges. Makes judges' calls, never the task's; compares nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ..evals import Eval, Job, Suite, row_hash
from ..judges import BoundJudge
from ..labels import Item
from ..records import Response, Score
from ..session import Session


@dataclass(frozen=True, slots=True)
class Measured:
    """One golden output, and what was said of it."""

    item: Item
    scores: Mapping[str, Score]
    errors: Mapping[str, str]
    """Scorer or judge -> why it gave no score."""
    asked: Mapping[str, Response]


def usable(items: Iterable[Item], evaluation: Eval) -> tuple[list[Item], list[str]]:
    """The items whose row is still what it was, and a line about each other one."""
    rows = {row.id: row_hash(row) for row in evaluation.dataset.rows}
    kept, left = [], []
    for item in items:
        if item.row not in rows:
            left.append(f"{item.key}: the row is no more in the dataset {evaluation.dataset.name}")
        elif rows[item.row] != item.row_hash:
            left.append(f"{item.key}: the row has changed since this output was drawn")
        else:
            kept.append(item)
    return kept, left


def with_judges(evaluation: Eval, judges: Sequence[BoundJudge]) -> Eval:
    """The eval with its own scorers and these judges."""
    own = tuple(one for one in evaluation.scorers if not isinstance(one, BoundJudge))
    return replace(evaluation, scorers=(*own, *judges))


def measure(
    session: Session, evaluation: Eval, items: Sequence[Item], progress: Callable[[int, int], None]
) -> list[Measured]:
    """What the eval's scorers say of each item, in order. What fails is kept as its error. `session` is used up."""
    jobs = [_job(session.suite, evaluation, item) for item in items]
    session.start(jobs, kept=False)
    try:
        return [_measured(session, job, item, progress) for job, item in zip(jobs, items, strict=True)]
    finally:
        session.stop()


def _measured(session: Session, job: Job, item: Item, progress: Callable[[int, int], None]) -> Measured:
    made = session.made(job)
    if session.engine is not None:
        now = session.engine.progress
        progress(now.done, now.total)
    if made.sample is None:
        return Measured(item, {}, {"sample": made.outcome.why if made.outcome else "no sample"}, {})
    return Measured(item, made.sample.scores, made.sample.errors, made.sample.asked)


def _job(suite: Suite, evaluation: Eval, item: Item) -> Job:
    """The row with the output that is there already. Which run-config wrote it matters to no scorer."""
    row = next(row for row in evaluation.dataset.rows if row.id == item.row)
    every = suite.catalogue.run_configs
    config = next((c for c in every if c.name == item.run_config), every[0])
    return Job(evaluation, row, config, 1, False, given=Response(item.output, source="recording"))
