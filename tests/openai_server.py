"""A local OpenAI-compatible server for tests and benchmarks: slow, failing, lying or plain, as told.

`python -m tests.openai_server --port 0 --latency 0.2` prints its base URL on the first line and serves until killed.
GET /stats tells how many calls it got and how many it had at once; POST /stats sets them to nought.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Script = Callable[[dict[str, Any]], "Reply | None"]


@dataclass
class Reply:
    """What to answer instead of a completion."""

    status: int = 200
    body: Any = None
    """JSON-ready, or bytes sent as they are."""
    headers: dict[str, str] = field(default_factory=dict)
    hang_up: bool = False
    """Close the connection without an answer."""
    delay: float = 0.0


@dataclass
class Server:
    """The server's state: how it behaves and what it saw."""

    latency: float = 0.0
    queue: list[Reply] = field(default_factory=list)
    """Replies for the next calls, in turn; then plain completions."""
    text: Callable[[dict[str, Any]], str] = lambda body: f"echo: {body['messages'][-1]['content']}"
    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    running: int = 0
    most_at_once: int = 0
    url: str = ""
    """Ends in /v1."""

    async def complete(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.bodies.append(body)
        self.headers.append(dict(request.headers))
        self.running += 1
        self.most_at_once = max(self.most_at_once, self.running)
        try:
            await asyncio.sleep(self.latency)
            return await self._reply(request, body)
        finally:
            self.running -= 1

    async def stats(self, request: web.Request) -> web.Response:
        if request.method == "POST":
            self.bodies.clear()
            self.headers.clear()
            self.most_at_once = 0
        return web.json_response({"calls": len(self.bodies), "most_at_once": self.most_at_once})

    async def _reply(self, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        reply = self.queue.pop(0) if self.queue else Reply(body=completion(self.text(body), body))
        await asyncio.sleep(reply.delay)
        if reply.hang_up and request.transport is not None:
            request.transport.abort()
        raw = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        return web.Response(status=reply.status, body=raw, headers=reply.headers, content_type="application/json")

    def app(self) -> web.Application:
        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_post("/v1/chat/completions", self.complete)
        app.router.add_route("*", "/stats", self.stats)
        return app


def completion(text: str | None, body: dict[str, Any], finish: str = "stop", **message: Any) -> dict[str, Any]:
    """A plain completion as OpenAI answers it; more fields of the message by name."""
    said = {"role": "assistant", "content": text, **message}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": body.get("model", "mock"),
        "choices": [{"index": 0, "message": said, "finish_reason": finish}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
    }


async def start(server: Server, port: int = 0) -> web.AppRunner:
    """Listen on the loopback address; `server.url` is set when this returns."""
    runner = web.AppRunner(server.app(), access_log=None, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port, backlog=1024)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    return runner


@contextmanager
def serving(server: Server) -> Iterator[Server]:
    """The server in a thread of its own, for tests whose client has another event loop, or none."""
    loop, ready = asyncio.new_event_loop(), threading.Event()

    async def main(stop: asyncio.Event) -> None:
        runner = await start(server)
        ready.set()
        await stop.wait()
        await runner.cleanup()

    stop = asyncio.Event()
    thread = threading.Thread(target=lambda: loop.run_until_complete(main(stop)), daemon=True)
    thread.start()
    assert ready.wait(10), "the test server did not start"
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()


async def _serve(port: int, latency: float) -> None:
    server = Server(latency=latency)
    await start(server, port)
    print(server.url, flush=True)
    await asyncio.Event().wait()


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.0)
    options = parser.parse_args(argv)
    asyncio.run(_serve(options.port, options.latency))


if __name__ == "__main__":
    main(sys.argv[1:])
