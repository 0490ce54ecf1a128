"""`touchstone export`: what is here as other tools' files. Words and options; the work is in `exporting`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..errors import UsageError
from .words import in_words, places

if TYPE_CHECKING:
    from ..exporting.sources import Entry

_LISTED = 30
F = TypeVar("F", bound=Callable[..., Any])


@click.group()
def export() -> None:
    """Write what is here as another tool's file. What cannot be carried over is said; no file is overwritten."""


def _sources(command: F) -> F:
    """Options of what is exported."""
    options = (
        click.option("--dataset", metavar="NAME", help="The rows of a data set."),
        click.option("--golden", metavar="EVAL", help="The golden outputs of an eval, with people's ratings."),
        click.option("--run", metavar="RUN", help="The outputs of a run, with their scores; `last` for the last."),
        click.option("--eval", "evals", metavar="NAME", multiple=True, help="Of --run: this eval's only; repeatable."),
        click.option(
            "--run-config", "run_configs", metavar="NAME", multiple=True, help="Of --run: this one's only; repeatable."
        ),
        click.option(
            "--to", "target", metavar="FILE", required=True, type=click.Path(path_type=Path), help="The new file."
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


@export.command()
@_sources
@click.option("--raw", is_flag=True, help="Leave cells as they are that a spreadsheet would run.")
@click.pass_obj
def kiln(
    root: Path,
    dataset: str | None,
    golden: str | None,
    run: str | None,
    evals: tuple[str, ...],
    run_configs: tuple[str, ...],
    target: Path,
    raw: bool,
) -> None:
    """Write inputs and outputs as the CSV that Kiln's "Add Data - Upload CSV" takes: input, output, reasoning, tags."""
    from ..exporting.kiln import as_kiln

    with in_words():
        if target.suffix.lower() != ".csv":
            hint = "--to FILE.csv; `touchstone export rows` writes JSONL and Parquet"
            raise UsageError("Kiln's upload takes CSV", where=str(target), hint=hint)
        found = as_kiln(_entries(root, dataset, golden, run, evals, run_configs), raw=raw)
        _write(target, found.data)
    _say(f"{found.lines} rows -> {target}", found.told)


@export.command()
@_sources
@click.pass_obj
def rows(
    root: Path,
    dataset: str | None,
    golden: str | None,
    run: str | None,
    evals: tuple[str, ...],
    run_configs: tuple[str, ...],
    target: Path,
) -> None:
    """Write rows as .jsonl, .csv or .parquet: a data set's own fields, or outputs with scores, or with ratings."""
    from touchstone_tuning.synth.formats import write_rows

    from ..exporting.sources import as_rows

    with in_words():
        found = as_rows(_entries(root, dataset, golden, run, evals, run_configs))
        if target.suffix.lower() not in (".jsonl", ".csv", ".parquet"):
            raise UsageError("is no known format", where=str(target), hint="--to FILE.jsonl, .csv or .parquet")
        _refuse_one_there(target)
        write_rows({target.stem: found}, target, str(target))
    _say(f"{len(found)} rows -> {target}", [])


@export.command()
@click.argument("evaluation", metavar="EVAL")
@click.option("--to", "target", metavar="FILE", required=True, type=click.Path(path_type=Path), help="The new config.")
@click.option("--provider", "others", metavar="ID", multiple=True, help="One of promptfoo's own; repeatable.")
@click.pass_obj
def promptfoo(root: Path, evaluation: str, target: Path, others: tuple[str, ...]) -> None:
    """Write EVAL as a config of promptfoo's: its prompts, run-configs as providers, rows as tests, scorers as asserts
    where promptfoo has an equal.
    """
    from ..exporting.promptfoo import as_promptfoo
    from .collecting import collect

    with in_words():
        _refuse_one_there(target)
        collected = collect(root)
        where = collected.suite.catalogue.where
        found = as_promptfoo(collected.eval(evaluation), places(root), where, others)
        _write(target, found.text.encode("utf-8"))
    counted = ", ".join(f"{name} {count}" for name, count in found.counts.items())
    _say(f"{counted} -> {target}", found.told)


def _entries(
    root: Path,
    dataset: str | None,
    golden: str | None,
    run: str | None,
    evals: tuple[str, ...],
    run_configs: tuple[str, ...],
) -> list[Entry]:
    from ..exporting.sources import of_dataset, of_golden, of_run

    if sum(one is not None for one in (dataset, golden, run)) != 1:
        raise click.UsageError("say what: one of --dataset NAME, --golden EVAL, --run RUN")
    if (evals or run_configs) and run is None:
        raise click.UsageError("--eval and --run-config choose among the outputs of --run")
    where = places(root)
    if dataset is not None:
        return of_dataset(dataset, where)
    if golden is not None:
        return of_golden(golden, where)
    return of_run(None if run == "last" else run, where, evals, run_configs)


def _refuse_one_there(target: Path) -> None:
    if target.is_symlink() or target.exists():
        raise UsageError("is there already", where=str(target), hint="nothing was written: name another file")


def _write(target: Path, data: bytes) -> None:
    from ..wholefile import replace_file

    _refuse_one_there(target)
    try:
        replace_file(target.absolute(), data)
    except OSError as error:
        raise UsageError(f"cannot be written: {error.strerror}", where=str(target)) from error


def _say(first: str, told: Iterable[str]) -> None:
    for line in (first, *_listed(list(told))):
        click.echo(line)


def _listed(told: list[str]) -> Iterator[str]:
    from ..report.text import clean

    if told:
        yield f"not carried over ({len(told)}):"
    yield from (f"  {clean(one)}" for one in told[:_LISTED])
    if len(told) > _LISTED:
        yield f"  and {len(told) - _LISTED} more"
