"""What local pages share: their frame, files and answers. Knows no ratings and no reviews; opens no socket."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import UsageError
from .guard import Guard

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

LARGEST_BODY = 64 * 1024
_KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_SHARED = ("page.css", "shell.js", "text.js", "icon.svg")
_OF_REPORTS = ("text.js",)
"""Files that the report's page has too; they lie there, a floor below."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page:
    """A page, as its files and a few words. The words are ours: what others wrote never stands in the HTML."""

    title: str
    doing: str
    """Said before the person's name."""
    unit: str
    """What has been done with those that count as done, as in `3 of 9 rated`."""
    without: str
    """What to type where the browser has no JavaScript."""
    body: str
    """File: all between the frame's header and the help."""
    help: str
    """File: what the help says below its keys."""
    script: str
    styles: tuple[str, ...] = ()
    """Beside those of every page."""
    command: str = "touchstone rate"
    """Prints the address."""

    @property
    def files(self) -> tuple[str, ...]:
        """What may be asked for by name."""
        return (*_SHARED, self.script, *self.styles)


def shell(page: Page, routes: Sequence[Route], token: str) -> Starlette:
    """The application below `/<token>/`: the page, its files, and the routes of its own."""
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.routing import Route

    around = [Route("/{token}/", partial(_html, page)), *routes, Route("/{token}/{name}", partial(_static, page))]
    return Starlette(routes=around, middleware=[Middleware(Guard, token=token, command=page.command)])


async def taken(
    request: Request, noun: str, check: Callable[[object], T], keep: Callable[[T], Mapping[str, Any]]
) -> Response:
    """What was posted, on disk before the answer. A disk that is full may not be so for long: the page tries again."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        return answer({"error": f"{noun} is sent as application/json"}, 415)
    body = await _body(request)
    if body is None:
        return answer({"error": f"{noun} is at most {LARGEST_BODY} bytes"}, 413)
    try:
        checked = check(json.loads(body))
    except UsageError as error:
        return answer({"error": str(error)}, 400)
    except (ValueError, RecursionError):
        return answer({"error": "the body is no JSON"}, 400)
    return _kept(checked, keep)


def answer(data: Mapping[str, Any], status: int = 200) -> Response:
    """ASCII, so that text which is no Unicode (lone surrogates) arrives as it is."""
    from starlette.responses import Response

    return Response(json.dumps(data, default=str), status, media_type="application/json")


def _kept(checked: T, keep: Callable[[T], Mapping[str, Any]]) -> Response:
    try:
        return answer(keep(checked))
    except UsageError as error:
        return answer({"error": str(error)}, 503)


async def _html(page: Page, request: Request) -> Response:
    """The page; what it shows, it asks for itself."""
    from starlette.responses import Response

    return Response(_framed(page, request.state.nonce), media_type="text/html")


def _framed(page: Page, nonce: str) -> str:
    links = "\n".join(f'<link rel="stylesheet" href="{name}" nonce="{nonce}">' for name in ("page.css", *page.styles))
    words = {
        "title": page.title,
        "doing": page.doing,
        "unit": page.unit,
        "without": page.without,
        "styles": links,
        "script": page.script,
        "nonce": nonce,
        "body": _read(page.body),
        "help": _read(page.help),
    }
    text = _read("shell.html")
    for name, value in words.items():
        text = text.replace(f"{{{{{name}}}}}", value)
    return text


async def _static(page: Page, request: Request) -> Response:
    from starlette.responses import Response

    name = request.path_params["name"]
    if name not in page.files:
        return answer({"error": "there is no such page"}, 404)
    return Response(_read(name), media_type=_KINDS[name[name.rindex(".") :]])


async def _body(request: Request) -> bytes | None:
    """The body; None where it is too large, without reading all of it."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_BODY:
            return None
    return body


def _read(name: str) -> str:
    home = "touchstone.report.page" if name in _OF_REPORTS else "touchstone.rating"
    return files(home).joinpath("static", name).read_text(encoding="utf-8")
