"""From jobs to providers, each at most once: estimate, budget, upload, submit, write down. Owns that order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from touchstone.errors import ModelUnavailable, UsageError
from touchstone.places import Places

from .ledger import Entry, Ledger
from .lessons import Lessons, Material
from .offices import open_provider
from .provider import Order, Provider
from .sweep import Job, NamedSweep, ProviderName

Opened = Callable[[ProviderName, Places], Provider]
EPOCHS = ("epochs", "n_epochs", "epoch_count")
"""What providers call the number of epochs."""
USUAL_EPOCHS = 3


@dataclass(frozen=True, slots=True)
class Foretold:
    """What a job will be, before it is."""

    job: Job
    provider: Provider
    lessons: Lessons
    order: Order
    dollars: float | None
    """None where no price is known."""
    lacking: str | None
    """Why it cannot be submitted here."""
    entry: Entry | None
    """What is known of it already."""


def foretell(sweep: NamedSweep, jobs: Sequence[Job], places: Places, opened: Opened = open_provider) -> list[Foretold]:
    """Each job with its files, made and checked, and what it may cost. Asks no provider anything.

    Raises UsageError for rows that leak, and for files that the provider would not take.
    """
    material, ledger, found = Material.of(sweep, places), Ledger(sweep.name, places), list[Foretold]()
    offices = {name: opened(name, places) for name in {job.provider for job in jobs}}
    for job in jobs:
        provider = offices[job.provider]
        lessons = material.lessons(job, provider)
        order = Order(job.tag(*lessons.digests), job.base, job.parameters, lessons.train, lessons.validation)
        dollars = provider.price(order, round(lessons.tokens * _epochs(job, provider)))
        found.append(Foretold(job, provider, lessons, order, dollars, provider.lacking(), ledger.get(job.name)))
    return found


def submit(
    sweep: NamedSweep, foretold: Sequence[Foretold], places: Places, max_cost: float | None, tell: Callable[[str], None]
) -> None:
    """Submit what is not submitted yet. Raises UsageError over the budget, CallError where a provider gives none."""
    ledger = Ledger(sweep.name, places)
    with ledger.alone():
        waiting = [one for one in foretold if not _known(ledger.get(one.job.name), one)]
        _afford(sweep, waiting, max_cost if max_cost is not None else sweep.sweep.max_cost)
        for one in foretold:
            if one not in waiting:
                tell(f"{one.job.name}: submitted before")
        for one in waiting:
            tell(f"{one.job.name}: {_submitted(one, ledger)}")


def _known(entry: Entry | None, one: Foretold) -> bool:
    """Whether it was submitted. Raises UsageError where the entry is of another job: its rows or parameters changed."""
    if entry is not None and entry.submitted and entry.tag != one.order.tag:
        hint = "give the changed job another name, or delete its file in tuning/jobs to make it anew"
        raise UsageError("was submitted with other rows or parameters", where=one.job.name, hint=hint)
    return entry is not None and entry.submitted


def _submitted(one: Foretold, ledger: Ledger) -> str:
    """One job: looked for first, since its last submission may have been cut off behind the provider's door."""
    if one.lacking:
        raise ModelUnavailable(f"{one.job.name}: {one.lacking}")
    entry = _entry(one)
    ledger.put(one.job.name, entry)
    found = one.provider.find(one.order.tag)
    job = found or _asked(one)
    ledger.put(one.job.name, entry.model_copy(update={"job": job}))
    return f"found again as {job}" if found else f"submitted as {job}"


def _asked(one: Foretold) -> str:
    """The provider's name of a new job. Where the answer is lost on its way, the job is looked for once."""
    from touchstone.errors import CallFailed

    order = one.order
    train = one.provider.upload(order.train, order.tag)
    validation = one.provider.upload(order.validation, order.tag) if order.validation else None
    try:
        return one.provider.submit(order, train, validation)
    except CallFailed:
        found = one.provider.find(order.tag)
        if found is None:
            raise
        return found


def _entry(one: Foretold) -> Entry:
    job, lessons = one.job, one.lessons
    return Entry(
        tag=one.order.tag,
        provider=job.provider,
        base=job.base,
        prompt=job.prompt,
        rows=job.rows,
        parameters=dict(job.parameters),
        examples=lessons.examples,
        tokens=lessons.tokens,
        estimate=one.dollars,
    )


def _afford(sweep: NamedSweep, waiting: Sequence[Foretold], most: float | None) -> None:
    """Raises UsageError where the jobs are estimated to cost more than they may, or nobody can tell."""
    if most is None:
        return
    for one in waiting:
        if one.dollars is None:
            hint = "submit it without --max-cost, or take max_cost out of the sweep"
            raise UsageError(
                f"{one.job.name}: no price is known, so that no budget can hold", where=sweep.shown, hint=hint
            )
    total = sum(one.dollars or 0 for one in waiting)
    if total > most:
        hint = "nothing was submitted: name fewer jobs, or raise --max-cost"
        raise UsageError(f"would cost about ${total:.2f}, over ${most:.2f}", where=sweep.shown, hint=hint)


def _epochs(job: Job, provider: Provider) -> float:
    """As the job says; where it leaves that to the provider, what is usual."""
    given = next((job.parameters[name] for name in EPOCHS if name in job.parameters), None)
    if isinstance(given, int | float):
        return float(given)
    default = next((f.default for n, f in provider.parameters.model_fields.items() if n in EPOCHS), None)
    return float(default) if isinstance(default, int | float) else float(USUAL_EPOCHS)
