"""Notes of batches: what was submitted and is not picked up yet. Owns `.touchstone/batches/`; asks no provider.

A note is written before its batch is created, as an intent, and gets the batch's id after: what is paid is never lost.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ..errors import UsageError
from ..records import SCHEMA, Request
from ..wholefile import replace_file
from .way import Way

_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
"""What may be the name of a file."""


@dataclass(frozen=True, slots=True)
class Note:
    """One batch."""

    way: Way
    requests: Mapping[str, Request]
    """By key."""
    tag: str = field(default_factory=lambda: secrets.token_hex(8))
    """Stands in the batch's metadata, by which it is found again."""
    when: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    batch: str = ""
    """The provider's name for it; empty of an intent."""

    def named(self, batch: object) -> Note:
        """The same once it has a name. Raises UsageError for one that is none."""
        if not isinstance(batch, str) or not _ID.fullmatch(batch):
            raise UsageError(f"the provider names a batch {str(batch)[:80]!r}")
        return replace(self, batch=batch)

    @property
    def name(self) -> str:
        """Of its file."""
        return self.batch or f"intent-{self.tag}"

    @property
    def age(self) -> float:
        """Seconds since it was made."""
        return (datetime.now(UTC) - datetime.fromisoformat(self.when)).total_seconds()

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        requests = {key: request.as_dict() for key, request in self.requests.items()}
        way = self.way.model_dump(exclude_none=True)
        return {"v": SCHEMA, "batch": self.batch, "tag": self.tag, "when": self.when, "way": way, "requests": requests}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Note:
        """Inverse of `as_dict`. A request is known by what it holds, not by what the file calls it."""
        requests = [Request.from_dict(one) for one in data["requests"].values()]
        datetime.fromisoformat(data["when"])
        return cls(Way(**data["way"]), {one.key: one for one in requests}, data["tag"], data["when"], data["batch"])


class Notes:
    """All notes of a project."""

    def __init__(self, state: Path) -> None:
        self.folder = state / "batches"

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """No other process submits or collects meanwhile."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(self.folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    @property
    def any(self) -> bool:
        """Whether there are notes."""
        return self.folder.is_dir() and any(self.folder.glob("*.json"))

    def read(self) -> list[Note]:
        """Those that can be read; an intent whose batch is noted too was left by a kill, and is none."""
        found = [note for path in sorted(self.folder.glob("*.json")) if (note := _read(path)) is not None]
        named = {note.tag for note in found if note.batch}
        return [note for note in found if note.batch or note.tag not in named]

    def unreadable(self) -> list[Path]:
        """Files that are no notes of ours."""
        return [path for path in sorted(self.folder.glob("*.json")) if _read(path) is None]

    def held(self) -> dict[str, str]:
        """Key of each request that is noted -> the batch, or what there is of it."""
        return {
            key: note.batch or "a batch whose creation was cut off" for note in self.read() for key in note.requests
        }

    def put(self, note: Note) -> None:
        """Keep a note; one that has got its batch's name takes the place of its intent."""
        replace_file(self._path(note), json.dumps(note.as_dict(), separators=(",", ":")).encode("ascii"))
        if note.batch:
            self._path(replace(note, batch="")).unlink(missing_ok=True)

    def drop(self, note: Note) -> None:
        """Its answers are taken, or will never come."""
        for one in (replace(note, batch=""), note):
            self._path(one).unlink(missing_ok=True)

    def first(self, token: str) -> bool:
        """Whether nobody has asked this with the same token just before. Call it `alone`."""
        mark = self.folder / ".looked"
        if mark.exists() and mark.read_text() == token:
            return False
        mark.write_text(token)
        return True

    def _path(self, note: Note) -> Path:
        return self.folder / f"{note.name}.json"


def _read(path: Path) -> Note | None:
    try:
        note = Note.from_dict(json.loads(path.read_bytes()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ValidationError):
        return None
    return note if path.stem == note.name and _ID.fullmatch(note.name) else None
