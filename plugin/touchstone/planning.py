"""The plan: which calls a run would make, and what they would take. Makes none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .calls import Door
from .evals import Job
from .records import Request, Row, RunConfig

CHARACTERS_PER_TOKEN = 4
"""A rule of thumb for English and code; good to about a quarter."""
DEFAULT_OUTPUT = 500
"""Tokens assumed of an answer where no `max_tokens` bounds it."""


@dataclass(slots=True)
class Line:
    """One run-config's part of the plan."""

    name: str
    recorded: int = 0
    cached: int = 0
    to_make: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    """At most: `max_tokens` of each call."""
    cost: float | None = 0.0
    """US dollars at most; None where no price is known."""
    missing: str | None = None
    """Why its calls cannot be made here."""


def plan(door: Door, jobs: Sequence[Job]) -> list[Line]:
    """A line for each run-config, in the order of the jobs. Calls that samples share are counted once."""
    lines: dict[str, Line] = {}
    seen: set[str] = set()
    for job in jobs:
        line = lines.setdefault(job.run_config.name, Line(job.run_config.name, missing=door.missing(job.run_config)))
        if job.given is not None:
            line.recorded += 1
            continue
        request = door.request(job.run_config, job.row, job.epoch)
        if request.key not in seen:
            seen.add(request.key)
            _count(line, door, job.run_config, request)
    return list(lines.values())


def _count(line: Line, door: Door, config: RunConfig, request: Request) -> None:
    match door.known(request):
        case "recording":
            line.recorded += 1
        case "cache":
            line.cached += 1
        case _:
            _count_call(line, config, request)


def _count_call(line: Line, config: RunConfig, request: Request) -> None:
    line.to_make += 1
    tokens_in = sum(len(m.shown) for m in request.messages) // CHARACTERS_PER_TOKEN
    tokens_out = config.max_tokens or DEFAULT_OUTPUT
    line.input_tokens, line.output_tokens = line.input_tokens + tokens_in, line.output_tokens + tokens_out
    price = None if line.missing else _price(config, tokens_in, tokens_out)
    line.cost = None if line.cost is None or price is None else line.cost + price


def _price(config: RunConfig, tokens_in: int, tokens_out: int) -> float | None:
    from .models.prices import price

    return price(config, tokens_in, tokens_out)


def judges_calls(jobs: Sequence[Job]) -> int:
    """Calls that judges would ask for at most: what they are asked depends on answers that are not there yet."""
    return sum(judge.definition.calls for job in jobs for judge in job.eval.judges)


def later_calls(door: Door, jobs: Sequence[Job]) -> int:
    """Calls that conversations would go on with at most: further turns, and rounds of tools."""
    return sum(_later(door, job.run_config, job.row) for job in jobs if job.given is None)


def _later(door: Door, config: RunConfig, row: Row) -> int:
    if not door.goes_on(config, row):
        return 0
    rounds = config.tool_rounds if door.toolbox(config).functions else 0
    turns = 1 + len(door.later(config, row))
    return turns * (1 + rounds) - 1


def table(lines: Sequence[Line], judged: int = 0, later: int = 0) -> str:
    """The plan as text that fits 80 columns. Calls of judges and of conversations stand in no line."""
    width = max((len(line.name) for line in lines), default=0)
    head = f"{'run-config':<{width}}  recorded  cached  to make  tokens in  out at most  cost at most"
    return "\n".join([head, *(_row(line, width) for line in lines), _total(lines), *_beside(judged, later)])


def _row(line: Line, width: int) -> str:
    known = f"{line.name:<{width}}  {line.recorded:>8}  {line.cached:>6}  "
    if line.missing and line.to_make:
        return f"{known}{0:>7}  skipped: {line.missing}"
    cost = "unknown" if line.cost is None else f"${line.cost:.2f}"
    return f"{known}{line.to_make:>7}  {line.input_tokens:>9}  {line.output_tokens:>11}  {cost:>12}"


def _beside(judged: int, later: int) -> list[str]:
    asked = {"Judges would ask": judged, "Further turns and rounds of tools would take": later}
    return [f"{who} up to {n} calls more, less those recorded or cached." for who, n in asked.items() if n]


def _total(lines: Sequence[Line]) -> str:
    able = [line for line in lines if not line.missing]
    calls = sum(line.to_make for line in able)
    cost = sum(line.cost or 0.0 for line in able)
    unknown = [line.name for line in able if line.cost is None and line.to_make]
    beside = f", and {', '.join(unknown)} at an unknown price" if unknown else ""
    return f"\n{calls} calls would be made, for at most ${cost:.2f}{beside}. No call was made."
