"""`touchstone tune`: models that learn from rows. Words and options; the work is in `touchstone_tuning`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .words import colour, in_words, places, width

if TYPE_CHECKING:
    from touchstone_tuning.tune.following import Follower
    from touchstone_tuning.tune.ledger import Entry
    from touchstone_tuning.tune.provider import Deployment, Provider, Standing
    from touchstone_tuning.tune.submitting import Foretold
    from touchstone_tuning.tune.sweep import ProviderName


_SWEEP = click.argument("name", metavar="SWEEP")
_FILE = click.Path(dir_okay=False, path_type=Path)
_JOBS = click.option("--job", "jobs", multiple=True, metavar="JOB", help="Only this job (repeatable); default: all.")


@click.group()
def tune() -> None:
    """Models that learn from rows, at a provider or on this machine: tuning/sweeps/SWEEP.yaml says which."""


@tune.command("plan")
@_SWEEP
@_JOBS
@click.pass_obj
def plan_(root: Path, name: str, jobs: tuple[str, ...]) -> None:
    """Make and check the files of SWEEP's jobs, look for leaks, and say what each job may cost. Sends nothing."""
    from touchstone_tuning.tune.submitting import foretell
    from touchstone_tuning.tune.sweep import load_sweep

    with in_words():
        where = places(root)
        sweep = load_sweep(name, where)
        found = foretell(sweep, sweep.chosen(jobs), where)
        click.echo(f"{sweep.shown}: {len(found)} jobs; no row is alike to one of another data set")
        for one in found:
            click.echo("\n".join(_foretold(one)))
        known = [one.dollars for one in found if one.dollars is not None]
        unknown = f", and {len(found) - len(known)} without a known price" if len(known) < len(found) else ""
        click.echo(f"in all: about ${sum(known):.2f}{unknown}")


@tune.command()
@_SWEEP
@_JOBS
@click.option("--max-cost", type=click.FloatRange(0), metavar="DOLLARS", help="Submit nothing that may cost more.")
@click.option("--again", is_flag=True, help="Submit anew what failed or was cancelled.")
@click.pass_obj
def submit(root: Path, name: str, jobs: tuple[str, ...], max_cost: float | None, again: bool) -> None:
    """Submit SWEEP's jobs; each is submitted once, however often this is called or cut off.

    What was submitted stands in tuning/jobs/SWEEP/; commit it. Jobs of this machine begin with `touchstone tune wait`.
    """
    from touchstone_tuning.tune.submitting import Asked, foretell
    from touchstone_tuning.tune.submitting import submit as submit_
    from touchstone_tuning.tune.sweep import load_sweep

    with in_words():
        where = places(root)
        sweep = load_sweep(name, where)
        found = foretell(sweep, sweep.chosen(jobs), where)
        whole = submit_(sweep, found, where, click.echo, Asked(max_cost, again))
    if not whole:
        raise SystemExit(1)
    click.echo(f"next: touchstone tune wait {sweep.name}")


@tune.command()
@_SWEEP
@_JOBS
@click.option("--every", type=click.FloatRange(0.1, 3600), default=10, show_default=True, help="Seconds between looks.")
@click.option("--within", type=click.FloatRange(0), metavar="SECONDS", help="Wait no longer than that; then exit 1.")
@click.pass_obj
def wait(root: Path, name: str, jobs: tuple[str, ...], every: float, within: float | None) -> None:
    """Wait until SWEEP's submitted jobs have ended; those of this machine are trained meanwhile, one at a time.

    Safe to interrupt: the same command goes on from the last checkpoint. Exits 1 where a job failed.
    """
    from touchstone_tuning.tune.following import Follower
    from touchstone_tuning.tune.sweep import load_sweep

    with in_words():
        where = places(root)
        sweep = load_sweep(name, where)
        follower = Follower(sweep, where)
        if not list(follower.entries(jobs)):
            raise click.ClickException(f"nothing was submitted\n  touchstone tune submit {sweep.name}")
        with _Bars() as bars:
            whole = follower.wait(jobs, bars.take, every, within)
        states = [entry.state for _, _, entry in follower.entries(jobs)]
    if not whole or "failed" in states:
        raise SystemExit(1)


