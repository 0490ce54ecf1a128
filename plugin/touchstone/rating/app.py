"""The rating page's answers, over one rater's desk. Decides nothing about ratings; opens no socket."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from ..errors import TouchstoneError
from ..labels import Item
from ..ratings import labels_of
from .desk import Desk
from .sent import LONGEST_NOTE
from .shell import LARGEST_BODY, Page, answer, shell, taken

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

__all__ = ["LARGEST_BODY", "Evidence", "application"]
Evidence: TypeAlias = Callable[[Item], Awaitable[Mapping[str, object] | None]]
"""What execution saw of an item: name -> a value, or a mapping with `value` and `why`. None where it saw nothing."""

_PAGE = Page(
    title="Rating",
    doing="Rating as",
    unit="rated",
    without="To rate without it: touchstone rate EVAL --csv FILE",
    body="page.html",
    help="help.html",
    script="page.js",
)


def application(desk: Desk, evidence: Evidence | None, token: str) -> Starlette:
    """The application for one rater's desk, below `/<token>/`."""
    from starlette.routing import Route

    routes = [
        Route("/{token}/api/state", partial(_state, desk, evidence is not None)),
        Route("/{token}/api/item/{key:path}", partial(_item, desk)),
        Route("/{token}/api/evidence/{key:path}", partial(_evidence, desk, evidence)),
        Route("/{token}/api/rate", partial(_rate, desk), methods=["POST"]),
    ]
    return shell(_PAGE, routes, token)


async def _state(desk: Desk, has_evidence: bool, request: Request) -> Response:
    """Who rates, on which scale, and how far they are."""
    state = {"rater": desk.rater, "scale": desk.scale, "labels": list(labels_of(desk.scale)), "evidence": has_evidence}
    return answer({**state, "longest_note": LONGEST_NOTE, "items": desk.overview()})


async def _item(desk: Desk, request: Request) -> Response:
    item = desk.item(request.path_params["key"])
    return _unknown() if item is None else answer(desk.contents(item))


async def _evidence(desk: Desk, evidence: Evidence | None, request: Request) -> Response:
    """What execution saw: after the rating, or for one who asks to peek, which their rating then says."""
    item = desk.item(request.path_params["key"])
    if item is None:
        return _unknown()
    if evidence is None:
        return answer({"evidence": None})
    if not desk.may_look(item, peek=request.query_params.get("peek") == "1"):
        return answer({"error": "the evidence is shown after the rating"}, 403)
    desk.looked.add(item.key)
    try:
        return answer({"evidence": await evidence(item)})
    except TouchstoneError as error:
        return answer({"error": str(error)}, 502)


async def _rate(desk: Desk, request: Request) -> Response:
    """One rating."""
    return await taken(request, "a rating", desk.checked, desk.rate)


def _unknown() -> Response:
    return answer({"error": "this output is not in the golden set"}, 404)
