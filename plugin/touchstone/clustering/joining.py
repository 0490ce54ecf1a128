"""Joining a Ray cluster, and leaving it. Owns the time limits and the words where there is none; starts no cluster."""

from __future__ import annotations

import os
import socket
import sys
import threading
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..models.keys import without_keys

PATIENCE = 30.0
"""Seconds that joining may take; Ray itself would try for minutes."""
SENDING = 180.0
"""And where the project is sent along, and unpacked, and a process started for this one on the other side."""
KNOCK = 5.0
"""Seconds for a connection to the address."""
HINT = "is it running? `ray start --head` starts one here; then --engine ray, or --engine ray:HOST:PORT"
SHIPPED = {
    "excludes": [".git", ".venv", "venv", ".touchstone", ".env", ".env.*", "*.pem", "*.key", "node_modules", "*.gguf"],
}
"""Of a project that is sent along: what no worker needs, or nobody should have. Ray leaves out what git ignores."""


def knock(address: str) -> None:
    """Make sure that somebody listens at HOST:PORT. Raises UsageError at once, where Ray would try for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if address == "auto":
        return
    if not host or not port.isdigit():
        hint = "write --engine ray:HOST:PORT, or --engine ray://HOST:PORT"
        raise UsageError(f"{address!r} is no address of a Ray cluster", where="--engine", hint=hint)
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=KNOCK).close()
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or error
        raise UsageError(f"no Ray cluster answers at {address}: {why}", where="--engine", hint=HINT) from None


def join(address: str, root: Path) -> bool:
    """Connect this process to the cluster; False where it was connected already. Raises UsageError within a time limit.

    In a thread, so that the limit holds, and that Ray leaves this process's signals alone.
    """
    import ray

    if ray.is_initialized():
        return False
    knock(address)
    failed: list[BaseException] = []
    thread = threading.Thread(target=_connect, args=(address, root, failed), name="touchstone-join", daemon=True)
    thread.start()
    thread.join(patience := SENDING if address.startswith("ray://") else PATIENCE)
    if thread.is_alive():
        raise UsageError(f"no answer from {address} within {patience:g} s", where="--engine", hint=HINT)
    if failed:
        raise _error(address, failed[0])
    return True


def leave() -> None:
    """Disconnect: what this process started there ends with it."""
    import ray

    ray.shutdown()


def secrets_typed(url: str) -> None:
    """Raises UsageError where a password stands in this process's command line: Ray shows that to all who may look."""
    from urllib.parse import urlsplit

    password = urlsplit(url).password if "://" in url else None
    if password and any(password in argument for argument in sys.argv):
        hint = "put it into a variable: --cache 'redis://:$REDIS_PASSWORD@HOST:PORT/0'"
        raise UsageError(
            "Ray keeps the command line of its jobs, and this one holds a password", where="--cache", hint=hint
        )


def _connect(address: str, root: Path, failed: list[BaseException]) -> None:
    import ray

    options: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if address.startswith("ray://"):
        options["runtime_env"] = {"working_dir": str(root), **SHIPPED}
    try:
        ray.init(address=address, **options)
    except BaseException as error:  # noqa: BLE001  (Ray raises SystemExit too; whoever waits must hear of it)
        failed.append(error)


def _error(address: str, error: BaseException) -> UsageError:
    """Its first line: Ray's errors are pages."""
    first = next(iter(str(error).strip().splitlines()), "") or type(error).__name__
    where = "on this machine" if address == "auto" and "RAY_ADDRESS" not in os.environ else f"at {address}"
    return UsageError(without_keys(f"cannot join a Ray cluster {where}: {first}"), where="--engine", hint=HINT)
