"""`touchstone prefer`: a judge compares the answers of two run-configs. Words and options; `judges` asks."""

from __future__ import annotations

import asyncio
import difflib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .words import in_words

if TYPE_CHECKING:
    from ..caching import Calls
    from ..calls import Door
    from ..evals import Suite
    from ..judges import BoundJudge
    from ..judges.preference import Preference, Tally
    from ..records import Message, Response, RunConfig, Sample, SampleRecord
    from .collecting import Collected

_AT_ONCE = 32
_INDENT: Mapping[str, Any] = {"subsequent_indent": "  ", "drop_whitespace": True, "break_on_hyphens": False}


@click.command()
@click.argument("evaluation", metavar="EVAL")
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@click.option("--judge", "name", required=True, metavar="NAME", help="A judge with `output: preference`.")
@click.option("--run", metavar="RUN", help="Whose answers: a run's name or its beginning (default: the last one).")
@click.option("--calls", type=click.Choice(["replay", "auto", "record"]), help="Where the judge's answers come from.")
@click.option(
    "--format",
    "style",
    type=click.Choice(["terminal", "json"]),
    default="terminal",
    help="How it is shown (default: terminal).",
)
@click.pass_obj
def prefer(
    root: Path, evaluation: str, first: str, second: str, name: str, run: str | None, calls: Calls | None, style: str
) -> None:
    """Let a judge compare the answers of the run-configs A and B, row by row, each pair in both orders.

    Exits 1 where it gave no usable verdict at all.
    """
    from ..caching import calls_here
    from .collecting import collect

    with in_words():
        contest = _contest(collect(root), evaluation, (first, second), run)
        found = _asked(contest, _judge(contest.suite, name), calls_here(calls))
        click.echo(_rendered(contest, name, found, style), nl=False)
    if all(one.kind == "error" for one in found):
        raise SystemExit(1)


@dataclass(frozen=True)
class _Contest:
    """Two run-configs' answers to the same rows."""

    suite: Suite
    eval: str
    run: str
    names: tuple[str, str]
    pairs: tuple[tuple[Sample, Sample], ...]
    left: tuple[str, ...]
    """A line about each row that cannot be compared."""


def _contest(collected: Collected, evaluation: str, names: tuple[str, str], run: str | None) -> _Contest:
    from ..conclusion import latest
    from ..errors import UsageError
    from ..evals import row_hash
    from ..store import find_run, read_run

    eval_, suite = collected.eval(evaluation), collected.suite
    folder = find_run(suite.places.state / "runs", run)
    records = [record for record in latest(read_run(folder)) if record.eval == evaluation]
    _check_names(names, records, folder.name, evaluation)
    rows = {row.id: row for row in eval_.dataset.rows}
    pairs, left = [], []
    for one, other in _both(records, names):
        if one.row not in rows or {one.row_hash, other.row_hash} != {row_hash(rows[one.row])}:
            left.append(f"left out: {one.row} has changed in the dataset since the run")
        else:
            pairs.append((_sample(suite, rows[one.row], one), _sample(suite, rows[one.row], other)))
    if not pairs:
        hint = "; ".join(left[:3]) or f"pytest evals/ --run-config {names[0]} --run-config {names[1]}"
        raise UsageError(f"no row of {evaluation} was answered by both in the run {folder.name}", hint=hint)
    return _Contest(suite, evaluation, folder.name, names, tuple(pairs), tuple(left))


def _check_names(names: tuple[str, str], records: Sequence[SampleRecord], run: str, evaluation: str) -> None:
    from ..errors import UsageError

    known = sorted({record.run_config for record in records})
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean {close[0]!r}?" if close else f"there are: {', '.join(known) or 'none'}"
            raise UsageError(f"the run {run} has no sample of {evaluation} by {name!r}", hint=hint)
    if names[0] == names[1]:
        raise UsageError("the same run-config stands twice", hint=f"there are: {', '.join(known)}")


def _both(records: Iterable[SampleRecord], names: tuple[str, str]) -> Iterator[tuple[SampleRecord, SampleRecord]]:
    """Rows, and epochs of them, that both answered, in the run's order."""
    answered = {(r.run_config, r.row, r.epoch): r for r in records if r.output is not None}
    for (name, row, epoch), record in answered.items():
        if name == names[0] and (names[1], row, epoch) in answered:
            yield record, answered[names[1], row, epoch]


def _sample(suite: Suite, row: Any, record: SampleRecord) -> Sample:
    """As a judge is given it."""
    from ..records import Sample

    every = suite.catalogue.run_configs
    config = next((one for one in every if one.name == record.run_config), every[0])
    return Sample(record.eval, row, config, record.epoch, record.output or "", record.response, earlier=record.earlier)


def _judge(suite: Suite, name: str) -> BoundJudge:
    from ..errors import UsageError
    from ..judges import BoundJudge, load_judge

    definition = load_judge(name, suite.places, suite.catalogue)
    if not definition.head.compares:
        hint = "give it `output: preference`, and show {{ first }} and {{ second }} in its prompt"
        where = definition.where.get("output", definition.shown)
        raise UsageError(f"the judge {name!r} scores one answer, and compares none", where=where, hint=hint)
    return BoundJudge.of(definition, suite.places.root)


