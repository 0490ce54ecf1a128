"""`touchstone log`: scores over the baseline's history in git. Words and options alone."""

from __future__ import annotations

from pathlib import Path

import click

from .words import colour, in_words, places, width


@click.command("log")
@click.argument("eval_", metavar="[EVAL]", required=False)
@click.option("--score", default="passed", show_default=True, metavar="NAME", help="The score to follow.")
@click.option("--last", type=click.IntRange(1), default=20, show_default=True, help="Commits of each eval to show.")
@click.option(
    "--format",
    "style",
    type=click.Choice(["terminal", "markdown", "json"]),
    default="terminal",
    help="How it is shown (default: terminal).",
)
@click.option("--svg", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Draw all of it as SVG.")
@click.pass_obj
def log(root: Path, eval_: str | None, score: str, last: int, style: str, svg: Path | None) -> None:
    """Show the scores of EVAL (of all evals by default) at every commit that changed evals/baseline.json."""
    from ..comparing.historical import logged
    from ..comparing.history import history

    with in_words():
        found = history(places(root), eval_, score)
        click.echo(logged(found, style, last=last, width=width(), color=colour()))
        if svg is not None:
            from ..comparing.plot import save

            save(found, svg)
            click.echo(f"drew {svg}", err=True)
