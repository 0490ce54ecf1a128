"""Worker processes end with whoever started them, also where that one was killed. Owns the watch; starts no process."""

from __future__ import annotations

import multiprocessing
import os
import threading
from multiprocessing import connection


def end_with_parent() -> None:
    """Initializer of a worker process: end at once when the process that made the pool is gone.

    Else a pool whose owner was killed waits for work for ever, with all that it had loaded.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_watch, args=(parent.sentinel,), name="parent", daemon=True).start()


def _watch(sentinel: int) -> None:
    connection.wait([sentinel])
    os._exit(1)
