"""Answers that are kept, in the working cache and in the recordings: counted, found again, carried over, checked.

Makes no call.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from .caches import CacheLike
from .recordings import Recordings, asked
from .records import SCHEMA, Message, Request, Response


class Archive:
    """Both stores of one project."""

    def __init__(self, cache: CacheLike, recordings: Path) -> None:
        self.cache, self.recordings = cache, Recordings(recordings)
        self.checked = 0

    def stats(self) -> dict[str, int]:
        """Counts by name, and the cache's bytes on disk."""
        recorded: dict[str, int] = {}
        for entry in self.recordings.entries():
            recorded[entry.request.model] = recorded.get(entry.request.model, 0) + 1
        held = self.cache.stats() if self.cache.is_there else {"response": 0, "score": 0, "bytes": 0}
        cached = {"cached answers": held["response"], "cached scores": held["score"], "cache bytes": held["bytes"]}
        return {**cached, **{f"recorded {model.partition('@')[0]}": n for model, n in sorted(recorded.items())}}

    def export_to(self, file: Path) -> int:
        """Write every cached answer as one line; returns how many."""
        lines = [json.dumps({"v": SCHEMA, **value}, sort_keys=True) for _, value in self.cache.items("response")]
        file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return len(lines)

    def import_from(self, file: Path, *, to_recordings: bool) -> tuple[int, list[str]]:
        """Take exported answers in; returns how many, and "file:line: why" of those that cannot be used."""
        taken, problems = 0, list[str]()
        for where, line in _lines(file):
            try:
                request, response = _read(line)
            except (ValueError, KeyError, TypeError) as error:
                problems.append(f"{where}: is no exported answer: {error}")
                continue
            taken += self._take(request, response, to_recordings)
        self.recordings.write()
        return taken, problems

    def problems(self) -> list[str]:
        """What does not hold: damaged lines, and answers that do not stand under their own key."""
        wrong = [
            f"cache: {key[:12]}...: stands under another request's key: drop it with `touchstone cache prune`"
            for key, value in self._cached
            if not _stands(key, value)
        ]
        self.checked = len(self._cached) + sum(1 for _ in self.recordings.entries())
        return [*wrong, *self.recordings.problems]

    def asked(self, keys: Collection[str]) -> dict[str, tuple[Message, ...]]:
        """What was asked by the requests of these keys; those that neither store holds are left out."""
        found = asked(self.recordings.folder, keys) if self.recordings.folder.is_dir() else {}
        if self.cache.is_there:
            held = self.cache.get_many("response", [key for key in keys if key not in found])
            found |= {key: _turns(value) for key, value in held.items() if _stands(key, value)}
        return found

    @cached_property
    def _cached(self) -> list[tuple[str, dict[str, object]]]:
        return list(self.cache.items("response")) if self.cache.is_there else []

    def _take(self, request: Request, response: Response, to_recordings: bool) -> bool:
        if to_recordings:
            if new := self.recordings.get(request.key) is None:
                self.recordings.add(request, response)
            return new
        if new := self.cache.get("response", request.key) is None:
            value = {"request": request.as_dict(), "response": response.as_dict()}
            self.cache.put("response", request.key, value)
        return new


def _lines(file: Path) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(file.read_text(encoding="utf-8", errors="replace").split("\n"), 1):
        if line.strip():
            yield f"{file}:{number}", line


def _read(line: str) -> tuple[Request, Response]:
    data = json.loads(line)
    if not isinstance(data, dict):
        raise ValueError("not a JSON object")
    request = Request.from_dict(data["request"])
    return request, Response.from_dict(data["response"], "cache")


def _turns(value: Mapping[str, Any]) -> tuple[Message, ...]:
    return Request.from_dict(value["request"]).messages


def _stands(key: str, value: object) -> bool:
    try:
        return Request.from_dict(value["request"]).key == key  # type: ignore[index]
    except (KeyError, TypeError):
        return False
