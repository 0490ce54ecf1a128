"""What each score is measured with, as a digest that changes whenever the same answer may score differently.

Scores of two runs are compared only where these are the same. A scorer's is its `identity_of`; a judge's, its own
`identity`. What `passed` is measured with is the eval's module and what that imports of the project. Of the module
itself marks, comments and layout do not count: a gate that is raised makes no other measure.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from .evals import Eval
from .fingerprint import fingerprint, module_file
from .gates.verdict import PASSED
from .judges import BoundJudge
from .records import digest
from .scorers import identity_of, names_of

_DIGITS = 12
"""Hex digits that are kept of each."""
_OUTSIDE = ("site-packages", "dist-packages")


def yardsticks(evaluation: Eval, module: Path, root: Path) -> dict[str, str]:
    """Score -> digest, of an eval in this module of the project at `root`; a score whose cannot be told is left out."""
    own = _module(module, root)
    found = {PASSED: _body(own, evaluation)}
    for one in evaluation.scorers:
        identity = _identity(one, module, own)
        if identity:
            found.update((name, digest(identity)[:_DIGITS]) for name in names_of(one) if name != PASSED)
    return found


def _body(own: str, evaluation: Eval) -> str:
    judges = sorted(one.identity for one in evaluation.judges)
    return digest([own, *judges])[:_DIGITS]


def _identity(scorer: Callable[..., Any], module: Path, own: str) -> str:
    """Empty where it cannot be told: the scorer itself will say why when it is run."""
    if isinstance(scorer, BoundJudge):
        return scorer.identity
    try:
        return own if _source(scorer) == module else identity_of(scorer)
    except Exception:  # noqa: BLE001  (a scorer's identity is the user's code)
        return ""


def _source(scorer: Callable[..., Any]) -> Path | None:
    try:
        file = inspect.getsourcefile(inspect.unwrap(scorer if inspect.isroutine(scorer) else type(scorer)))
    except (TypeError, OSError):
        return None
    return Path(file) if file else None


def _module(file: Path, root: Path) -> str:
    """Digest of a module without its marks, and of the project's own modules that it imports."""
    try:
        tree = ast.parse(file.read_bytes(), str(file))
    except (OSError, SyntaxError, ValueError):
        return ""
    imported = sorted({fingerprint(name) for name in _imports(tree) if _ours(name, root)})
    return digest([ast.dump(_Bare().visit(tree)), *imported])


class _Bare(ast.NodeTransformer):
    """Takes away what scores no answer: marks, docstrings."""

    def visit_Assign(self, node: ast.Assign) -> ast.AST | None:
        """`pytestmark = ...`."""
        return None if any(isinstance(t, ast.Name) and t.id == "pytestmark" for t in node.targets) else node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """Decorators and docstring."""
        node.decorator_list = [one for one in node.decorator_list if "mark" not in ast.dump(one)]
        if ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
        return node

    def visit_Module(self, node: ast.Module) -> ast.AST:
        """Its docstring, and what stands in it."""
        if ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
        return self.generic_visit(node)


def _imports(tree: ast.Module) -> Iterator[str]:
    """Names of modules; relative ones are not looked at: an eval's module is in no package."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def _ours(name: str, root: Path) -> bool:
    """Whether the module is the project's own, rather than a package that it uses."""
    top = name.partition(".")[0]
    file = None if top == __name__.partition(".")[0] else module_file(top)
    return file is not None and file.is_relative_to(root) and not any(part in _OUTSIDE for part in file.parts)
