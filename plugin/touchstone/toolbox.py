"""Tools that a model may call: their definitions, by file or by Python function. Owns how one is checked and answered.

`evals/tools/NAME.yaml` (or .json) holds definitions as OpenAI has them. `module:function` is a Python function: its
definition is drawn from its annotations and docstring, unless a file that is named too defines a tool of its name, and
calls of it are answered here. A parameter called `row` is given the dataset's row and not shown to the model.
"""

from __future__ import annotations

import asyncio
import contextlib
import difflib
import importlib
import inspect
import json
import re
import threading
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from .errors import ToolError, ToolFailed, UsageError
from .fingerprint import reach
from .places import Places
from .records import Message, Row, RunConfig, ToolCall
from .schemas import check_schema
from .yamlfile import YamlFile, read_yaml

SUFFIXES = (".yaml", ".yml", ".json")
LARGEST = 10_000
"""Values in a file of definitions, those of aliases counted each time: a file that unfolds without end is refused."""
LONGEST = 2**20
"""Characters of a tool's answer."""
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_ROW = "row"


class _Function(BaseModel):
    """What a model is told of a tool."""

    model_config = ConfigDict(extra="forbid", strict=True)
    name: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")
    description: str = ""
    parameters: dict[str, Any] = Field(default_factory=lambda: {"type": "object", "properties": {}})
    strict: bool | None = None


class _Wrapped(BaseModel):
    """A definition as OpenAI has it."""

    model_config = ConfigDict(extra="forbid", strict=True)
    type: Literal["function"]
    function: _Function


@dataclass(frozen=True)
class Tool:
    """A Python function as a tool."""

    name: str
    function: Callable[..., Any]
    arguments: type[BaseModel]
    """What it takes, each under an alias: names such as `schema` mean something to pydantic."""
    with_row: bool

    @property
    def definition(self) -> dict[str, Any]:
        """As OpenAI has it."""
        schema = _untitled(self.arguments.model_json_schema())
        schema.setdefault("properties", {})
        told = {"name": self.name, "description": inspect.getdoc(self.function) or "", "parameters": schema}
        return {"type": "function", "function": told}

    def bound(self, arguments: Any, row: Row) -> Callable[[], Any]:
        """The call. Raises ValidationError for arguments that it does not take."""
        checked = self.arguments.model_validate(arguments)
        given = {str(info.alias): getattr(checked, name) for name, info in type(checked).model_fields.items()}
        return partial(self.function, **given, **({_ROW: row} if self.with_row else {}))


@dataclass(frozen=True)
class Toolbox:
    """The tools of a run-config."""

    definitions: tuple[dict[str, Any], ...] = ()
    """As OpenAI has them; they are part of each request."""
    functions: Mapping[str, Tool] = field(default_factory=dict)
    """Those that are answered here."""

    def answers(self, calls: Sequence[ToolCall]) -> bool:
        """Whether each of these calls can be answered: by its function, or by the words that there is no such tool."""
        known = {one["function"]["name"] for one in self.definitions} - set(self.functions)
        return bool(calls and self.functions) and not any(call.name in known for call in calls)

    async def answer(self, call: ToolCall, row: Row, timeout: float) -> Message:
        """What the tool says. A call that it cannot take is answered with words, as a model that errs needs them.

        Raises ToolFailed where the function itself fails.
        """
        try:
            text = await self._said(call, row, timeout)
        except ToolError as error:
            text = f"error: {error}"
        return Message("tool", text, tool_call_id=call.id)

    async def _said(self, call: ToolCall, row: Row, timeout: float) -> str:
        if call.name not in self.functions:
            raise ToolError(f"there is no tool {call.name!r}; there are: {', '.join(self.functions)}")
        if not isinstance(call.arguments, dict):
            raise ToolError("the arguments are no JSON object")
        try:
            bound = self.functions[call.name].bound(call.arguments, row)
        except ValidationError as error:
            raise ToolError(_first(error)) from error
        return _text(call.name, await _run(call.name, bound, timeout))


NO_TOOLS = Toolbox()


