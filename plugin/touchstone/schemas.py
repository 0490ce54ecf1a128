"""JSON schemas and pydantic models: what of a value does not fit. Pure: nothing that a schema refers to is fetched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

MOST = 10
"""Faults that are told of one value."""
_LONGEST = 200


def check_schema(schema: Any) -> str | None:
    """Why this is no JSON schema; None for one that is."""
    from jsonschema import SchemaError  # type: ignore[import-untyped]
    from jsonschema.validators import validator_for  # type: ignore[import-untyped]

    if not isinstance(schema, Mapping):
        return f"a JSON schema is a mapping, not {type(schema).__name__}"
    try:
        validator_for(schema, _latest()).check_schema(schema)
    except SchemaError as error:
        return f"is no JSON schema: {_cut(error.json_path)}: {_cut(error.message)}"
    return None


def faults(schema: Mapping[str, Any] | type[BaseModel], value: Any) -> list[str]:
    """`PATH: why` of each place (the first ten) where the value does not fit; empty where it does.

    Raises ValueError for a schema that refers to what is not in it.
    """
    return _faults_of_model(schema, value) if isinstance(schema, type) else _faults_of_schema(schema, value)


def _faults_of_schema(schema: Mapping[str, Any], value: Any) -> list[str]:
    from jsonschema.validators import validator_for
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    validator = validator_for(schema, _latest())(schema, registry=Registry())
    try:
        found = sorted(validator.iter_errors(value), key=lambda error: [str(part) for part in error.absolute_path])
    except Unresolvable as error:
        raise ValueError(f"the schema refers to {error.ref!r}, which is not in it") from error
    except RecursionError:
        return ["$: is nested too deeply"]
    return [f"{_cut(error.json_path)}: {_cut(error.message)}" for error in found[:MOST]]


def _faults_of_model(model: type[BaseModel], value: Any) -> list[str]:
    """Read as JSON is: a list will do for a tuple, text for a date."""
    import json

    try:
        model.model_validate_json(json.dumps(value))
    except ValidationError as error:
        told = error.errors(include_url=False, include_input=False, include_context=False)
        return [f"{_path(one['loc'])}: {_cut(one['msg'])}" for one in told[:MOST]]
    except RecursionError:
        return ["$: is nested too deeply"]
    return []


def _path(loc: tuple[int | str, ...]) -> str:
    """A place in a value, written as JSON Path."""
    return _cut("$" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc))


def _latest() -> Any:
    from jsonschema import Draft202012Validator

    return Draft202012Validator


def _cut(text: str) -> str:
    line = " ".join(str(text).split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}..."
