"""trl's trainer with a loss of our own, and the diary of a run. Owns what happens at each step; begins no run."""

from __future__ import annotations

import json
import time
from typing import Any

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from trl import SFTTrainer

from .desk import Desk

IGNORED = -100
"""The label of what is not learnt: transformers'."""


class Diary(TrainerCallback):  # type: ignore[misc]  # typed too loosely: see pyproject.toml
    """Writes each measured loss down at once, and stops where it is told to."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.stop = desk, False
        self.before = max((one.get("seconds", 0.0) for one in desk.told()), default=0.0)
        self.began = time.monotonic()

    @property
    def seconds(self) -> float:
        """Of training, over all sessions."""
        return self.before + time.monotonic() - self.began

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **_: Any,
    ) -> None:
        """A line for what trl measured at this step."""
        names = {"loss": "train", "eval_loss": "validation", "learning_rate": "learning_rate", "num_tokens": "tokens"}
        found = {name: logs[theirs] for theirs, name in names.items() if logs and theirs in logs}
        if found:
            line = {"step": state.global_step, "steps": state.max_steps, **found, "seconds": round(self.seconds, 1)}
            with self.desk.losses.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> TrainerControl:
        """Stop behind a checkpoint, where somebody asked to."""
        if self.stop or self.desk.cancelled.exists():
            control.should_training_stop = control.should_save = True
        return control


class Whole(SFTTrainer):  # type: ignore[misc]  # as above
    """trl's, with its own loss: for what is built otherwise than a llama."""

    @property
    def seen(self) -> int:
        """Tokens that were trained on, prompts included: trl counts them, but from 0 where a run goes on."""
        return int(self._total_train_tokens)

    @seen.setter
    def seen(self, tokens: int) -> None:
        self._total_train_tokens = tokens


class Trainer(SFTTrainer):  # type: ignore[misc]  # as above
    """trl's, but for the loss: only where something is learnt are the chances of all 49,152 next tokens computed.

    Those of prompts and padding are of no use, and on a CPU they take as long as the blocks of a small model.
    """

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Mean cross entropy of the completions' tokens, over the whole step where it is told how many they are."""
        llama = model.get_base_model()
        known = {name: inputs[name] for name in ("input_ids", "attention_mask", "position_ids") if name in inputs}
        # The adapter is kept in float32, so that small steps are not rounded away, and multiplied as the base is.
        half = llama.dtype == torch.bfloat16
        with torch.autocast(inputs["input_ids"].device.type, torch.bfloat16, enabled=half):
            hidden, labels = llama.model(**known).last_hidden_state[:, :-1], inputs["labels"][:, 1:]
        learnt = labels != IGNORED
        logits = llama.lm_head(hidden[learnt]).float()
        total = torch.nn.functional.cross_entropy(logits, labels[learnt], reduction="sum")
        loss = total / (num_items_in_batch if num_items_in_batch is not None else max(1, int(learnt.sum())))
        self.seen += int(inputs["attention_mask"].sum()) if model.training else 0
        return (loss, {}) if return_outputs else loss

    seen = 0
    """Tokens that were trained on, prompts included."""

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """With the tokens seen so far, prompts included."""
        super().log({**logs, **({"num_tokens": self.seen} if "loss" in logs else {})}, start_time)
