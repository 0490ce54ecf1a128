"""Prompts: Jinja2 files to messages. Renders in a sandbox; never calls a model.

A template with a `system` or `user` block gives those messages; one without gives its whole text as the user's.
It sees `row`, `input`, and the keys of `input` where that is a mapping. An undefined name is an error.

Behind a template with a `system` block alone comes the row's own conversation (`conversation`), where it has one. The
filters `image` and `audio` put a file of the project where its path stands: `{{ input.picture | image }}`.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from secrets import token_hex
from typing import Any, Literal

from jinja2 import (
    FileSystemLoader,
    StrictUndefined,
    Template,
    TemplateError,
    TemplateNotFound,
    TemplateSyntaxError,
    UndefinedError,
)
from jinja2.sandbox import ImmutableSandboxedEnvironment

from .conversation import conversation, has_conversation, has_later
from .errors import UsageError
from .media import Gallery
from .records import Media, Message, Row

_ROLES = ("system", "user")
_MEDIA: tuple[Literal["image", "audio"], ...] = ("image", "audio")


class Prompts:
    """The templates of one folder, each compiled once."""

    def __init__(self, folder: Path, shown: str, root: Path | None = None) -> None:
        """`root` is the project's, where pictures and sounds lie."""
        self._folder, self._shown = folder, shown
        self._gallery = Gallery(root)
        self._mark = token_hex(8)
        """What no row can know, and so no row can send a file by."""
        self._environment = ImmutableSandboxedEnvironment(
            loader=FileSystemLoader(folder), undefined=StrictUndefined, trim_blocks=True, keep_trailing_newline=False
        )
        self._environment.filters |= {kind: partial(self._marked, kind) for kind in _MEDIA}
        self._blocks: dict[str, tuple[Template, Mapping[str, Any]]] = {}

    def render(self, name: str, row: Row) -> tuple[Message, ...]:
        """The messages for a row. Raises UsageError with the template's file and line."""
        messages = self._guarded(name, lambda: self._messages(name, row), row)
        if not any(message.content for message in messages):
            raise UsageError(f"gives an empty prompt for the row {row.id!r}", where=f"{self._shown}/{name}.j2:1")
        return messages

    def later(self, name: str, row: Row) -> tuple[Message, ...]:
        """What the user says after the first answer, a turn each. Raises UsageError; `render` must have been asked."""
        if not has_later(row) or not self._is_open(self._blocks[name][1]):
            return ()
        return self._guarded(name, lambda: conversation(row, self._gallery)[1])

    @staticmethod
    def _is_open(blocks: Mapping[str, Any]) -> bool:
        """Whether the template leaves to the row what the user says."""
        return "system" in blocks and "user" not in blocks

    def _messages(self, name: str, row: Row) -> tuple[Message, ...]:
        # Merged here, once: jinja's own `render` does it at four times the cost of all the rest.
        own = row.input if isinstance(row.input, dict) else {}
        known = {**self._environment.globals, **own, "input": row.input, "row": row}
        template, blocks = self._compiled(name, known)
        context = template.new_context(known, shared=True)
        if not any(role in blocks for role in _ROLES):
            return (self._parted("user", "".join(template.root_render_func(context)).strip()),)
        context.blocks = dict(blocks)
        texts = {role: "".join(blocks[role][0](context)).strip() for role in _ROLES if role in blocks}
        said = tuple(self._parted(role, text) for role, text in texts.items() if text)
        open_ = self._is_open(blocks) and has_conversation(row)
        return (*said, *conversation(row, self._gallery)[0]) if open_ else said

    def _marked(self, kind: Literal["image", "audio"], path: Any) -> str:
        """A file's place in the text."""
        if not isinstance(path, str):
            raise UsageError(f"the filter `{kind}` wants a path, not {type(path).__name__}")
        self._gallery.look(kind, path)
        return f"[{self._mark}:{kind}:{path.encode('utf-8', 'replace').hex()}]"

    def _parted(self, role: str, text: str) -> Message:
        """The text, or its parts where files stand in it."""
        if self._mark not in text:
            return Message(role, text)
        words = re.split(rf"\[{self._mark}:(\w+):([0-9a-f]*)\]", text)
        parts: list[str | Media] = []
        for at in range(0, len(words), 3):
            parts += [words[at].strip()] if words[at].strip() else []
            for kind, path in zip(words[at + 1 : at + 2], words[at + 2 : at + 3], strict=True):
                parts.append(self._gallery.look("image" if kind == "image" else "audio", bytes.fromhex(path).decode()))
        if any(self._mark in one for one in parts if isinstance(one, str)):
            raise UsageError("something was done to a file's place", hint="let `| image` be the last filter")
        return Message.of(role, parts)

    def _compiled(self, name: str, known: dict[str, Any]) -> tuple[Template, Mapping[str, Any]]:
        """A template and the blocks that it has together with those it extends, found once by running it."""
        if name not in self._blocks:
            template = self._environment.get_template(f"{name}.j2")
            context = template.new_context(known, shared=True)
            for _ in template.root_render_func(context):
                pass
            self._blocks[name] = template, context.blocks
        return self._blocks[name]

    def _guarded(
        self, name: str, render: Callable[[], tuple[Message, ...]], row: Row | None = None
    ) -> tuple[Message, ...]:
        try:
            return render()
        except UsageError as error:
            place = self._place(error, name)
            told = f"{error.where}: {error.message}" if error.where else error.message
            raise UsageError(told, where=place, hint=error.hint) from error
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
            hint = _names(row) if isinstance(error, UndefinedError) and row else ""
            raise UsageError(str(error), where=self._place(error, name), hint=hint) from error

    def _place(self, error: BaseException, name: str) -> str:
        """Where in which template: the line of the Python that jinja made of it, told back."""
        frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename.endswith(".j2")]
        if not frames:
            return f"{self._shown}/{name}.j2:1"
        file = Path(frames[-1].filename).relative_to(self._folder).as_posix()
        line = self._environment.get_template(file).get_corresponding_lineno(frames[-1].lineno or 1)
        return f"{self._shown}/{file}:{line}"


def _names(row: Row) -> str:
    """What a template may name."""
    own = sorted(str(key) for key in row.input) if isinstance(row.input, dict) else []
    return f"there are: {', '.join(['input', 'row', *own])}; what a row has beside its input is row.NAME"
