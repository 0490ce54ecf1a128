"""The folder of one run on this machine: its order, its losses, how it ended. Owns those files; trains nothing."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from touchstone.errors import UsageError
from touchstone.wholefile import replace_file

from ..provider import Loss
from .settings import Settings
from .shape import Shape


class Work(BaseModel):
    """What is to be trained, as the process that trains reads it."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    tag: str
    base: str
    settings: Settings
    train: str
    """Path of prompt-completion lines (`hf-completion`)."""
    validation: str | None = None
    root: str
    """Of the project."""
    name: str = ""
    """What the run is called where its losses go besides: the job's name."""
    project: str = "touchstone"
    """What such runs are kept under: the sweep's name."""


class End(BaseModel):
    """How a run ended."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    ok: bool
    why: str = ""
    tokens: int = 0
    """Seen, over all epochs, those of prompts included."""
    seconds: float = 0.0
    """Of training, over all sessions."""
    examples: int = 0
    shape: Shape | None = None
    """Of the base."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Names of what lies in the folder."""

    folder: Path

    @property
    def order(self) -> Path:
        """`Work`."""
        return self.folder / "order.json"

    @property
    def losses(self) -> Path:
        """One JSON object a line, appended as they are measured."""
        return self.folder / "losses.jsonl"

    @property
    def end(self) -> Path:
        """`End`; not there while it can go on."""
        return self.folder / "end.json"

    @property
    def cancelled(self) -> Path:
        """There where somebody cancelled it."""
        return self.folder / "cancelled"

    @property
    def log(self) -> Path:
        """What the training process printed."""
        return self.folder / "log.txt"

    @property
    def checkpoints(self) -> Path:
        """transformers' own."""
        return self.folder / "checkpoints"

    @property
    def adapter(self) -> Path:
        """The adapter, as llama.cpp loads it: of a llama only."""
        return self.folder / "adapter.gguf"

    @property
    def peft(self) -> Path:
        """The adapter, as peft and others load it: a folder."""
        return self.folder / "adapter"

    def write(self, path: Path, data: BaseModel) -> None:
        """As readable JSON, whole or not at all."""
        replace_file(path, data.model_dump_json(indent=1).encode("utf-8") + b"\n")

    def work(self) -> Work:
        """The order. Raises UsageError where there is none."""
        if not self.order.is_file():
            raise UsageError("holds no order of a training run", where=str(self.folder))
        return Work.model_validate_json(self.order.read_bytes())

    def ended(self) -> End | None:
        """How it ended; None while it can go on."""
        return End.model_validate_json(self.end.read_bytes()) if self.end.is_file() else None

    def told(self) -> list[dict[str, Any]]:
        """What was written of its steps; a line that a crash tore is left out."""
        if not self.losses.is_file():
            return []
        return [found for line in self.losses.read_text("utf-8").splitlines() if (found := _parsed(line))]

    def last_checkpoint(self) -> Path | None:
        """The newest that is whole: its state is written last, so that one without was cut off."""
        whole = [path.parent for path in self.checkpoints.glob("checkpoint-*/trainer_state.json")]
        return max(whole, key=lambda path: int(path.name.rpartition("-")[2]), default=None)

    def tokens_at(self, checkpoint: Path | None) -> int:
        """Trained on up to a checkpoint, as far as it was told."""
        step = int(checkpoint.name.rpartition("-")[2]) if checkpoint else 0
        return int(max((one.get("tokens", 0) for one in self.told() if one["step"] <= step), default=0))

    def measured(self) -> tuple[Loss, ...]:
        """Losses by step; of a step that was done twice, the last."""
        found: dict[int, Loss] = {}
        for one in self.told():
            step = int(one["step"])
            old = found.get(step, Loss(step))
            found[step] = Loss(step, one.get("train", old.train), one.get("validation", old.validation))
        return tuple(found[step] for step in sorted(found))

    @contextmanager
    def hold(self) -> Iterator[bool]:
        """Be the one process that trains here; false where another is. The system frees it when its holder dies."""
        self.folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.folder / "held", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            yield False
            return
        try:
            yield True
        finally:
            os.close(handle)

    def held(self) -> bool:
        """Whether a process trains here now."""
        with self.hold() as mine:
            return not mine


def _parsed(line: str) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) and isinstance(found.get("step"), int) else None
