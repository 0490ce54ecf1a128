"""What goes along with a call: the variables that hold its keys, and where the project's modules lie. Keeps no key.

Keys go as an argument of each call, from process to process: not in Ray's `runtime_env`, nor when an actor is made,
for both are kept by the cluster's head and shown by its dashboard.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..models.keys import VARIABLES, provider_of
from ..records import RunConfig


@dataclass(frozen=True, slots=True)
class Home:
    """Where a project lies, and what of `sys.path` lies below it, as seen from its root."""

    root: str
    paths: tuple[str, ...]
    sent: bool
    """The project's files are sent along, and lie in the worker's own folder."""

    @classmethod
    def here(cls, root: Path, *, sent: bool) -> Home:
        """As this process has it now: after collection, when pytest has put the tests' folders on its path."""
        found = (Path(entry or ".").resolve() for entry in sys.path)
        top = root.resolve()
        below = dict.fromkeys(str(path.relative_to(top)) for path in found if path.is_relative_to(top))
        return cls(str(root), tuple(path for path in below if "site-packages" not in path), sent)

    def enter(self) -> Path:
        """In a worker: make the project's modules importable; returns its root. Raises FileNotFoundError."""
        root = Path.cwd() if self.sent else Path(self.root)
        if not root.is_dir():
            raise FileNotFoundError(self.root)
        entries = [str(root / path) for path in self.paths]
        sys.path[:0] = [entry for entry in entries if entry not in sys.path]
        return root


def variables(config: RunConfig) -> Mapping[str, str]:
    """The variables that a run-config's calls may need: the one that it names, and those of its provider."""
    known = VARIABLES.get(provider_of(config.model), ())
    starts = tuple(f"{name.partition('_')[0]}_" for name in known)
    named = {config.key_env} if config.key_env else set()
    return {name: value for name, value in os.environ.items() if name in named or (starts and name.startswith(starts))}
