"""`touchstone import`: projects of other tools. Words and options; the work is in `importing`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .words import in_words, places

if TYPE_CHECKING:
    from ..importing.kiln import Imported

_LISTED = 30


@click.group("import")
def import_() -> None:
    """Bring a project of another tool here, with all that it holds."""


@import_.command()
@click.argument("project", type=click.Path(path_type=Path))
@click.option(
    "--into", metavar="DIR", type=click.Path(path_type=Path), help="Where it goes (default: a new folder here)."
)
@click.option("--truth", metavar="MODULE:FUNCTION", help="A scorer that executes outputs: each eval's truth=.")
def kiln(project: Path, into: Path | None, truth: str | None) -> None:
    """Import the Kiln project in the folder PROJECT: runs, tags, ratings, prompts, run-configs, evals, judges, their
    verdicts, fine-tunes and splits. Nothing is asked of any model, and no file is overwritten.

    What has no place here is listed, and kept in imported/kiln/unplaced.jsonl.
    """
    from ..importing.kiln import Scorer, import_project
    from ..importing.names import slug

    target = into or Path(slug(project.resolve().parent.name if project.suffix else project.resolve().name) or "kiln")
    with in_words():
        found = import_project(project, target.absolute(), str(target), Scorer.parse(truth) if truth else None)
    for line in _told(found, target):
        click.echo(line)


@import_.command()
@click.option(
    "--format",
    "style",
    type=click.Choice(["terminal", "json"]),
    default="terminal",
    help="How it is shown (default: terminal).",
)
@click.pass_obj
def figures(root: Path, style: str) -> None:
    """What imported judges said, counted as Kiln counts it: means of run-configs, and each judge beside people.

    Every digit is shown. Intervals, and whether a judge is worth anything, are what `agree` and a report are for.
    """
    from ..importing.figures import figures_of, table

    with in_words():
        found = figures_of(places(root))
    click.echo(json.dumps(found, indent=1) if style == "json" else "\n".join(table(found)))


def _told(found: Imported, target: Path) -> Iterator[str]:
    from ..report.text import clean

    yield f"read:  {_listed(found.counts)}"
    yield f"wrote: {_listed(found.made)}"
    counted = found.left.counted()
    if counted:
        yield f"no place here ({len(found.left.found)}; all in {target}/imported/kiln/unplaced.jsonl):"
    for words, count in counted[:_LISTED]:
        yield f"  {count:>5}  {clean(words)}"
    if len(counted) > _LISTED:
        yield f"  and {len(counted) - _LISTED} sorts more"
    yield f"next:  cd {target} && pytest evals/ --calls replay"


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in counts.items() if count)
