"""Keys: which environment variable holds a provider's key, and keeping keys out of every text. Keeps no key."""

from __future__ import annotations

import os

from ..errors import UsageError
from ..records import RunConfig

VARIABLES: dict[str, tuple[str, ...]] = {
    "openai": ("OPENAI_API_KEY",),
    "anthropic": ("ANTHROPIC_API_KEY",),
    "gemini": ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    "vertex_ai": ("GOOGLE_APPLICATION_CREDENTIALS", "VERTEXAI_PROJECT"),
    "openrouter": ("OPENROUTER_API_KEY",),
    "fireworks_ai": ("FIREWORKS_API_KEY", "FIREWORKS_AI_API_KEY"),
    "together_ai": ("TOGETHERAI_API_KEY", "TOGETHER_API_KEY", "TOGETHER_AI_API_KEY"),
    "groq": ("GROQ_API_KEY",),
    "mistral": ("MISTRAL_API_KEY",),
    "deepseek": ("DEEPSEEK_API_KEY",),
    "xai": ("XAI_API_KEY",),
    "azure": ("AZURE_API_KEY",),
    "azure_ai": ("AZURE_AI_API_KEY",),
    "bedrock": ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_BEARER_TOKEN_BEDROCK"),
    "cohere": ("COHERE_API_KEY", "CO_API_KEY"),
    "perplexity": ("PERPLEXITYAI_API_KEY", "PERPLEXITY_API_KEY"),
    "cerebras": ("CEREBRAS_API_KEY",),
    "deepinfra": ("DEEPINFRA_API_KEY",),
    "nvidia_nim": ("NVIDIA_NIM_API_KEY",),
    "huggingface": ("HF_TOKEN", "HUGGINGFACE_API_KEY"),
}
"""Provider, as LiteLLM's prefix -> the variables any one of which will do; the first is the one to name."""
BARE = {
    ("gpt-", "chatgpt-", "o1", "o3", "o4"): "openai",
    ("claude-",): "anthropic",
    ("gemini-",): "vertex_ai",
    ("mistral-",): "mistral",
    ("deepseek-",): "deepseek",
    ("grok-",): "xai",
}
"""How bare model names begin, and whose they are (a bare gemini-… is Vertex to LiteLLM)."""
LEAST = 8
"""Values of fewer characters are no keys, and would be found in innocent text."""
SECRET = ("KEY", "TOKEN", "SECRET", "PASSWORD", "CREDENTIALS")


def provider_of(model: str) -> str:
    """LiteLLM's name for the provider of a model; empty where this table does not know."""
    if "/" in model:
        return model.partition("/")[0]
    return next((provider for starts, provider in BARE.items() if model.startswith(starts)), "")


def lacking_key(config: RunConfig) -> str | None:
    """Words for the key (or address) that this run-config needs and has not; None where it has all."""
    if config.model.startswith("openai-compatible/") and not config.base_url:
        return f"run-config {config.name!r} has no base_url"
    if config.key_env:
        return None if os.environ.get(config.key_env) else f"{config.key_env} is not set"
    names = () if config.base_url else VARIABLES.get(provider_of(config.model), ())
    return f"{names[0]} is not set" if names and not any(os.environ.get(n) for n in names) else None


def key_of(config: RunConfig) -> str | None:
    """The key in the variable that the run-config names, None without. Raises UsageError for an empty one."""
    if config.key_env is None:
        return None
    key = os.environ.get(config.key_env, "").strip()
    if not key:
        raise UsageError(f"{config.key_env} is not set", where=f"run-config {config.name!r}")
    return key


def without_keys(text: str) -> str:
    """The text with every value blotted out that a variable named like a secret holds."""
    for name, value in os.environ.items():
        if len(value) >= LEAST and any(word in name.upper() for word in SECRET):
            text = text.replace(value, f"<{name}>")
    return text
