"""What runs on the cluster's machines: callers, which make model calls, and scorings. Knows nothing of Ray.

Errors of ours are answers here: they travel as they are, without the chain behind them, which may hold keys.
"""

from __future__ import annotations

import os
import pickle
import platform
from collections.abc import Mapping
from pathlib import Path

from ..errors import TouchstoneError
from ..models import Model, open_model
from ..records import Request, Response, RunConfig
from ..scoring import Scored, run_heavy
from .carried import Home


class Caller:
    """Makes calls, many at a time, each model with connections of its own that stay open. One process."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._root: Path | None = None
        self._models: dict[str, Model] = {}

    async def lacks(self, version: str) -> str:
        """Why it cannot work here, as words; empty where it can."""
        if version != installed():
            return f"{platform.node()} has touchstone {installed()}, and this process {version}: install the same"
        try:
            self._root = self._home.enter()
        except FileNotFoundError as error:
            return lacking(str(error))
        return ""

    async def complete(
        self, config: RunConfig, request: Request, keys: Mapping[str, str]
    ) -> Response | TouchstoneError:
        """The model's answer, or its error."""
        os.environ.update(keys)
        try:
            return await self._model(config).complete(request)
        except TouchstoneError as error:
            return error

    def _model(self, config: RunConfig) -> Model:
        if config.name not in self._models:
            self._models[config.name] = open_model(config, self._root or self._home.enter())
        return self._models[config.name]


def score(home: Home, work: bytes) -> Scored | str:
    """What a heavy scorer says, or why it cannot run here. `work` is (scorer, sample), of one of our own processes."""
    try:
        home.enter()
        scorer, sample = pickle.loads(work)  # noqa: S301  (as multiprocessing does between processes of one machine)
    except FileNotFoundError as error:
        return lacking(str(error))
    except (ImportError, AttributeError) as error:
        return f"{platform.node()} cannot import it: {error}"
    return run_heavy(scorer, sample)


def installed() -> str:
    """The version of touchstone in this process."""
    from importlib.metadata import version

    return version("pytest-touchstone")


def lacking(root: str) -> str:
    """Words for a machine that has not the project."""
    shared = "keep the project on a folder that all machines share, at the same path"
    return (
        f"{platform.node()} has no folder {root}: {shared}, or join with --engine ray://HOST:PORT, which sends it along"
    )
