"""Recordings: model calls kept in the repository as JSONL, one call a line. Owns the files; never calls a model.

A file holds one model's calls. Its first lines are the leading messages that calls share (`prefix`), so that a long
prompt stands there once; every other line is a call: the rest of its request (its last `message`, and `begun`, the
beginning of an answer that the model goes on from), and its response. The whole request is
in the file, so its key can be computed again. The bytes follow from the content alone: a changed answer is a diff
of one line.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from .errors import UsageError
from .records import SCHEMA, Message, Request, Response, digest
from .wholefile import replace_file

BEGUN = "assistant"
"""Role of a last message that an answer goes on from."""
_KEY = re.compile(rb'\{"v": \d+, "key": "([0-9a-f]{64})"')
CONFLICT = (b"<<<<<<<", b"=======", b">>>>>>>", b"|||||||")
UNSEEN = re.compile("[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
"""Characters that a terminal or a diff obeys, reorders or hides instead of showing: written as \\uXXXX."""


class _ToolCall(BaseModel):
    """A tool that a message calls."""

    model_config = ConfigDict(extra="forbid", strict=True)
    name: str
    """The tool's."""
    text: str
    """The arguments as the model wrote them: JSON, or what was meant to be."""
    id: str
    """The provider's, by which the tool's answer names the call; may be empty."""


class _Text(BaseModel):
    """Text among pictures and sounds."""

    model_config = ConfigDict(extra="forbid", strict=True)
    type: Literal["text"]
    """Always this."""
    text: str
    """What it says."""


class _Media(BaseModel):
    """A picture or a sound, as what it is known by."""

    model_config = ConfigDict(extra="forbid", strict=True)
    type: Literal["image", "audio"]
    """A picture, or a sound."""
    path: str
    """From the project's root."""
    mime: str
    """By the file's first bytes, as `image/png`."""
    sha256: str
    """Of the file: another picture is another request."""
    size: int
    """Bytes."""


class _Turn(BaseModel):
    """One message."""

    model_config = ConfigDict(extra="forbid", strict=True)
    role: str
    """system, user, assistant or tool."""
    content: str | list[_Text | _Media]
    """Its text, or its parts."""
    tool_calls: list[_ToolCall] = []
    """Of an assistant's turn: what it called."""
    tool_call_id: str = ""
    """Of a tool's turn: the call that it answers."""

    def as_dict(self) -> dict[str, Any]:
        """As `Message.as_dict` has it."""
        return self.model_dump(exclude_unset=True)


class _Prefix(BaseModel):
    """A line of leading messages."""

    model_config = ConfigDict(extra="forbid", strict=True)
    v: Literal[1]
    """Version of the line."""
    prefix: str
    """Its name: the beginning of its messages' digest."""
    messages: list[_Turn]
    """In order."""


class _Call(BaseModel):
    """A line of one call."""

    model_config = ConfigDict(extra="forbid")
    v: Literal[1]
    """Version of the line."""
    key: str
    """SHA-256 of the whole request."""
    model: str
    """The model's identity: a provider's name, or a name and the digest of its weights."""
    prefix: str
    """Name of the leading messages, which stand at the top of the file; empty for none."""
    message: _Turn | None
    """The message that asks."""
    begun: str | None = None
    """The beginning of an answer that the model went on from."""
    params: dict[str, Any]
    """Only those that were set."""
    epoch: int
    """Repetition, from 1."""
    response: Response
    """What was answered, and what it took."""


@dataclass(frozen=True)
class Entry:
    """One recorded call."""

    request: Request
    response: Response


@dataclass
class Shelf:
    """What one file holds."""

    entries: dict[str, Entry] = field(default_factory=dict)
    """Key -> call."""
    prefixes: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    """`path:line: why`, one for each line that cannot be used."""
    damaged: list[bytes] = field(default_factory=list)
    """Those lines, kept so that rewriting the file loses nothing."""