def open_toolbox(config: RunConfig, places: Places) -> Toolbox:
    """The tools that a run-config names. Raises UsageError with file and line."""
    where = f"run-config {config.name!r}"
    tools = [_function(name, places.root, where) for name in config.tools if ":" in name]
    files = [one for name in config.tools if ":" not in name for one in _file(name, places, where)]
    functions = {tool.name: tool for tool in tools}
    defined = {one["function"]["name"] for one in files}
    definitions = (*files, *(tool.definition for tool in tools if tool.name not in defined))
    _check_names([one["function"]["name"] for one in files], where)
    _check_names([tool.name for tool in tools], where)
    _check_choice(config.tool_choice, {one["function"]["name"] for one in definitions}, where)
    return Toolbox(definitions, functions)


def _check_names(names: Sequence[str], where: str) -> None:
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"two tools are called {name!r}", where=where, hint="rename one of them")


def _check_choice(choice: str | None, names: set[str], where: str) -> None:
    if choice not in (None, "auto", "none", "required", *names):
        hint = f"auto, none, required, or a tool: {', '.join(sorted(names)) or 'none is defined'}"
        raise UsageError(f"tool_choice names {choice!r}, which is no tool", where=where, hint=hint)


def _file(name: str, places: Places, where: str) -> Iterator[dict[str, Any]]:
    """The definitions of a file."""
    path = _found(name, places, where)
    file = read_yaml(path, places.shown(path))
    _check_size(file)
    listed = isinstance(file.data, list)
    entries = file.data if listed else (file.data.get("tools") if isinstance(file.data, dict) else None)
    if not isinstance(entries, list) or not entries:
        raise UsageError("wants a list of tools", where=file.where(), hint=_HINT)
    for number, entry in enumerate(entries):
        yield _checked(entry, file, () if listed else ("tools",), number)


_HINT = "each as OpenAI has it: {name: ..., description: ..., parameters: {type: object, properties: {...}}}"


def _found(name: str, places: Places, where: str) -> Path:
    home = places.tools.resolve()
    stem = name.removeprefix(f"{places.shown(places.tools)}/")
    paths = [home / stem, *(home / f"{stem}{suffix}" for suffix in SUFFIXES)] if "\0" not in stem else []
    for path in paths:
        if path.suffix in SUFFIXES and path.resolve().is_relative_to(home) and path.is_file():
            return path
    there = sorted(path.stem for path in home.glob("*") if path.suffix in SUFFIXES)
    close = difflib.get_close_matches(name, there, 1)
    hint = f"did you mean {close[0]!r}?" if close else f"tools here: {', '.join(there) or 'none'}"
    hint += "; a Python function is written module:function"
    raise UsageError(f"there is no file of tools {name!r} below {places.shown(places.tools)}", where=where, hint=hint)


def _check_size(file: YamlFile) -> None:
    waiting, seen = [file.data], 0
    while waiting:
        one, seen = waiting.pop(), seen + 1
        if seen > LARGEST:
            raise UsageError(f"holds more than {LARGEST:,} values", where=file.path)
        waiting += one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()


def _checked(entry: Any, file: YamlFile, above: tuple[Any, ...], number: int) -> dict[str, Any]:
    wrapped = isinstance(entry, dict) and "function" in entry
    try:
        told = _Wrapped.model_validate(entry).function if wrapped else _Function.model_validate(entry)
        json.dumps(told.parameters)
    except ValidationError as error:
        loc = error.errors(include_url=False)[0]["loc"]
        raise UsageError(_first(error), where=file.where(*above, number, *loc), hint=_HINT) from error
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"is no JSON: {error}", where=file.where(*above, number), hint="put dates in quotes"
        ) from error
    wrong = check_schema(told.parameters)
    if wrong is None and told.parameters.get("type", "object") != "object":
        wrong = "parameters are those of a function: type: object"
    if wrong:
        place = (*above, number, *(("function",) if wrapped else ()), "parameters")
        raise UsageError(f"the tool {told.name!r}: {wrong}", where=file.where(*place))
    return {"type": "function", "function": told.model_dump(exclude_none=True)}


