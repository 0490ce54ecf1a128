"""A user's own function as a model: `python/module:function`. Owns finding and calling it.

So a whole application is evaluated, not only a prompt: the function is given the `Request` and returns the answer's
text, or a `Response` with tokens and cost. It may be async; a sync one runs in a thread.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from ..errors import CallFailed, CallRefused, TouchstoneError, UsageError
from ..fingerprint import fingerprint, reach
from ..records import Request, Response, RunConfig, calls_text
from .wire import printable, today

_HINT = "write it as python/package.module:function, importable from the project's root"


def sources(config: RunConfig, root: Path) -> str:
    """SHA-256 (hex) of the function's package: its identity, so that no answer outlives the code that gave it.

    Raises UsageError for a module that is not there.
    """
    reach(root)
    name = config.model.removeprefix("python/")
    found = fingerprint(name.partition(":")[0])
    if not found:
        raise UsageError(f"cannot find the function of model 'python/{name}': no such module", hint=_HINT)
    return found


@dataclass(frozen=True)
class Function:
    """The function of one run-config, imported at its first call."""

    name: str
    """`module:function`."""
    root: Path

    @classmethod
    def of(cls, config: RunConfig, root: Path) -> Function:
        """As the run-config says."""
        return cls(config.model.removeprefix("python/"), root)

    async def complete(self, request: Request) -> Response:
        """What the function answers. What it raises is a refused call; time-outs and lost connections, a failed one."""
        began = time.perf_counter()
        try:
            answer = await self._call(request)
        except TouchstoneError:
            raise
        except (TimeoutError, ConnectionError) as error:
            raise CallFailed(f"{self.name}: {type(error).__name__}: {error}") from error
        except Exception as error:  # whatever the user's code raises is this call's error
            raise CallRefused(f"{self.name} raised {type(error).__name__}: {error}") from error
        return self._response(answer, time.perf_counter() - began)

    async def aclose(self) -> None:
        """Nothing to close."""

    async def _call(self, request: Request) -> Any:
        if inspect.iscoroutinefunction(self._function):
            return await self._function(request)
        answer = await asyncio.to_thread(self._function, request)
        return await answer if inspect.isawaitable(answer) else answer

    def _response(self, answer: object, latency: float) -> Response:
        made = {"runtime": f"python/{self.name}", "date": today()}
        if isinstance(answer, str):
            return Response(printable(answer), latency=latency, made=made)
        if not isinstance(answer, Response):
            raise CallRefused(f"{self.name} returned {type(answer).__name__}; wanted the answer's text, or a Response")
        text = answer.text or calls_text(answer.tool_calls)
        finish = "tool_calls" if answer.tool_calls and answer.finish == "stop" else answer.finish
        told = {**made, **answer.made}
        return replace(answer, text=text, finish=finish, latency=answer.latency or latency, made=told, source="live")

    @cached_property
    def _function(self) -> Callable[[Request], Any]:
        """The function itself, looked for from the project's root. Raises UsageError."""
        module, _, name = self.name.partition(":")
        reach(self.root)
        try:
            found = getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError, ValueError) as error:
            raise UsageError(f"cannot find the function of model 'python/{self.name}': {error}", hint=_HINT) from error
        if not callable(found):
            raise UsageError(f"model 'python/{self.name}' names no function, but {type(found).__name__}")
        function: Callable[[Request], Any] = found
        return function
