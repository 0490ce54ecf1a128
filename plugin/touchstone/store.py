"""Runs on disk: one line a sample, appended as it happens. Owns `.touchstone/runs/`; decides nothing.

A run is a folder: `run.json` (what was asked for), `samples-<worker>.jsonl` (one file a process, so that no two
write to one), and the reports that are made from them.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from functools import cache
from itertools import chain
from operator import attrgetter
from pathlib import Path
from typing import Any

from .errors import UsageError
from .records import SCHEMA, Outcome, Response, SampleRecord, Score

RUN_FILE = "run.json"
_ENCODER = json.JSONEncoder(separators=(",", ":"))


class RunWriter:
    """Appends the samples of one process to a run."""

    def __init__(self, runs: Path, run_id: str, worker: str = "main", *, again: bool = False) -> None:
        """`again`: the run is gone on with, and what is written now counts over what is there."""
        self.folder = runs / run_id
        worker = f"resumed-{self._next():02}-{worker}" if again else worker  # sorts behind `gw0` and `main`
        self.folder.mkdir(parents=True, exist_ok=True)
        # Unbuffered: a line is with the operating system before the next test starts.
        self._file = (self.folder / f"samples-{worker}.jsonl").open("ab", buffering=0)

    def _next(self) -> int:
        """One more than the last time that the run was gone on with."""
        names = [one.name.split("-")[2] for one in self.folder.glob("samples-resumed-*.jsonl")]
        return 1 + max((int(name) for name in names if name.isdigit()), default=0)

    def append(self, record: SampleRecord) -> None:
        """One line, in one write. Raises OSError where the disk takes no more; no other line is torn by it."""
        line = _line(record)
        if self._file.write(line) != len(line):
            self._file.write(b"\n")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def read_run(folder: Path, *, brief: bool = False) -> list[SampleRecord]:
    """All samples of a run, worker by worker. A torn last line (the process was killed) is left out.

    `brief` ones lack what only a page shows (`SampleRecord.brief`), which is most of them.
    """
    if not folder.is_dir():
        raise UsageError(f"there is no run {folder.name}", hint="touchstone report lists the runs that are there")
    found = chain.from_iterable(_records(file) for file in sorted(folder.glob("samples-*.jsonl")))
    return [record.brief() if brief else record for record in found]


def read_meta(folder: Path) -> dict[str, Any]:
    """`run.json`, empty where it is missing or damaged."""
    try:
        data = json.loads((folder / RUN_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def find_run(runs: Path, name: str | None) -> Path:
    """The run of that name, else the last whose name begins so; the last one for None. Raises UsageError."""
    there = sorted(p for p in runs.glob("*") if p.is_dir()) if runs.is_dir() else []
    named = [p for p in there if p.name == name]
    matching = named or [p for p in there if p.name.startswith(name or "")]
    if not matching:
        shown = ", ".join(p.name for p in there[-5:]) or "none yet: pytest evals/ makes one"
        raise UsageError(f"there is no run {name or ''}".rstrip(), hint=f"runs: {shown}")
    return matching[-1]


def write_json(path: Path, data: Mapping[str, Any]) -> None:
    """Indented JSON, written whole or not at all."""
    write_text(path, json.dumps(data, indent=1, ensure_ascii=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """UTF-8, written whole or not at all; what is no Unicode (lone surrogates) becomes a question mark."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_text(text, encoding="utf-8", errors="replace")
    partial.replace(path)


def _line(record: SampleRecord) -> bytes:
    data = _plain(record)
    data["outcome"] = _plain(record.outcome)
    data["scores"] = {name: _plain(score) for name, score in record.scores.items()}
    if record.response is not None:
        # The text stands in `output` already.
        data["response"] = _brief(record.response)
        data["response"]["thinking"] = record.response.thinking
        data["response"] |= _calls(record.response)
    data["asked"] = {key: _brief(response) for key, response in record.asked.items()}
    data["earlier"] = {key: _whole(response) for key, response in record.earlier.items()}
    for name in ("attempts", "earlier"):
        if not data[name]:
            del data[name]
    return (_ENCODER.encode({"v": SCHEMA, **data}) + "\n").encode("ascii")


def _brief(response: Response) -> dict[str, Any]:
    """A response without what it says."""
    data = _plain(response)
    data["usage"] = _plain(response.usage)
    data["text"], data["thinking"], data["logprobs"] = "", "", ()
    del data["allowances"], data["tool_calls"]
    if not response.attempts:
        del data["attempts"]
    return data


def _whole(response: Response) -> dict[str, Any]:
    """A response with what it says."""
    said = {"text": response.text, "thinking": response.thinking}
    return {**_brief(response), **said, **_calls(response)}


def _calls(response: Response) -> dict[str, Any]:
    """The tools that it calls, where it calls any."""
    return {"tool_calls": [_plain(call) for call in response.tool_calls]} if response.tool_calls else {}


def _plain(value: Any) -> dict[str, Any]:
    """A dataclass's fields as they are: `asdict` would copy all that they hold, at ten times the cost."""
    names, values_of = _fields(type(value))  # type: ignore[arg-type]
    return dict(zip(names, values_of(value), strict=True))


@cache
def _fields(kind: type[Any]) -> tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]]]:
    """A dataclass's fields, and what gets them all at once."""
    names = tuple(field.name for field in fields(kind))
    return names, attrgetter(*names)


def _records(file: Path) -> Iterator[SampleRecord]:
    with file.open("rb") as lines:
        for line in lines:
            record = _record(line)
            if record is not None:
                yield record


def _record(line: bytes) -> SampleRecord | None:
    """The sample on a line; None for one that is torn, damaged, or of another version."""
    try:
        data = json.loads(line)
        return _read(data) if isinstance(data, dict) and data.pop("v", None) == SCHEMA else None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _read(data: dict[str, Any]) -> SampleRecord:
    scores = {name: Score(**score) for name, score in data.pop("scores").items()}
    outcome, response = Outcome(**data.pop("outcome")), data.pop("response")
    asked = {k: Response.from_dict(r, r.pop("source")) for k, r in data.pop("asked", {}).items()}
    earlier = {k: Response.from_dict(r, r.pop("source")) for k, r in data.pop("earlier", {}).items()}
    if response is not None:
        response = Response.from_dict({**response, "text": data["output"] or ""}, response.pop("source"))
    data["attempts"] = tuple(data.get("attempts", ()))
    return SampleRecord(**data, outcome=outcome, scores=scores, response=response, asked=asked, earlier=earlier)
