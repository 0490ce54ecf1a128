"""The socket of the local page: this machine only. Owns the server's life; knows nothing of ratings."""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING

from ..errors import UsageError

if TYPE_CHECKING:
    from starlette.types import ASGIApp
    from uvicorn import Server

HOST = "127.0.0.1"


def listen(port: int) -> socket.socket:
    """A socket on the loopback interface alone; port 0 is any that is free. Raises UsageError where it is taken."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
        listening.listen(64)
    except OSError as error:
        listening.close()
        hint = "leave --port out to take one that is free"
        raise UsageError(f"cannot listen on port {port}: {error.strerror}", where="--port", hint=hint) from error
    return listening


def address(listening: socket.socket, token: str) -> str:
    """What to open in a browser."""
    return f"http://{HOST}:{listening.getsockname()[1]}/{token}/"


def server(app: ASGIApp) -> Server:
    """A server for the app, not yet running."""
    import uvicorn

    return uvicorn.Server(
        uvicorn.Config(
            app,
            loop="asyncio",
            http="h11",
            ws="none",
            lifespan="off",
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=100,
            timeout_graceful_shutdown=2,
        )
    )


def serve(app: ASGIApp, listening: socket.socket) -> None:
    """Serve until Ctrl-C, and return."""
    with contextlib.suppress(KeyboardInterrupt), listening:
        server(app).run(sockets=[listening])
