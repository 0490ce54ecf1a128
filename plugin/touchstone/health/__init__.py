"""How a project stands on this machine: what is here, what can run, what is damaged. Looks; changes and calls nothing.

No value of a variable is read further than whether it is set.
"""

from __future__ import annotations

from .declared import declared
from .finding import Finding
from .installed import installed
from .running import Counted, counted, judges, keys, run_configs
from .show import as_json, as_text
from .steps import steps
from .stores import stores

__all__ = [
    "Counted",
    "Finding",
    "as_json",
    "as_text",
    "counted",
    "declared",
    "installed",
    "judges",
    "keys",
    "run_configs",
    "steps",
    "stores",
]
