"""`touchstone merge`: shards to one run. Words and options alone."""

from __future__ import annotations

import os
from pathlib import Path

import click

from .words import colour, in_words, places, width


@click.command()
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option("--out", metavar="NAME", help="Call the merged run so (default: by its date and time).")
@click.pass_obj
def merge(root: Path, runs: tuple[str, ...], out: str | None) -> None:
    """Make one run of all shards RUN..., and judge its gates; exits as pytest would have: 1 where the run is red.

    A RUN is a run's name (or its beginning), or a folder that holds runs: an artifact that was downloaded.
    """
    from .. import report
    from ..controller import new_run_id
    from ..merging import merge as merge_
    from ..report.text import plural

    with in_words():
        merged = merge_(places(root), runs, new_run_id() if out is None else out)
    click.echo(report.terminal(merged.run.summary, width=width(), color=colour()))
    if merged.erred:
        have = "has" if merged.erred == 1 else "have"
        click.echo(f"red: {merged.erred:,} of {len(merged.run.records):,} samples {have} no answer")
    if merged.missed:
        click.echo(f"red: {plural(merged.missed, 'sample')} missed where every row must pass")
    click.echo(f"report: {os.path.relpath(merged.run.folder / 'report.md')}")
    raise SystemExit(0 if merged.green else 1)
