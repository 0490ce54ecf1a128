"""Collecting: answers of batches that are done, into the cache. Owns what becomes of a note; submits nothing."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from ..caches import CacheLike
from ..errors import CallError, CallRefused, UsageError
from ..models.wire import error_of, read_answer, today
from ..records import Response
from .notes import Note, Notes
from .office import Standing, lines, retrieve, search
from .slip import Slip

DONE = ("completed", "failed", "expired", "cancelled")
SETTLED = 60.0
"""Seconds after which a batch that was created stands in the provider's list, or was not created."""
WINDOW = 86_400.0
"""Seconds that a batch may take; as long its files may be late."""
SLACK = 3_600.0
"""Seconds by which clocks may differ."""
_NOT_DONE = ("batch_expired", "batch_cancelled")
"""Errors of requests that were not made: they may go into the next batch."""
_SHOWN = 3
"""Kinds of failures that are told."""


@dataclass
class Taken:
    """What the files of a batch held."""

    answers: dict[str, Response] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    """Key -> why."""
    strange: int = 0
    """Lines that are none of ours."""


def collect(slip: Slip, notes: Notes, cache: CacheLike) -> None:
    """Look at each noted batch once; what comes of it is told on the slip. Call it with the notes `alone`."""
    for path in notes.unreadable():
        slip.tell(f"{path} cannot be read as a note of a batch, and is left as it is", bad=True)
    for note in notes.read():
        try:
            _look(note, slip, notes, cache)
        except (CallError, UsageError) as error:
            name = note.batch or f"the batch of {note.when}"
            forget = f" (delete {notes.folder / note.name}.json to forget it)" if isinstance(error, CallRefused) else ""
            slip.tell(f"{name} could not be looked at: {error}{forget}", bad=True)


def _look(note: Note, slip: Slip, notes: Notes, cache: CacheLike) -> None:
    found = note if note.batch else _found(note)
    if found is None:
        _lost(note, slip, notes)
    else:
        notes.put(found)
        _settle(found, slip, notes, cache)


def _lost(note: Note, slip: Slip, notes: Notes) -> None:
    """An intent of which no batch is seen."""
    if note.age > SETTLED:
        notes.drop(note)
    else:
        slip.tell(f"whether there is a batch of {note.when} is not known yet: run again in a minute")


def _settle(note: Note, slip: Slip, notes: Notes, cache: CacheLike) -> None:
    standing = retrieve(note.way, note.batch)
    unfilled = standing.status == "completed" and not standing.files and note.age < WINDOW
    if standing.status not in DONE or unfilled:
        progress = f" ({standing.done} of {standing.total})" if standing.total else ""
        slip.tell(f"{note.batch} is {standing.status.replace('_', ' ')}{progress}: run again later")
        return
    taken = _taken(note, standing)
    cache.put_all("response", {key: _value(note, key, answer) for key, answer in taken.answers.items()})
    for key, why in taken.failed.items():
        slip.fail(key, f"{note.batch}: {why}")
    notes.drop(note)
    slip.tell(_words(note, standing, taken), bad=standing.status == "failed" or bool(taken.failed))


def _found(note: Note) -> Note | None:
    """The note with its batch's name, where the batch was created after all."""
    since = datetime.fromisoformat(note.when).timestamp() - SLACK
    id = next(search(note.way, note.tag, since), None)
    return None if id is None else note.named(id)


def _taken(note: Note, standing: Standing) -> Taken:
    taken = Taken()
    for file in standing.files:
        for line in lines(note.way, file):
            _take(note, line, taken)
    return taken


def _take(note: Note, line: bytes, taken: Taken) -> None:
    """One line; only what was asked for is believed, and only once."""
    data = _json(line)
    key = data.get("custom_id") if isinstance(data, Mapping) else None
    if not isinstance(key, str) or key not in note.requests or key in taken.answers or key in taken.failed:
        taken.strange += bool(line.strip())
        return
    try:
        if (answer := _answer(note, data)) is not None:
            taken.answers[key] = answer
    except CallError as error:
        taken.failed[key] = str(error)


def _json(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _answer(note: Note, data: Mapping[str, Any]) -> Response | None:
    """The answer of a line; None where the call was not made. Raises CallError."""
    response, error = data.get("response"), data.get("error")
    if isinstance(error, Mapping) and error.get("code") in _NOT_DONE:
        return None
    if not isinstance(response, Mapping):
        raise error_of(200, {"error": error or "no answer"})
    status = response.get("status_code")
    if status != 200:
        raise error_of(status if isinstance(status, int) else 500, response.get("body"))
    made = {"runtime": "openai batch", "date": today(), "batch": note.batch}
    answer = read_answer(response.get("body"), 0.0, made, note.way.config)
    if answer.finish == "content_filter":  # which another day lets through
        raise CallRefused("the provider's filter cut the answer")
    return replace(answer, cost=note.way.cost(answer.usage))


def _value(note: Note, key: str, answer: Response) -> dict[str, Any]:
    return {"request": note.requests[key].as_dict(), "response": answer.as_dict()}


def _words(note: Note, standing: Standing, taken: Taken) -> str:
    """One line on what became of a batch."""
    left = len(note.requests) - len(taken.answers) - len(taken.failed)
    parts = [
        f"{note.batch}: {standing.status}{_reasons(standing.why)}, "
        f"{len(taken.answers)} of {len(note.requests)} answers taken",
        f"{len(taken.failed)} failed{_reasons(taken.failed.values())}" if taken.failed else "",
        f"{left} not made, which may be submitted again" if left else "",
        f"{taken.strange} lines that nobody asked for left out" if taken.strange else "",
    ]
    return ", ".join(part for part in parts if part)


def _reasons(words: Iterable[str]) -> str:
    """The commonest, in brackets; nothing where there is none."""
    found = Counter(" ".join(one.split())[:200] for one in words)
    shown = [f"{why} ({count})" if count > 1 else why for why, count in found.most_common(_SHOWN)]
    return f" ({'; '.join(shown)})" if shown else ""