def _function(name: str, root: Path, where: str) -> Tool:
    """The tool of a `module:function`."""
    module, _, attribute = name.partition(":")
    reach(root)
    hint = "write it as package.module:function, importable from the project's root"
    try:
        found = getattr(importlib.import_module(module), attribute)
    except Exception as error:
        raise UsageError(f"cannot find the tool {name!r}: {error}", where=where, hint=hint) from error
    if not callable(found):
        raise UsageError(f"the tool {name!r} is no function, but {type(found).__name__}", where=where, hint=hint)
    if not _NAME.fullmatch(attribute):
        raise UsageError(f"{attribute!r} can be no tool's name: letters, digits, _ and -", where=where)
    try:
        return Tool(attribute, found, *_taken(attribute, found))
    except Exception as error:
        why = " ".join(str(error).split())[:200]
        hint = "annotate each parameter with a type that JSON has; no *args and no **kwargs"
        raise UsageError(f"no definition can be drawn from the tool {name!r}: {why}", where=where, hint=hint) from error


def _taken(name: str, function: Callable[..., Any]) -> tuple[type[BaseModel], bool]:
    """(a model of the arguments, whether it wants the row)."""
    hints = typing.get_type_hints(function, include_extras=True)
    parameters = inspect.signature(function).parameters
    fields: dict[str, Any] = {}
    for number, (one, parameter) in enumerate(parameters.items()):
        if one == _ROW:
            continue
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise TypeError(f"{parameter} can be given by no name")
        if one not in hints:
            raise TypeError(f"the parameter {one!r} has no type")
        default = ... if parameter.default is parameter.empty else parameter.default
        fields[f"field_{number}"] = (typing.Annotated[hints[one], Field(alias=one)], default)
    model = create_model(name, __config__=ConfigDict(extra="forbid", arbitrary_types_allowed=False), **fields)
    model.model_json_schema()
    return model, _ROW in parameters


def _untitled(value: Any) -> Any:
    """A schema without the titles that pydantic makes up of names."""
    if isinstance(value, list):
        return [_untitled(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {k: _untitled(v) for k, v in value.items() if not (k == "title" and isinstance(v, str))}


async def _run(name: str, bound: Callable[[], Any], timeout: float) -> Any:
    """What the function returns. Raises ToolError as it does, ToolFailed for anything else that it raises."""
    try:
        async with asyncio.timeout(timeout):
            answer = await _in_thread(bound)
            return await answer if inspect.isawaitable(answer) else answer
    except ToolError:
        raise
    except TimeoutError:
        raise ToolFailed(f"the tool {name} gave no answer within {timeout:g} s") from None
    except Exception as error:  # (the tool is the project's code: whatever it raises is this sample's error)
        why = f"the tool {name} raised {type(error).__name__}: {error}"
        raise ToolFailed(f"{why}\n  what the model should hear of, raise as touchstone.ToolError") from error


async def _in_thread(bound: Callable[[], Any]) -> Any:
    """The function's own thread: one that never ends must not keep the process from ending, as a pool's would."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[tuple[Any, BaseException | None]] = loop.create_future()

    def told(result: tuple[Any, BaseException | None]) -> None:
        if not done.done():
            done.set_result(result)

    def work() -> None:
        try:
            result: tuple[Any, BaseException | None] = bound(), None
        except BaseException as error:  # noqa: BLE001  (it is raised again where it is waited for)
            result = None, error
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(told, result)

    threading.Thread(target=work, name="touchstone-tool", daemon=True).start()
    answer, error = await done
    if error is None:
        return answer
    raise error if isinstance(error, Exception) else RuntimeError(f"{type(error).__name__}: {error}")


def _text(name: str, answer: Any) -> str:
    """Text as it is, anything else as JSON."""
    try:
        text = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise ToolFailed(f"the tool {name} returned {type(answer).__name__}, which is no JSON: {error}") from error
    if len(text) > LONGEST:
        raise ToolFailed(f"the tool {name} returned {len(text):,} characters; {LONGEST:,} are the most")
    return text.encode("utf-8", "replace").decode("utf-8")


def _first(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}" if first["loc"] else first["msg"]
