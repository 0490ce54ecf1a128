"""Front matter of judges' files out of values that may be anything: no value ends it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml


def front_matter(head: Mapping[str, Any]) -> str:
    """As YAML: no line of it is its closing line, and it says what it was made of."""
    text = str(yaml.safe_dump(dict(head), sort_keys=False, allow_unicode=True, width=120))
    if re.search(r"^---\s*$", text, re.MULTILINE) or yaml.safe_load(text) != head:
        text = str(yaml.safe_dump(dict(head), sort_keys=False, default_style='"', width=10**9))
    return text
