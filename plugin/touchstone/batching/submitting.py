"""Submitting: what is on a run's slip, as batches. Owns the order of note, upload and creation; reads no answer."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from ..errors import CallError, CallFailed, UsageError
from ..media import read_media
from ..records import Request
from .notes import Note, Notes
from .office import create, upload
from .slip import Slip
from .way import ENDPOINT, Way

MOST, LARGEST = 50_000, 200 * 10**6
"""Requests and bytes of one file, as OpenAI takes it."""


def submit(slip: Slip, notes: Notes, root: Path | None = None) -> None:
    """Submit what no batch holds yet; what comes of it is told on the slip. `root` is the project's."""
    if not slip.read().wanted:
        return
    with notes.alone():
        held = notes.held()
        wanted = [one for key, one in slip.wanted.items() if key not in held]
        for way, requests in _by_way(wanted).items():
            for part, lines in _parts(way, _sendable(requests, slip, root), root):
                if not _sent(Note(way, part), lines, slip, notes):
                    break  # the next file would fare no better


def _sendable(requests: Iterable[Request], slip: Slip, root: Path | None) -> Iterator[Request]:
    """Those whose pictures and sounds are still what they were; of the others it is told."""
    for request in requests:
        try:
            for one in (media for message in request.messages for media in message.media):
                read_media(one, root)
        except UsageError as error:
            slip.tell(f"a request could not be submitted: {error}", bad=True)
            continue
        yield request


def _sent(note: Note, lines: bytes, slip: Slip, notes: Notes) -> bool:
    """Whether it went. The note stays where a batch may have come of it."""
    count = f"{len(note.requests)} request{'s' * (len(note.requests) != 1)}"
    notes.put(note)
    asked = False
    try:
        file = upload(note.way, note.tag, lines)
        asked = True
        named = note.named(create(note.way, note.tag, file))
    except (CallError, UsageError) as error:
        unsure = asked and _maybe(error)
        if not unsure:
            notes.drop(note)
        then = "; whether there is a batch all the same, a later run will find out" if unsure else ""
        slip.tell(f"{count} could not be submitted: {error}{then}", bad=True)
        return False
    notes.put(named)
    then = "run the same command again to pick them up"
    slip.tell(f"{count} submitted as {named.batch} (at half the price, within 24 h); {then}")
    return True


def _maybe(error: Exception) -> bool:
    """Whether a batch may have been created although no usable answer came."""
    return isinstance(error, CallFailed) and (error.status is None or error.status in (200, 408) or error.status >= 500)


def _by_way(wanted: Iterable[tuple[Way, Request]]) -> Mapping[Way, list[Request]]:
    """A file may hold calls to one model only."""
    found: dict[Way, list[Request]] = {}
    for way, request in wanted:
        found.setdefault(way, []).append(request)
    return found


def _parts(way: Way, requests: Iterable[Request], root: Path | None) -> Iterator[tuple[dict[str, Request], bytes]]:
    """The requests as files that are not too large."""
    part: dict[str, Request] = {}
    lines: list[bytes] = []
    size = 0
    for request in requests:
        line = _line(way, request, root)
        if part and (len(part) == MOST or size + len(line) > LARGEST):
            yield part, b"".join(lines)
            part, lines, size = {}, [], 0
        part[request.key] = request
        lines.append(line)
        size += len(line)
    if part:
        yield part, b"".join(lines)


def _line(way: Way, request: Request, root: Path | None) -> bytes:
    line = {"custom_id": request.key, "method": "POST", "url": ENDPOINT, "body": way.body(request, root)}
    return json.dumps(line, separators=(",", ":")).encode("ascii") + b"\n"
