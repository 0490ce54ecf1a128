"""`touchstone agree`: judges against people and execution. Words and options; what is measured is in `trust`."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .words import in_words

if TYPE_CHECKING:
    from ..evals import Eval
    from ..judges import BoundJudge
    from ..trust.agreement import Line, Table
    from ..trust.certificates import Certificate
    from ..trust.measuring import Measured
    from ..trust.show import Page
    from .collecting import Collected


@click.command()
@click.argument("evaluation", metavar="EVAL")
@click.option("--judge", "names", multiple=True, metavar="NAME", help="Only these judges (default: all of the eval).")
@click.option("--calls", type=click.Choice(["replay", "auto", "record"]), help="Where judges' answers come from.")
@click.option("--certify", multiple=True, metavar="NAME", help="Write this judge's certificate; `all` for every one.")
@click.option("--against", type=click.Choice(["people", "execution"]), help="What a certificate rests on.")
@click.option("--format", "style", type=click.Choice(["terminal", "markdown", "json"]), default="terminal")
@click.pass_obj
def agree(
    root: Path,
    evaluation: str,
    names: Sequence[str],
    calls: str | None,
    certify: Sequence[str],
    against: str | None,
    style: str,
) -> None:
    """Measure every judge of EVAL on its golden set: against people, against execution, and against answers that look
    at nothing. Says plainly where a judge is no better than those.
    """
    from .collecting import collect

    with in_words():
        study = _Study(collect(root), evaluation, names, calls)
        click.echo(_rendered(study.page(), style), nl=False)
        for path in study.certify(certify, against):
            click.echo(f"wrote {path}", err=True)


class _Study:
    """One measurement of an eval's judges."""

    def __init__(self, collected: Collected, name: str, judges: Sequence[str], calls: str | None) -> None:
        from ..golden import golden_of
        from ..ratings import ratings_of, scale_of
        from ..trust.measuring import usable

        self.suite, self.eval = collected.suite, collected.eval(name)
        items = golden_of(self.suite.places, name).read()
        self.items, self.left = usable(items, self.eval)
        ratings = ratings_of(self.suite.places, name)
        self.everything, self.ratings = items, ratings.current(items)
        self.problems, self.stale = ratings.problems, ratings.stale(items)
        self.scale = scale_of(rating for by in self.ratings.values() for rating in by.values()) or "pass_fail"
        self.judges = _judges(collected, self.eval, judges)
        self.measured = _measure(collected, self.eval, self.items, self.judges, calls)

    def tables(self) -> list[Table]:
        """Against people first, where any rated; then against execution, where the eval names its truth."""
        from ..trust.agreement import execution, people, table

        said = people(self.ratings, self.scale)
        seen = execution(self.measured, self.eval.truth) if self.eval.truth else None
        found = [table(self.measured, self.judges, said, None)] if said.values else []
        return found + (
            [table(self.measured, self.judges, seen, said if said.values else None)] if seen and seen.values else []
        )

    def page(self) -> Page:
        """All that there is to say."""
        from ..trust.agreement import raters
        from ..trust.show import Page

        people = {who for by in self.ratings.values() for who in by}
        alpha = raters(self.ratings, self.scale) if len(people) > 1 else None
        return Page(self.eval.name, len(self.items), tuple(self.tables()), alpha, tuple(self._notes()))

    def certify(self, names: Sequence[str], against: str | None) -> Iterator[str]:
        """Write certificates; yields their paths."""
        from ..trust import certificates

        known = {judge.definition.name: judge for judge in self.judges}
        wanted = list(known) if "all" in names else list(names)
        for name in wanted:
            if name not in known:
                raise click.UsageError(f"--certify: there is no judge {name!r} here; there are: {', '.join(known)}")
        for name in wanted:
            path = certificates.write(self._certificate(known[name], against), self.suite.places)
            yield self.suite.places.shown(path)

    def _certificate(self, judge: BoundJudge, against: str | None) -> Certificate:
        from ..models import identity
        from ..trust.certificates import Certificate, golden_hash

        tables = {table.truth.name: table for table in self.tables()}
        if not tables or (against and against not in tables):
            raise click.UsageError(f"--certify: nothing to measure against{f' by {against}' if against else ''}")
        table = tables[against] if against else next(iter(tables.values()))
        line = next(line for line in table.lines if line.name == judge.definition.name)
        people = self.ratings if table.truth.name == "people" else None
        return Certificate(
            judge=line.name,
            eval=self.eval.name,
            against=table.truth.name,
            identity=judge.identity,
            golden=golden_hash(self.everything, people),
            model=identity(judge.definition.config, judge.root),
            date=f"{datetime.now(UTC):%Y-%m-%d}",
            items=line.agreement.n,
            threshold=judge.definition.pass_at,
            better=line.evidence.better,
            words=line.evidence.words,
            figures=_figures(line),
            pairs={key: (round(t, 6), round(j, 6)) for key, (t, j) in sorted(line.pairs.items())},
        )

    def _notes(self) -> Iterator[str]:
        if not self.eval.truth:
            yield "execution: the eval names no truth=, so judges are measured against people alone"
        if not self.ratings or not any(self.ratings.values()):
            yield f"people: nobody has rated these outputs yet: touchstone rate {self.eval.name}"
        for line in [*self.left, *self.problems]:
            yield f"left out: {line}"
        for rating in self.stale:
            yield f"stale: {rating.rater}'s rating of {rating.row} is about another answer"
        seen: dict[str, int] = {}
        for one in self.measured:
            for who, why in one.errors.items():
                seen[f"{who}: {why}"] = seen.get(f"{who}: {why}", 0) + 1
        yield from (f"error: {why} ({count} outputs)" for why, count in seen.items())


