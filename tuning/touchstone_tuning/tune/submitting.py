"""From jobs to providers, each at most once: estimate, budget, upload, submit, write down. Owns that order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from touchstone.errors import CallError, CallFailed, CallRefused, ModelUnavailable, UsageError
from touchstone.places import Places
from touchstone.records import digest

from .ledger import Entry, Ledger
from .lessons import Lessons, Material
from .offices import open_provider
from .provider import Order, Particular, Provider
from .sweep import Job, NamedSweep, ProviderName

Opened = Callable[[ProviderName, Places], Provider]
EPOCHS = ("epochs", "n_epochs", "epoch_count")
"""What providers call the number of epochs."""
USUAL_EPOCHS = 3
TRIES = 20
"""Jobs of one content at a provider, all but the last in vain."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line says of a submission."""

    max_cost: float | None = None
    """Dollars, over the sweep's own."""
    again: bool = False
    """Submit anew what failed or was cancelled."""


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
        tag, files = job.tag(*lessons.digests), (lessons.train, lessons.validation)
        order = Order(tag, job.base, job.parameters, *files, job.name, sweep.name)
        dollars = provider.price(order, round(lessons.tokens * _epochs(job, provider)))
        found.append(Foretold(job, provider, lessons, order, dollars, _lacking(provider, order), ledger.get(job.name)))
    return found


def _lacking(provider: Provider, order: Order) -> str | None:
    return provider.lacking() or (provider.lacking_for(order) if isinstance(provider, Particular) else None)


def submit(
    sweep: NamedSweep, foretold: Sequence[Foretold], places: Places, tell: Callable[[str], None], asked: Asked
) -> bool:
    """Submit what is not submitted yet; false where some could not be. Raises UsageError over the budget."""
    ledger = Ledger(sweep.name, places)
    with ledger.alone():
        waiting = [one for one in foretold if _open(ledger.get(one.job.name), one, asked)]
        _afford(sweep, waiting, asked.max_cost if asked.max_cost is not None else sweep.sweep.max_cost)
        for one in foretold:
            entry = ledger.get(one.job.name)
            if one not in waiting and entry is not None:
                anew = f", and {entry.state}: --again submits it anew" if entry.in_vain else ""
                tell(f"{one.job.name}: submitted before{anew}")
        done = [_told(one, ledger, tell) for one in waiting]  # each is tried, whatever became of another
    return all(done)


def _told(one: Foretold, ledger: Ledger, tell: Callable[[str], None]) -> bool:
    """Submit one, and say what came of it; false where it could not be submitted."""
    try:
        tell(f"{one.job.name}: {_submitted(one, ledger)}")
    except CallError as error:
        tell(f"{one.job.name}: not submitted: {error}")
        return False
    return True


def _open(entry: Entry | None, one: Foretold, asked: Asked) -> bool:
    """Whether it is to be submitted. Raises UsageError for an entry of another job: its rows or parameters changed."""
    if entry is None or not entry.submitted:
        return True
    if entry.first_tag != one.order.tag:
        raise _changed(one)
    return asked.again and entry.in_vain


def _submitted(one: Foretold, ledger: Ledger) -> str:
    """One job: looked for first, since its last submission may have been cut off behind the provider's door."""
    if one.lacking:
        raise ModelUnavailable(one.lacking)
    _keep_marked(one, ledger)
    order, found = _untried(one)
    entry = _entry(one, order)
    ledger.put(one.job.name, entry)
    job = found or _asked(one.provider, order)
    ledger.put(one.job.name, entry.model_copy(update={"job": job}))
    return f"found again as {job}" if found else f"submitted as {job}"


def _keep_marked(one: Foretold, ledger: Ledger) -> None:
    """A mark of another content may be all that is known of a job that runs: it is not written over."""
    entry = ledger.get(one.job.name)
    if entry is None or entry.submitted or entry.first_tag == one.order.tag:
        return
    if found := one.provider.find(entry.tag):
        ledger.put(one.job.name, entry.model_copy(update={"job": found}))
        raise _changed(one)


def _untried(one: Foretold) -> tuple[Order, str | None]:
    """The order under the first tag that no job carries which ended in vain, and the job that carries it, if any."""
    for number in range(TRIES):
        tag = one.order.tag if number == 0 else f"ts-{digest([one.order.tag, number])[:16]}"
        order = replace(one.order, tag=tag)
        found = one.provider.find(tag)
        if found is None or one.provider.standing(found).state not in ("failed", "cancelled"):
            return order, found
    raise CallRefused(f"was tried {TRIES} times in vain: look at what the provider says, touchstone tune status --log")


def _changed(one: Foretold) -> UsageError:
    hint = "give the changed job another name, or delete its file in tuning/jobs to make it anew"
    return UsageError("was submitted with other rows or parameters", where=one.job.name, hint=hint)


def _asked(provider: Provider, order: Order) -> str:
    """The provider's name of a new job. Where the answer is lost on its way, the job is looked for once."""
    train = provider.upload(order.train, order.tag)
    validation = provider.upload(order.validation, order.tag) if order.validation else None
    try:
        return provider.submit(order, train, validation)
    except CallFailed:
        found = provider.find(order.tag)
        if found is None:
            raise
        return found


def _entry(one: Foretold, order: Order) -> Entry:
    job, lessons = one.job, one.lessons
    return Entry(
        tag=order.tag,
        of="" if order.tag == one.order.tag else one.order.tag,
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
