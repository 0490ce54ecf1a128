"""Who may ask the local page: whoever knows its address, from this machine's own browser tab. Owns the headers.

Any site that the person has open can send requests to a port of this machine. So the path carries a random token, the
Host must be this machine's (a name that a foreign site points here is refused), and what changes anything must come
from the page itself.
"""

from __future__ import annotations

import hmac
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_POLICY = (
    "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types"
)
_HEADERS = {
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_REFUSED = "This is not the address that `{command}` printed. Open exactly that one.\n"


class Guard:
    """ASGI: refuses what is not the page's own, and sends the same headers with every answer."""

    def __init__(self, app: ASGIApp, token: str, command: str) -> None:
        self._app, self._token = app, token.encode()
        self._refused = _REFUSED.format(command=command).encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request. Anything but HTTP is not for us."""
        if scope["type"] != "http":
            return
        nonce = secrets.token_urlsafe(16)
        scope.setdefault("state", {})["nonce"] = nonce
        answer = _with_headers(send, nonce)
        if self._knows_the_token(scope) and _is_here(scope) and _is_its_own(scope):
            await self._app(scope, receive, answer)
        else:
            await answer({"type": "http.response.start", "status": 403, "headers": [(b"content-type", b"text/plain")]})
            await answer({"type": "http.response.body", "body": self._refused})

    def _knows_the_token(self, scope: Scope) -> bool:
        """In a time that tells nothing about how much of it was right."""
        first = scope["path"].lstrip("/").partition("/")[0]
        return hmac.compare_digest(first.encode("utf-8", "surrogatepass"), self._token)


def _is_here(scope: Scope) -> bool:
    """The Host is this machine's and this port's, so no foreign name stands for it."""
    port = scope["server"][1] if scope.get("server") else None
    return _all(scope, b"host") in ([f"127.0.0.1:{port}".encode()], [f"localhost:{port}".encode()])


def _is_its_own(scope: Scope) -> bool:
    """A POST comes from the page itself, and so does all that a GET answers but the empty page."""
    origin, (host,) = _all(scope, b"origin"), _all(scope, b"host")
    site = _all(scope, b"sec-fetch-site")
    if scope["method"] not in ("GET", "HEAD"):
        return origin == [b"http://" + host] and site in ([], [b"same-origin"])
    return _is_the_page(scope) or (origin in ([], [b"http://" + host]) and site in ([], [b"same-origin"], [b"none"]))


def _is_the_page(scope: Scope) -> bool:
    """`/<token>/`: a terminal in another tab may open it, and it says nothing by itself."""
    path: str = scope["path"]
    return path.count("/") == 2 and path.endswith("/")


def _all(scope: Scope, name: bytes) -> list[bytes]:
    return [value for key, value in scope["headers"] if key == name]


def _with_headers(send: Send, nonce: str) -> Send:
    headers = {**_HEADERS, "Content-Security-Policy": _POLICY.format(nonce=nonce)}
    more = [(name.lower().encode(), value.encode()) for name, value in headers.items()]

    async def answer(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", []), *more]}
        await send(message)

    return answer
