"""A fingerprint of a module's own sources, so that what code decided is not believed after the code has changed."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

DYNAMIC = frozenset({"import_module", "__import__", "exec", "eval"})
"""Calls that import what no reader of the source can tell."""


def reach(root: Path) -> None:
    """Make the modules of the project at `root` importable, as pytest's `pythonpath` would."""
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))


@cache
def fingerprint(module: str) -> str:
    """SHA-256 (hex) of the module's source and of those that it imports from its own top package, however far.

    Where one of them imports by computed names, it is all of the package. Empty for a module that cannot be
    found or has no source. Other packages that it imports are not looked at, nor are files that it reads.
    """
    top, _, below = module.partition(".")
    file = module_file(top)
    if file is None:
        return ""
    if file.name != "__init__.py":
        return _digest([file])
    found = _reached(module, file.parent) if below else _all(file.parent)
    return _digest(found) if found else ""


def _reached(module: str, package: Path) -> list[Path]:
    """Files of the package that importing the module runs, now or later; all of them where that cannot be told."""
    found, waiting = dict[Path, None](), [module]
    while waiting:
        for name, file in _files(waiting.pop(), package):
            if file in found:
                continue
            found[file] = None
            nodes = _nodes(file)
            if not nodes or any(_dynamic(node) for node in nodes):
                return _all(package)
            inside = name if file.name == "__init__.py" else name.rpartition(".")[0]
            waiting += [one for node in nodes for one in _imported(node, inside)]
    return sorted(found)


def _files(module: str, package: Path) -> Iterator[tuple[str, Path]]:
    """(name, source) of the module and the packages around it; nothing for what is not of this package."""
    top, *parts = module.split(".")
    if top != package.name:
        return
    for end in range(len(parts) + 1):
        place, name = package.joinpath(*parts[:end]), ".".join([top, *parts[:end]])
        for file in (place / "__init__.py", place.with_suffix(".py")):
            if file.is_file() and (end or file.name == "__init__.py"):
                yield name, file


def _nodes(file: Path) -> list[ast.AST]:
    """Of the file's syntax tree; none where it has no syntax: importing it will say so."""
    try:
        return list(ast.walk(ast.parse(file.read_bytes(), str(file))))
    except (SyntaxError, ValueError):
        return []


def _imported(node: ast.AST, inside: str) -> Iterator[str]:
    """Names that an import statement may bring in; some of them are no modules."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        up = inside.split(".")[: len(inside.split(".")) - node.level + 1] if node.level else []
        base = ".".join([*up, *([node.module] if node.module else [])])
        yield from (f"{base}.{alias.name}" for alias in node.names)


def _dynamic(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    return name in DYNAMIC and not (isinstance(node.func, ast.Attribute) and name in ("exec", "eval"))


def _all(package: Path) -> list[Path]:
    return sorted(package.rglob("*.py"))


def _digest(files: list[Path]) -> str:
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


def module_file(top: str) -> Path | None:
    """The source of a top module, or its package's `__init__.py`; None where it has none."""
    loaded = sys.modules.get(top)
    try:
        spec = loaded.__spec__ if loaded is not None else importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return None
    if spec is None:
        return None
    places = [*(spec.submodule_search_locations or ())]
    if places:  # also a package without an __init__.py
        return Path(places[0]) / "__init__.py"
    return Path(spec.origin) if spec.origin and spec.origin.endswith(".py") else None
