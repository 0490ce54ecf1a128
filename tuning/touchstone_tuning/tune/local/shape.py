"""The shape of a llama: what must be alike in the weights that were tuned and those that an adapter is laid over.

Owns the comparison; reads no tensor. Weights of one shape may still be another model's: that is for the evals to show.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict


class Shape(BaseModel):
    """Numbers of one model; 0 where they are not told."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    architecture: str
    layers: int = 0
    hidden: int = 0
    feed_forward: int = 0
    heads: int = 0
    key_heads: int = 0
    vocabulary: int = 0


NAMES = {
    "layers": "block_count",
    "hidden": "embedding_length",
    "feed_forward": "feed_forward_length",
    "heads": "attention.head_count",
    "key_heads": "attention.head_count_kv",
    "vocabulary": "vocab_size",
}
"""Of the numbers, as GGUF calls them, behind the architecture's own name."""
TOLD = {
    "layers": "num_hidden_layers",
    "hidden": "hidden_size",
    "feed_forward": "intermediate_size",
    "heads": "num_attention_heads",
    "key_heads": "num_key_value_heads",
    "vocabulary": "vocab_size",
}
"""As transformers calls them."""


def of_config(config: Any) -> Shape:
    """Of a model that transformers has loaded, by its configuration."""
    text = config.get_text_config()
    numbers = {name: _number(getattr(text, theirs, 0)) for name, theirs in TOLD.items()}
    return Shape(architecture=config.model_type, **numbers)


def of_gguf(told: Mapping[str, Any]) -> Shape:
    """Of a GGUF file, by what it says of itself."""
    architecture = str(told.get("general.architecture", "nothing known"))
    numbers = {name: _number(told.get(f"{architecture}.{theirs}", 0)) for name, theirs in NAMES.items()}
    tokens = told.get("tokenizer.ggml.tokens")
    if not numbers["vocabulary"] and isinstance(tokens, list):
        numbers["vocabulary"] = len(tokens)
    numbers["key_heads"] = numbers["key_heads"] or numbers["heads"]
    return Shape(architecture=architecture, **numbers)


def differences(base: Shape, other: Shape) -> Iterator[str]:
    """What `other` has otherwise, in words."""
    if other.architecture != base.architecture:
        yield f"it is a {other.architecture}, the base a {base.architecture}"
        return
    for name in TOLD:
        ours, theirs = getattr(base, name), getattr(other, name)
        if ours != theirs:
            yield f"{name.replace('_', ' ')}: {theirs or 'none'}, the base's {ours}"


def _number(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
