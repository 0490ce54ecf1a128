"""What a sweep gives a provider, checked before anything is asked. Owns the words of a refusal; knows no parameter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from touchstone.errors import CallRefused

Model = TypeVar("Model", bound=BaseModel)


def checked(kind: type[Model], given: Mapping[str, Any]) -> Model:
    """The parameters as the provider's model holds them. Raises CallRefused that names each one that is wrong."""
    try:
        return kind.model_validate(dict(given))
    except ValidationError as error:
        raise CallRefused(f"bad parameters: {'; '.join(_wrong(kind, error))}") from None


def _wrong(kind: type[BaseModel], error: ValidationError) -> list[str]:
    """One text for each parameter at fault, with all that it may be instead."""
    told: dict[str, list[str]] = {}
    for fault in error.errors(include_url=False):
        name = str(fault["loc"][0]) if fault["loc"] else ""
        unknown = fault["type"] == "extra_forbidden"
        told.setdefault(name, []).append(_known(kind) if unknown else _short(fault["msg"]))
    return [f"{name}: {' or '.join(words)}" if name else " or ".join(words) for name, words in told.items()]


def _known(kind: type[BaseModel]) -> str:
    return f"there is none such; there are {', '.join(kind.model_fields)}"


def _short(message: str) -> str:
    return message.removeprefix("Input should be ").removeprefix("Value error, ")
