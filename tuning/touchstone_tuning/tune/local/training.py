"""One LoRA run, in a process of its own: `python -m touchstone_tuning.tune.local.training FOLDER`.

Owns the way from a folder's order to its adapter. trl trains; this says with what, and writes down what it measures.
A run that was stopped goes on from its last checkpoint. SIGINT and SIGTERM: a checkpoint is kept, then it stops.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model_state_dict
from peft.tuners.lora import LoraLayer
from safetensors import SafetensorError
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    EarlyStoppingCallback,
    GgufConfig,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)
from transformers.pytorch_utils import Conv1D
from trl import SFTConfig, SFTTrainer

from datasets import load_dataset
from touchstone.errors import TouchstoneError, UsageError

from .adapters import write_adapter
from .bases import Base, find_base, shown
from .desk import Desk, End, Work
from .settings import LINEAR, Settings
from .shape import of_config
from .tracking import missing

SEED_BITS = 2**32
ARCHITECTURE = "llama"
"""What `adapters` knows the names and the order of."""
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


def main(folder: Path) -> int:
    """Train, or go on; 0 where the adapter is written, 3 where it was stopped, 1 where it cannot be done."""
    desk = Desk(folder)
    with desk.hold() as mine:
        if not mine:
            return 3
        if desk.ended():
            return 0
        try:
            return _train(desk, desk.work())
        except Exception as error:  # whatever it is: a run that cannot end is begun again without end
            # The words of others may hold a path or a key, and this one goes into git; the log has them all.
            ours = str(error).splitlines()[0][:300] if isinstance(error, TouchstoneError) else ""
            desk.write(
                desk.end, End(ok=False, why=ours or f"{type(error).__name__}: see {desk.log.name} of its folder")
            )
            raise


def _train(desk: Desk, work: Work) -> int:
    settings, base = work.settings, find_base(work.base, Path(work.root))
    if why := missing(settings.report_to):
        raise UsageError(why)
    model, tokenizer = _fetched(work, base)
    shape = of_config(model.config)
    trainer = _trainer(desk, work, model, tokenizer)
    diary = Diary(desk)
    trainer.add_callback(diary)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: setattr(diary, "stop", True))
    last = desk.last_checkpoint()
    trainer.seen = desk.tokens_at(last)
    trainer.train(resume_from_checkpoint=str(last) if last else None)
    if diary.stop or desk.cancelled.exists():
        return 3
    _keep(desk, trainer.model, settings, base.called)
    tokens = int(max((one.get("tokens", 0) for one in desk.told()), default=0))
    seconds, examples = round(diary.seconds, 1), len(trainer.train_dataset)
    end = End(ok=True, tokens=tokens, seconds=seconds, examples=examples, shape=shape)
    desk.write(desk.end, end)
    return 0


def _keep(desk: Desk, model: Any, settings: Settings, called: str) -> None:
    """The adapter in peft's own format, and for a llama as llama.cpp loads it; each whole or not at all."""
    partial = desk.folder / "adapter.partial"
    shutil.rmtree(partial, ignore_errors=True)
    if called:
        model.peft_config["default"].base_model_name_or_path = called
    model.save_pretrained(str(partial), save_embedding_layers=False)
    shutil.rmtree(desk.peft, ignore_errors=True)
    partial.replace(desk.peft)
    if model.config.model_type != ARCHITECTURE:
        return
    state = get_peft_model_state_dict(model, save_embedding_layers=False)
    tensors = {name: tensor.float().cpu().numpy() for name, tensor in state.items()}
    file = desk.adapter.with_suffix(".partial.gguf")
    write_adapter(file, tensors, model.config, settings.scale)
    file.replace(desk.adapter)


def _fetched(work: Work, base: Base) -> tuple[Any, Any]:
    """(model, tokenizer), fetched first where they are on the hub. Raises UsageError in words of ours."""
    try:
        model, tokenizer = loaded(base, work.settings)
    except (OSError, ValueError, KeyError, RuntimeError, ImportError, SafetensorError) as error:
        ways = (
            "is its name right, are there safetensors, and for the hub a network, and HF_TOKEN where it is not public?"
        )
        raise UsageError(f"{shown(work.base)} cannot be loaded: {ways} log.txt of its folder says more") from error
    if not tokenizer.chat_template:
        hint = "take an instruct model, or put its chat_template.jinja into the folder"
        raise UsageError(f"{shown(work.base)} has no chat template: {hint}")
    return model, tokenizer


