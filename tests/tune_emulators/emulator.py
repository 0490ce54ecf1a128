"""The base of the emulators of fine-tuning providers: real HTTP on a loopback port, in a thread of its own.

An emulator is a dataclass with state and `routes()`. What is common to all is here: the log of what was asked, the key,
and switches to fail, to hang up before doing, and to hang up after having done, which is how an answer gets lost.
"""

from __future__ import annotations

import asyncio
import email.policy
import json
import socket
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.parser import BytesParser
from fnmatch import fnmatch
from typing import Any, Literal, Self

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send


@dataclass(frozen=True)
class Part:
    """One part of a multipart body."""

    filename: str
    content: bytes


@dataclass(frozen=True)
class Seen:
    """One request as it came."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    """By their names in lower case."""
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def parts(self) -> dict[str, Part]:
        """The parts of a multipart body by their names."""
        head = b"content-type: " + self.headers["content-type"].encode() + b"\r\n\r\n"
        message = BytesParser(policy=email.policy.HTTP).parsebytes(head + self.body)
        found = {}
        for part in message.iter_parts():
            content = part.get_payload(decode=True)
            assert isinstance(content, bytes)
            name = part.get_param("name", header="content-disposition")
            found[str(name)] = Part(part.get_filename() or "", content)
        return found


@dataclass(frozen=True)
class Order:
    """What to do with the next request that fits `on`, a pattern over `METHOD /path`."""

    on: str
    do: Literal["fail", "drop", "drop after"]
    status: int = 500
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Emulator(ABC):
    """One provider, emulated; subclasses give the routes and the state."""

    key: str = "emulated-key-0123456789"
    """The only one it takes."""
    url: str = ""
    """Where it listens, without a path; set by `serving`."""
    seen: list[Seen] = field(default_factory=list)
    """All that was asked, in turn, also what was refused or dropped."""
    orders: list[Order] = field(default_factory=list)

    @abstractmethod
    def routes(self) -> Sequence[BaseRoute]:
        """What it answers."""

    def refused(self) -> Response:
        """The provider's answer to a bad key."""
        return JSONResponse({"error": {"message": "bad key"}}, 401)

    def taken(self, request: Request) -> bool:
        """Whether the request carries the key."""
        return request.headers.get("authorization") == f"Bearer {self.key}"

    def fail_next(
        self, status: int, body: Any = None, *, on: str = "*", headers: Mapping[str, str] | None = None, times: int = 1
    ) -> None:
        """Answer so, and do nothing, at the next request that fits `on`."""
        self.orders += [Order(on, "fail", status, body, headers or {})] * times

    def drop_next(self, *, on: str = "*", times: int = 1) -> None:
        """Hang up without having done anything."""
        self.orders += [Order(on, "drop")] * times

    def drop_after_next(self, *, on: str = "POST *", times: int = 1) -> None:
        """Do what is asked, and hang up instead of answering: the answer is lost on the way."""
        self.orders += [Order(on, "drop after")] * times

    def saw(self, on: str) -> list[Seen]:
        """The requests so far that fit a pattern over `METHOD /path`."""
        return [s for s in self.seen if fnmatch(f"{s.method} {s.path}", on)]

    def order_for(self, seen: Seen) -> Order | None:
        """The first standing order that fits, taken off the list."""
        for order in self.orders:
            if fnmatch(f"{seen.method} {seen.path}", order.on):
                self.orders.remove(order)
                return order
        return None

    @contextmanager
    def serving(self) -> Iterator[Self]:
        """Listen on a free loopback port; `url` is set within."""
        listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        app = Watched(Starlette(routes=list(self.routes())), self)
        config = uvicorn.Config(app, log_config=None, lifespan="off", ws="none", loop="asyncio", http="h11")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        _wait_for(server)
        try:
            yield self
        finally:
            server.should_exit = True
            thread.join(10)
            listener.close()


def _wait_for(server: uvicorn.Server) -> None:
    until = time.monotonic() + 10
    while not server.started:
        assert time.monotonic() < until, "the emulator did not start"
        time.sleep(0.005)


@dataclass
class Watched:
    """The application within: its requests logged, its key asked for, standing orders followed."""

    app: ASGIApp
    emulator: Emulator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        seen = Seen(request.method, request.url.path, request.url.query, dict(request.headers), await request.body())
        self.emulator.seen.append(seen)
        order = self.emulator.order_for(seen)
        if order is not None and order.do == "fail":
            await JSONResponse(order.body, order.status, dict(order.headers))(scope, receive, send)
        elif order is not None:
            await self._dropped(order, request, seen, send)
        else:
            await self._answer(request, seen, send)

    async def _answer(self, request: Request, seen: Seen, send: Send) -> None:
        app = self.app if self.emulator.taken(request) else self.emulator.refused()
        request.scope["seen"] = seen
        await app(request.scope, _replayed(seen.body), send)

    async def _dropped(self, order: Order, request: Request, seen: Seen, send: Send) -> None:
        if order.do == "drop after":
            await self._answer(request, seen, _into_nothing)
        # ASGI has no way to hang up, so the connection is taken from uvicorn's own `send`.
        send.__self__.transport.abort()  # type: ignore[attr-defined]
        await asyncio.sleep(0.01)


def _replayed(body: bytes) -> Receive:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


async def _into_nothing(message: Message) -> None:
    """A `send` whose answer nobody gets."""
