"""`touchstone synth review`: people look at new rows. Words and options; reviews are `touchstone_tuning`'s."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .words import in_words, open_page, person, places

if TYPE_CHECKING:
    from touchstone_tuning.synth.plan import Named, Purpose
    from touchstone_tuning.synth.reviews import Review, Reviews

    from ..places import Places
    from ..rating.pile import Decision, Pile, Row, Section, Verdict

_SHOWN = 20
"""Lines of a list."""
_LONGEST_NAME = 60
_TITLES = {
    "right": "Proven command",
    "media": "Starts from",
    "expect": "Must come out",
    "wrong": "Must not pass for it",
    "answer": "Answer",
}
_CODE = ("right", "wrong")
_FOLDED = ("wrong", "answer")
_ELSEWHERE = {"id", "input", "made", *_TITLES}


@click.command()
@click.argument("name", metavar="PLAN")
@click.option("--for", "purpose", type=click.Choice(["train", "eval", "golden"]), help="Default: all it has.")
@click.option("--reviewer", metavar="NAME", help="Who reviews (default: git's user.name).")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Default: one that is free.")
@click.option("--open/--no-open", "browser", default=True, help="Open a browser, or only print the address.")
@click.option("--list", "listing", is_flag=True, help="Count the decisions and list the stale ones; serve nothing.")
@click.pass_obj
def review(
    root: Path, name: str, purpose: Purpose | None, reviewer: str | None, port: int, browser: bool, listing: bool
) -> None:
    """Keep, edit or drop PLAN's new rows, on a page that this machine alone can open. Ctrl-C ends it.

    Decisions are kept in tuning/reviews/PLAN/; the next `touchstone synth run PLAN` applies them. A decision is on a
    request as the model wrote it: where that is written anew, it is listed as stale and never applied.
    """
    from touchstone_tuning.synth.plan import load_plan
    from touchstone_tuning.synth.reviews import merge_by_union

    with in_words():
        where = places(root)
        work = _Work.of(load_plan(name, where), where, purpose)
        if listing:
            for line in _listed(work):
                click.echo(line)
            return
        pile = _pile(work, _reviewer(root, reviewer))
        merge_by_union(where)
        _serve(work, pile, port, browser=browser)


@dataclass(frozen=True)
class _Work:
    """The rows of a plan, and what was decided of them."""

    named: Named
    rows: Mapping[str, tuple[str, Mapping[str, Any]]]
    """Row's id -> (split, row) as it lies in the plan's data sets."""
    written: Mapping[str, tuple[str, str]]
    """Row's id -> (hash, text) of its request as the model wrote it."""
    reviews: Reviews
    other: frozenset[str]
    """Ids of the plan's rows that are not asked for here."""

    @classmethod
    def of(cls, named: Named, where: Places, purpose: Purpose | None) -> _Work:
        """As it lies there. Raises UsageError where there is nothing to review."""
        from touchstone_tuning.synth.reviews import reviews_of, written
        from touchstone_tuning.synth.running import kept

        every = _by_id(kept(named, where, named.purposes(None)))
        splits = {split for one in named.purposes(purpose) for split in named.splits(one)}
        reviews = reviews_of(named.name, where)
        said = reviews.all()
        rows = {row_id: found for row_id, found in every.items() if found[0] in splits}
        was = {row_id: written(row, said) for row_id, (_, row) in rows.items()}
        return cls(named, rows, was, reviews, frozenset(every) - frozenset(rows))

    def decisions(self) -> Mapping[str, Sequence[Review]]:
        """Row's id -> decisions on exactly its request, the one that stands last."""
        found = self.reviews.decisions()
        return {row_id: found[row_id, was[0]] for row_id, was in self.written.items() if (row_id, was[0]) in found}

    def stale(self) -> list[tuple[Review, str]]:
        """Decisions on what is not there any more, and why."""
        from touchstone_tuning.synth.reviews import stale

        every = (one for of in self.reviews.decisions().values() for one in of if one.row not in self.other)
        return stale(every, {row_id: was[0] for row_id, was in self.written.items()})

    def gone(self) -> list[Review]:
        """Drops that a run has applied."""
        standing = self.reviews.standing().values()
        there = self.other | self.rows.keys()
        return sorted((one for one in standing if one.row not in there and one.verdict == "drop"), key=lambda o: o.row)


def _by_id(splits: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, tuple[str, Mapping[str, Any]]]:
    return {str(row["id"]): (split, row) for split, rows in splits.items() for row in rows if _is_row(row)}


def _is_row(row: Mapping[str, Any]) -> bool:
    """Whether it has what a review is about; files are edited by hand too."""
    texts = isinstance(row.get("id"), str) and isinstance(row.get("input"), str)
    return texts and isinstance(row.get("made", {}), Mapping)


def _reviewer(root: Path, given: str | None) -> str:
    from ..errors import UsageError

    name = person(root, given, "reviews", "--reviewer")
    if len(name) > _LONGEST_NAME:
        raise UsageError(f"is longer than {_LONGEST_NAME} characters", where="--reviewer", hint="a shorter name")
    return name