class Recordings:
    """The recordings in one folder, `<model>.jsonl` each. Read at the first look-up; written by `write` alone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._shelves: dict[Path, Shelf] | None = None
        self._added: dict[str, Entry] = {}

    def get(self, key: str) -> Response | None:
        """The response recorded (or just added) for the request of that key."""
        if key in self._added:
            return self._added[key].response
        return next((s.entries[key].response for s in self._read().values() if key in s.entries), None)

    def add(self, request: Request, response: Response) -> None:
        """Take a call in; it reaches the disk with `write`."""
        kept = replace(response, latency=round(response.latency, 3), source="recording", attempts=())
        self._added[request.key] = Entry(request, kept)

    def write(self) -> list[Path]:
        """Merge what was added with what is on disk by now; returns the files that changed.

        Safe beside other processes that do the same. Lines that cannot be read stay, at the end of their file.
        """
        if not self._added:
            return []
        self.folder.mkdir(parents=True, exist_ok=True)
        with _locked(self.folder):
            changed = [path for path, entries in self._by_file().items() if _merge(path, entries)]
        self._added, self._shelves = {}, None
        return changed

    def entries(self) -> Iterator[Entry]:
        """Every usable recorded call on disk, file by file in their order."""
        for shelf in self._read().values():
            yield from shelf.entries.values()

    @property
    def models(self) -> frozenset[str]:
        """The models that have any recording."""
        return frozenset(entry.request.model for entry in self.entries())

    @property
    def problems(self) -> list[str]:
        """`path:line: why` of every line that was skipped."""
        return [problem for shelf in self._read().values() for problem in shelf.problems]

    def _read(self) -> dict[Path, Shelf]:
        if self._shelves is None:
            self._shelves = {path: read(path) for path in sorted(self.folder.glob("*.jsonl"))}
        return self._shelves

    def _by_file(self) -> dict[Path, list[Entry]]:
        files: dict[Path, list[Entry]] = {}
        for entry in self._added.values():
            files.setdefault(self.folder / f"{slug(entry.request.model)}.jsonl", []).append(entry)
        return files


def slug(model: str) -> str:
    """The file name for a model's recordings: its name, and eight digits of its weights' SHA-256, and its adapter's."""
    short = re.sub(r"[@+]sha256:([0-9a-f]{8})[0-9a-f]*", r"-\1", model)
    return re.sub(r"[^a-z0-9.]+", "-", short.lower()).strip("-.")[:100] or "model"


def read(path: Path) -> Shelf:
    """A file's calls; lines that are torn, edited or unknown are listed as problems, never fatal.

    Raises UsageError where the file itself cannot be read.
    """
    shelf = Shelf()
    for number, line in enumerate(_lines(path), 1):
        if line.strip() and (why := _take(shelf, line)):
            shelf.problems.append(f"{path}:{number}: {why}")
    return shelf


def asked(folder: Path, keys: Collection[str]) -> dict[str, tuple[Message, ...]]:
    """What was asked by the requests of these keys, as far as the folder holds them. Reads no other call.

    A line whose key does not match its request is left out, like one that is damaged. Raises UsageError where a file
    cannot be read.
    """
    found: dict[str, tuple[Message, ...]] = {}
    for path in sorted(folder.glob("*.jsonl")):
        wanted = Shelf()
        for line in _lines(path):
            key = _KEY.match(line)
            if key is None or key[1].decode() in keys:
                _take(wanted, line)
        found.update((key, entry.request.messages) for key, entry in wanted.entries.items() if key in keys)
    return found


def _lines(path: Path) -> list[bytes]:
    try:
        return path.read_bytes().split(b"\n")
    except OSError as error:
        raise UsageError(f"cannot read the recordings: {error.strerror}", where=str(path)) from error


def _take(shelf: Shelf, line: bytes) -> str | None:
    """Put one line on the shelf, or say why it cannot be used."""
    if line.startswith(CONFLICT):
        return "a git conflict marker: delete this line (both sides were read)"
    try:
        why = _take_value(shelf, json.loads(line))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        why = f"{'.'.join(str(p) for p in first['loc'])}: {first['msg']}"
    except (ValueError, RecursionError):
        why = "not a whole line of JSON (torn, or edited by hand)"
    if why and not why.startswith("recorded twice"):
        shelf.damaged.append(line)
    return why


def _take_value(shelf: Shelf, value: Any) -> str | None:
    if not isinstance(value, Mapping):
        return "not a JSON object"
    if value.get("v") != SCHEMA:
        return f"version {value.get('v')!r} is unknown to this touchstone, which writes {SCHEMA}: upgrade it?"
    return _take_call(shelf, _Call.model_validate(value)) if "key" in value else _take_prefix(shelf, value)


