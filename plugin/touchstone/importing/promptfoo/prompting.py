"""Prompts of a promptfoo config as files here: a system's message and a user's. Renders none."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import UsageError
from ..names import Names
from ..placed import Folder, Placed, parsed
from ..unplaced import Leftovers
from .nunjucks import Template, template

_FILE = "file://"
_TEXTS = (".txt", ".md", ".j2", ".njk", "")
_CHATS = (".json", ".yaml", ".yml")
_BREAK = "\n---\n"
_OURS = ("input", "row")
"""Names that mean something of their own in a prompt here."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """One prompt."""

    name: str
    """Of its file, without its end."""
    labels: tuple[str, ...]
    """What a provider may call it."""
    system: Template | None
    user: Template

    def content(self, texts: bool, always: frozenset[str]) -> bytes:
        """The file. `texts`: the rows' inputs are texts, not mappings; `always`: the names that every input has."""
        parts = [("system", self.system)] if self.system else []
        return "".join(
            f"{{% block {role} %}}\n{_given(one, texts, always)}{one.text}\n{{% endblock %}}\n"
            for role, one in [*parts, ("user", self.user)]
            if one
        ).encode("utf-8")


def _given(of: Template, texts: bool, always: frozenset[str]) -> str:
    """Names that would mean something else here, or nothing: Nunjucks writes what is not there as nothing."""
    own = [] if texts else [name for name in ("row", "input") if name in of.names]  # `input` last: the first reads it
    lines = [f'{{% set {name} = input["{name}"] | default("") %}}\n' for name in own]
    known = frozenset(("input",) if texts else _OURS)
    for name in sorted(of.names - always - known):
        nothing = '""' if name == "row" else f'{name} | default("")'
        lines.append(f"{{% set {name} = {nothing} %}}\n")
    return "".join(lines)


@dataclass
class Prompting:
    """All prompts of a config."""

    folder: Folder
    left: Leftovers
    names: Names

    def all(self, given: Placed) -> list[Prompt]:
        """In the config's order. Raises UsageError."""
        if isinstance(given.value, dict):  # an older spelling: file -> label
            found = [(label.said(path), str(label.value)) for path, label in given.items()]
        else:
            found = [(one, "") for one in given.each()]
        return [prompt for one, label in found for prompt in self._one(one, label)]

    def _one(self, given: Placed, label: str) -> Iterator[Prompt]:
        if isinstance(given.value, dict):
            yield from self._entry(given, label)
        elif not isinstance(given.value, str):
            self.left.add("prompt", "", given.where, "is no text", given.value)
        elif self._names_file(given.value):
            yield from self._files(given, label)
        elif given.value.startswith(("exec:", "python:", "langfuse://", "portkey://", "helicone://", "mlflow://")):
            self.left.add("prompt", "", given.where, "a prompt that is made elsewhere", given.value)
        else:
            yield from self._text(given.value, label, given.where)

    def _entry(self, given: Placed, label: str) -> Iterator[Prompt]:
        raw = next((given.at(key) for key in ("raw", "prompt") if isinstance(given.at(key).value, str)), None)
        source = raw or given.at("id")
        own = next((str(given.value[key]) for key in ("label", "id", "display") if given.value.get(key)), label)
        rest = [(key, one) for key, one in given.items() if key not in ("raw", "prompt", "label", "id", "display")]
        for key, one in rest:
            self.left.add("prompt", key, one.where, "no such thing here", one.value)
        if not isinstance(source.value, str):
            self.left.add("prompt", "", given.where, "has no text", given.value)
        else:
            yield from self._one(source, own)

    def _names_file(self, text: str) -> bool:
        if text.startswith(_FILE):
            return True
        if "\n" in text or len(text) > 300 or Path(text).suffix not in (*_TEXTS[:-1], *_CHATS):
            return False
        return (self.folder.here / text).is_file()

    def _files(self, given: Placed, label: str) -> Iterator[Prompt]:
        name = given.value.removeprefix(_FILE)
        if Path(name.partition(":")[0]).suffix.lower() not in (*_TEXTS, *_CHATS):
            self.left.add("prompt", "", given.where, "a prompt that code makes", given.value)
            return
        for path in self.folder.files(name, given.where):
            text, shown = self.folder.text(path), self.folder.shown(path)
            known = label or path.stem
            if path.suffix.lower() in (".yaml", ".yml"):
                text = json.dumps(parsed(path, text, shown).value, ensure_ascii=False)
            pieces = text.replace("\r\n", "\n").split(_BREAK) if path.suffix == ".txt" else [text]
            for number, piece in enumerate(pieces, 1):
                if piece.strip():
                    yield from self._text(piece, known if len(pieces) == 1 else f"{known} {number}", f"{shown}:1")

    def _text(self, text: str, label: str, where: str) -> Iterator[Prompt]:
        """A text, or the messages that it is JSON of."""
        if (chat := _chat(text)) is None:
            yield self._made(None, text, label or text[:40], label, where)
        elif isinstance(chat, str):
            self.left.add("prompt", "", where, chat, text)
        else:
            yield self._made(chat[0], chat[1], label or "chat", label, where)

    def _made(self, system: str | None, user: str, words: str, label: str, where: str) -> Prompt:
        parts = [template(text.strip()) for text in (system or "", user)]
        for one in parts:
            if one.problem:
                self.left.add("prompt", "", where, f"{one.problem}: it is kept as plain text", user)
        labels = tuple(name for name in (label, user, f"{_FILE}{label}") if name)
        return Prompt(self.names.new(words, "prompt"), labels, parts[0] if parts[0].text else None, parts[1])


def _chat(text: str) -> tuple[str, str] | str | None:
    """(system, user) of a list of messages; why it can be none here; None where it is no such list."""
    if not text.lstrip().startswith("["):
        return None
    try:
        messages = json.loads(text)
    except (ValueError, RecursionError):
        return "messages that are JSON only once they are filled in" if '"role"' in text else None
    if not (isinstance(messages, list) and messages and all(isinstance(m, dict) and "role" in m for m in messages)):
        return None
    said = [(str(m["role"]).replace("developer", "system"), _content(m.get("content"))) for m in messages]
    if any(content is None for _, content in said):
        return "messages whose content is more than text"
    roles = [role for role, _ in said]
    if roles[-1] != "user" or any(role != "system" for role in roles[:-1]):
        return "messages of several turns: a prompt here is a system's and one user's"
    return "\n\n".join(str(content) for _, content in said[:-1]), str(said[-1][1])


def _content(value: Any) -> str | None:
    """A message's text; None where it is more than that."""
    if isinstance(value, str):
        return value
    if not isinstance(value, list):
        return None
    texts = [one.get("text") if isinstance(one, dict) and one.get("type") == "text" else None for one in value]
    return "\n".join(texts) if all(isinstance(one, str) for one in texts) else None  # type: ignore[arg-type]


def used(prompts: Sequence[Prompt]) -> frozenset[str]:
    """Every name that the prompts read."""
    return frozenset(
        name for prompt in prompts for one in (prompt.system, prompt.user) if one is not None for name in one.names
    )


def none_left(where: str) -> UsageError:
    """A config without any prompt that could stand here."""
    return UsageError("has no prompt that can be one here", where=where, hint="give it a text with {{variables}}")
