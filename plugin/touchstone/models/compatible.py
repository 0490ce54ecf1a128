"""OpenAI-compatible servers by URL, over aiohttp: vLLM, llama.cpp, LM Studio, a gateway. Owns one connection pool.

The lean door: a call costs little more than its HTTP. It never retries (`Retrying` does) and never logs.
"""

from __future__ import annotations

import email.utils
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..errors import CallError, CallFailed, UsageError
from ..records import Request, Response, RunConfig
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
    seconds: float = 600.0
    """One call may take this long."""
    _session: ClientSession | None = field(default=None, init=False, repr=False)

    @classmethod
    def of(cls, config: RunConfig) -> Compatible:
        """As the run-config says. Raises UsageError for a missing or unusable base_url."""
        base, where = (config.base_url or "").rstrip("/"), f"run-config {config.name!r}"
        if urlsplit(base).scheme not in ("http", "https") or not urlsplit(base).hostname:
            hint = "give it one such as `base_url: http://localhost:8000/v1`"
            raise UsageError(f"base_url {config.base_url!r} is no http(s) URL", where=where, hint=hint)
        if "@" in urlsplit(base).netloc:
            raise UsageError("base_url holds a password; name a variable with `key_env` instead", where=where)
        return cls(config, config.model.removeprefix("openai-compatible/"), f"{base}/chat/completions")

    async def complete(self, request: Request) -> Response:
        """The server's answer. Raises CallFailed for what may pass, CallRefused for what would not."""
        import aiohttp

        body = with_template_thinking({"model": self.model, **body_of(request)}, request.params.get("thinking"))
        began = time.perf_counter()
        try:
            status, headers, data = await self._post(json.dumps(body).encode("utf-8"))
        except TimeoutError as error:
            raise CallFailed(f"{self._host}: no answer within {self.seconds:g} s") from error
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
        async with self._open().post(self.url, data=body, headers=headers, allow_redirects=False) as answer:
            return answer.status, answer.headers, await _all_of(answer)

    def _open(self) -> ClientSession:
        """The session. Whoever calls bounds the calls, so it does not; proxies only where the machine names one."""
        if self._session is None:
            import aiohttp

            proxied = any(name.lower() in ("http_proxy", "https_proxy", "all_proxy") for name in os.environ)
            limits = aiohttp.ClientTimeout(total=self.seconds, sock_connect=30)
            connector = aiohttp.TCPConnector(limit=0)
            self._session = aiohttp.ClientSession(connector=connector, timeout=limits, trust_env=proxied)
        return self._session

    def _read(self, status: int, headers: Mapping[str, str], data: bytes, latency: float) -> Response:
        try:
            value = _json(data, status)
            if status != 200:
                raise error_of(status, value, retry_after(headers))
            made = {"runtime": f"openai-compatible {headers.get('Server', '')}".strip(), "date": today()}
            return read_answer(value, latency, made, self.config)
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


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the server asks to wait, from `retry-after-ms` or `Retry-After` (seconds or a date)."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            return max(0.0, float(headers[name]) * unit)
        except (KeyError, ValueError):
            continue
    try:
        then = email.utils.parsedate_to_datetime(headers["retry-after"])
    except (KeyError, ValueError):
        return None
    return max(0.0, then.timestamp() - time.time())
