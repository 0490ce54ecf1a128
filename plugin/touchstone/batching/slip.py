"""The slip of a run: what is to go into a batch at its end, what failed in one, what is to be told. Owns one file.

All workers of a run write to it, each line in one write, and read what the others wrote since.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..models.keys import without_keys
from ..records import Request
from .way import Way

FILE = "batch.jsonl"
"""In a run's folder."""


class Slip:
    """One process's view of it."""

    def __init__(self, folder: Path) -> None:
        self._path, self._at = folder / FILE, 0
        self._forget()

    def _forget(self) -> None:
        self.wanted: dict[str, tuple[Way, Request]] = {}
        """By key."""
        self.failed: dict[str, str] = {}
        """Key -> why the batch that it was in gave no answer."""
        self.told: dict[str, bool] = {}
        """Line -> whether it is bad news."""

    def begin(self) -> None:
        """The run begins, perhaps once more."""
        self._add({"begin": True})

    def want(self, way: Way, request: Request) -> None:
        """Put a request on it."""
        self._add({"want": request.as_dict(), "way": way.model_dump(exclude_none=True)})

    def fail(self, key: str, why: str) -> None:
        """A request that was in a batch has no answer."""
        self._add({"fail": key, "why": _shown(why)})

    def tell(self, line: str, *, bad: bool = False) -> None:
        """Something for whoever started the run."""
        self._add({"tell": _shown(line), "bad": bad})

    def read(self) -> Slip:
        """Take in what was written since."""
        if self._path.exists():
            with self._path.open("rb") as stream:
                stream.seek(self._at)
                whole, mark, _ = stream.read().rpartition(b"\n")
            self._at += len(whole) + len(mark)
            for line in whole.split(b"\n") if whole else ():
                with contextlib.suppress(ValueError, KeyError, TypeError):  # torn, where the disk was full
                    self._take(json.loads(line))
        return self

    def _take(self, data: Mapping[str, Any]) -> None:
        if "begin" in data:
            self._forget()
        elif "want" in data:
            request = Request.from_dict(data["want"])
            self.wanted[request.key] = Way(**data["way"]), request
        elif "fail" in data:
            self.failed[data["fail"]] = data["why"]
        else:
            self.told[data["tell"]] = data["bad"]

    def _add(self, data: Mapping[str, Any]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        line = json.dumps(data, separators=(",", ":")).encode("ascii") + b"\n"
        handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.write(handle, line)
        finally:
            os.close(handle)


def _shown(text: str) -> str:
    """A provider's words without keys, and without what a terminal obeys."""
    return "".join(one if one.isprintable() else " " for one in without_keys(text))
