"""Run as a script: prints what transformers says with peft's adapter in ARGV[2] laid over the model in ARGV[1]."""

from __future__ import annotations

import json
import sys

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer
from tune_chances import chances

ASKED = "Where is Peru governed from?"


def main(base: str, adapter: str) -> None:
    """As the docstring above says."""
    tokenizer = AutoTokenizer.from_pretrained(base)
    tuned = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32), adapter)
    print(json.dumps(chances(tuned, tokenizer, ASKED)))


main(*sys.argv[1:])
