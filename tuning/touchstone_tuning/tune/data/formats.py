"""File formats of examples. Owns their shapes; reads no row and knows no provider."""

from __future__ import annotations

from typing import Literal

Format = Literal["openai-chat", "openai-json", "openai-tool", "hf-chat", "vertex-gemini"]
