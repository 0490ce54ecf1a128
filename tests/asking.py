"""A page's app, asked as its own page asks it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx
from starlette.applications import Starlette

TOKEN = "the-token"
HERE = "http://127.0.0.1:8123"


class Asked:
    """An app at that address, behind that token."""

    app: Starlette

    def ask(self, method: str, path: str, **other: Any) -> httpx.Response:
        """One request to any path."""

        async def asked() -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url=HERE) as client:
                return await client.request(method, path, **other)

        return asyncio.run(asked())

    def get(self, path: str, **other: Any) -> httpx.Response:
        """One request to a path of the page."""
        return self.ask("GET", f"/{TOKEN}/{path}", **other)

    def send(self, path: str, headers: Mapping[str, str] | None = None, **other: Any) -> httpx.Response:
        """A message as the page sends it; a header that is empty is left out."""
        sent = {"Origin": HERE, "Content-Type": "application/json", **(headers or {})}
        return self.ask("POST", f"/{TOKEN}/{path}", headers={k: v for k, v in sent.items() if v}, **other)
