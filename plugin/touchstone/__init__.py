"""Evals as tests: a pytest plugin for people who build with language models.

What a project's own evals need. Each name is imported at its first use, so that importing the package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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
    "matches_schema",
    "scorer",
    "valid_tool_calls",
]


def __getattr__(name: str) -> Any:
    """Import what is asked for."""
    from importlib import import_module

    for module in ("errors", "records", "scorers", "checks", "judges") if name in __all__ else ():
        found = getattr(import_module(f"{__name__}.{module}"), name, None)
        if found is not None:
            return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