def _take_prefix(shelf: Shelf, value: Mapping[str, Any]) -> str | None:
    line = _Prefix.model_validate(value)
    messages = [m.as_dict() for m in line.messages]
    if line.prefix != _name(messages):
        return "the prefix's name does not match its messages: edited by hand? record it anew"
    shelf.prefixes[line.prefix] = messages
    return None


def _take_call(shelf: Shelf, line: _Call) -> str | None:
    if line.prefix and line.prefix not in shelf.prefixes:
        return f"its prefix {line.prefix!r} is not in this file above it"
    own = [line.message.as_dict()] if line.message else []
    begun = [] if line.begun is None else [{"role": BEGUN, "content": line.begun}]
    messages = [*shelf.prefixes.get(line.prefix, []), *own, *begun]
    request = Request(line.model, tuple(Message.from_dict(m) for m in messages), line.params, line.epoch)
    if request.key != line.key:
        return "its key does not match its request: edited by hand? record it anew"
    entry, known = Entry(request, replace(line.response, source="recording")), shelf.entries.get(line.key)
    shelf.entries[line.key] = entry
    return "recorded twice with different answers: the last one counts" if known not in (None, entry) else None


def _merge(path: Path, entries: Iterable[Entry]) -> bool:
    """Rewrite one file with these calls in it; False where that changes no byte."""
    shelf = read(path) if path.exists() else Shelf()
    shelf.entries.update({entry.request.key: entry for entry in entries})
    before, after = path.read_bytes() if path.exists() else b"", _bytes(shelf)
    if before != after:
        replace_file(path, after)
    return before != after


def _bytes(shelf: Shelf) -> bytes:
    """The file: prefixes by name, calls by what was asked, damaged lines last."""
    calls = sorted((_call(e) for e in shelf.entries.values()), key=_order)
    prefixes = shelf.prefixes.copy() if shelf.damaged else {}
    for entry in shelf.entries.values():
        if head := _head(entry.request):
            prefixes[_name(head)] = head
    heads = [{"v": SCHEMA, "prefix": name, "messages": prefixes[name]} for name in sorted(prefixes)]
    return b"".join(line + b"\n" for line in [*map(_encode, heads), *map(_encode, calls), *shelf.damaged])


def _call(entry: Entry) -> dict[str, Any]:
    request, response = entry.request.as_dict(), entry.response.as_dict()
    if not response["thinking"]:
        del response["thinking"]
    if "logprobs" in response:
        response["logprobs"] = [dict(sorted(token.items())) for token in response["logprobs"]]
    asked, begun = _asked(entry.request)
    return {
        "v": SCHEMA,
        "key": entry.request.key,
        "model": request["model"],
        "prefix": _name(_head(entry.request)),
        "message": asked.as_dict() if asked else None,
        **({"begun": begun.content} if begun else {}),
        "params": _sorted(request["params"]),
        "epoch": request["epoch"],
        "response": {**response, "made": _sorted(response["made"])},
    }


def _order(call: Mapping[str, Any]) -> tuple[str, str, str, int, str]:
    said = call["message"]["content"] if call["message"] else ""
    asked = said if isinstance(said, str) else json.dumps(said)
    return asked, call["prefix"], json.dumps(call["params"], sort_keys=True), call["epoch"], call["key"]


def _asked(request: Request) -> tuple[Message | None, Message | None]:
    """(the last message that asks, what an answer to it goes on from); None where there is none."""
    *before, last = request.messages or (None,)
    if last is not None and last.role == BEGUN and before and not last.tool_calls:
        return before[-1], last
    return last, None


def _head(request: Request) -> list[dict[str, Any]]:
    """The leading messages: all before the one that asks."""
    own = sum(one is not None for one in _asked(request))
    return [one.as_dict() for one in request.messages[: len(request.messages) - own]]


def _name(messages: list[dict[str, Any]]) -> str:
    return digest(messages)[:12] if messages else ""


def _sorted(value: Any) -> Any:
    """The same JSON value, its keys in order at every depth."""
    return json.loads(json.dumps(value, sort_keys=True))


def _encode(value: Any) -> bytes:
    """One line: readable UTF-8, with the characters escaped that would not be seen."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return UNSEEN.sub(lambda match: f"\\u{ord(match[0]):04x}", text).encode("utf-8")


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Alone among processes. The lock is on the folder itself, so no lock file is left in the repository."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