def _asked(contest: _Contest, judge: BoundJudge, mode: Calls) -> list[Preference]:
    from ..calls import Door
    from ..sending import Traffic

    async def main() -> list[Preference]:
        door = Door(contest.suite.places, contest.suite.prompts, mode, Traffic(_AT_ONCE))
        try:
            return await _through(door, contest, judge)
        finally:
            await door.aclose()

    return asyncio.run(main())


async def _through(door: Door, contest: _Contest, judge: BoundJudge) -> list[Preference]:
    from ..judges.preference import prefer_all

    async def ask(
        config: RunConfig, messages: tuple[Message, ...], epoch: int, parameters: Mapping[str, Any]
    ) -> Response:
        return (await door.ask(config, messages, epoch, parameters))[1]

    with _bar() as progress:
        return await prefer_all(judge, contest.pairs, ask, progress)


def _bar() -> Any:
    from .study import bar

    return bar("judging")


def _rendered(contest: _Contest, judge: str, found: Sequence[Preference], style: str) -> str:
    from textwrap import wrap

    from ..judges.preference import tally

    figures = tally(found)
    if style == "json":
        return json.dumps(_data(contest, judge, found, figures), indent=1) + "\n"
    lines = (line for long in _lines(contest, judge, found, figures) for line in wrap(long, 80, **_INDENT) or [""])
    return "".join(f"{line}\n" for line in lines)


def _data(contest: _Contest, judge: str, found: Sequence[Preference], figures: Tally) -> dict[str, Any]:
    pairs = [{name: value for name, value in asdict(one).items() if name != "asked"} for one in found]
    return {
        "schema": 1,
        "eval": contest.eval,
        "run": contest.run,
        "judge": judge,
        "first": contest.names[0],
        "second": contest.names[1],
        **asdict(figures),
        "words": _verdict(contest, figures),
        "pairs": pairs,
        "notes": list(contest.left),
    }


def _lines(contest: _Contest, judge: str, found: Sequence[Preference], figures: Tally) -> Iterator[str]:
    from ..report.text import clean, plural

    first, second = (clean(name, 24) for name in contest.names)
    yield f"{clean(contest.eval, 40)}: {plural(len(found), 'pair')} of the run {clean(contest.run, 40)}"
    yield f"{first} against {second}, by the judge {clean(judge, 40)}, each pair in both orders"
    yield ""
    width = max(len(first), len(second)) + len(" preferred")
    yield f"{f'{first} preferred':<{width}}  {figures.wins:>5}"
    yield f"{f'{second} preferred':<{width}}  {figures.losses:>5}"
    beside = [f"{figures.order} decided by the order"] * bool(figures.order)
    beside += [f"{figures.same} of the same text, not asked"] * bool(figures.same)
    yield f"{'ties':<{width}}  {figures.ties:>5}" + (f"  ({', '.join(beside)})" if beside else "")
    yield f"{'errors':<{width}}  {figures.errors:>5}"
    if figures.rate is not None:
        low, high = figures.rate.interval.low, figures.rate.interval.high
        yield f"{f'{first}, ties half':<{width}}  {figures.rate.mean:>5.2f}  [{low:.2f}, {high:.2f}]"
    yield ""
    yield from _verdict(contest, figures)
    yield from _problems(found)
    yield from (clean(line, 200) for line in contest.left)


def _verdict(contest: _Contest, figures: Tally) -> list[str]:
    """The plain words."""
    from ..judges.preference import HIGH, NOTABLE
    from ..report.text import clean, plural

    lines = []
    if figures.rate is None:
        lines.append("no pair was judged: nothing can be said")
    elif figures.p < 0.05:
        name = contest.names[0 if figures.rate.mean > 0.5 else 1]
        lines.append(f"{clean(name, 40)} is preferred (sign test, p = {_p(figures.p)})")
    else:
        lines.append(f"no evidence that either is preferred (sign test, p = {_p(figures.p)})")
    if figures.decided is not None and figures.decided.mean >= NOTABLE:
        ends = figures.decided.interval
        share = f"{figures.decided.mean:.0%} of its answers [{ends.low:.0%}, {ends.high:.0%}]"
        cannot = ": this judge cannot compare" if figures.decided.mean >= HIGH else ": these pairs count as ties"
        lines.append(f"the order decides {share}{cannot}")
    if figures.errors:
        lines.append(f"{plural(figures.errors, 'pair')} without a usable verdict, in no figure above")
    return lines


def _p(value: float) -> str:
    return f"{value:.2g}" if value >= 0.001 else f"{value:.0e}"


def _problems(found: Iterable[Preference]) -> Iterator[str]:
    """Each kind of error once, with how often."""
    from ..report.text import clean, plural

    seen: dict[str, int] = {}
    for one in found:
        if one.kind == "error":
            seen[one.why] = seen.get(one.why, 0) + 1
    yield from (f"error: {clean(why, 200)} ({plural(count, 'pair')})" for why, count in seen.items())
