"""Misses and `--lf`: what scored badly is run again like what failed. Owns nothing but that link."""

from __future__ import annotations

from typing import Any

import pytest


class Misses:
    """Tells pytest's own memory of failures about misses, after that has seen the report."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A miss is reported as no failure, which would make pytest forget it."""
        if getattr(report, "touchstone", None) != "miss":
            return
        memory: Any = self._config.pluginmanager.get_plugin("lfplugin")
        if memory is not None:
            memory.lastfailed[report.nodeid] = True
