"""`touchstone synth convert`: rows from one format to another. Words and options; formats are `touchstone_tuning`'s."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import UsageError
from .words import in_words, places

if TYPE_CHECKING:
    from ..places import Places


@click.command()
@click.argument("source")
@click.argument("target")
@click.option("--force", is_flag=True, help="Write over TARGET.")
@click.pass_obj
def convert(root: Path, source: str, target: str, force: bool) -> None:
    """Write the rows of SOURCE to TARGET, in the format that its name says.

    .jsonl, .csv and .parquet are files; `rows/{split}.csv` is one for each split; a name without suffix is a folder
    that Hugging Face's `datasets` loads. SOURCE may be a data set's name too, such as synth/train.
    """
    from touchstone_tuning.synth.formats import read_rows, write_rows

    from ..report.text import plural

    with in_words():
        found = _source(source, places(root))
        splits = read_rows(found, source)
        goals = {split: target.replace("{split}", split) for split in splits}
        for goal in goals.values():
            _may_write(found, Path(goal), force=force)
        write_rows(splits, target, target)
    for split, rows in splits.items():
        click.echo(f"{split}: {plural(len(rows), 'row')}, {source} -> {goals[split]}")


def _source(given: str, where: Places) -> Path:
    """A path from here; else a data set of the project."""
    here, ours = Path(given), where.datasets / f"{given}.jsonl"
    return ours if not here.exists() and ours.is_file() else here


def _may_write(source: Path, goal: Path, *, force: bool) -> None:
    """Raises UsageError where that would write over something that nobody said may go."""
    if source.resolve() == goal.resolve():
        raise UsageError("SOURCE and TARGET are the same", where=str(goal), hint="name another TARGET")
    if goal.exists() and not force:
        raise UsageError("is there already", where=str(goal), hint="--force writes over it")
