"""Configs of promptfoo: `converting` puts together what `prompting`, `providers`, `cases` and `asserting` make."""

from __future__ import annotations

from pathlib import Path

from ..imported import Imported, put
from .converting import convert

__all__ = ["import_config"]


def import_config(
    config: Path, target: Path, shown: str, base: Path | None = None, model: str | None = None
) -> Imported:
    """Read it with the files that it names, convert it, and write it all or nothing. Raises UsageError.

    `base`: the folder below which those files lie; `model` stands in for providers that have no name here.
    """
    found = convert(config, base, model)
    put(found, target, shown)
    return found
