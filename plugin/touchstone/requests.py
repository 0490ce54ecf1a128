"""From a run-config and its messages to a request. Pure: the same values give the same request, byte for byte."""

from __future__ import annotations

from typing import Any

from .records import Message, Request, RunConfig

_PLAIN = ("temperature", "top_p", "max_tokens", "seed", "thinking")


def build_request(config: RunConfig, identity: str, messages: tuple[Message, ...], epoch: int) -> Request:
    """The call that this run-config makes. `identity` names the model itself, never where it lies."""
    return Request(identity, messages, _reseeded(parameters(config), epoch), epoch)


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
