"""A way: where the calls of a batch go, and what they cost there. Owns which models can be batched; sends nothing."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from ..models.keys import provider_of
from ..models.prices import price
from ..models.wire import body_of, with_template_thinking
from ..records import Request, RunConfig, Usage

HALF = 0.5
"""What a call costs in a batch, against its usual price."""
ENDPOINT: Final = "/v1/chat/completions"
COMPATIBLE = "openai-compatible/"
_REASONING = ("o1", "o3", "o4", "gpt-5")
"""Models that take their bound as `max_completion_tokens` alone, as LiteLLM has it."""


class Way(BaseModel):
    """One model at one provider, at one price: what the calls of a batch have in common."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    base_url: str | None = None
    """As the run-config has it: variables in it are replaced when it is used, for they may be secret."""
    key_env: str | None = None
    """The name of the variable that holds the key."""
    input_cost: float | None = None
    output_cost: float | None = None

    @property
    def compatible(self) -> bool:
        """Not OpenAI's own, but a server that speaks like it."""
        return self.model.startswith(COMPATIBLE)

    @property
    def config(self) -> RunConfig:
        """A run-config that goes this way, its address ready for use."""
        told = self.model_dump() | {"base_url": os.path.expandvars(self.base_url) if self.base_url else None}
        return RunConfig(name="batch", prompt="batch", **told)

    def body(self, request: Request, root: Path | None = None) -> dict[str, Any]:
        """What a live call would send. `root` is the project's."""
        thinking = request.params.get("thinking")
        if self.compatible:
            return with_template_thinking(
                {"model": self.model.removeprefix(COMPATIBLE), **body_of(request, root)}, thinking
            )
        name = self.model.removeprefix("openai/")
        body = {"model": name, **body_of(request, root), **_effort(self.model, thinking)}
        if "max_tokens" in body and name.startswith(_REASONING):
            body["max_completion_tokens"] = body.pop("max_tokens")
        return body

    def cost(self, usage: Usage) -> float | None:
        """US dollars of an answer in a batch; None where a count or the price is not known."""
        if usage.input_tokens is None or usage.output_tokens is None:
            return None
        if self.compatible and (self.input_cost is None or self.output_cost is None):
            return None
        usual = price(self.config, usage.input_tokens, usage.output_tokens)
        return None if usual is None else usual * HALF


def way_of(config: RunConfig) -> Way | None:
    """The way of a run-config's calls; None where they cannot be batched."""
    if provider_of(config.model) == "openai" or (config.model.startswith(COMPATIBLE) and config.base_url):
        return Way(**{name: getattr(config, name) for name in Way.model_fields})
    return None


def _effort(model: str, thinking: bool | str | None) -> Mapping[str, Any]:
    if thinking is None:
        return {}
    from ..models.hosted import effort, quiet_litellm

    return effort(quiet_litellm(), model, thinking)
