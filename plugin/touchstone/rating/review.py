"""The review page's answers, over one person's pile. Decides nothing about rows; opens no socket."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from .pile import LONGEST, Pile
from .sent import LONGEST_NOTE
from .shell import Page, answer, shell, taken

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

_PAGE = Page(
    title="Review",
    doing="Reviewing as",
    unit="decided",
    without="To see what was decided without it: touchstone synth review PLAN --list",
    body="review.html",
    help="review-help.html",
    script="review.js",
    styles=("review.css",),
    command="touchstone synth review",
)


def application(pile: Pile, token: str) -> Starlette:
    """The application for one person's pile, below `/<token>/`."""
    from starlette.routing import Route

    routes = [
        Route("/{token}/api/state", partial(_state, pile)),
        Route("/{token}/api/row/{id:path}", partial(_row, pile)),
        Route("/{token}/api/decide", partial(_decide, pile), methods=["POST"]),
    ]
    return shell(_PAGE, routes, token)


async def _state(pile: Pile, request: Request) -> Response:
    """Who reviews, and how far everybody is."""
    limits = {"longest": LONGEST, "longest_note": LONGEST_NOTE}
    return answer({"reviewer": pile.reviewer, "after": pile.after, **limits, "rows": pile.overview()})


async def _row(pile: Pile, request: Request) -> Response:
    row = pile.row(request.path_params["id"])
    unknown = {"error": "this row is not in the plan's data sets"}
    return answer(unknown, 404) if row is None else answer(pile.contents(row))


async def _decide(pile: Pile, request: Request) -> Response:
    """One decision."""
    return await taken(request, "a decision", pile.checked, pile.take)
