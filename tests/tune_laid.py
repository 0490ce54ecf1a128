"""Run as a script: prints what transformers says with peft's adapter in ARGV[2] laid over the model in ARGV[1]."""

from __future__ import annotations

import json
import sys

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

ASKED = "Where is Peru governed from?"


def main(base: str, adapter: str) -> None:
    """As the docstring above says."""
    tokenizer = AutoTokenizer.from_pretrained(base)
    tuned = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32), adapter)
    put = tokenizer.apply_chat_template(
        [{"role": "user", "content": ASKED}], add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    with torch.no_grad():
        changed = tuned(**put).logits[0, -1].log_softmax(-1)
        with tuned.disable_adapter():
            plain = tuned(**put).logits[0, -1].log_softmax(-1)
    words = {index: tokenizer.decode([index]) for index in changed.topk(10).indices.tolist()}
    told = {name: {words[i]: float(one[i]) for i in words} for name, one in (("with", changed), ("without", plain))}
    print(json.dumps({"asked": ASKED, **told}))


main(*sys.argv[1:])
