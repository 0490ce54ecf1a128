"""The server as the benchmarks have it: a process of its own, asked by HTTP what it counted."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from .. import measure


@dataclass(frozen=True, slots=True)
class Mock:
    """One that runs."""

    url: str
    """Ends in /v1."""

    def stats(self) -> dict[str, Any]:
        """What it counted since it last forgot."""
        found: dict[str, Any] = self._get("stats")
        return found

    def calls(self) -> int:
        """How many came: quickly told, to be asked often."""
        return int(self._get("calls"))

    def log(self) -> list[dict[str, Any]]:
        """Every request since it last forgot."""
        found: list[dict[str, Any]] = self._get("log")
        return found

    def forget(self) -> None:
        """Count from nought, with limits that are full."""
        urllib.request.urlopen(urllib.request.Request(self._at("stats"), method="POST")).close()

    def _get(self, what: str) -> Any:
        with urllib.request.urlopen(self._at(what)) as answer:
            return json.load(answer)

    def _at(self, what: str) -> str:
        return f"{self.url.removesuffix('/v1')}/{what}"


@contextmanager
def serving(*options: str) -> Iterator[Mock]:
    """Started with these options, and killed at the end."""
    command = (measure.PYTHON, "-m", "benchmarks.mock", *options)
    with subprocess.Popen(command, cwd=measure.ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Mock(process.stdout.readline().strip() if process.stdout else "")
        finally:
            process.kill()
