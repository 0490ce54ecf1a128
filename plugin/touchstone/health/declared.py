"""What the project itself says of its health: a function that it names in the setting `touchstone_doctor`.

`module:function`, without arguments, gives mappings: `name`, `state` (ok, absent, broken), and `says` and `then` where
there is more to say.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, get_args

from ..fingerprint import reach
from .finding import Finding, State

_SECTION = "project"
_WORDS = {"name", "state", "says", "then"}


def declared(setting: str, root: Path) -> list[Finding]:
    """What that function found; nothing where none is named."""
    return [_finding(one) for one in _asked(setting.strip(), root)] if setting.strip() else []


def _asked(setting: str, root: Path) -> Iterable[Any]:
    module, _, name = setting.partition(":")
    reach(root)
    try:
        return list(getattr(importlib.import_module(module), name)())
    except (Exception, SystemExit) as error:  # noqa: BLE001  (whatever a project's own code raises is what is wrong with it)
        return [_wrong(setting, f"{type(error).__name__}: {error}")]


def _wrong(name: str, says: str) -> Mapping[str, Any]:
    return {"name": name, "state": "broken", "says": says}


def _finding(one: Any) -> Finding:
    if not isinstance(one, Mapping) or not set(one) <= _WORDS or one.get("state") not in get_args(State):
        one = _wrong("touchstone_doctor", f"gave {one!r:.100}; wanted name, state (ok, absent, broken), says, then")
    return Finding(_SECTION, str(one.get("name", "")), one["state"], str(one.get("says", "")), str(one.get("then", "")))
