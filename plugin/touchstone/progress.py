"""A progress line while a test waits long for its sample. Shows; counts nothing itself."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from .engine import Made, Progress
from .evals import Job
from .session import Session

if TYPE_CHECKING:
    import pytest

PATIENCE = 1.0
"""Seconds of waiting before the line appears: a replayed run never shows it."""
_STEP = 0.2


def waiting(session: Session, job: Job, config: pytest.Config) -> Made:
    """The job's result; a terminal sees how far the engine is while it takes long."""
    reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or not reporter.isatty or hasattr(config, "workerinput"):
        return session.made(job)
    with contextlib.suppress(TimeoutError):
        return session.made(job, PATIENCE)
    return _shown(session, job, config, reporter)


def _shown(session: Session, job: Job, config: pytest.Config, reporter: Any) -> Made:
    from rich.console import Console

    capture: Any = config.pluginmanager.get_plugin("capturemanager")
    released = capture.global_and_fixture_disabled() if capture else contextlib.nullcontext()
    with released:
        reporter.ensure_newline()
        with Console().status(_words(session)) as status:
            while True:
                with contextlib.suppress(TimeoutError):
                    return session.made(job, _STEP)
                status.update(_words(session))


def _words(session: Session) -> str:
    if session.engine is None:
        return ""
    now: Progress = session.engine.progress
    cost = f", ${now.cost:.2f}" if now.cost else ""
    return f"{now.done} of {now.total} samples made, {now.live} calls{cost}"