def _judges(collected: Collected, evaluation: Eval, names: Sequence[str]) -> list[BoundJudge]:
    """Every judge whose file names the eval, and those among its scorers; or those of the given names."""
    from ..judges import BoundJudge, judges_of, load_judge

    suite = collected.suite
    if names:
        found = [load_judge(name, suite.places, suite.catalogue) for name in names]
        return [BoundJudge.of(one, suite.places.root) for one in found]
    own = judges_of(evaluation.name, suite.places, suite.catalogue)
    there = {one.name: BoundJudge.of(one, suite.places.root) for one in own}
    there |= {one.definition.name: one for one in evaluation.judges}
    if not there:
        raise click.UsageError(f"no judge of {evaluation.name} yet: write evals/judges/NAME.j2 (docs/judges.md)")
    return list(there.values())


def _measure(
    collected: Collected, evaluation: Eval, items: Any, judges: Sequence[BoundJudge], calls: str | None
) -> list[Measured]:
    from ..session import Options, Session
    from ..trust.measuring import measure, with_judges

    mode: Any = calls or ("replay" if os.environ.get("CI", "").lower() not in ("", "0", "false") else "auto")
    with _shown() as progress:
        session = Session(collected.suite, Options(mode), "")
        return measure(session, with_judges(evaluation, judges), items, progress)


@contextmanager
def _shown() -> Iterator[Any]:
    """A bar on standard error, where that is a terminal."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("judging", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _figures(line: Line) -> dict[str, tuple[float, float, float] | None]:
    from ..trust.show import FIGURES

    found = {name: getattr(line.agreement, name) for name in FIGURES}
    return {
        name: None
        if figure.value is None or figure.interval is None
        else (round(figure.value, 4), round(figure.interval.low, 4), round(figure.interval.high, 4))
        for name, figure in found.items()
    }


def _rendered(page: Page, style: str) -> str:
    from ..trust import show

    if style == "json":
        return json.dumps(show.as_json(page), indent=1) + "\n"
    if style == "markdown":
        return show.markdown(page)
    return show.terminal(page, _width(), color=_colour())


def _width() -> int:
    import shutil

    return min(120, max(80, shutil.get_terminal_size().columns)) if sys.stdout.isatty() else 80


def _colour() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")
