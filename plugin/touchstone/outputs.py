"""Outputs that were made elsewhere: what an imported run-config answered, row by row. Owns `datasets/outputs/`.

A run-config whose model begins with `imported/` asks nobody. What it answered stands in a file of its own name, a line
a row; it is asked about those rows alone, once each, whatever the options say of calls and epochs.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .errors import UsageError
from .jsonl import encoded, read_lines
from .models import IMPORTED
from .places import Places
from .records import Response, RunConfig, Usage

_SHOWN_PROBLEMS = 10
_Tokens = Annotated[int, Field(ge=0)]


class _Line(BaseModel):
    """An output as it stands in the file."""

    model_config = ConfigDict(extra="forbid", strict=True)
    row: str
    """Id of the row."""
    output: str
    """What was answered."""
    thinking: str = ""
    """What was thought before."""
    input_tokens: _Tokens | None = None
    """As the other tool counted them."""
    output_tokens: _Tokens | None = None
    """The same of the answer."""
    cost: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    """US dollars."""
    made: dict[str, Any] = {}
    """How: model, date, whatever the other tool kept."""


class Outputs:
    """The outputs of all imported run-configs of a project, each file read once."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._read: dict[str, Mapping[str, Response]] = {}

    def of(self, config: RunConfig) -> Mapping[str, Response] | None:
        """Row's id -> what was answered; None for a run-config that is no imported one.

        Raises UsageError with every bad line (the first ten) by `path:line`.
        """
        if not config.model.startswith(IMPORTED):
            return None
        if config.name not in self._read:
            path = self._places.outputs / f"{config.name}.jsonl"
            self._read[config.name] = _read(path, self._places.shown(path)) if path.exists() else {}
        return self._read[config.name]


def line(row: str, response: Response) -> bytes:
    """One output as a line of a file."""
    said: dict[str, Any] = {"row": row, "output": response.text}
    known = {
        "thinking": response.thinking or None,
        "input_tokens": response.usage.input_tokens,
        "output_tokens": response.usage.output_tokens,
        "cost": response.cost,
        "made": dict(response.made) or None,
    }
    return encoded(said | {name: value for name, value in known.items() if value is not None})


def _read(path: Path, shown: str) -> dict[str, Response]:
    lines, found = read_lines(path, shown), dict[str, Response]()
    problems = list(lines.problems)
    for where, value in lines.values:
        try:
            one = _Line.model_validate(value)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            problems.append(f"{where}: {'.'.join(map(str, first['loc']))}: {first['msg']}")
            continue
        if one.row in found:
            problems.append(f"{where}: the row {one.row!r} has an output above already")
        found[one.row] = _response(one)
    if problems:
        raise UsageError("\n".join(problems[:_SHOWN_PROBLEMS]))
    return found


def _response(one: _Line) -> Response:
    usage = Usage(one.input_tokens, one.output_tokens)
    return Response(one.output, one.thinking, usage=usage, cost=one.cost, made=one.made, source="recording")
