"""`touchstone agree`: judges against people and execution. Words and options; what is measured is in `trust`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .words import colour, in_words, width

if TYPE_CHECKING:
    from ..caching import Calls
    from ..judges import BoundJudge
    from ..trust.agreement import Line, Table
    from ..trust.certificates import Certificate
    from ..trust.show import Page
    from .study import Study


@click.command()
@click.argument("evaluation", metavar="EVAL")
@click.option("--judge", "names", multiple=True, metavar="NAME", help="Only these judges (default: all of the eval).")
@click.option("--calls", type=click.Choice(["replay", "auto", "record"]), help="Where judges' answers come from.")
@click.option("--certify", multiple=True, metavar="NAME", help="Write this judge's certificate; `all` for every one.")
@click.option("--against", type=click.Choice(["people", "execution"]), help="What a certificate rests on.")
@click.option(
    "--format",
    "style",
    type=click.Choice(["terminal", "markdown", "json"]),
    default="terminal",
    help="How it is shown (default: terminal).",
)
@click.pass_obj
def agree(
    root: Path,
    evaluation: str,
    names: Sequence[str],
    calls: Calls | None,
    certify: Sequence[str],
    against: str | None,
    style: str,
) -> None:
    """Measure every judge of EVAL on its golden set: against people, against execution, and against answers that look
    at nothing. Says plainly where a judge is no better than those.
    """
    from .collecting import collect
    from .study import judges_for, no_judge, study

    with in_words():
        collected = collect(root)
        judges = judges_for(collected, evaluation, names)
        if not judges:
            raise no_judge(evaluation)
        agreeing = _Agreeing(study(collected, evaluation, judges, calls))
        click.echo(_rendered(agreeing.page(), style), nl=False)
        for path in agreeing.certify(certify, against):
            click.echo(f"wrote {path}", err=True)


class _Agreeing:
    """What one measurement says of an eval's judges."""

    def __init__(self, study: Study) -> None:
        from ..ratings import scale_of

        self.study, self.judges, self.measured, self.eval = study, study.judges, study.measured, study.eval
        self.ratings = study.ratings
        self.scale = scale_of(rating for by in self.ratings.values() for rating in by.values()) or "pass_fail"

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
        return Page(self.eval.name, len(self.measured), tuple(self.tables()), alpha, tuple(self._notes()))

    def certify(self, names: Sequence[str], against: str | None) -> Iterator[str]:
        """Write certificates; yields their paths."""
        from ..trust import certificates

        known = {judge.definition.name: judge for judge in self.judges}
        wanted = list(known) if "all" in names else list(names)
        for name in wanted:
            if name not in known:
                raise click.UsageError(f"--certify: there is no judge {name!r} here; there are: {', '.join(known)}")
        for name in wanted:
            path = certificates.write(self._certificate(known[name], against), self.study.suite.places)
            yield self.study.suite.places.shown(path)

    def _certificate(self, judge: BoundJudge, against: str | None) -> Certificate:
        from ..models import identity
        from ..trust.certificates import Certificate, golden_hash

        tables = {table.truth.name: table for table in self.tables()}
        if not tables or (against and against not in tables):
            raise click.UsageError(f"--certify: nothing to measure against{f' by {against}' if against else ''}")
        table = tables[against] if against else next(iter(tables.values()))
        line = next(line for line in table.lines if line.name == judge.definition.name)
        people = self.ratings if table.truth.name == "people" else None
        homes = {item.key: item.run_config for item in self.study.everything}
        return Certificate(
            judge=line.name,
            eval=self.eval.name,
            against=table.truth.name,
            identity=judge.identity,
            golden=golden_hash(self.study.everything, people),
            model=identity(judge.definition.config, judge.root),
            date=f"{datetime.now(UTC):%Y-%m-%d}",
            items=line.agreement.n,
            errors=line.errors,
            threshold=judge.definition.pass_at,
            better=line.evidence.better,
            words=line.evidence.words,
            figures=_figures(line),
            pairs={key: (round(t, 6), round(j, 6), homes[key]) for key, (t, j) in sorted(line.pairs.items())},
        )

    def _notes(self) -> Iterator[str]:
        if not self.eval.truth:
            yield "execution: the eval names no truth=, so judges are measured against people alone"
        if not self.ratings or not any(self.ratings.values()):
            yield f"people: nobody has rated these outputs yet: touchstone rate {self.eval.name}"
        for line in [*self.study.left, *self.study.there.problems]:
            yield f"left out: {line}"
        for rating in self.study.there.stale(self.study.everything):
            yield f"stale: {rating.rater}'s rating of {rating.row} is about another answer"
        yield from self.study.errors()


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
    return show.terminal(page, width(), color=colour())
