"""OpenAI-compatible servers by URL, over aiohttp: vLLM, llama.cpp, LM Studio, a gateway. Owns one connection pool.

The lean door: a call costs little more than its HTTP. It never retries (`Retrying` does) and never logs.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..errors import CallError, CallFailed, UsageError
from ..records import Request, Response, RunConfig
from .headers import allowances
from .keys import key_of, without_keys
from .wire import body_of, error_of, read_answer, today, with_template_thinking

if TYPE_CHECKING:
    from aiohttp import ClientResponse, ClientSession

BIGGEST = 64 * 2**20
"""Bytes of an answer; a server that sends more is broken."""


@dataclass
class Compatible:
    """One model at one URL."""

    config: RunConfig
    model: str
    """As the server knows it."""
    url: str
    root: Path | None = None
    """The project's, where pictures and sounds lie."""
    _session: ClientSession | None = field(default=None, init=False, repr=False)

    @classmethod
    def of(cls, config: RunConfig, root: Path | None = None) -> Compatible:
        """As the run-config says. Raises UsageError for a missing or unusable base_url."""
        base, where = (config.base_url or "").rstrip("/"), f"run-config {config.name!r}"
        if urlsplit(base).scheme not in ("http", "https") or not urlsplit(base).hostname:
            hint = "give it one such as `base_url: http://localhost:8000/v1`"
            raise UsageError(f"base_url {config.base_url!r} is no http(s) URL", where=where, hint=hint)
        if "@" in urlsplit(base).netloc:
            raise UsageError("base_url holds a password; name a variable with `key_env` instead", where=where)
        return cls(config, config.model.removeprefix("openai-compatible/"), f"{base}/chat/completions", root)

    async def complete(self, request: Request) -> Response:
        """The server's answer. Raises CallFailed for what may pass, CallRefused for what would not."""
        import aiohttp

        body = with_template_thinking(
            {"model": self.model, **body_of(request, self.root)}, request.params.get("thinking")
        )
        began = time.perf_counter()
        try:
            status, headers, data = await self._post(json.dumps(body).encode("utf-8"))
        except TimeoutError as error:
            raise CallFailed(f"{self._host}: {self._late(error)}") from error
        except (aiohttp.ClientError, OSError) as error:
            raise CallFailed(without_keys(f"{self._host}: {error or type(error).__name__}")) from error
        return self._read(status, headers, data, time.perf_counter() - began)

    async def aclose(self) -> None:
        """Close the connections; a later call opens new ones."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _post(self, body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        headers = {"Content-Type": "application/json"}
        if key := key_of(self.config):
            headers["Authorization"] = f"Bearer {key}"
        asked = self._open().post(self.url, data=body, headers=headers, allow_redirects=False)
        answer = await self._begun(asked)
        async with answer:
            return answer.status, answer.headers, await _all_of(answer)

    async def _begun(self, asked: Awaitable[ClientResponse]) -> ClientResponse:
        """The answer from its first byte on."""
        if (patience := self.config.first_byte_timeout) is None:
            return await asked
        try:
            return await asyncio.wait_for(asked, patience)
        except TimeoutError as error:
            if type(error) is not TimeoutError:  # aiohttp's own, of connecting or of the whole
                raise
            raise CallFailed(f"{self._host}: no first byte within {patience:g} s") from error

    def _late(self, error: TimeoutError) -> str:
        import aiohttp

        connecting = isinstance(error, aiohttp.ConnectionTimeoutError)
        return f"no connection within {self.config.connect_timeout:g} s" if connecting else self._too_long

    @property
    def _too_long(self) -> str:
        return f"no whole answer within {self.config.timeout:g} s"

    def _open(self) -> ClientSession:
        """The session. Whoever calls bounds the calls, so it does not; proxies only where the machine names one."""
        if self._session is None:
            import aiohttp

            proxied = any(name.lower() in ("http_proxy", "https_proxy", "all_proxy") for name in os.environ)
            limits = aiohttp.ClientTimeout(total=self.config.timeout, sock_connect=self.config.connect_timeout)
            connector = aiohttp.TCPConnector(limit=0)
            self._session = aiohttp.ClientSession(connector=connector, timeout=limits, trust_env=proxied)
        return self._session

    def _read(self, status: int, headers: Mapping[str, str], data: bytes, latency: float) -> Response:
        try:
            value, told = _json(data, status), {name.lower(): text for name, text in headers.items()}
            if status != 200:
                raise error_of(status, value, told)
            made = {"runtime": f"openai-compatible {headers.get('Server', '')}".strip(), "date": today()}
            return replace(read_answer(value, latency, made, self.config), allowances=allowances(told))
        except CallError as error:
            error.args = (without_keys(f"{self._host}: {error}"),)
            raise

    @property
    def _host(self) -> str:
        return urlsplit(self.url).netloc


async def _all_of(answer: ClientResponse) -> bytes:
    """The body, up to what an answer can sensibly be."""
    parts, size = [], 0
    async for part in answer.content.iter_any():
        size += len(part)
        if size > BIGGEST:
            raise CallFailed(f"the answer is longer than {BIGGEST // 2**20} MiB")
        parts.append(part)
    return b"".join(parts)


def _json(data: bytes, status: int) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        if status == 200:
            raise CallFailed("the answer is not JSON") from error
        return {"error": {"message": data[:300].decode("utf-8", "replace")}}
