"""Hosted models through LiteLLM, by its own names. Owns how LiteLLM is kept quiet; imports it at the first call only.

LiteLLM costs seconds and 180 MB to import, so a run that replays everything never pays them. Its own retries, price
downloads, telemetry and prints are off.
"""

from __future__ import annotations

import asyncio
import functools
import importlib.util
import logging
import os
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..errors import CallError, CallFailed
from ..records import Request, Response, RunConfig
from .headers import allowances
from .keys import key_of, without_keys
from .wire import body_of, error_of, read_answer, today


@dataclass(frozen=True)
class Hosted:
    """One model of one provider."""

    config: RunConfig
    root: Path | None = None
    """The project's, where pictures and sounds lie."""

    @classmethod
    def of(cls, config: RunConfig, root: Path | None = None) -> Hosted:
        """As the run-config says."""
        return cls(config, root)

    async def complete(self, request: Request) -> Response:
        """The provider's answer. Raises CallFailed for what may pass, CallRefused for what would not."""
        litellm = await asyncio.to_thread(quiet_litellm)
        import openai

        body = await asyncio.to_thread(self._body, litellm, request)
        began = time.perf_counter()
        try:
            async with asyncio.timeout(self.config.timeout):  # LiteLLM's own is another thing with each provider
                answer = await litellm.acompletion(**body)
        except TimeoutError:
            raise CallFailed(f"no whole answer within {self.config.timeout:g} s") from None
        except openai.OpenAIError as error:  # the base of every error of LiteLLM's
            raise _error(error) from None  # its chain may hold headers, and so keys
        return self._response(answer, time.perf_counter() - began)

    async def aclose(self) -> None:
        """Nothing of ours is open: LiteLLM keeps its own connections."""

    def _body(self, litellm: Any, request: Request) -> dict[str, Any]:
        """The call's arguments. A seed is dropped where a provider has none; other lacking parameters are errors."""
        thinking = effort(litellm, self.config.model, request.params.get("thinking"))
        where = {"api_key": key_of(self.config), "api_base": self.config.base_url}
        return {
            "model": self.config.model,
            **body_of(request, self.root),
            **thinking,
            **{name: value for name, value in where.items() if value},
            "num_retries": 0,
            "max_retries": 0,
            "timeout": self.config.timeout,
            "additional_drop_params": _dropped(litellm, self.config.model),
            **(_without_gateway() if "tools" in request.params else {}),
        }

    def _response(self, answer: Any, latency: float) -> Response:
        made = {"runtime": f"litellm {_version()}", "date": today()}
        try:
            response = read_answer(answer.model_dump(warnings=False), latency, made, self.config)
        except CallError as error:
            error.args = (without_keys(str(error)),)
            raise
        response = replace(response, allowances=allowances(_headers(answer)))
        if response.cost is not None or self.config.input_cost is not None or self.config.output_cost is not None:
            return response
        return replace(response, cost=_price(answer))


def effort(litellm: Any, model: str, thinking: bool | str | None) -> dict[str, str]:
    """LiteLLM's way to ask for thinking, or none; nothing for a model that cannot think anyway and need not."""
    if thinking is None or (thinking is False and not litellm.supports_reasoning(model)):
        return {}
    return {"reasoning_effort": str({True: "medium", False: "none"}.get(thinking, thinking))}  # type: ignore[arg-type]


def _without_gateway() -> dict[str, bool]:
    """Keeps LiteLLM from looking among tools for those of its MCP gateway: to look, it imports a package it lacks.

    A version that has no such gateway knows no such word, and would send it to the provider.
    """
    there = importlib.util.find_spec("litellm.responses.mcp.chat_completions_handler")
    return {"_skip_mcp_handler": True} if there else {}


def _dropped(litellm: Any, model: str) -> list[str]:
    try:
        known = litellm.get_supported_openai_params(model)
    except ValueError:  # a provider it does not know: the call itself will say so better
        known = None
    return ["seed"] if known and "seed" not in known else []


def _headers(answer: Any) -> dict[str, str]:
    """The provider's own headers, as LiteLLM hands them on."""
    hidden: Mapping[str, Any] = getattr(answer, "_hidden_params", None) or {}
    given = hidden.get("additional_headers") or {}
    return {str(name).lower().removeprefix("llm_provider-"): str(text) for name, text in given.items()}


def _price(answer: Any) -> float | None:
    """US dollars by LiteLLM's table; None for a model that is not in it, which is not free but unknown."""
    hidden: Mapping[str, Any] = getattr(answer, "_hidden_params", None) or {}
    cost = hidden.get("response_cost")
    return float(cost) if isinstance(cost, int | float) and cost > 0 else None


def _error(error: Exception) -> CallError:
    headers = {str(k).lower(): str(v) for k, v in (getattr(error, "litellm_response_headers", None) or {}).items()}
    words = without_keys(str(error)).removeprefix("litellm.")
    body = getattr(error, "body", None)
    detail = {"message": words, "code": body.get("code") if isinstance(body, Mapping) else None}
    return error_of(int(getattr(error, "status_code", None) or 500), {"error": detail}, headers)


@functools.cache
def quiet_litellm() -> Any:
    """LiteLLM, imported without network, without reading a .env file, and silenced."""
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    os.environ.setdefault("LITELLM_MODE", "PRODUCTION")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import litellm

        litellm.suppress_debug_info = True
        litellm.telemetry = False
        logging.getLogger("LiteLLM").setLevel(logging.CRITICAL)
        _warm_up(litellm)
    return litellm


def _warm_up(litellm: Any) -> None:
    """One answer made up by LiteLLM itself, sent nowhere and thrown away: it builds its types at the first answer, and
    that warns, which under `pytest -W error` would break the call.
    """
    litellm.completion(model="openai/gpt-4.1", messages=[{"role": "user", "content": ""}], mock_response="-")


def _version() -> str:
    from importlib.metadata import version

    return version("litellm")
