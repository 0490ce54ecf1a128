"""The server itself, over aiohttp. `fates` says what becomes of a request, `limits` what may come, `ledger` what came.

POST /v1/chat/completions; GET /stats, counts; GET /calls, how many; GET /log, each; POST /stats forgets all.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import socket
import struct
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.openai_server import completion

from .fates import Fates
from .ledger import Ledger, Sent
from .limits import Bucket, retry_after

KEPT_OPEN = 3600.0
"""Seconds that an idle connection stays open: longer than any run, so that none is closed under a client's hands."""
GARBAGE = b'{"choices": [{"message": {"role": "assistant", "content": "cut of'
OTHER_SHAPE = {"object": "chat.completion", "choices": {"text": "of another shape"}, "usage": "none"}
_Answer = Callable[[web.Request, Any, Sent], Awaitable[web.StreamResponse]]
_SENTENCE = "The answer is six for each. "


@dataclass
class Provider:
    """One server's state."""

    fates: Fates = field(default_factory=Fates)
    rate: float | None = None
    """Requests a second that it lets through; None: all."""
    burst: float | None = None
    """As many at once, after a rest; a second's worth by default."""
    token_rate: float | None = None
    """Tokens a second, with as large a burst."""
    tells: bool = True
    """Rate-limit headers on each answer, and `Retry-After` on 429."""
    input_cost: float = 0.0
    output_cost: float = 0.0
    """US dollars a million tokens, for its own account."""
    drip: float = 5.0
    """Seconds that a dripping answer takes."""
    asked_wait: float = 0.5
    """Seconds of `Retry-After` on a 429 that is drawn as a fault."""
    clock: Callable[[], float] = time.monotonic
    ledger: Ledger = field(default_factory=Ledger)
    buckets: dict[str, Bucket] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._forget()

    def app(self) -> web.Application:
        """To be served with `handler_cancellation`, or clients that leave are not noticed."""
        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_post("/v1/chat/completions", self.complete)
        app.router.add_get("/stats", self.stats)
        app.router.add_post("/stats", self.forget)
        app.router.add_get("/log", self.log)
        app.router.add_get("/calls", self.calls)
        return app

    async def complete(self, request: web.Request) -> web.StreamResponse:
        """A chat completion, or what became of it."""
        body = json.loads(await request.read())
        one = self.ledger.receive(_digest(body), str(body["messages"][-1]["content"]), self.clock())
        try:
            return await self._ends(request, body, one)
        finally:
            self.ledger.leave(one, self.clock())

    async def stats(self, request: web.Request) -> web.Response:
        """Counts."""
        return web.json_response(self.ledger.stats(self.input_cost, self.output_cost) | {"rate": self.rate})

    async def calls(self, request: web.Request) -> web.Response:
        """How many came."""
        return web.json_response(len(self.ledger.sent))

    async def log(self, request: web.Request) -> web.Response:
        """Every request."""
        return web.json_response(self.ledger.log())

    async def forget(self, request: web.Request) -> web.Response:
        """As if it had just started; limits are full again."""
        self._forget()
        return web.json_response({})

    def _forget(self) -> None:
        self.ledger, self.buckets = Ledger(), {}
        now = self.clock()
        if self.rate:
            self.buckets["requests"] = Bucket.full(self.rate, self.burst or self.rate, now)
        if self.token_rate:
            self.buckets["tokens"] = Bucket.full(self.token_rate, self.token_rate, now)

    async def _ends(self, request: web.Request, body: dict[str, Any], one: Sent) -> web.StreamResponse:
        most_out = int(body.get("max_tokens") or body.get("max_completion_tokens") or 16)
        fate = self.fates.of(one.request, one.attempt, most_out)
        one.what, one.tokens_in = fate.what, _tokens(body)
        wait = self._over(one.tokens_in + most_out)
        if wait is not None:
            one.what = "429"
        if one.what == "429":
            return await self._sent(request, one, self._refusal(self.asked_wait if wait is None else wait))
        one.tokens_out = fate.tokens_out
        await asyncio.sleep(fate.latency)
        answer = self._answers.get(fate.what, self._plainly)
        return await answer(request, body, one)

    def _over(self, tokens: int) -> float | None:
        """Takes what a request needs; or, where it is not there, the seconds until it will be."""
        now, needs = self.clock(), {"requests": 1.0, "tokens": float(tokens)}
        waits = [bucket.wait(needs[of], now) for of, bucket in self.buckets.items() if not bucket.holds(needs[of], now)]
        if waits:
            return max(waits)
        for of, bucket in self.buckets.items():
            bucket.take(needs[of], now)
        return None

    def _refusal(self, wait: float) -> web.Response:
        error = {"message": "Rate limit reached", "type": "requests", "code": "rate_limit_exceeded"}
        return _json(429, {"error": error}, self._headers() | (retry_after(wait) if self.tells else {}))

    def _headers(self) -> dict[str, str]:
        now, told = self.clock(), dict[str, str]()
        for of, bucket in self.buckets.items() if self.tells else ():
            told |= bucket.headers(of, now)
        return told

    @property
    def _answers(self) -> dict[str, _Answer]:
        plain = {"500": self._failing, "garbage": self._garbled, "schema": self._misshapen, "empty": self._empty}
        return plain | {"hang": self._hanging, "drip": self._dripping, "reset": self._resetting}

    async def _plainly(self, request: web.Request, body: Any, one: Sent) -> web.StreamResponse:
        return await self._sent(request, one, _json(200, self._said(body, one), self._headers()))

    async def _failing(self, request: web.Request, body: Any, one: Sent) -> web.StreamResponse:
        error = {"message": "The server had an error", "type": "server_error"}
        return await self._sent(request, one, _json(500, {"error": error}, self._headers()))

    async def _garbled(self, request: web.Request, body: Any, one: Sent) -> web.StreamResponse:
        return await self._sent(request, one, web.Response(body=GARBAGE, content_type="application/json"))

    async def _misshapen(self, request: web.Request, body: Any, one: Sent) -> web.StreamResponse:
        return await self._sent(request, one, _json(200, OTHER_SHAPE, self._headers()))

    async def _empty(self, request: web.Request, body: Any, one: Sent) -> web.StreamResponse:
        return await self._sent(request, one, _json(200, self._said(body, one) | {"choices": []}, self._headers()))

    async def _hanging(self, request: web.Request, body: Any, one: Sent) -> web.StreamResponse:
        await asyncio.Event().wait()  # until the client leaves, which cancels this
        raise AssertionError("not reached")

    async def _dripping(self, request: web.Request, body: Any, one: Sent) -> web.StreamResponse:
        data = json.dumps(self._said(body, one)).encode()
        response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": str(len(data))})
        await response.prepare(request)
        for byte in data:
            await response.write(bytes([byte]))
            await asyncio.sleep(self.drip / len(data))
        return await self._ended(request, one, response)

    async def _resetting(self, request: web.Request, body: Any, one: Sent) -> web.StreamResponse:
        """Cut off with a RST, which is what `linger` of no seconds sends."""
        if request.transport is not None:
            held: socket.socket = request.transport.get_extra_info("socket")
            held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            request.transport.abort()
        return web.Response()

    def _said(self, body: dict[str, Any], one: Sent) -> dict[str, Any]:
        usage = {"prompt_tokens": one.tokens_in, "completion_tokens": one.tokens_out}
        text = (_SENTENCE * (one.tokens_out * 4 // len(_SENTENCE) + 1))[: one.tokens_out * 4]
        return completion(text, body) | {"usage": usage | {"total_tokens": sum(usage.values())}}

    async def _sent(self, request: web.Request, one: Sent, response: web.Response) -> web.StreamResponse:
        """To the last byte, and noted; where the client has left by then, it is not."""
        await response.prepare(request)
        return await self._ended(request, one, response)

    async def _ended(self, request: web.Request, one: Sent, response: web.StreamResponse) -> web.StreamResponse:
        await response.write_eof()
        while request.transport is not None and request.transport.get_write_buffer_size():
            await asyncio.sleep(0.001)
        if request.transport is not None and not request.transport.is_closing():
            one.status, one.written = response.status, self.clock()
        return response


async def start(provider: Provider, port: int = 0) -> tuple[web.AppRunner, str]:
    """Listen on the loopback address; its URL, which ends in /v1."""
    runner = web.AppRunner(provider.app(), access_log=None, handler_cancellation=True, keepalive_timeout=KEPT_OPEN)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=4096).start()
    return runner, f"http://127.0.0.1:{runner.addresses[0][1]}/v1"


def _json(status: int, value: Any, headers: dict[str, str]) -> web.Response:
    return web.Response(
        status=status, body=json.dumps(value).encode(), headers=headers, content_type="application/json"
    )


def _digest(body: Any) -> str:
    """Of the request as JSON, whatever the order of its keys."""
    return hashlib.blake2b(json.dumps(body, sort_keys=True).encode(), digest_size=16).hexdigest()


def _tokens(body: dict[str, Any]) -> int:
    """Of the prompt: four characters each, and four a message."""
    return sum(len(str(message["content"])) // 4 + 4 for message in body["messages"])
