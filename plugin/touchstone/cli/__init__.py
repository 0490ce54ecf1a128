"""The command `touchstone`: what is done to files beside a pytest run. Words and options; the work is elsewhere."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import click

from .words import colour, in_words, places, project, width

_COMMANDS = {
    "add": "starting:add",
    "doctor": "doctor:doctor",
    "init": "starting:init",
    "selfcheck": "comparing:selfcheck",
    "compare": "comparing:compare",
    "baseline": "comparing:baseline",
    "agree": "agreeing:agree",
    "audit": "auditing:audit",
    "cache": "cache:cache",
    "export": "exporting:export",
    "golden": "golden:golden",
    "import": "importing:import_",
    "log": "history:log",
    "merge": "merging:merge",
    "prefer": "preferring:prefer",
    "rate": "golden:rate",
    "ratings": "golden:ratings",
    "synth": "synth:synth",
    "tune": "tuning:tune",
}
"""Command -> where it is. Each is imported when it is named (or when all are listed), so that none slows another."""


class _Commands(click.Group):
    """Finds its commands by the table above."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command's name."""
        return sorted([*super().list_commands(ctx), *_COMMANDS])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name."""
        if cmd_name not in _COMMANDS:
            return super().get_command(ctx, cmd_name)
        module, _, name = _COMMANDS[cmd_name].partition(":")
        found: Any = getattr(import_module(f"{__name__}.{module}"), name)
        assert isinstance(found, click.Command)  # noqa: S101  (the table is ours)
        return found


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="pytest-touchstone")
@click.option(
    "--root", type=click.Path(exists=True, file_okay=False, path_type=Path), help="The project (default: from here up)."
)
@click.pass_context
def main(context: click.Context, root: Path | None) -> None:
    """Evals as tests. Run them with `pytest evals/`; this command looks after what they leave."""
    context.obj = root or project(Path.cwd())


def _schema(context: click.Context, _: click.Parameter, asked: bool) -> None:
    """Print it and end, as --help does: it is of no run."""
    if asked:
        from ..report import json_schema

        click.echo(json_schema(), nl=False)
        context.exit()


@main.command("report")
@click.argument("run", required=False)
@click.option(
    "--format",
    "style",
    type=click.Choice(["terminal", "markdown", "json", "csv", "html"]),
    default="terminal",
    help="How it is shown (default: terminal).",
)
@click.option(
    "--against", metavar="X", help="Say what changed since X: a run, a baseline's file, git:REF, or a branch."
)
@click.option(
    "--run-config",
    "run_configs",
    metavar="NAME",
    multiple=True,
    help="Compare this one, rather than what ships; repeatable.",
)
@click.option("--out", metavar="FILE", type=click.Path(path_type=Path), help="Write it there.")
@click.option(
    "--schema",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_schema,
    help="Print the JSON Schema of `json`.",
)
@click.pass_obj
def report_(
    root: Path, run: str | None, style: str, against: str | None, run_configs: tuple[str, ...], out: Path | None
) -> None:
    """Rebuild the report of RUN (a run's name or its beginning; the last one by default) from its records.

    `html` is one file for a browser, and is written into the run's folder where no --out is given.
    """
    from ..garbage import Spared
    from ..reporting import Shown, paged, rendered, written

    if run_configs and against is None:
        raise click.UsageError("--run-config says what is compared: it wants --against")
    if style == "html" and against is not None:
        raise click.UsageError("the page compares nothing yet: --format markdown does")
    with in_words(), Spared():
        where = places(root)
        if style == "html":
            click.echo(f"report: {where.shown(paged(where, run, out))}")
            return
        shown = Shown(style, width(), out is None and colour())
        text = rendered(where, run, shown, against=against, run_configs=run_configs)
        if out is None:
            click.echo(text, nl=style != "csv")
        else:
            written(out, text)
            click.echo(f"report: {where.shown(out)}")
