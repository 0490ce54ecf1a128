"""The tokens of a call: more than it can take, and what it will likely take. Sends nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ..records import Message, Request

if TYPE_CHECKING:
    from ..records import RunConfig

FRAME = 16
"""Tokens that a chat template may put around a message."""
PICTURE = 50_000
"""Tokens of a picture at most; gpt-4o-mini counts up to 48,169 for one."""
SOUND = 16
"""Bytes of a sound for a token, or more: Gemini counts 32 tokens a second, which are 1,000 bytes of an MP3 or more."""
USUAL_PICTURE = 1_000
"""Tokens assumed of a picture or a sound."""
CHARACTERS_PER_TOKEN = 4
"""A rule of thumb for English and code; good to about a quarter."""
USUAL_ANSWER = 500
"""Tokens assumed of an answer where nothing bounds it."""


def most_input(request: Request) -> int:
    """Tokens of the request at most: every token of text stands for one byte or more."""
    beside = sum(len(json.dumps(request.params.get(name) or "")) for name in ("schema", "extra"))
    beside += len(json.dumps(request.params["tools"])) if "tools" in request.params else 0
    return beside + sum(_most(message) for message in request.messages)


def _most(message: Message) -> int:
    media = sum(PICTURE if one.type == "image" else one.size // SOUND for one in message.media)
    return len(message.shown.encode("utf-8", "replace")) + FRAME * (1 + len(message.tool_calls)) + media


def most_output(request: Request, config: RunConfig) -> int | None:
    """Tokens of the answer at most; None where nothing bounds it."""
    asked = request.params.get("max_tokens")
    return int(asked) if asked else _listed(config.model)


def likely_tokens(request: Request) -> float:
    """About what a provider counts against its limit for the call."""
    said = sum(len(m.shown) for m in request.messages) / CHARACTERS_PER_TOKEN
    said += sum(USUAL_PICTURE for m in request.messages for _ in m.media)
    return said + float(request.params.get("max_tokens") or USUAL_ANSWER)


def _listed(model: str) -> int | None:
    """The longest answer of a model, by LiteLLM's table; None for a model that is not in it."""
    from ..models import LOCAL

    if model.startswith((*LOCAL, "python/", "openai-compatible/")):
        return None
    from ..models.hosted import quiet_litellm

    try:
        most = quiet_litellm().get_model_info(model).get("max_output_tokens")
    except Exception:  # noqa: BLE001  (LiteLLM raises a bare Exception for a model that it does not know)
        return None
    return int(most) if most else None
