"""Prompts: Jinja2 files to messages. Renders in a sandbox; never calls a model.

A template with a `system` or `user` block gives those messages; one without gives its whole text as the user's.
It sees `row`, `input`, and the keys of `input` where that is a mapping. An undefined name is an error.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined, Template, TemplateError, TemplateNotFound, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from .errors import UsageError
from .records import Message, Row

_ROLES = ("system", "user")


class Prompts:
    """The templates of one folder, each compiled once."""

    def __init__(self, folder: Path, shown: str) -> None:
        self._folder, self._shown = folder, shown
        self._environment = ImmutableSandboxedEnvironment(
            loader=FileSystemLoader(folder), undefined=StrictUndefined, trim_blocks=True, keep_trailing_newline=False
        )
        self._blocks: dict[str, tuple[Template, Mapping[str, Any]]] = {}

    def render(self, name: str, row: Row) -> tuple[Message, ...]:
        """The messages for a row. Raises UsageError with the template's file and line."""
        variables = {**row.input, "input": row.input, "row": row} if isinstance(row.input, dict) else None
        messages = self._guarded(name, lambda: self._messages(name, variables or {"input": row.input, "row": row}))
        if not any(message.content for message in messages):
            raise UsageError(f"gives an empty prompt for the row {row.id!r}", where=f"{self._shown}/{name}.j2:1")
        return messages

    def _messages(self, name: str, variables: dict[str, Any]) -> tuple[Message, ...]:
        # Merged here, once: jinja's own `render` does it at four times the cost of all the rest.
        known = {**self._environment.globals, **variables}
        template, blocks = self._compiled(name, known)
        context = template.new_context(known, shared=True)
        if not any(role in blocks for role in _ROLES):
            return (Message("user", "".join(template.root_render_func(context)).strip()),)
        context.blocks = dict(blocks)
        texts = {role: "".join(blocks[role][0](context)).strip() for role in _ROLES if role in blocks}
        return tuple(Message(role, text) for role, text in texts.items() if text)

    def _compiled(self, name: str, known: dict[str, Any]) -> tuple[Template, Mapping[str, Any]]:
        """A template and the blocks that it has together with those it extends, found once by running it."""
        if name not in self._blocks:
            template = self._environment.get_template(f"{name}.j2")
            context = template.new_context(known, shared=True)
            for _ in template.root_render_func(context):
                pass
            self._blocks[name] = template, context.blocks
        return self._blocks[name]

    def _guarded(self, name: str, render: Callable[[], tuple[Message, ...]]) -> tuple[Message, ...]:
        try:
            return render()
        except TemplateNotFound as error:
            there = ", ".join(sorted(p.stem for p in self._folder.glob("*.j2"))) or "none"
            raise UsageError(f"there is no {error.name}", where=self._shown, hint=f"prompts here: {there}") from error
        except TemplateSyntaxError as error:
            where = f"{self._shown}/{error.name or name + '.j2'}:{error.lineno}"
            raise UsageError(f"is no Jinja2 template: {error.message}", where=where) from error
        except RecursionError as error:
            hint = "a template that extends or includes itself, or two that do so with each other"
            raise UsageError("goes round in a circle", where=self._place(error, name), hint=hint) from None
        except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
            # A template's own mistake (an undefined name, a filter given the wrong thing) may be any of these.
            raise UsageError(str(error), where=self._place(error, name)) from error

    def _place(self, error: BaseException, name: str) -> str:
        """Where in which template: the line of the Python that jinja made of it, told back."""
        frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename.endswith(".j2")]
        if not frames:
            return f"{self._shown}/{name}.j2:1"
        file = Path(frames[-1].filename).relative_to(self._folder).as_posix()
        line = self._environment.get_template(file).get_corresponding_lineno(frames[-1].lineno or 1)
        return f"{self._shown}/{file}:{line}"