def loaded(base: Base, settings: Settings) -> tuple[Any, Any]:
    """(model, tokenizer). A GGUF is unpacked: packed weights would be unpacked again at every product.

    Of a folder or the hub only safetensors are taken, and no code.
    """
    dtype = torch.bfloat16 if settings.precision == "bfloat16" else torch.float32
    words: dict[str, Any]
    if base.gguf:
        words = {"gguf_file": base.gguf}
        weights = {**words, "quantization_config": GgufConfig(dequantize=True)}
    else:
        words = {"trust_remote_code": False}
        weights = {**words, "use_safetensors": True}
    # For short examples on a CPU the plain way of attention is the faster one: the fused one's way back is slow there.
    attention = "sdpa" if torch.cuda.is_available() else "eager"
    model = AutoModelForCausalLM.from_pretrained(base.place, dtype=dtype, attn_implementation=attention, **weights)
    tokenizer = AutoTokenizer.from_pretrained(base.place, **words)
    model.config.use_cache = False
    return model, tokenizer


def _lora(model: Any, settings: Settings) -> LoraConfig:
    layers = range(settings.first_layer, model.config.get_text_config().num_hidden_layers)
    return LoraConfig(
        r=settings.rank,
        lora_alpha=settings.scale,
        lora_dropout=settings.dropout,
        target_modules=_modules(model, settings),
        layers_to_transform=list(layers) if settings.first_layer else None,
        task_type="CAUSAL_LM",
    )


def _modules(model: Any, settings: Settings) -> list[str]:
    """Names of the layers that get an adapter: as set; by default all linear ones, however this model calls them.

    Raises UsageError for one that it has not.
    """
    head = model.get_output_embeddings()
    linear = (torch.nn.Linear, Conv1D)
    there = {
        name.rpartition(".")[2] for name, one in model.named_modules() if isinstance(one, linear) and one is not head
    }
    if settings.modules == LINEAR:
        return sorted(there)
    if absent := [name for name in settings.modules if name not in there]:
        has = f"a {model.config.model_type} has {', '.join(sorted(there))}"
        raise UsageError(f"modules: {', '.join(absent)}: {has}; without `modules` all are taken")
    return list(settings.modules)


def _trainer(desk: Desk, work: Work, model: Any, tokenizer: Any) -> Trainer | Whole:
    settings = work.settings
    files = {"train": work.train, **({"validation": work.validation} if work.validation else {})}
    data = load_dataset("json", data_files=files, cache_dir=str(desk.folder / "data"))
    arguments = _arguments(desk, work, len(data["train"]), "validation" in data)
    patience = [EarlyStoppingCallback(settings.patience)] if settings.patience and "validation" in data else []
    llama = model.config.model_type == ARCHITECTURE
    trainer = (Trainer if llama else Whole)(
        model=model,
        args=arguments,
        train_dataset=data["train"],
        eval_dataset=data.get("validation"),
        processing_class=tokenizer,
        peft_config=_lora(model, settings),
        callbacks=patience,
    )
    for layer in trainer.model.modules():
        if llama and isinstance(
            layer, LoraLayer
        ):  # else all that it reads is made float32, and its products are slow ones
            layer.cast_input_dtype_enabled = False
    return trainer


def _arguments(desk: Desk, work: Work, examples: int, validated: bool) -> SFTConfig:
    settings = work.settings
    steps = max(1, round(settings.epochs * -(-examples // settings.batch_size)))
    every = max(1, steps // settings.evaluations) if settings.evaluations else steps
    return SFTConfig(
        output_dir=str(desk.checkpoints),
        num_train_epochs=settings.epochs,
        per_device_train_batch_size=settings.batch_size,
        per_device_eval_batch_size=settings.batch_size,
        learning_rate=settings.learning_rate,
        lr_scheduler_type=settings.schedule,
        warmup_steps=round(settings.warmup * steps),
        weight_decay=settings.weight_decay,
        seed=settings.seed % SEED_BITS,
        max_length=settings.max_tokens,
        completion_only_loss=True,
        gradient_checkpointing=False,
        bf16=False,
        use_cpu=not torch.cuda.is_available(),
        logging_steps=max(1, steps // 40),
        eval_strategy="steps" if validated else "no",
        eval_steps=every,
        save_strategy="steps",
        save_steps=every,
        save_total_limit=2,
        load_best_model_at_end=bool(validated and settings.patience),
        metric_for_best_model="eval_loss" if validated else None,
        report_to=list(settings.report_to) or "none",
        run_name=os.environ.get("WANDB_NAME") or work.name or work.tag,
        project=work.project.replace("_", "-"),  # trackio's: it keeps names that end in _system and such for itself
        trackio_space_id=None,
        trackio_static_space_id=False,
        dataloader_pin_memory=False,
        disable_tqdm=True,
        train_sampling_strategy="group_by_length",
    )


if __name__ == "__main__":
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    sys.exit(main(Path(sys.argv[1])))
