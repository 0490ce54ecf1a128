"""More than one machine: where model calls are made and heavy scorers run. Owns the seam, and what `--engine` names.

The pytest process stays in charge of recordings, cache, claims, limits and retries; only the innermost model and the
scorer itself run elsewhere. So records and counts are the same by construction. Imports nothing of a cluster before
one is named.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ..errors import UsageError
from ..models import Model
from ..records import Request, Response, RunConfig, Sample
from ..scoring import Scored

INSTALL = "pip install 'pytest-touchstone[ray]'"
LOCAL = "local"


class Site(Protocol):
    """Where calls are made and heavy scorers run."""

    def open_model(self, config: RunConfig, root: Path) -> Model:
        """The innermost model of a run-config, as `models.open_model` gives it."""
        ...

    async def score(self, scorer: Callable[..., Any], sample: Sample) -> Scored:
        """What a heavy scorer says of a sample."""
        ...

    def close(self) -> None:
        """Leave nothing of ours behind there."""
        ...


@dataclass(frozen=True)
class Unreached:
    """Stands for a cluster that this process could not join: each call and each score says why."""

    why: UsageError

    def open_model(self, config: RunConfig, root: Path) -> Model:
        """A model that answers nothing."""
        return self

    async def score(self, scorer: Callable[..., Any], sample: Sample) -> Scored:
        """Raises UsageError."""
        raise self.why

    async def complete(self, request: Request) -> Response:
        """Raises UsageError."""
        raise self.why

    async def aclose(self) -> None:
        """Nothing to close."""

    def close(self) -> None:
        """Nothing to close."""


def site(engine: str, root: Path) -> Site | None:
    """The place that `engine` names, joined; None for this process. Raises UsageError."""
    if engine == LOCAL:
        return None
    address = _address(engine)
    from .cluster import Cluster

    return Cluster.joined(address, root)


def check(engine: str, root: Path, *, wholly: bool) -> None:
    """Make sure that the cluster is there: `wholly` by joining it, else by knocking. Raises UsageError."""
    address = _address(engine)
    from .joining import knock

    knock(address)
    if wholly and (joined := site(engine, root)) is not None:
        joined.close()


def _address(engine: str) -> str:
    """`auto`, `HOST:PORT` or `ray://HOST:PORT`. Raises UsageError where Ray is not installed."""
    if importlib.util.find_spec("ray") is None:
        raise UsageError("ray is not installed", where=f"--engine {engine}", hint=INSTALL)
    return engine if engine.startswith("ray://") else engine.removeprefix("ray").removeprefix(":") or "auto"
