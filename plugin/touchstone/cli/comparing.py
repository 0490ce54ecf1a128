"""`touchstone compare`, `selfcheck` and `baseline`: runs beside each other. Words and options alone."""

from __future__ import annotations

from pathlib import Path

import click

from .words import colour, in_words, places, width

_RUN = click.option("--run", metavar="RUN", help="A run's name or its beginning (default: the last one).")


@click.command()
@click.argument("names", nargs=-1)
@_RUN
@click.option("--against", metavar="RUN", help="Compare each name with itself in this run.")
@click.option("--run-config", metavar="NAME", help="Of runs that are compared (default: the one that ships).")
@click.option("--eval", "eval_", metavar="NAME", help="This eval only.")
@click.option("--score", metavar="NAME", help="This score only; `passed` is the share of test bodies that passed.")
@click.option("--flips", is_flag=True, help="Name every row that scored higher or lower.")
@click.option(
    "--format",
    "style",
    type=click.Choice(["terminal", "markdown", "json"]),
    default="terminal",
    help="How it is shown (default: terminal).",
)
@click.pass_obj
def compare(
    root: Path,
    names: tuple[str, ...],
    run: str | None,
    against: str | None,
    run_config: str | None,
    eval_: str | None,
    score: str | None,
    flips: bool,
    style: str,
) -> None:
    """Compare the run-configs (or the runs) NAMES, row by row: the others with the first."""
    from ..comparing import choose, compared
    from ..comparing import compare as compare_

    with in_words():
        pairs = choose(places(root).state / "runs", names, run=run, against=against, run_config=run_config)
        found = compare_(pairs, eval_, score)
        click.echo(compared(found, style, width=width(), color=colour(), flips=flips))


@click.command()
@click.option("--aa", is_flag=True, help="Split one run-config's own epochs in two, and count false alarms.")
@_RUN
@click.option("--run-config", metavar="NAME", help="The run-config (default: the one that ships).")
@click.option("--times", type=click.IntRange(1, 1_000_000), default=1000, show_default=True)
@click.option(
    "--format",
    "style",
    type=click.Choice(["terminal", "json"]),
    default="terminal",
    help="How it is shown (default: terminal).",
)
@click.pass_obj
def selfcheck(root: Path, aa: bool, run: str | None, run_config: str | None, times: int, style: str) -> None:
    """Check that comparing a run-config with itself shows nothing; exits 1 where it does too often."""
    from ..comparing import self_check, self_checked
    from ..comparing.sides import of_run

    if not aa:
        raise click.UsageError("say what to check: --aa")
    with in_words():
        found = self_check(of_run(places(root).state / "runs", run, run_config), times)
        click.echo(self_checked(found, style))
    raise SystemExit(1 if any(one.too_many for one in found) else 0)


@click.group()
def baseline() -> None:
    """The scores that the main branch stands on: evals/baseline.json, for rules `no worse than baseline`."""


@baseline.command("update")
@click.argument("run", required=False)
@click.option("--run-config", "run_configs", metavar="NAME", multiple=True, help="Instead of the one that ships.")
@click.pass_obj
def update_(root: Path, run: str | None, run_configs: tuple[str, ...]) -> None:
    """Make RUN (the last one by default) the baseline. Evals that it does not have stay as they are."""
    from ..comparing import update

    with in_words():
        for line in update(places(root), run, run_configs):
            click.echo(line)


@baseline.command("show")
@click.pass_obj
def show_(root: Path) -> None:
    """Print the baseline in short."""
    from ..baseline import read_baseline
    from ..comparing.standing import shown

    with in_words():
        where = places(root)
        for line in shown(read_baseline(where.baseline, where.shown(where.baseline))):
            click.echo(line)