def _pile(work: _Work, reviewer: str) -> Pile:
    """What this person reviews. Raises UsageError where there is nothing."""
    from ..errors import UsageError
    from ..rating.pile import Pile

    if not work.rows:
        hint = f"touchstone synth run {work.named.name} makes them"
        raise UsageError("has no rows yet", where=work.named.shown, hint=hint)
    rows = [_row(split, row, work.written[row_id][1]) for row_id, (split, row) in work.rows.items()]
    after = f"touchstone synth run {work.named.name}"
    return Pile(rows, reviewer, partial(_decided, work), partial(_decide, work, reviewer), after)


def _row(split: str, row: Mapping[str, Any], was: str) -> Row:
    """As it is shown."""
    from ..rating.pile import Row

    made = row.get("made", {})
    verified = tuple(map(str, made.get("verified", ())))
    topic, voice = str(made.get("topic", "")), str(made.get("voice", ""))
    return Row(row["id"], was, split, topic, voice, verified, tuple(_sections(row)))


def _sections(row: Mapping[str, Any]) -> Iterator[Section]:
    """What a task put into the row, what is proven first; then where the row comes from."""
    from ..rating.pile import Section

    for key, title in _TITLES.items():
        if row.get(key):
            code = key in _CODE
            yield Section(title, _lines(row[key]) if code else row[key], code=code, folded=key in _FOLDED)
    more = {key: value for key, value in row.items() if key not in _ELSEWHERE}
    if more:
        yield Section("Also in the row", more, folded=True)
    yield Section("Where it comes from", row.get("made", {}), folded=True)


def _lines(value: object) -> str:
    return "\n".join(map(str, value)) if isinstance(value, list) else str(value)


def _decided(work: _Work) -> Mapping[str, Sequence[Decision]]:
    """For the page."""
    from ..rating.pile import Decision

    every = work.decisions()
    return {row_id: [Decision(one.verdict, one.by, one.input, one.note) for one in of] for row_id, of in every.items()}


def _decide(work: _Work, reviewer: str, row_id: str, verdict: Verdict, text: str, note: str) -> None:
    """Keep what was decided now."""
    from time import time

    from touchstone_tuning.synth.reviews import Review

    was, original = work.written[row_id]
    lost = original if verdict in ("edit", "drop") else ""
    when = work.reviews.when(reviewer, time())
    work.reviews.add(Review(row_id, was, verdict, reviewer, when, text, note, lost))


def _serve(work: _Work, pile: Pile, port: int, *, browser: bool) -> None:
    """The page, until Ctrl-C; then what was decided."""
    from ..rating.review import application
    from ..report.text import clean, plural

    for problem in work.reviews.problems[:_SHOWN]:
        click.echo(clean(problem), err=True)
    said = f"{clean(pile.reviewer)} reviews {plural(len(pile.rows), 'row')} of {work.named.shown}"
    open_page(partial(application, pile), said, port, browser=browser)
    click.echo(f"\n{plural(pile.count, 'decision')} now; {_counted(work)}, in {work.reviews.shown}")
    click.echo(f"touchstone synth run {work.named.name} applies them")


def _counted(work: _Work) -> str:
    """`8 of 12 rows decided: 5 keep, 2 edit, 1 drop`."""
    return _said(work.decisions().values(), len(work.rows))


def _said(decisions: Iterable[Sequence[Review]], of: int) -> str:
    counts = Counter(found[-1].verdict for found in decisions)
    each = ", ".join(f"{counts[verdict]} {verdict}" for verdict in ("keep", "edit", "drop") if counts[verdict])
    return f"{counts.total()} of {of:,} rows decided{f': {each}' if each else ''}"


def _listed(work: _Work) -> Iterator[str]:
    """Counts by split and by person, then what cannot be applied, and why."""
    yield f"{work.named.shown}: {_counted(work)}"
    decisions = work.decisions()
    for split in sorted({split for split, _ in work.rows.values()}):
        mine = [row_id for row_id, found in work.rows.items() if found[0] == split]
        yield f"  {split}: {_said((decisions[row_id] for row_id in mine if row_id in decisions), len(mine))}"
    yield from _by_person(decisions.values())
    yield from _list("dropped, and gone", [_gone(one) for one in work.gone()])
    yield from _list("stale, never applied", [f"{_one(one)}: {why}" for one, why in work.stale()])
    yield from _list("cannot be read", work.reviews.problems)


def _by_person(decisions: Iterable[Sequence[Review]]) -> Iterator[str]:
    from ..report.text import clean

    counts = Counter((one.by, one.verdict) for of in decisions for one in of)
    for by in sorted({name for name, _ in counts}):
        each = ", ".join(f"{counts[by, verdict]} {verdict}" for verdict in ("keep", "edit", "drop"))
        yield f"  {clean(by)}: {each}"


def _one(one: Review) -> str:
    return f"{one.row}: {one.verdict} by {one.by}, {one.when}"


def _gone(one: Review) -> str:
    return f"{_one(one)}{f': {one.was}' if one.was else ''}"


def _list(title: str, lines: Sequence[str]) -> Iterator[str]:
    from ..report.text import clean

    if lines:
        yield f"{title}:"
        yield from (f"  {clean(line)}" for line in lines[:_SHOWN])
    if len(lines) > _SHOWN:
        yield f"  ... and {len(lines) - _SHOWN} more"
