"""A LoRA adapter as llama.cpp loads it: peft's tensors under GGUF's names. Owns that file; trains nothing.

Source of the layout: llama.cpp's `convert_lora_to_gguf.py` and `gguf` (names, the order of rotary dimensions).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from touchstone.errors import UsageError

NAMES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
_TENSOR = re.compile(r".*\.layers\.(\d+)\.([a-z_]+\.[a-z_]+)\.lora_([AB])\.weight$")


def write_adapter(path: Path, tensors: Mapping[str, Any], config: Any, alpha: float) -> None:
    """Write peft's tensors (name -> numpy array, A: rank x in, B: out x rank) for a model with that llama config.

    float16, as llama.cpp's own converter does. Raises UsageError for a layer that it has no name for.
    """
    import gguf

    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", float(alpha))
    for name in sorted(tensors):
        writer.add_tensor(*_named(name, tensors[name], config))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _named(name: str, tensor: Any, config: Any) -> tuple[str, Any]:
    """GGUF's name of a tensor, and its values as GGUF orders them."""
    found = _TENSOR.match(name)
    if found is None or found[2] not in NAMES:
        raise UsageError(f"an adapter of {name} has no place in GGUF", hint=f"modules: of {', '.join(NAMES)}")
    layer, module, side = found.groups()
    if side == "B" and module == "self_attn.q_proj":
        tensor = _rotary(tensor, config.num_attention_heads)
    if side == "B" and module == "self_attn.k_proj":
        tensor = _rotary(tensor, config.num_key_value_heads)
    return f"blk.{layer}.{NAMES[module]}.weight.lora_{side.lower()}", tensor.astype("float16")


def _rotary(rows: Any, heads: int) -> Any:
    """Output rows as llama.cpp turns pairs of dimensions: of neighbours, where transformers pairs halves."""
    out, rank = rows.shape
    return rows.reshape(heads, 2, out // heads // 2, rank).swapaxes(1, 2).reshape(out, rank)
