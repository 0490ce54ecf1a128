"""`touchstone golden`, `rate` and `ratings`: what people say of outputs. Words and options; the work is elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .words import in_words, open_page, person, places

if TYPE_CHECKING:
    from ..labels import Item, Rating, Scale
    from ..places import Places
    from ..rating.app import Evidence
    from ..rating.desk import Desk
    from ..records import SampleRecord

_RATER = click.option("--rater", metavar="NAME", help="Who rates (default: git's user.name).")
_SCALE = click.option(
    "--scale", type=click.Choice(["pass_fail", "critical", "stars"]), help="Default: that of earlier ratings."
)
_SHOWN = 10


@click.command()
@click.argument("eval_name", metavar="EVAL")
@click.option("--size", type=click.IntRange(1, 100_000), default=84, show_default=True, help="How many outputs.")
@click.option("--run", metavar="RUN", help="A run's name or its beginning (default: the last one).")
@click.option("--seed", default=0, show_default=True, help="Another seed draws other outputs.")
@click.option("--run-config", "run_configs", multiple=True, metavar="NAME", help="Only outputs of these (globs too).")
@click.option("--balance", metavar="SCORE", help="Half of the outputs pass by this score and half miss.")
@click.option("--add", is_flag=True, help="Keep the set that is there, and fill it up to the size.")
@click.pass_obj
def golden(
    root: Path,
    eval_name: str,
    size: int,
    run: str | None,
    seed: int,
    run_configs: tuple[str, ...],
    balance: str | None,
    add: bool,
) -> None:
    """Draw the golden set of EVAL from a run: the outputs that people rate and judges are measured on.

    Drawn at random, so that judges' scores can be corrected by it. A balanced set measures a judge's errors more
    sharply where passes are rare, but is no picture of what your feature answers.
    """
    from ..golden import draw, golden_of

    with in_words():
        where, golden_set = places(root), golden_of(places(root), eval_name)
        kept = _kept(where, eval_name, size, add=add)
        hashes = _rows_of(root, eval_name)
        records = _records(where, eval_name, run)
        chosen = [r for r in records if not run_configs or any(fnmatchcase(r.run_config, one) for one in run_configs)]
        usable = [r for r in chosen if hashes.get(r.row) == r.row_hash]
        drawn = draw(usable, size - len(kept), seed, balance, kept)
        if not drawn:
            raise click.ClickException(f"no output of that run can be drawn: {_why_none(records, usable, kept)}")
        golden_set.write([*kept, *drawn])
        _tell_drawn(golden_set.shown, kept, drawn, len(chosen) - len(usable))


@click.command()
@click.argument("eval_name", metavar="EVAL")
@click.option(
    "--scale", type=click.Choice(["pass_fail", "critical", "stars"]), help="Default: that of earlier ratings."
)
@_RATER
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Default: one that is free.")
@click.option("--open/--no-open", "browser", default=True, help="Open a browser, or only print the address.")
@click.option("--show", "fields", multiple=True, metavar="FIELD", help="Show this field of the row too (repeatable).")
@click.option(
    "--csv", "file", type=click.Path(dir_okay=False, path_type=Path), help="Write a spreadsheet to fill in instead."
)
@click.pass_obj
def rate(
    root: Path,
    eval_name: str,
    scale: Scale | None,
    rater: str | None,
    port: int,
    browser: bool,
    fields: tuple[str, ...],
    file: Path | None,
) -> None:
    """Rate the golden outputs of EVAL, on a page that this machine alone can open. Ctrl-C ends it.

    You are shown neither which run-config wrote an output, nor what judges and other people said of it.
    """
    from ..ratings import merge_by_union
    from .seeing import evidence_of

    with in_words():
        where, who = places(root), person(root, rater)
        desk = _desk(root, eval_name, who, scale, fields)
        if file is not None:
            _write_sheet(file, desk, eval_name)
            return
        merge_by_union(where)
        _serve(desk, evidence_of(root, eval_name), port, browser=browser)


@click.group()
def ratings() -> None:
    """People's ratings of golden outputs: taken from spreadsheets, counted."""