@tune.command()
@_SWEEP
@_JOBS
@click.option("--log", is_flag=True, help="With what the provider says of each job.")
@click.pass_obj
def status(root: Path, name: str, jobs: tuple[str, ...], log: bool) -> None:
    """Ask how SWEEP's jobs stand, and which tuned models are kept running, which costs money."""
    from touchstone_tuning.tune.following import Follower
    from touchstone_tuning.tune.sweep import load_sweep

    from ..errors import CallError

    with in_words():
        where = places(root)
        sweep = load_sweep(name, where)
        follower = Follower(sweep, where)
        for job, provider, known in follower.entries(jobs):
            try:
                entry, standing = follower.look(job, provider, known)
            except CallError as error:
                click.echo(f"{job}: cannot be asked: {error}")
                continue
            click.echo(f"{job}: {_stands(entry)}")
            for line in standing.events if standing and log else ():
                click.echo(f"  {_clean(line)}")
        submitted = {job for job, _, _ in follower.entries(jobs)}
        for one in sweep.chosen(jobs):
            if one.name not in submitted:
                click.echo(f"{one.name}: not submitted")
        _running(follower, {job.provider for job in sweep.chosen(jobs)})


@tune.command("list")
@click.pass_obj
def list_(root: Path) -> None:
    """List sweeps and what is known of their jobs, without asking anybody."""
    from touchstone_tuning.tune.ledger import Ledger, folders

    with in_words():
        where = places(root)
        names = sorted({*folders(where), *(path.stem for path in where.sweeps.glob("*.yaml"))})
        for name in names:
            ledger = Ledger(name, where)
            click.echo(f"{name}: {len(ledger.names())} jobs submitted")
            for job in ledger.names():
                if entry := ledger.get(job):
                    click.echo(f"  {job}: {_stands(entry)}")
        if not names:
            click.echo("no sweeps: touchstone add sweep NAME --train DATASET")


@tune.command()
@_SWEEP
@_JOBS
@click.confirmation_option(prompt="Cancel what has not ended?")
@click.pass_obj
def cancel(root: Path, name: str, jobs: tuple[str, ...]) -> None:
    """Cancel SWEEP's jobs that have not ended."""
    from touchstone_tuning.tune.following import Follower
    from touchstone_tuning.tune.sweep import load_sweep

    with in_words():
        where = places(root)
        found = list(Follower(load_sweep(name, where), where).cancel(jobs))
    for job, why in found:
        click.echo(f"{job}: {f'not cancelled: {why}' if why else 'cancelled'}")
    if any(why for _, why in found):
        raise SystemExit(1)


@tune.command()
@_SWEEP
@click.argument("job")
@click.option("--as", "called", metavar="NAME", help="The run-config's name; default: the job's.")
@click.option(
    "--deploy", is_flag=True, help="Have the provider run the model where it does not by itself: costs money."
)
@click.option(
    "--weights", metavar="FILE", help="The base as a GGUF file, from the project's root: for a base that is none."
)
@click.pass_obj
def register(root: Path, name: str, job: str, called: str | None, deploy: bool, weights: str | None) -> None:
    """Make the model of SWEEP's JOB a run-config like any other, in the project's run_configs.yaml."""
    from touchstone_tuning.tune.following import Follower
    from touchstone_tuning.tune.registering import Done, check
    from touchstone_tuning.tune.registering import register as register_
    from touchstone_tuning.tune.sweep import load_sweep

    with in_words():
        where = places(root)
        sweep = load_sweep(name, where)
        (one,) = sweep.chosen((job,))
        follower = Follower(sweep, where)
        found = next(follower.entries((job,)), None)
        if found is None:
            raise click.ClickException(f"{job} was not submitted\n  touchstone tune submit {sweep.name}")
        provider = follower.office(one.provider)
        entry, _ = follower.look(job, one.provider, found[2])
        check(Done(sweep, one, entry), called or one.name, where)
        if deploy and provider.deploys:
            running = provider.deploy(entry.model, entry.tag)
            entry = entry.model_copy(update={"served": running.model})
            click.echo(f"runs as {running.id}, and costs money: touchstone tune undeploy {sweep.name} {running.id}")
        adapter = register_(Done(sweep, one, entry), provider, called or one.name, where, weights)
    kept = f", its adapter in {where.shown(adapter)}" if adapter else ""
    click.echo(f"run-config {called or one.name} in {where.shown(where.run_configs)}{kept}")
    click.echo(f"next: pytest evals/ --calls record --run-config {called or one.name}")


