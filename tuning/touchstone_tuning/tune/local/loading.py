"""The model that is to be trained: its weights, its tokenizer, the layers that get an adapter. Trains nothing."""

from __future__ import annotations

from typing import Any

import torch
from peft import LoraConfig
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig
from transformers.pytorch_utils import Conv1D

from touchstone.errors import UsageError

from .bases import Base, shown
from .desk import Work
from .settings import LINEAR, Settings


def fetched(work: Work, base: Base) -> tuple[Any, Any]:
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


def lora(model: Any, settings: Settings) -> LoraConfig:
    """What is learnt: the matrices that are added, and where."""
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