@ratings.command("import")
@click.argument("eval_name", metavar="EVAL")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_RATER
@click.option(
    "--scale", type=click.Choice(["pass_fail", "critical", "stars"]), help="Default: that of earlier ratings."
)
@click.pass_obj
def import_(root: Path, eval_name: str, file: Path, rater: str | None, scale: Scale | None) -> None:
    """Take the ratings in FILE, a sheet that `touchstone rate EVAL --csv` wrote: all of them, or none."""
    from ..rating.sheet import read_sheet
    from ..ratings import merge_by_union
    from ..report.text import plural

    with in_words():
        desk = _desk(root, eval_name, person(root, rater), scale, ())
        new = read_sheet(file, desk)
        merge_by_union(places(root))
        desk.ratings.add(*new)
        click.echo(f"took {plural(len(new), 'rating')} by {_shown(desk.rater)} from {file}")


@ratings.command("show")
@click.argument("eval_name", metavar="EVAL")
@click.pass_obj
def show(root: Path, eval_name: str) -> None:
    """Count what each rater said of EVAL's golden outputs, and list what is stale or cannot be read."""
    from ..golden import golden_of
    from ..ratings import ratings_of

    with in_words():
        items, there = golden_of(places(root), eval_name).read(), ratings_of(places(root), eval_name)
        by_rater = _by_rater(there.current(items))
        nobody = "" if by_rater else f"; nobody has rated them: touchstone rate {eval_name}"
        click.echo(f"{len(items)} golden outputs{nobody}")
        for rater in sorted(by_rater):
            click.echo(f"  {_shown(rater):<24} {_counted(by_rater[rater], len(items))}")
        _list("stale: of an answer that is no longer in the golden set", [_stale(r) for r in there.stale(items)])
        _list("cannot be read", there.problems)


def _rows_of(root: Path, name: str) -> Mapping[str, str]:
    """Row's id -> the row's hash as it is now."""
    from ..evals import row_hash
    from .collecting import collect

    found = collect(root).eval(name)
    return {row.id: row_hash(row) for row in found.dataset.rows}


def _kept(where: Places, name: str, size: int, *, add: bool) -> tuple[Item, ...]:
    """What is there and stays: all of it with --add, and never less than what people have rated."""
    from ..errors import UsageError
    from ..golden import golden_of
    from ..ratings import ratings_of

    golden_set, rated = golden_of(where, name), ratings_of(where, name).all()
    if not golden_set.path.exists():
        return ()
    if not add and rated:
        message = f"people have rated this golden set ({len(rated)} ratings); another one would leave them stale"
        raise UsageError(
            message, where=golden_set.shown, hint="--add --size N keeps it all, and fills it up to N outputs"
        )
    kept = golden_set.read() if add else ()
    if len(kept) >= size:
        raise UsageError(f"the golden set holds {len(kept)} outputs already", where="--size", hint="ask for more")
    return kept


def _records(where: Places, name: str, run: str | None) -> list[SampleRecord]:
    from ..errors import UsageError
    from ..store import find_run, read_run

    folder = find_run(where.state / "runs", run)
    found = read_run(folder)
    mine = [record for record in found if record.eval == name]
    if not mine:
        there = ", ".join(sorted({record.eval for record in found})) or "none"
        raise UsageError(f"the run {folder.name} has no sample of {name!r}", hint=f"its evals: {there}")
    return mine


def _why_none(records: Sequence[SampleRecord], usable: Sequence[SampleRecord], kept: Sequence[Item]) -> str:
    if records and not usable:
        return "every row has changed since; run pytest evals/ again"
    return "all of it is in the set already" if kept else "all its samples are errors or empty"


def _tell_drawn(shown: str, kept: Sequence[Item], drawn: Sequence[Item], changed: int) -> None:
    from collections import Counter

    if changed:
        click.echo(f"left out {changed} samples of rows that have changed or gone since that run", err=True)
    by = ", ".join(f"{name} {count}" for name, count in sorted(Counter(item.run_config for item in drawn).items()))
    rows = len({item.row for item in (*kept, *drawn)})
    click.echo(f"{shown}: {len(kept) + len(drawn)} outputs of {rows} rows, {len(drawn)} of them new ({by})")