@tune.command("compare")
@_SWEEP
@click.option("--base", metavar="NAME", help="The run-config to hold all against; default: each job's base, untuned.")
@click.option("--against", multiple=True, metavar="NAME", help="Show this run-config too (repeatable).")
@click.option("--run", metavar="RUN", help="A run's name or its beginning (default: the last one).")
@click.option("--eval", "evals", multiple=True, metavar="NAME", help="This eval only (repeatable); default: all.")
@click.option("--markdown", type=_FILE, metavar="FILE", help="Write a page for GitHub, its curves as FILE.svg.")
@click.option("--html", type=_FILE, metavar="FILE", help="Write one page for a browser, with its curves.")
@click.pass_obj
def compare_(  # one line an option
    root: Path,
    name: str,
    base: str | None,
    against: tuple[str, ...],
    run: str | None,
    evals: tuple[str, ...],
    markdown: Path | None,
    html: Path | None,
) -> None:
    """Lay SWEEP's jobs beside each other: what each learnt, what it took, its scores in a run, its gain over its base.

    Runs nothing and asks nobody. Exits 1 where no model of it has a score yet, and says what to type.
    """
    from touchstone_tuning.tune.comparing.drawing import terminal
    from touchstone_tuning.tune.comparing.whole import Asked, whole
    from touchstone_tuning.tune.comparing.writing import write

    with in_words():
        where = places(root)
        found = whole(name, where, Asked(base, against, run, evals))
        click.echo(terminal(found, width(), color=colour()))
        for path in write(found, markdown, html):
            click.echo(f"written: {where.shown(path.resolve())}", err=True)
        if found.lacking:
            raise found.lacking


@tune.command()
@_SWEEP
@click.argument("deployment")
@click.pass_obj
def undeploy(root: Path, name: str, deployment: str) -> None:
    """Tear down DEPLOYMENT, as `touchstone tune status SWEEP` names it."""
    from touchstone_tuning.tune.following import Follower
    from touchstone_tuning.tune.sweep import load_sweep

    with in_words():
        where = places(root)
        follower = Follower(load_sweep(name, where), where)
        for office, one in _deployments(follower, {job.provider for job in follower.sweep.jobs}):
            if one.id == deployment:
                office.undeploy(deployment)
                click.echo(f"{deployment}: torn down")
                return
    raise click.ClickException(f"no deployment is called {deployment!r}\n  touchstone tune status {name}")


class _Bars:
    """A bar a job on standard error, where that is a terminal; otherwise a line when its state changes."""

    def __init__(self) -> None:
        import sys

        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[loss]}"),
            TimeRemainingColumn(),
        )
        self._shown = Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty())
        self._tasks: dict[str, Any] = {}
        self._states: dict[str, tuple[str, str]] = {}

    def __enter__(self) -> _Bars:
        self._shown.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._shown.stop()

    def take(self, job: str, entry: Entry, standing: Standing | None, why: str) -> None:
        """How the job stands now, or why it could not be asked."""
        if why:
            click.echo(f"{job}: cannot be asked: {why}")
            return
        if job not in self._tasks:
            self._tasks[job] = self._shown.add_task(job, total=None, loss="")
        loss = f"loss {entry.train_loss:.3f}" if entry.train_loss is not None else entry.state
        self._shown.update(self._tasks[job], completed=entry.step or 0, total=entry.steps, loss=loss)
        if self._states.get(job) != (entry.state, entry.why):
            self._states[job] = (entry.state, entry.why)
            click.echo(f"{job}: {_stands(entry)}")


def _foretold(one: Foretold) -> Iterator[str]:
    cost = "price unknown" if one.dollars is None else f"about ${one.dollars:.2f}"
    there = "; submitted before" if one.entry and one.entry.submitted else ""
    yield f"{one.job.name} ({one.job.provider}, {_clean(one.job.base)}): {cost}{there}"
    yield f"  {one.lessons.examples:,} examples, {one.lessons.tokens:,} tokens an epoch ({one.lessons.counted})"
    if one.lacking:
        yield f"  cannot be submitted here: {one.lacking}"


def _stands(entry: Entry) -> str:
    """One line: the state, how far, losses, why."""
    far = f", step {entry.step} of {entry.steps}" if entry.step and entry.steps else ""
    losses = [("loss", entry.train_loss), ("validation", entry.validation_loss)]
    measured = "".join(f", {name} {value:.3f}" for name, value in losses if value is not None)
    model = f", {entry.model}" if entry.model else ""
    return f"{entry.state}{far}{measured}{model}{f': {_clean(entry.why)}' if entry.why else ''}"


def _deployments(follower: Follower, providers: set[ProviderName]) -> Iterator[tuple[Provider, Deployment]]:
    """What runs at each provider that can be asked; of another it is said why not."""
    from ..errors import CallError

    for name in sorted(providers):
        office = follower.office(name)
        if office.lacking() is not None:
            continue
        try:
            found = office.deployments()
        except CallError as error:
            click.echo(f"{name}: cannot say what is running: {error}")
            continue
        yield from ((office, one) for one in found)


def _running(follower: Follower, providers: set[ProviderName]) -> None:
    for _, one in _deployments(follower, providers):
        click.echo(f"RUNNING, costs money: {one.id} ({_clean(one.state)}): {one.model}")
        click.echo(f"  touchstone tune undeploy {follower.sweep.name} {one.id}")


def _clean(text: str) -> str:
    from ..report.text import clean

    return clean(text, 300)
