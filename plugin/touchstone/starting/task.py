"""What a person says of their task. Checks it, in words; writes nothing."""

from __future__ import annotations

import json
import keyword
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from pydantic import ValidationError

from ..errors import UsageError
from ..records import RunConfig
from ..yamlfile import read_text

EMBEDDED = "embedded/smollm2-135m-instruct"
"""The model that needs no key."""
Shape: TypeAlias = Literal["text"] | Mapping[str, Any]
"""Free text, or a JSON schema."""
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_TAKEN = ("passed", "errors", "cost", "latency", "every", "lower")
"""Words of gates, which no score can be called."""
_DEEPEST = 20
_LONGEST = 20_000


@dataclass(frozen=True, slots=True)
class Task:
    """A task, checked."""

    name: str
    """Of its eval and its dataset; fit to be a Python name."""
    about: str
    """What it does, in one line."""
    input: Shape = "text"
    output: Shape = "text"
    model: str = EMBEDDED

    @property
    def run_config(self) -> RunConfig:
        """The first one. Raises UsageError for a model that none can have."""
        last = re.sub(r"[^A-Za-z0-9._-]+", "-", self.model.rpartition("/")[2]).strip("-._")[:60]
        try:
            return RunConfig(name=last or "first", model=self.model, prompt="answer", default=True)
        except ValidationError as error:
            raise UsageError(f"{error.errors()[0]['msg']}", where="--model") from error


def named(text: str, what: str, option: str) -> str:
    """The name, where it can be one of a Python file and function. Raises UsageError with one that could."""
    if _NAME.fullmatch(text) and not keyword.iskeyword(text) and text not in _TAKEN:
        return text
    hint = f"lower-case letters, digits and _, at most 40; for example {option}{slugged(text, 'my_' + what)}"
    raise UsageError(f"{text[:80]!r} cannot name {'an' if what[0] in 'aeiou' else 'a'} {what}", hint=hint)


def slugged(text: str, fallback: str) -> str:
    """A name that is like the text; the fallback where nothing of it is left, or it is taken."""
    name = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_").lstrip("0123456789_")[:40].rstrip("_")
    return fallback if not name or keyword.iskeyword(name) or name in _TAKEN else name


def shape(text: str, option: str) -> Shape:
    """`text`, a JSON schema, or the name of a file that holds one. Raises UsageError."""
    if text.strip() == "text":
        return "text"
    if not text.lstrip().startswith("{"):
        path = Path(text)
        if not path.is_file():
            hint = f'{option} text, {option} schema.json, or {option} \'{{"type": "object", ...}}\''
            raise UsageError(f"there is no file {text[:80]!r}", where=option, hint=hint)
        text = read_text(path, option)
    schema = _read(text, option)
    if option == "--input":
        _check_input(schema)
    return schema


def _read(text: str, option: str) -> Mapping[str, Any]:
    try:
        schema = json.loads(text, parse_constant=_refused)
        json.dumps(schema, ensure_ascii=False, allow_nan=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        raise UsageError(f"is no JSON: {str(error)[:100]}", where=option) from error
    if not isinstance(schema, dict) or not schema:
        raise UsageError("a schema is a JSON object", where=option, hint='for example {"type": "object", ...}')
    if len(text) > _LONGEST or _depth(schema) > _DEEPEST:
        hint = f"at most {_LONGEST} characters, and {_DEEPEST} levels"
        raise UsageError("the schema is too big to start with", where=option, hint=hint)
    return schema


def _refused(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")


def _depth(value: Any) -> int:
    below = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(_depth, below), default=0)


def _check_input(schema: Mapping[str, Any]) -> None:
    """Rows hold a mapping, whose names the prompt shows."""
    if not isinstance(schema.get("properties"), dict) or not schema["properties"]:
        hint = 'for example {"type": "object", "properties": {"question": {"type": "string"}}}'
        raise UsageError("the input's schema wants `properties`", where="--input", hint=hint)
