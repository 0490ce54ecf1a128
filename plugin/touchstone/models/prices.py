"""Prices: what a call of so many tokens costs. The run-config's own price, else LiteLLM's table; never a guess."""

from __future__ import annotations

from ..records import RunConfig
from . import LOCAL

FREE = (*LOCAL, "python/")
"""Models that run here: they cost no dollars."""


def price(config: RunConfig, tokens_in: int, tokens_out: int) -> float | None:
    """US dollars; None for a model whose price nobody gave."""
    if config.model.startswith(FREE):
        return 0.0
    if config.input_cost is not None and config.output_cost is not None:
        return (tokens_in * config.input_cost + tokens_out * config.output_cost) / 1e6
    return _listed(config.model, tokens_in, tokens_out)


def _listed(model: str, tokens_in: int, tokens_out: int) -> float | None:
    from .hosted import quiet_litellm

    litellm = quiet_litellm()
    try:
        cost_in, cost_out = litellm.cost_per_token(model=model, prompt_tokens=tokens_in, completion_tokens=tokens_out)
    except (litellm.NotFoundError, litellm.BadRequestError, ValueError):
        return None
    return float(cost_in + cost_out)
