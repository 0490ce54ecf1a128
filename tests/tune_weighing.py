"""Run as a script: writes a random adapter of SmolLM2 to ARGV[1], prints what transformers says with it and without."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict
from tune_chances import chances

from touchstone.models.weights import SMOLLM2
from touchstone_tuning.tune.local.adapters import write_adapter
from touchstone_tuning.tune.local.bases import find_base
from touchstone_tuning.tune.local.loading import loaded
from touchstone_tuning.tune.local.settings import LINEAR, Settings

ASKED = "Name a fruit that is red."


def main(path: Path) -> None:
    """As the docstring above says."""
    torch.manual_seed(5)
    model, tokenizer = loaded(find_base(SMOLLM2, path.parent), Settings(precision="float32"))
    tuned = get_peft_model(model, LoraConfig(r=4, lora_alpha=8, target_modules=list(LINEAR)))
    with torch.no_grad():
        for name, value in tuned.named_parameters():
            if "lora_B" in name:
                value.normal_(std=0.15)
    tensors = {name: one.numpy() for name, one in get_peft_model_state_dict(tuned).items()}
    write_adapter(path, tensors, model.config, 8)
    print(json.dumps(chances(tuned, tokenizer, ASKED)))


main(Path(sys.argv[1]))
