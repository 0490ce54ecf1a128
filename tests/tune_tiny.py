"""Models of two blocks, made for a test: a folder as transformers saves one, and the same weights as a GGUF file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

LAYERS, HIDDEN, HEADS, KEY_HEADS, FORWARD = 2, 64, 4, 2, 96
MARKS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
TEMPLATE = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\\n' + m['content'] + '<|im_end|>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
WORDS = ["what is it called, and where is it from? a blue door, a red gate: say one of them now"] * 3
Weights = dict[str, NDArray[np.float32]]


def tiny(folder: Path, architecture: str = "llama", *, template: bool = True) -> Weights:
    """Write config.json, model.safetensors and a tokenizer into the folder; the weights."""
    from safetensors.numpy import save_file

    folder.mkdir(parents=True)
    size = _tokenizer(folder, template)
    weights = _weights(size, biased=architecture == "qwen2")
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    config: dict[str, Any] = {
        **{"architectures": [f"{architecture.capitalize()}ForCausalLM"], "model_type": architecture},
        **{"hidden_size": HIDDEN, "intermediate_size": FORWARD, "num_hidden_layers": LAYERS, "vocab_size": size},
        **{"num_attention_heads": HEADS, "num_key_value_heads": KEY_HEADS, "max_position_embeddings": 512},
        **{"rms_norm_eps": 1e-5, "rope_theta": 10000.0, "tie_word_embeddings": False, "hidden_act": "silu"},
        **{"bos_token_id": 0, "eos_token_id": 2, "torch_dtype": "float32"},
    }
    (folder / "config.json").write_text(json.dumps(config))
    return weights


def as_gguf(folder: Path, weights: Weights, file: Path, layers: int = LAYERS) -> Path:
    """The llama in the folder as a GGUF file, as llama.cpp's converter writes one."""
    import gguf

    told = json.loads((folder / "tokenizer.json").read_text())["model"]
    tokens = sorted(told["vocab"], key=told["vocab"].get)
    writer = gguf.GGUFWriter(str(file), "llama")
    writer.add_context_length(512)
    writer.add_embedding_length(HIDDEN)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(FORWARD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KEY_HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10000.0)
    writer.add_rope_dimension_count(HIDDEN // HEADS)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types([3 if token in MARKS else 1 for token in tokens])
    writer.add_token_merges([m if isinstance(m, str) else " ".join(m) for m in told["merges"]])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(2)
    writer.add_add_bos_token(False)
    writer.add_chat_template(TEMPLATE)
    for name, values in weights.items():
        writer.add_tensor(*_named(name, values))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


def _tokenizer(folder: Path, template: bool) -> int:
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    marks = [AddedToken(mark, normalized=False, special=True) for mark in MARKS]
    trainer = trainers.BpeTrainer(vocab_size=300, special_tokens=marks, initial_alphabet=alphabet, show_progress=False)
    made.train_from_iterator(WORDS, trainer)
    made.save(str(folder / "tokenizer.json"))
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": MARKS[2], "pad_token": MARKS[0]}
    told = {**config, **({"chat_template": TEMPLATE} if template else {})}
    (folder / "tokenizer_config.json").write_text(json.dumps(told))
    return int(made.get_vocab_size())


def _weights(size: int, *, biased: bool) -> Weights:
    drawn = np.random.default_rng(3)
    keys = HIDDEN // HEADS * KEY_HEADS
    found = {"model.embed_tokens": (size, HIDDEN), "model.norm": (HIDDEN,), "lm_head": (size, HIDDEN)}
    for number in range(LAYERS):
        block = f"model.layers.{number}"
        found |= {f"{block}.self_attn.{one}_proj": (HIDDEN, HIDDEN) for one in "qo"}
        found |= {f"{block}.self_attn.{one}_proj": (keys, HIDDEN) for one in "kv"}
        found |= {f"{block}.mlp.{one}_proj": (FORWARD, HIDDEN) for one in ("gate", "up")}
        found |= {f"{block}.mlp.down_proj": (HIDDEN, FORWARD)}
        found |= {f"{block}.{one}_layernorm": (HIDDEN,) for one in ("input", "post_attention")}
    weights = {f"{name}.weight": drawn.normal(0, 0.15, shape).astype(np.float32) for name, shape in found.items()}
    weights |= {name: np.ones_like(values) for name, values in weights.items() if values.ndim == 1}
    if biased:
        for name in [one for one in weights if one[-13:-11] in ("q_", "k_", "v_")]:
            weights[name.replace("weight", "bias")] = np.zeros(len(weights[name]), np.float32)
    return weights


def _named(name: str, values: NDArray[np.float32]) -> tuple[str, NDArray[np.float32]]:
    from touchstone_tuning.tune.local.adapters import NAMES, _rotary

    top = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}
    norms = {"input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm"}
    own = name.removesuffix(".weight")
    if own in top:
        return f"{top[own]}.weight", values
    _, _, number, part = own.split(".", 3)
    heads = {"self_attn.q_proj": HEADS, "self_attn.k_proj": KEY_HEADS}.get(part)
    turned = values if heads is None else _rotary(values, heads)
    return f"blk.{number}.{({**NAMES, **norms})[part]}.weight", np.ascontiguousarray(turned)
