"""YAML with line numbers: safe loading that knows where each value stands. Owns no meaning of any file."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from .errors import UsageError

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class YamlFile:
    """A parsed file: `data`, and the tree that remembers lines."""

    path: str
    data: Any
    tree: yaml.Node | None

    def where(self, *keys: Any) -> str:
        """ "path:line" of the value under these keys, or of the deepest part of them that is there."""
        node = self.tree
        for key in keys:
            node = _child(node, key) or node
        return f"{self.path}:{node.start_mark.line + 1 if node else 1}"


def read_yaml(path: Path, shown: str) -> YamlFile:
    """Read one YAML document; `shown` is how errors name the file. Raises UsageError with its line."""
    return parse_yaml(read_text(path, shown), shown)


def read_text(path: Path, shown: str) -> str:
    """The text of a file. Raises UsageError where it is no UTF-8, or cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UsageError("is not UTF-8", where=shown, hint="save it as UTF-8") from error
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}", where=shown) from error


def parse_yaml(text: str, shown: str) -> YamlFile:
    """One YAML document. Lines are counted as they stand in `text`."""
    try:
        tree = yaml.compose(text, Loader=_Loader)
        _refuse_twice(tree, shown)
        return YamlFile(shown, yaml.load(text, Loader=_Loader), tree)  # noqa: S506  (a safe loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise UsageError(f"is no YAML: {error.problem}", where=f"{shown}:{mark.line + 1 if mark else 1}") from error
    except yaml.YAMLError as error:
        raise UsageError(f"is no YAML: {error}", where=shown) from error


def _child(node: yaml.Node | None, key: Any) -> yaml.Node | None:
    if isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
        item: yaml.Node = node.value[key]
        return item
    if isinstance(node, yaml.MappingNode):
        return next((v for k, v in node.value if k.value == str(key)), None)
    return None


def _refuse_twice(tree: yaml.Node | None, shown: str) -> None:
    """A key that stands twice in one mapping would silently win over the first."""
    for mapping in _mappings(tree, set()):
        seen: set[Hashable] = set()
        for key, _ in mapping.value:
            name = key.value if isinstance(key.value, str) else id(key)  # a key may be a list
            if name in seen and name != "<<":
                raise UsageError(f"the key {name!r} stands here twice", where=f"{shown}:{key.start_mark.line + 1}")
            seen.add(name)


def _mappings(node: yaml.Node | None, visited: set[int]) -> Iterable[yaml.MappingNode]:
    if node is None or id(node) in visited or isinstance(node, yaml.ScalarNode):
        return
    visited.add(id(node))
    if isinstance(node, yaml.MappingNode):
        yield node
    children = [v for _, v in node.value] if isinstance(node, yaml.MappingNode) else node.value
    for child in children:
        yield from _mappings(child, visited)
