"""From a run-config and its messages to a request. Pure: the same values give the same request, byte for byte."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .records import Message, Request, RunConfig

_FREE = ("auto", "none")
"""Choices that force no call."""
_PLAIN = ("temperature", "top_p", "max_tokens", "seed", "thinking")


def build_request(
    config: RunConfig,
    identity: str,
    messages: tuple[Message, ...],
    epoch: int,
    tools: Sequence[Mapping[str, Any]] = (),
) -> Request:
    """The call that this run-config makes. `identity` names the model itself, never where it lies."""
    params = {**parameters(config), **_tooled(config, tools, messages)}
    return Request(identity, messages, _reseeded(params, epoch), epoch)


def _tooled(config: RunConfig, tools: Sequence[Mapping[str, Any]], messages: tuple[Message, ...]) -> Mapping[str, Any]:
    """The tools, as OpenAI has them. A call that is forced is forced once: after a tool's answer the model is free."""
    if not tools:
        return {}
    choice = config.tool_choice
    if choice is None or (choice not in _FREE and messages and messages[-1].role == "tool"):
        return {"tools": list(tools)}
    named = {"type": "function", "function": {"name": choice}}
    return {"tools": list(tools), "tool_choice": choice if choice in (*_FREE, "required") else named}


def _reseeded(params: dict[str, Any], epoch: int) -> dict[str, Any]:
    """A repeat has a seed of its own: under the same one it would only say the same again."""
    return {**params, "seed": params["seed"] + epoch - 1} if "seed" in params else params


def parameters(config: RunConfig) -> dict[str, Any]:
    """Only what the run-config sets: what is left out is the provider's default."""
    params = {name: value for name in _PLAIN if (value := getattr(config, name)) is not None}
    if config.stop:
        params["stop"] = list(config.stop)
    if config.output != "text":
        params["schema"] = config.output
    return {**params, **({"extra": config.extra} if config.extra else {})}
