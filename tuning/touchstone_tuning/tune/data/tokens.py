"""How many tokens a text is, to the model that learns from it. Owns the counting; loads no model, asks no network.

Exact for a GGUF file and a `tokenizer.json` (the model's own vocabulary), and for OpenAI's models (tiktoken, with the
vocabularies that LiteLLM carries). For all others an estimate, which says so.
"""

from __future__ import annotations

import contextlib
import importlib.util
import math
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from touchstone.errors import UsageError
from touchstone.models.weights import SMOLLM2, packaged

from .gguf import metadata

if TYPE_CHECKING:
    from tokenizers import Tokenizer

BYTES = 2.5
"""UTF-8 bytes a token, in an estimate: better to count too many than too few. Prose has 4, commands about 3."""
_CONTROL, _OWN = 3, 4
"""Types of a GGUF's tokens that are found in a text before anything else: marks of turns, and those added later."""
_ENCODINGS = {
    "cl100k_base": "9b5ad71b2ce5302211f9c61530b329a4922fc6a4",
    "o200k_base": "fb374d419588a4632f3f557e76b4b70aebbca790",
}
"""tiktoken's encoding -> its file among those that LiteLLM carries."""
_CONTRACTED = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_REST = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_CUTS: Mapping[str, tuple[bool, str]] = {
    "gpt-2": (False, ""),
    "smollm": (True, ""),
    "qwen2": (False, rf"{_CONTRACTED}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}{_REST}"),
    "llama-bpe": (False, rf"{_CONTRACTED}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}{{1,3}}{_REST}"),
}
"""How a text is cut before pieces are merged, by the name that a GGUF gives it: (each digit alone, pattern).

An empty pattern is GPT-2's. Source: llama.cpp, `src/llama-vocab.cpp`.
"""


@dataclass(frozen=True, slots=True)
class Counter:
    """Counts the tokens of a text."""

    name: str
    """What counts, as reports name it."""
    counted: Callable[[str], int]
    estimate: str = ""
    """Why it is an estimate; empty for the model's own tokenizer."""

    def __call__(self, text: str) -> int:
        """Tokens of the text, without any mark that a conversation adds."""
        return self.counted(text)


def counter_of(model: str, root: Path = Path()) -> Counter:
    """The counter for a base model, by any name that a provider gives it.

    A GGUF file, a `tokenizer.json` or a folder with one (paths from `root`), `embedded/smollm2-135m-instruct`, a model
    of OpenAI's, or `owner/name` where Hugging Face's cache holds its tokenizer; others are estimated.
    """
    path = packaged() if model == SMOLLM2 else _there(model, root)
    if path is not None and path.suffix == ".gguf":
        return of_gguf(path)
    file = path / "tokenizer.json" if path is not None and path.is_dir() else path
    if file is not None and file.suffix == ".json" and file.is_file():
        return of_file(file)
    cached = _cached(model)
    return of_file(cached, model) if cached else of_openai(model)


def _there(model: str, root: Path) -> Path | None:
    """The file or folder that a model's name is, if it is one; no name is too long or too odd to ask for."""
    path = root / os.path.expanduser(os.path.expandvars(model))
    with contextlib.suppress(OSError, ValueError):
        return path if path.exists() else None
    return None


def of_gguf(path: Path) -> Counter:
    """By the vocabulary in a GGUF file; an estimate for a kind of vocabulary that is not known here."""
    told = metadata(path)
    kind, cut = told.get("tokenizer.ggml.model"), str(told.get("tokenizer.ggml.pre"))
    if kind != "gpt2" or cut not in _CUTS:
        return estimated(f"{path.name} has a vocabulary of the kind {kind}/{cut}, which is not read here")
    try:
        return _counter(path.name, _byte_level(told, cut))
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"its vocabulary cannot be read: {error}", where=str(path)) from error


