"""What the touchstone that is measured can do: a benchmark of what is not there yet says so, and does not fail."""

from __future__ import annotations

import subprocess
from dataclasses import fields
from functools import cache

from . import measure


def lacks_option(name: str) -> str | None:
    """Why a benchmark of this option is left out; None where pytest has it."""
    return None if f"  {name}" in _help() else f"there is no `{name}` yet"


def lacks_key(name: str) -> str | None:
    """The same of a key of run-configs."""
    from touchstone.records import RunConfig

    return None if name in RunConfig.model_fields else f"run-configs have no `{name}` yet"


def lacks_attempts() -> str | None:
    """The same of the attempts of a call, in its record."""
    from touchstone.records import Response

    known = any(field.name == "attempts" for field in fields(Response))
    return None if known else "a record does not tell its attempts yet"


@cache
def _help() -> str:
    command = (*measure.PYTEST, "--help")
    return subprocess.run(command, cwd=measure.ROOT, capture_output=True, text=True, check=True).stdout
