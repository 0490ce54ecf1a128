"""What `--cache` and `--engine` say: where a run's answers lie, and where its calls are carried out. Knows pytest.

Checked by the process that was started, before anything is collected, so that a wrong address is one usage error.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .errors import UsageError
from .places import Places, cache_at

if TYPE_CHECKING:
    from .clustering import Site


def places_of(config: pytest.Config) -> Places:
    """Where the project keeps its files, with the cache that the command line names."""
    places = Places.of(config.rootpath, config.getini)
    named = config.getoption("cache", None)
    return replace(places, cache=cache_at(named, Path.cwd())) if named else places


def check(config: pytest.Config) -> None:
    """Make sure that what is named is there, for a run that will need it. Raises pytest.UsageError."""
    engine = config.getoption("engine", "local")
    if config.getoption("collectonly", False) or (engine == "local" and not _cache_named(config)):
        return
    try:
        _check(config, engine)
    except UsageError as error:
        raise pytest.UsageError(str(error)) from None


def join(config: pytest.Config) -> Site | None:
    """The place where calls are carried out; None for this process.

    Raises pytest.UsageError; in one of xdist's workers, where that would be a crash, each call says why instead.
    """
    from .clustering import Unreached, site

    try:
        return site(config.getoption("engine"), config.rootpath)
    except UsageError as error:
        if hasattr(config, "workerinput"):
            return Unreached(error)
        raise pytest.UsageError(str(error)) from None


def _check(config: pytest.Config, engine: str) -> None:
    if _cache_named(config):
        from .caches import check_stores

        places = places_of(config)
        check_stores(places.cache, places.state)
    if engine != "local":
        from .caches.address import replaced
        from .clustering import check
        from .clustering.joining import secrets_typed

        secrets_typed(replaced(places_of(config).cache))

        check(engine, config.rootpath, wholly=_shared_out(config))


def _cache_named(config: pytest.Config) -> bool:
    return bool(config.getoption("cache", None) or config.getini("touchstone_cache"))


def _shared_out(config: pytest.Config) -> bool:
    """Whether xdist's workers will join, and not this process."""
    return bool(config.getoption("numprocesses", None) or config.getoption("tx", None))
