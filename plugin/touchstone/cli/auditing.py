"""`touchstone audit`: what is wrong with golden labels. Words and options; what is found is in `trust.audit`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .words import colour, in_words, width

if TYPE_CHECKING:
    from ..caching import Calls
    from ..trust.audit import Audit, Material
    from .study import Study


@click.command()
@click.argument("evaluation", metavar="EVAL")
@click.option("--judge", "names", multiple=True, metavar="NAME", help="Only these judges (default: all of the eval).")
@click.option("--no-judges", is_flag=True, help="Ask no judge: people and execution alone.")
@click.option("--calls", type=click.Choice(["replay", "auto", "record"]), help="Where judges' answers come from.")
@click.option("--top", type=click.IntRange(1), default=10, show_default=True, help="Findings shown of each sort.")
@click.option("--strict", is_flag=True, help="Exit 1 where there is any finding.")
@click.option(
    "--format",
    "style",
    type=click.Choice(["terminal", "markdown", "json"]),
    default="terminal",
    help="How it is shown (default: terminal).",
)
@click.pass_obj
def audit(
    root: Path,
    evaluation: str,
    names: Sequence[str],
    no_judges: bool,
    calls: Calls | None,
    top: int,
    strict: bool,
    style: str,
) -> None:
    """Look for golden labels of EVAL that execution, other raters or confident judges contradict; for raters whose
    labels carry no information; for labels that follow their batch; and for ratings too fast to have read.
    """
    from ..trust.audit import audit as audited
    from .collecting import collect
    from .study import judges_for, study

    if no_judges and names:
        raise click.UsageError("--judge and --no-judges say opposite things")
    with in_words():
        collected = collect(root)
        judges = {} if no_judges else judges_for(collected, evaluation, names)
        seen = study(collected, evaluation, judges, calls)
        found = audited(_material(seen))
        found = replace(found, notes=(*found.notes, *_notes(seen)))
        click.echo(_rendered(found, evaluation, top, style), nl=False)
    raise SystemExit(1 if strict and found.findings else 0)


def _material(study: Study) -> Material:
    from ..trust.audit import Case, Material
    from ..trust.standing import trust_of

    ratings, tags = study.ratings, {row.id: row.tags for row in study.eval.dataset.rows}
    cases = (Case(one.item, ratings[one.item.key], one.scores, tags[one.item.row]) for one in study.measured)
    return Material(
        cases=tuple(cases),
        history=tuple(study.there.all()),
        truth=study.eval.truth,
        judges=tuple(trust_of(judge.definition, study.suite.places) for judge in study.judges),
        stale=tuple(study.there.stale(study.everything)),
        problems=tuple(study.there.problems),
    )


def _notes(study: Study) -> list[str]:
    """What the audit could not look at."""
    silent = [] if study.eval.truth else ["execution: the eval names no truth=, so it contradicts nobody"]
    rated = any(study.ratings.values())
    unrated = [] if rated else [f"people rate them with: touchstone rate {study.eval.name}"]
    return [*silent, *unrated, *(f"left out: {line}" for line in study.left), *study.errors()]


def _rendered(found: Audit, name: str, top: int, style: str) -> str:
    from ..trust.audit import show

    if style == "json":
        return json.dumps(show.as_json(found, name), indent=1) + "\n"
    if style == "markdown":
        return show.markdown(found, name, top)
    return show.terminal(found, name, top, width(), color=colour())