def of_file(path: Path, name: str = "") -> Counter:
    """By a `tokenizer.json`. Raises UsageError for a file that is none."""
    from tokenizers import Tokenizer

    try:
        return _counter(name or path.parent.name, Tokenizer.from_file(str(path)))
    except Exception as error:  # `tokenizers` raises no narrower one
        raise UsageError(f"is no tokenizer: {error}", where=str(path)) from error


def of_openai(model: str) -> Counter:
    """By tiktoken, for a model of OpenAI's, tuned ones (`ft:…`) included; an estimate for one that it does not know."""
    import tiktoken

    name = model.removeprefix("openai/").removeprefix("ft:").partition(":")[0]
    try:
        encoding = tiktoken.encoding_name_for_model(name)
    except KeyError:
        return estimated(f"no tokenizer is known here for {model}")
    with _carried(encoding) as there:
        if not there:
            return estimated(f"the encoding {encoding} of {model} is not on this machine")
        found = tiktoken.get_encoding(encoding)
    return Counter(encoding, lambda text: len(found.encode(_seen(text), disallowed_special=())))


def estimated(why: str) -> Counter:
    """By the length of the text alone."""
    return Counter("estimate", lambda text: math.ceil(len(text.encode("utf-8", "surrogatepass")) / BYTES), why)


def _counter(name: str, tokenizer: Tokenizer) -> Counter:
    return Counter(name, lambda text: len(tokenizer.encode(_seen(text), add_special_tokens=False).ids))


def _seen(text: str) -> str:
    """The text as tokenizers take it: in place of what is no Unicode, its replacement."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _byte_level(told: Mapping[str, Any], cut: str) -> Tokenizer:
    """The tokenizer of a vocabulary of bytes and merges, as llama.cpp reads it."""
    from tokenizers import AddedToken, Tokenizer, models

    tokens, kinds = told["tokenizer.ggml.tokens"], told["tokenizer.ggml.token_type"]
    merges = [tuple(merge.split(" ", 1)) for merge in told["tokenizer.ggml.merges"]]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    # Llama 3 takes a whole word that is in its vocabulary, whatever its merges would make of it.
    bpe = models.BPE(vocab=vocabulary, merges=merges, ignore_merges=cut == "llama-bpe")
    found = Tokenizer(bpe)
    found.pre_tokenizer = _cutting(cut)
    marks = [token for token, kind in zip(tokens, kinds, strict=True) if kind in (_CONTROL, _OWN)]
    found.add_special_tokens([AddedToken(mark, normalized=False) for mark in marks])
    return found


def _cutting(cut: str) -> Any:
    from tokenizers import Regex, pre_tokenizers

    digits, pattern = _CUTS[cut]
    first = [pre_tokenizers.Digits(individual_digits=True)] if digits else []
    split = [pre_tokenizers.Split(Regex(pattern), "isolated")] if pattern else []
    level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=not pattern)
    return pre_tokenizers.Sequence([*first, *split, level])


@contextlib.contextmanager
def _carried(encoding: str) -> Iterator[bool]:
    """Within, tiktoken finds the encoding among LiteLLM's files; False where it is not there, and would be fetched."""
    spec, name = importlib.util.find_spec("litellm"), "TIKTOKEN_CACHE_DIR"
    folder = Path(spec.origin).parent / "litellm_core_utils" / "tokenizers" if spec and spec.origin else None
    if folder is None or not (folder / _ENCODINGS.get(encoding, "none")).is_file():
        yield False
        return
    before = os.environ.get(name)
    os.environ[name] = str(folder)
    try:
        yield True
    finally:
        os.environ.pop(name) if before is None else os.environ.__setitem__(name, before)


def _cached(model: str) -> Path | None:
    """The `tokenizer.json` of `owner/name`, where Hugging Face's cache on this machine holds it."""
    if model.count("/") != 1 or importlib.util.find_spec("huggingface_hub") is None:
        return None
    from huggingface_hub import try_to_load_from_cache

    try:
        found = try_to_load_from_cache(model, "tokenizer.json")
    except ValueError:  # what is no name of a repository
        return None
    return Path(found) if isinstance(found, str) else None