def _desk(root: Path, name: str, rater: str, scale: Scale | None, fields: Sequence[str]) -> Desk:
    """What this person rates."""
    from time import time

    from ..golden import golden_of
    from ..rating.desk import Desk
    from ..ratings import ratings_of

    where = places(root)
    items, there = golden_of(where, name).read(), ratings_of(where, name)
    for problem in there.problems[:_SHOWN]:
        click.echo(_shown(problem), err=True)
    rows = _more_of_rows(root, name, fields) if fields else {}
    return Desk(items, rows, there, rater, _scale(there.all(), scale), time)


def _scale(there: Iterable[Rating], asked: Scale | None) -> Scale:
    """As asked, if earlier ratings can be read on it; else theirs."""
    from ..errors import UsageError
    from ..ratings import scale_of

    before = scale_of(there)
    if asked is None or before in (None, asked) or (before, asked) == ("pass_fail", "critical"):
        return asked or before or "pass_fail"
    raise UsageError(f"this eval has been rated on the scale {before}", where="--scale", hint=f"--scale {before}")


def _more_of_rows(root: Path, name: str, fields: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Row's id -> those fields of it that it has."""
    from ..errors import UsageError
    from .collecting import collect

    rows = {row.id: row.model_dump(mode="json") for row in collect(root).eval(name).dataset.rows}
    for field in fields:
        if not any(field in row for row in rows.values()):
            there = ", ".join(sorted({name for row in rows.values() for name in row}))
            raise UsageError(f"no row has a field {field!r}", where="--show", hint=f"rows have: {there}")
    return {row_id: {field: row[field] for field in fields if field in row} for row_id, row in rows.items()}


def _serve(desk: Desk, evidence: Evidence, port: int, *, browser: bool) -> None:
    """The page, until Ctrl-C; then what was rated."""
    from functools import partial

    from ..rating.app import application
    from ..report.text import plural

    said = f"{_shown(desk.rater)} rates {len(desk.items)} outputs on the scale {desk.scale}"
    open_page(partial(application, desk, evidence), said, port, browser=browser)
    mine = sum(said["value"] is not None for said in desk.overview())
    click.echo(
        f"\n{plural(desk.count, 'rating')} now; {mine} of {len(desk.items)} outputs rated, in {desk.ratings.shown}"
    )


def _write_sheet(file: Path, desk: Desk, name: str) -> None:
    from ..errors import UsageError
    from ..rating.sheet import sheet

    try:
        file.write_bytes(sheet(desk))
    except OSError as error:
        raise UsageError(f"cannot be written: {error.strerror}", where=str(file)) from error
    click.echo(f"{file}: {len(desk.items)} outputs to rate; fill in the column `value` ({desk.words}), then:")
    click.echo(f"  touchstone ratings import {name} {file}")


def _by_rater(current: Mapping[str, Mapping[str, Rating]]) -> dict[str, list[Rating]]:
    found: dict[str, list[Rating]] = {}
    for by in current.values():
        for rater, rating in by.items():
            found.setdefault(rater, []).append(rating)
    return found


def _counted(mine: Sequence[Rating], of: int) -> str:
    """`80 of 84 rated: fail 30, pass 45, unsure 5; 12 notes; 9 s each; 2 after a look at the evidence`."""
    from collections import Counter
    from statistics import median

    counts = Counter(str(rating.value) for rating in mine)
    notes, peeked = sum(bool(rating.note) for rating in mine), sum(rating.peeked for rating in mine)
    times = [rating.seconds for rating in mine if rating.seconds is not None]
    parts = [
        f"{len(mine)} of {of} rated: " + ", ".join(f"{label} {counts[label]}" for label in sorted(counts)),
        f"{notes} with a note" if notes else "",
        f"{median(times):.0f} s each (median)" if times else "",
        f"{peeked} after a look at the evidence" if peeked else "",
    ]
    return "; ".join(part for part in parts if part)


def _stale(rating: Rating) -> str:
    return f"{rating.row} ({rating.answer}): {rating.value}, by {rating.rater}, {rating.when}"


def _list(title: str, lines: Sequence[str]) -> None:
    if lines:
        click.echo(f"{title}:")
        for line in lines:
            click.echo(f"  {_shown(line)}")


def _shown(text: str) -> str:
    """A name or a problem, whatever it holds, in one line that a terminal obeys nothing of."""
    from ..report.text import clean

    return clean(text)
