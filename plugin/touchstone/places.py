"""Where a project keeps its files. Owns their names and settings; reads and writes none, and imports nothing heavy."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

PLACES: Mapping[str, tuple[str, str]] = {
    "touchstone_run_configs": ("evals/run_configs.yaml", "file of the run-configs"),
    "touchstone_prompts": ("evals/prompts", "folder of the prompt templates"),
    "touchstone_datasets": ("datasets", "folder of the datasets"),
    "touchstone_recordings": ("fixtures/recordings", "folder of the recorded model calls"),
    "touchstone_state": (".touchstone", "folder of the cache and the runs"),
    "touchstone_cache": ("", "a cache to share: a folder, or redis://HOST:PORT/DB (default: in touchstone_state)"),
}
"""Setting of pytest's configuration -> its default, and what it is; in the order of the fields below."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where a project keeps its files; all absolute."""

    root: Path
    run_configs: Path
    prompts: Path
    datasets: Path
    recordings: Path
    state: Path
    """`.touchstone/`: cache and runs; git-ignored, may be deleted at any time."""
    cache: str = field(default="", kw_only=True)
    """Where answers are kept instead of below `state`: an absolute folder, or a URL as it was written."""

    @property
    def judges(self) -> Path:
        """Prompt files of judges, and their certificates."""
        return self.run_configs.parent / "judges"

    @property
    def tools(self) -> Path:
        """Definitions of the tools that models may call."""
        return self.run_configs.parent / "tools"

    @property
    def baseline(self) -> Path:
        """The scores that the main branch stands on."""
        return self.run_configs.parent / "baseline.json"

    @property
    def sweeps(self) -> Path:
        """What is to be tuned, `<sweep>.yaml` each."""
        return self.root / "tuning" / "sweeps"

    @property
    def golden(self) -> Path:
        """Golden sets, `<eval>.jsonl` each."""
        return self.datasets / "golden"

    @property
    def outputs(self) -> Path:
        """What imported run-configs answered, `<run-config>.jsonl` each."""
        return self.datasets / "outputs"

    @property
    def ratings(self) -> Path:
        """People's ratings, `<eval>/<rater>.jsonl` each."""
        return self.datasets / "ratings"

    @classmethod
    def of(cls, root: Path, setting: Callable[[str], str]) -> Places:
        """As the project's configuration says: `setting` gives the value of a name in PLACES."""
        *paths, cache = (setting(name) for name in PLACES)
        return cls(root, *((root / path).resolve() for path in paths), cache=cache_at(cache, root))

    def shown(self, path: Path) -> str:
        """The path as errors show it: from the root where it lies below."""
        return os.path.relpath(path, self.root) if path.is_relative_to(self.root) else str(path)


def cache_at(where: str, folder: Path) -> str:
    """Where a cache lies, if `where` was written in that folder; what begins with a variable is left as it is."""
    return where if not where or "://" in where or where.startswith(("$", "~")) else str((folder / where).resolve())
