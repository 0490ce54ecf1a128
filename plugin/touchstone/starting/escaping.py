"""A person's words in each format: always text, never syntax. Knows the formats' rules; writes no file."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from typing import Any

import yaml

from ..recordings import UNSEEN

_CONTROLS = re.compile("[\x00-\x1f\ufffe\uffff]")
_JINJA = re.compile(r"\{(?=[{%#])")
_MARKDOWN = re.compile(r"([\\`*_\[\]<>&|~#$!(){}])")
_PLACE = re.compile(r"@([A-Z]+)@")


def sentence(text: str) -> str:
    """One line: line breaks become blanks; what a terminal or an editor would obey rather than show goes."""
    return " ".join(_CONTROLS.sub(" ", UNSEEN.sub(" ", text)).split())


def in_jinja(line: str) -> str:
    """A line that a template renders as it stands; a line break must follow it."""
    return _JINJA.sub("{{ '{' }}", line)


def in_docstring(line: str) -> str:
    """A line between three double quotes of Python."""
    return line.replace("\\", "\\\\").replace('"', '\\"')


def in_markdown(line: str) -> str:
    """A line within a paragraph of Markdown, behind its first word."""
    return _MARKDOWN.sub(r"\\\1", line)


def in_yaml(value: Any, indent: int) -> str:
    """A value as block YAML, each line so far to the right."""
    # Some of what cannot be seen is a line break to YAML, and PyYAML folds it to a blank unless it escapes all.
    seen = not UNSEEN.search(json.dumps(value, ensure_ascii=False))
    dumped = yaml.safe_dump(value, sort_keys=False, allow_unicode=seen, width=sys.maxsize)
    return "".join(" " * indent + line + "\n" for line in dumped.rstrip("\n").split("\n"))


def in_jsonl(value: Mapping[str, Any]) -> str:
    """A line of a dataset: readable, with the characters escaped that would not be seen."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return UNSEEN.sub(lambda match: f"\\u{ord(match[0]):04x}", text) + "\n"


def filled(template: str, values: Mapping[str, str]) -> str:
    """The template with each `@NAME@` replaced, once: what a value holds is not looked at again."""
    return _PLACE.sub(lambda match: values[match[1]], template)
