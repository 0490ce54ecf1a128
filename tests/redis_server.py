"""A real Redis for tests: started on a port of its own with a password, stopped, killed, looked into."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

PASSWORD = "pa55/w@rd-of-redis"
PROGRAM = shutil.which("redis-server") or ""
needed = pytest.mark.skipif(
    not PROGRAM and not os.environ.get("TOUCHSTONE_REQUIRE_REDIS"), reason="Debian's redis-server is not installed"
)


@dataclass
class Server:
    """One server process; `stop` and `start` it as often as wanted, it keeps nothing."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """With the password, quoted."""
        return f"redis://:{PASSWORD.replace('/', '%2F').replace('@', '%40')}@127.0.0.1:{self.port}/0"

    @property
    def shown(self) -> str:
        """Without it."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        settings = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--requirepass", PASSWORD]
        self.process = subprocess.Popen(
            [PROGRAM, *settings, "--dir", str(self.folder), "--loglevel", "warning"], stdout=subprocess.DEVNULL
        )
        end = time.monotonic() + 20
        while time.monotonic() < end:
            with socket.socket() as knocking:
                if knocking.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise AssertionError("redis-server did not start")

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """A running server."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        server = Server(folder, free.getsockname()[1])
    server.start()
    try:
        yield server
    finally:
        server.stop()
