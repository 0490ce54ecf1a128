"""Three rows to begin with, of the shape that a task takes. To be replaced by a person's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .task import Shape

ASKED = (
    "What can you help me with?",
    "Which day comes after Monday?",
    "Explain in one sentence what a test is.",
)


def samples(given: Shape, answer: Shape, inputs: Sequence[Any] = ()) -> list[dict[str, Any]]:
    """The rows. `inputs` are used where there are some: they fit the project's prompts."""
    found = list(inputs[: len(ASKED)]) or [ASKED[i] if given == "text" else example(given, "", i) for i in range(3)]
    wants: dict[str, Any] = {"at_most": 150} if answer == "text" else {"has": _names(answer)}
    return [{"id": f"sample-{i}", "input": one, **wants} for i, one in enumerate(found, 1)]


def example(schema: Any, name: str, index: int) -> Any:
    """A value that is like the schema says, a little different for each index. Only the commonest words are known."""
    if not isinstance(schema, Mapping):
        return f"{name or 'text'} {index + 1}"
    for word in ("enum", "examples"):
        if isinstance(schema.get(word), list) and schema[word]:
            return schema[word][index % len(schema[word])]
    for word in ("const", "default"):
        if word in schema:
            return schema[word]
    kind = schema.get("type")
    make = _KINDS.get(kind[0] if isinstance(kind, list) and kind else kind if isinstance(kind, str) else "string")
    return make(schema, name, index) if make else f"{name or 'text'} {index + 1}"


def _names(schema: Mapping[str, Any]) -> list[str]:
    """What an answer must have, where it is an object."""
    if schema.get("type", "object") != "object":
        return []
    names = schema.get("required") or schema.get("properties") or []
    return [name for name in names if isinstance(name, str)] if isinstance(names, list | dict) else []


def _number(schema: Mapping[str, Any], name: str, index: int) -> int | float:
    least = schema.get("minimum", 1)
    return least + index if isinstance(least, int | float) and not isinstance(least, bool) else index + 1


def _array(schema: Mapping[str, Any], name: str, index: int) -> list[Any]:
    return [example(schema.get("items"), name, index)]


def _object(schema: Mapping[str, Any], name: str, index: int) -> dict[str, Any]:
    properties = schema.get("properties")
    return {k: example(v, k, index) for k, v in properties.items()} if isinstance(properties, Mapping) else {}


_KINDS: dict[str, Callable[[Mapping[str, Any], str, int], Any]] = {
    "integer": _number,
    "number": _number,
    "boolean": lambda schema, name, index: index % 2 == 0,
    "null": lambda schema, name, index: None,
    "array": _array,
    "object": _object,
}
