"""Conversations of other tools as a row's input: the last user's turn, with the turns before it if any. Pure."""

from __future__ import annotations

from typing import Any

_ROLES = {"human": "user", "gpt": "assistant", "developer": "system", "model": "assistant", "function": "tool"}
_EXAMPLES = {"example_user": "user", "example_assistant": "assistant"}
"""Names by which OpenAI's samples mark turns that are only shown."""
_KNOWN = ("system", "user", "assistant", "tool")


def turns_of(value: Any) -> list[dict[str, Any]] | None:
    """The turns of a list of {role, content} or {from, value}, roles as ours; None where it is no such list."""
    if not (isinstance(value, list) and value and all(isinstance(one, dict) for one in value)):
        return None
    found = [_turn(one) for one in value]
    return found if all(one["role"] in _KNOWN for one in found) else None


def _turn(one: dict[str, Any]) -> dict[str, Any]:
    role = str(one.get("role", one.get("from", "")))
    if role == "system" and one.get("name") in _EXAMPLES:
        role, one = _EXAMPLES[str(one["name"])], {key: value for key, value in one.items() if key != "name"}
    content = one.get("content", one.get("value"))
    rest = {key: value for key, value in one.items() if key not in ("role", "from", "content", "value")}
    kept = {key: value for key, value in rest.items() if value not in (None, [], {}, "")}
    return {"role": _ROLES.get(role, role), "content": _plain(content), **kept}


def _plain(content: Any) -> Any:
    """Text where it is made of nothing but texts."""
    if not isinstance(content, list):
        return content
    texts = [one.get("text") if isinstance(one, dict) and one.get("type") == "text" else None for one in content]
    return "".join(texts) if texts and all(isinstance(one, str) for one in texts) else content  # type: ignore[arg-type]


def asked(turns: list[dict[str, Any]]) -> tuple[Any, list[dict[str, Any]]]:
    """(a row's input, the turns behind it): up to the last user's turn, a text where that is all and is one.

    Raises ValueError where no user says anything.
    """
    last = max((number for number, one in enumerate(turns) if one["role"] == "user"), default=None)
    if last is None:
        raise ValueError("has no turn of a user's")
    before = turns[: last + 1]
    alone = len(before) == 1 and isinstance(before[0]["content"], str) and before[0].keys() == {"role", "content"}
    return before[0]["content"] if alone else {"messages": before}, turns[last + 1 :]


def answered(after: list[dict[str, Any]]) -> str | None:
    """The last assistant's text of these turns, if there is one."""
    texts = [one["content"] for one in after if one["role"] == "assistant" and isinstance(one["content"], str)]
    return texts[-1] if texts else None
