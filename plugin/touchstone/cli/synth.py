"""`touchstone synth`: rows that a plan asks for. Words and options; the work is in `touchstone_tuning`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .converting import convert
from .reviewing import review
from .words import colour, in_words, places, width

if TYPE_CHECKING:
    from touchstone_tuning.synth.coverage import Coverage
    from touchstone_tuning.synth.keeping import Made
    from touchstone_tuning.synth.plan import Named, Purpose
    from touchstone_tuning.synth.running import Options
    from touchstone_tuning.synth.tally import Tally

    from ..caching import Calls
    from ..places import Places

_PURPOSE = click.option("--for", "purpose", type=click.Choice(["train", "eval", "golden"]), help="Default: all it has.")


@click.group()
def synth() -> None:
    """Rows that are right by construction: what enters a data set was proven first."""


synth.add_command(review)
synth.add_command(convert)


@synth.command("plan")
@click.argument("name", metavar="PLAN")
@_PURPOSE
@click.pass_obj
def plan_(root: Path, name: str, purpose: Purpose | None) -> None:
    """Say what PLAN (tuning/synth/PLAN.yaml) will make, from what, and with how many calls at most. Makes none."""
    from touchstone_tuning.synth.plan import load_plan

    with in_words():
        where = places(root)
        named = load_plan(name, where)
        for line in asyncio.run(_foretold(named, where, named.purposes(purpose))):
            click.echo(line)


@synth.command("run")
@click.argument("name", metavar="PLAN")
@_PURPOSE
@click.option("--calls", type=click.Choice(["replay", "auto", "record", "live"]), help="Where answers come from.")
@click.option("--limit", type=click.IntRange(1), help="Stop at so many rows of each purpose.")
@click.option("--max-cost", type=click.FloatRange(0), metavar="DOLLARS", help="Stop before live calls cost more.")
@click.option("--max-calls", type=click.IntRange(0), help="Stop after so many live calls.")
@click.option("--concurrency", type=click.IntRange(1, 1000), default=8, show_default=True, help="Calls at a time.")
@click.option("--dry-run", is_flag=True, help="Make the rows and count them; write no data set.")
@click.pass_obj
def run(
    root: Path,
    name: str,
    purpose: Purpose | None,
    calls: Calls | None,
    limit: int | None,
    max_cost: float | None,
    max_calls: int | None,
    concurrency: int,
    dry_run: bool,
) -> None:
    """Make PLAN's rows and write them to its data sets.

    Safe to interrupt: what was answered and proven is kept, and the same command goes on from there. With recordings
    of all its calls the same plan gives the same files, byte for byte.
    """
    from touchstone_tuning.synth.plan import load_plan
    from touchstone_tuning.synth.running import Options
    from touchstone_tuning.synth.teacher import Budget

    from ..caching import calls_here

    with in_words():
        where = places(root)
        named = load_plan(name, where)
        options = Options(calls_here(calls), concurrency, Budget(max_cost, max_calls), limit, write=not dry_run)
        short = asyncio.run(_run(named, where, options, named.purposes(purpose)))
    if short:
        raise SystemExit(1)


@synth.command("stats")
@click.argument("name", metavar="PLAN")
@click.option("--with", "others", multiple=True, metavar="DATASET", help="Count this data set too (repeatable).")
@click.option(
    "--format",
    "style",
    type=click.Choice(["terminal", "markdown", "json"]),
    default="terminal",
    help="How it is shown (default: terminal).",
)
@click.option("--picture", type=click.Path(dir_okay=False, path_type=Path), help="Draw the coverage: .png or .svg.")
@click.pass_obj
def stats(root: Path, name: str, others: tuple[str, ...], style: str, picture: Path | None) -> None:
    """Say what PLAN's data sets cover and lack, how they are balanced, what is alike in them.

    Exits 1 where a row is alike to one of another split or data set: that is a leak.
    """
    from touchstone_tuning.synth.plan import load_plan
    from touchstone_tuning.synth.surveying import survey

    with in_words():
        where = places(root)
        found = survey(load_plan(name, where), where, others)
        click.echo(_shown(found.coverage, style), nl=False)
        if picture is not None:
            from touchstone_tuning.synth.picture import save

            save(found.coverage, picture)
            click.echo(f"drawn: {picture}", err=True)
    for leak in found.leaks[:_LEAKS]:
        said = f"{leak.split_a}: {leak.id_a} is alike to {leak.split_b}: {leak.id_b}"
        click.echo(f"leak: {said} ({leak.how}, {leak.similarity:.2f})", err=True)
    if found.leaks:
        raise SystemExit(1)


_LEAKS = 20
"""Leaks that are named."""


def _shown(coverage: Coverage, style: str) -> str:
    import json

    from touchstone_tuning.synth.shown import markdown, terminal

    if style == "json":
        return json.dumps(coverage.as_dict(), indent=1, ensure_ascii=False) + "\n"
    return markdown(coverage) if style == "markdown" else terminal(coverage, width(), color=colour())


async def _run(named: Named, where: Places, options: Options, purposes: tuple[Purpose, ...]) -> bool:
    """Whether there are fewer rows than the plan wants."""
    from dataclasses import replace

    from touchstone_tuning.synth.running import bench, make
    from touchstone_tuning.synth.surveying import remember

    short = False
    with _Bar() as bar:
        async with bench(named, where, options) as on:
            for purpose in purposes:
                # Each purpose's own calls are counted, so its teacher starts from none.
                teacher = replace(on.teacher, asked={}) if on.teacher else None
                made = await make(replace(on, teacher=teacher), purpose, bar.step)
                remember(named, purpose, made.tally, where)
                short = short or bool(made.stopped)
                for line in _told(purpose, made, named, where, written=options.write):
                    bar.say(line)
    return short


class _Bar:
    """A bar on standard error, where that is a terminal; lines go past it."""

    def __init__(self) -> None:
        import sys

        from rich.console import Console
        from rich.progress import Progress

        self._shown = Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty())
        self._task = self._shown.add_task("starting", total=None)

    def __enter__(self) -> _Bar:
        self._shown.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._shown.stop()

    def step(self, doing: str, done: int, total: int) -> None:
        """How far it is."""
        self._shown.update(self._task, description=doing, completed=done, total=total)

    def say(self, line: str) -> None:
        """A line of the report."""
        click.echo(line)


def _told(purpose: str, made: Made, named: Named, where: Places, *, written: bool) -> Iterator[str]:
    from ..report.text import plural

    for split, rows in made.rows.items():
        file = where.shown(named.file(split, where))
        yield f"{split}: {plural(len(rows), 'row')}{f' in {file}' if written else ', not written'}"
    yield from _counted(made.tally)
    if made.stopped:
        yield f"{purpose}: fewer than the plan wants: {made.stopped}"


def _counted(tally: Tally) -> Iterator[str]:
    yield f"  kept {tally.kept} of {tally.drafts} drafts ({tally.share:.0%})"
    if tally.dropped:
        yield f"  dropped: {_reasons(tally.dropped)}"
    if tally.refused:
        yield f"  asked for anew: {_reasons(tally.refused)}"
    if tally.calls:
        each = (
            f"; a kept row: {tally.tokens / tally.kept:,.0f} tokens, {tally.seconds / tally.kept:.1f} s"
            if tally.kept
            else ""
        )
        spent = f"{tally.input_tokens:,} tokens in, {tally.output_tokens:,} out, ${tally.cost:.2f}"
        yield f"  {tally.calls} calls, {spent}{each}"


def _reasons(counts: Mapping[str, int]) -> str:
    most = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    return ", ".join(f"{why} {count}" for why, count in most)


async def _foretold(named: Named, where: Places, purposes: tuple[Purpose, ...]) -> list[str]:
    from touchstone_tuning.synth.running import Options, bench, kept
    from touchstone_tuning.synth.topics import chosen

    lines = [f"{named.shown}: {named.plan.about}"]
    there = kept(named, where, purposes)
    async with bench(named, where, Options(calls="replay")) as on:
        teacher = f"{on.teacher.model}{_cannot(on.teacher)}" if on.teacher else "none: the task words its own requests"
        lines.append(f"teacher: {teacher}")
        for purpose in purposes:
            part = named.part(purpose)
            topics = chosen(on.topics, part.topics)
            usable = [one for one in topics if one.composable] if part.way == "backward" else list(topics)
            have = sum(len(there[split]) for split in named.splits(purpose))
            lines.append(
                f"{purpose} ({part.way}): {part.count} rows over {len(usable)} topics of {len(on.topics)}; {have} there"
            )
            lines.append(f"  splits: {', '.join(f'{s} {share:g}' for s, share in named.splits(purpose).items())}")
            lines += [f"  {_most(named, purpose, on.teacher)}"] if on.teacher else []
    return lines


def _cannot(teacher: Any) -> str:
    why = teacher.door.missing(teacher.config)
    return f" (cannot be asked here: {why})" if why else ""


def _most(named: Named, purpose: Purpose, teacher: Any) -> str:
    """An upper bound, in calls and dollars: a plan that costs is worth a look before it runs."""
    from ..models.prices import price

    part, plan = named.part(purpose), named.plan
    each = (2 if plan.check is not False else 1) * plan.attempts if part.way == "backward" else 1 / part.a_call
    calls = round(part.count * each)
    cost = price(teacher.config, calls * _PROMPT, calls * _ANSWER)
    said = "price unknown" if cost is None else f"${cost:.2f}"
    return f"at most about {calls:,} calls for as many drafts as rows: {said} at {_PROMPT} tokens in and {_ANSWER} out"


_PROMPT, _ANSWER = 1500, 40
"""Tokens of a call, for an estimate before any was made."""
