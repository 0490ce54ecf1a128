"""Evals as tests: a pytest plugin for people who build with language models.

What a project's own evals need, and the steps of an eval from a script or a notebook. Each name is imported at its
first use, so that importing the package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api import compare, load, run, score
    from .checks import calls_tools, matches_schema, valid_tool_calls
    from .errors import CallError, CallFailed, CallRefused, ScorerError, ToolError, TouchstoneError, UsageError
    from .judges import Judge
    from .records import Message, Request, Response, Row, RunConfig, Sample, Score, ToolCall
    from .scorers import scorer

__all__ = [
    "CallError",
    "CallFailed",
    "CallRefused",
    "Judge",
    "Message",
    "Request",
    "Response",
    "Row",
    "RunConfig",
    "Sample",
    "Score",
    "ScorerError",
    "ToolCall",
    "ToolError",
    "TouchstoneError",
    "UsageError",
    "calls_tools",
    "compare",
    "load",
    "matches_schema",
    "run",
    "score",
    "scorer",
    "valid_tool_calls",
]
_STEPS = ("compare", "load", "run", "score")


def __getattr__(name: str) -> Any:
    """Import what is asked for."""
    from importlib import import_module

    modules = ("api",) if name in _STEPS else ("errors", "records", "scorers", "checks", "judges")
    for module in modules if name in __all__ else ():
        found = getattr(import_module(f"{__name__}.{module}"), name, None)
        if found is not None:
            return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
