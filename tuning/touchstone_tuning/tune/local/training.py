"""One LoRA run, in a process of its own: `python -m touchstone_tuning.tune.local.training FOLDER`.

Owns the way from a folder's order to its adapter. trl trains; this says with what, and writes down what it measures.
A run that was stopped goes on from its last checkpoint. SIGINT and SIGTERM: a checkpoint is kept, then it stops.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

import torch
from peft import get_peft_model_state_dict
from peft.tuners.lora import LoraLayer
from transformers import EarlyStoppingCallback
from trl import SFTConfig

from datasets import load_dataset
from touchstone.errors import TouchstoneError, UsageError

from .adapters import write_adapter
from .bases import find_base
from .desk import Desk, End, Work
from .loading import fetched, lora
from .settings import Settings
from .shape import of_config
from .tracking import missing
from .trainers import Diary, Trainer, Whole

SEED_BITS = 2**32
ARCHITECTURE = "llama"
"""What `adapters` knows the names and the order of."""


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
    model, tokenizer = fetched(work, base)
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
        peft_config=lora(model, settings),
        callbacks=patience,
    )
    if llama:
        _as_it_is(trainer.model)
    return trainer


def _as_it_is(model: Any) -> None:
    """The adapter reads what the base computed as it is; else it is made float32 first, and its products are slow."""
    for layer in model.modules():
        if isinstance(layer, LoraLayer):
            layer.cast_input_dtype_enabled = False


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
