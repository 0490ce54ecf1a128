"""The pages and their answers, over one rater's desk. Decides nothing about ratings; opens no socket."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from importlib.resources import files
from typing import TYPE_CHECKING, Any, TypeAlias

from ..errors import TouchstoneError, UsageError
from ..labels import Item
from ..ratings import labels_of
from .desk import LONGEST_NOTE, Desk, Sent
from .guard import Guard

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

Evidence: TypeAlias = Callable[[Item], Awaitable[Mapping[str, object] | None]]
"""What execution saw of an item: name -> a value, or a mapping with `value` and `why`. None where it saw nothing."""

LARGEST_BODY = 64 * 1024
_STATIC = {"page.css": "text/css", "page.js": "text/javascript", "icon.svg": "image/svg+xml"}


def application(desk: Desk, evidence: Evidence | None, token: str) -> Starlette:
    """The application for one rater's desk, below `/<token>/`."""
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.routing import Route

    routes = [
        Route("/{token}/", _html),
        Route("/{token}/api/state", partial(_state, desk, evidence is not None)),
        Route("/{token}/api/item/{key:path}", partial(_item, desk)),
        Route("/{token}/api/evidence/{key:path}", partial(_evidence, desk, evidence)),
        Route("/{token}/api/rate", partial(_rate, desk), methods=["POST"]),
        Route("/{token}/{name}", _static),
    ]
    return Starlette(routes=routes, middleware=[Middleware(Guard, token=token)])


async def _html(request: Request) -> Response:
    """The page; what it shows, it asks for itself."""
    from starlette.responses import Response

    text = _read("page.html").replace("{{nonce}}", request.state.nonce)
    return Response(text, media_type="text/html")


async def _static(request: Request) -> Response:
    from starlette.responses import Response

    name = request.path_params["name"]
    if name not in _STATIC:
        return _json({"error": "there is no such page"}, 404)
    return Response(_read(name), media_type=_STATIC[name])


async def _state(desk: Desk, has_evidence: bool, request: Request) -> Response:
    """Who rates, on which scale, and how far they are."""
    state = {"rater": desk.rater, "scale": desk.scale, "labels": list(labels_of(desk.scale)), "evidence": has_evidence}
    return _json({**state, "longest_note": LONGEST_NOTE, "items": desk.overview()})


async def _item(desk: Desk, request: Request) -> Response:
    item = desk.item(request.path_params["key"])
    return _json({"error": "this output is not in the golden set"}, 404) if item is None else _json(desk.contents(item))


async def _evidence(desk: Desk, evidence: Evidence | None, request: Request) -> Response:
    """What execution saw: after the rating, or for one who asks to peek, which their rating then says."""
    item = desk.item(request.path_params["key"])
    if item is None:
        return _json({"error": "this output is not in the golden set"}, 404)
    if evidence is None:
        return _json({"evidence": None})
    if not desk.may_look(item, peek=request.query_params.get("peek") == "1"):
        return _json({"error": "the evidence is shown after the rating"}, 403)
    desk.looked.add(item.key)
    try:
        return _json({"evidence": await evidence(item)})
    except TouchstoneError as error:
        return _json({"error": str(error)}, 502)


async def _rate(desk: Desk, request: Request) -> Response:
    """One rating, on disk before the answer."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        return _json({"error": "a rating is sent as application/json"}, 415)
    body = await _body(request)
    if body is None:
        return _json({"error": f"a rating is at most {LARGEST_BODY} bytes"}, 413)
    try:
        sent = desk.checked(json.loads(body))
    except UsageError as error:
        return _json({"error": str(error)}, 400)
    except (ValueError, RecursionError):
        return _json({"error": "the body is no JSON"}, 400)
    return _kept(desk, sent)


def _kept(desk: Desk, sent: Sent) -> Response:
    """A disk that is full may not be so for long: the page tries again."""
    try:
        return _json(desk.rate(sent))
    except UsageError as error:
        return _json({"error": str(error)}, 503)


async def _body(request: Request) -> bytes | None:
    """The body; None where it is too large, without reading all of it."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_BODY:
            return None
    return body


def _json(data: Mapping[str, Any], status: int = 200) -> Response:
    """ASCII, so that text which is no Unicode (lone surrogates) arrives as it is."""
    from starlette.responses import Response

    return Response(json.dumps(data, default=str), status, media_type="application/json")


def _read(name: str) -> str:
    return files("touchstone.rating").joinpath("static", name).read_text(encoding="utf-8")
