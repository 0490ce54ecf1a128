"""What lies below an adapter in a run-config: weights that the embedded runtime loads. Owns the check that they fit."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from touchstone.errors import UsageError
from touchstone.models.weights import MEMO, SMOLLM2, find, not_found, sha256_of
from touchstone.places import Places
from touchstone.records import RunConfig

from .data.gguf import metadata
from .local.bases import find_base, shown, weights_of
from .local.desk import Desk
from .local.settings import Settings
from .local.shape import Shape, differences, of_gguf
from .sweep import Job

RANKS = (8, 16, 32, 64, 128, 256, 320, 512)
"""What vLLM takes as `--max-lora-rank`."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A run-config to be made of a job of this machine."""

    sweep: str
    job: Job
    name: str
    weights: str | None = None
    """As `--weights` says: a GGUF file, from the project's root, or `hf:owner/repo/file`."""


def weights_below(wanted: Wanted, desk: Desk, places: Places) -> dict[str, str]:
    """The keys `model`, `weights` and `sha256`. Raises UsageError where there are none, or others than the base's."""
    base = wanted.job.base
    own = weights_of(base, places.root)
    if own is None and base != SMOLLM2:
        return _given(wanted, desk, places)
    if wanted.weights is not None:
        raise UsageError(f"{shown(base)} is what the adapter is laid over", where="--weights", hint="leave it out")
    return {"model": base} if own is None else _named(own, base, places)


def _given(wanted: Wanted, desk: Desk, places: Places) -> dict[str, str]:
    """Of `--weights`, for a base that the embedded runtime cannot load as it is."""
    base, end = shown(wanted.job.base), desk.ended()
    if end is not None and end.ok and not desk.adapter.is_file() and desk.peft.is_dir():
        raise UsageError(
            f"{base} is no llama: the embedded runtime cannot serve it", hint=_elsewhere(wanted, desk, places)
        )
    if wanted.weights is None:
        command = f"touchstone tune register {wanted.sweep} {wanted.job.name} --as {wanted.name} --weights FILE.gguf"
        hint = (
            f"name the same model as GGUF, quantized or not (llama.cpp's convert_hf_to_gguf.py makes one):\n  {command}"
        )
        raise UsageError(f"{base} is no GGUF file, and the embedded runtime lays adapters over those", hint=hint)
    file = _file(wanted.weights, wanted.name, places)
    _fits(file, end.shape if end else None, base)
    return _named(file, _from_root(wanted.weights, places), places)


def _named(file: Path, weights: str, places: Places) -> dict[str, str]:
    return {
        "model": f"gguf/{file.stem.lower()}",
        "weights": weights,
        "sha256": sha256_of(file, places.root / MEMO),
    }


def _file(weights: str, name: str, places: Places) -> Path:
    config = RunConfig(name=name, model="gguf/x", prompt="x", weights=weights)
    try:
        file = find(config, places.root)
    except (OSError, ValueError):  # a name that no file can have
        file = None
    if file is None:
        hint = "a path from the project's root, or hf:OWNER/REPOSITORY/FILE.gguf that was downloaded before"
        raise UsageError(shown(not_found(config)), where="--weights", hint=hint)
    return file


def _fits(file: Path, base: Shape | None, name: str) -> None:
    """Raises UsageError for weights of another shape."""
    if base is None:
        hint = "submit it again: what it says of its base was not kept"
        raise UsageError(f"nothing is known here of the shape of {name}", hint=hint)
    found = list(differences(base, of_gguf(metadata(file))))
    if found:
        hint = f"give it {name} itself, made a GGUF file"
        raise UsageError(f"{file.name} is not {name}: {'; '.join(found)}", where="--weights", hint=hint)


def _from_root(weights: str, places: Places) -> str:
    """A path below the project as it is from there, so that the run-config means the same in another checkout."""
    path = Path(weights)
    inside = path.is_absolute() and path.is_relative_to(places.root)
    return path.relative_to(places.root).as_posix() if inside else weights


def _elsewhere(wanted: Wanted, desk: Desk, places: Places) -> str:
    """What to type to serve peft's own format by vLLM, and to reach it."""
    rank = Settings.model_validate(dict(wanted.job.parameters)).rank
    most = next(one for one in RANKS if one >= rank)
    lora = f"{wanted.name}={places.shown(desk.peft)}"
    base = find_base(wanted.job.base, places.root).place
    command = ["vllm", "serve", base, "--enable-lora", "--max-lora-rank", str(most), "--lora-modules", lora]
    told = f"model: openai-compatible/{wanted.name}, prompt: {wanted.job.prompt}"
    return (
        f"serve it behind an OpenAI-compatible URL, as with vLLM where that is installed:\n  {shlex.join(command)}\n"
        f"  and add to {places.shown(places.run_configs)}:\n"
        f'  - {{name: {wanted.name}, {told}, base_url: "http://127.0.0.1:8000/v1"}}'
    )
