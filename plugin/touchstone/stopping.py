"""Ctrl-C while samples are made: once, and the calls in flight are waited for; twice, or SIGTERM, and it ends now.

Owns the two signals' handlers for as long as the engine runs. Whatever was answered is kept either way.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import TYPE_CHECKING, Any

from .session import Session

if TYPE_CHECKING:
    import pytest


@contextlib.contextmanager
def stoppable(session: Session, config: pytest.Config) -> Iterator[None]:
    """Inside the block, the signals mean this. Handlers that others have set are left alone."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        calls = session.door.traffic.in_flight
        if session.stopping or not calls:
            now(number, frame)
        session.drain()
        _say(config, f"\nfinishing {calls} calls in flight; Ctrl-C again to stop now\n")

    def now(number: int, frame: FrameType | None) -> None:
        session.hurry()
        raise KeyboardInterrupt

    ours = {signal.SIGINT: interrupt, signal.SIGTERM: now}
    usual = (signal.default_int_handler, signal.SIG_DFL)
    taken: dict[signal.Signals, Any] = {}
    if threading.current_thread() is threading.main_thread():
        taken = {one: old for one in ours if (old := signal.getsignal(one)) in usual}
    for one in taken:
        signal.signal(one, ours[one])
    try:
        yield
    finally:
        for one, old in taken.items():
            signal.signal(one, old)


def _say(config: pytest.Config, text: str) -> None:
    """To the terminal, not to what pytest captures; past all buffers, which a signal's handler may have interrupted."""
    reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
    capture: Any = config.pluginmanager.get_plugin("capturemanager")
    uncaptured = capture.global_and_fixture_disabled() if capture else contextlib.nullcontext()
    with contextlib.suppress(AttributeError, OSError, ValueError, RuntimeError), uncaptured:
        os.write(reporter._tw._file.fileno(), text.encode())
