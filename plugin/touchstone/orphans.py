"""Worker processes end with whoever started them, also where that one was killed. Owns the watch; starts no process."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from multiprocessing import connection


def end_with_parent() -> None:
    """Initializer of a worker process: end at once when the process that made the pool is gone.

    Else a pool whose owner was killed waits for work for ever, with all that it had loaded.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_watch, args=(parent.sentinel,), name="parent", daemon=True).start()


def end_with_controller() -> None:
    """One of xdist's workers ends when its controller is gone: else it would go on making calls that nobody reads."""
    threading.Thread(target=_look_after, args=(os.getppid(),), name="controller", daemon=True).start()


def _look_after(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.2)
    os._exit(1)


def _watch(sentinel: int) -> None:
    connection.wait([sentinel])
    os._exit(1)
