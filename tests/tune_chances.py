"""What transformers says of the next token, with an adapter and without: for scripts beside this, run on their own."""

from __future__ import annotations

from typing import Any

import torch

MOST = 10
"""Likeliest tokens that are told."""


def chances(tuned: Any, tokenizer: Any, asked: str) -> dict[str, Any]:
    """Log-probabilities of the likeliest first tokens of an answer, by their text; `tuned` is peft's model."""
    turns = [{"role": "user", "content": asked}]
    put = tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_tensors="pt", return_dict=True)
    with torch.no_grad():
        changed = tuned(**put).logits[0, -1].log_softmax(-1)
        with tuned.disable_adapter():
            plain = tuned(**put).logits[0, -1].log_softmax(-1)
    words = {index: tokenizer.decode([index]) for index in changed.topk(MOST).indices.tolist()}
    told = {name: {words[i]: float(one[i]) for i in words} for name, one in (("with", changed), ("without", plain))}
    return {"asked": asked, **told}
