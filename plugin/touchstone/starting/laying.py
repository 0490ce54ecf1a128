"""A new project's files, or what an existing one lacks of them. Never changes a file, but for lines of .gitignore."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from ..config import load_catalogue
from ..datasets import SUFFIXES
from ..errors import UsageError
from ..places import Places
from . import templates
from .escaping import filled, in_docstring, in_jinja, in_jsonl, in_markdown, in_yaml
from .samples import samples
from .task import Task

_SETTINGS = ("pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini", "pyproject.toml")
_OLDER = (("tox.ini", "[pytest]"), ("setup.cfg", "[tool:pytest]"))
TOKENS = 120
TOKENS_JSON = 400


@dataclass
class Laid:
    """What was done, as paths from the root."""

    written: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    """Files that were there, and were left alone."""

    def put(self, places: Places, path: Path, text: Callable[[], str]) -> None:
        """A file with that text; left alone where anything stands there. Raises UsageError."""
        shown = places.shown(path)
        if os.path.lexists(path):
            self.kept.append(shown)
            return
        with_words(path, shown, lambda: _create(path, text()))
        self.written.append(shown)


def lay(task: Task, places: Places) -> Laid:
    """Write what is missing. Raises UsageError where the folder takes no file; what was written till then stays."""
    laid, evals = Laid(), places.run_configs.parent
    put = partial(laid.put, places)
    values = _values(task, places)
    _settings(put, places, values)
    put(places.run_configs, lambda: filled(templates.RUN_CONFIGS, values))
    if any(one.prompt == "answer" for one in load_catalogue(places).run_configs):
        put(places.prompts / "answer.j2", lambda: filled(templates.PROMPT, values))
    put(evals / f"test_{task.name}.py", lambda: eval_of(task, task.name))
    if _says(evals / f"test_{task.name}.py", f'dataset="{task.name}"'):  # not one that asks other rows
        put(_rows(task.name, places), lambda: "".join(map(in_jsonl, samples(task.input, task.output))))
    put(places.root / "Makefile", lambda: filled(templates.MAKEFILE, values))
    put(_readme(places), lambda: _steps(task, places, {**values, "RUN": _how(laid, values)}))
    _ignore(laid, places)
    return laid


def eval_of(task: Task, dataset: str) -> str:
    """An eval's module, with a plain assert and one gate."""
    text = templates.EVAL_TEXT if task.output == "text" else templates.EVAL_JSON
    return filled(text, {"ABOUT": in_docstring(task.about), "DATASET": dataset, "NAME": task.name})


def with_words(path: Path, shown: str, write: Callable[[], None]) -> None:
    """Write, with the system's errors in words. Raises UsageError."""
    try:
        write()
    except OSError as error:
        hint = f"choose a folder that you may write to, or see: ls -ld '{path.parent}'"
        raise UsageError(f"cannot be written: {error.strerror}", where=shown, hint=hint) from error


def _create(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8", newline="\n") as file:
        file.write(text)


def _values(task: Task, places: Places) -> dict[str, str]:
    json_ = task.output != "text"
    defaults = {"temperature": 0, "seed": 1, "max_tokens": TOKENS_JSON if json_ else TOKENS}
    config = task.run_config
    entry = {"name": config.name, "model": config.model, "prompt": config.prompt, "default": True}
    return {
        "NAME": task.name,
        "ABOUT": in_jinja(task.about),
        "EVALS": places.shown(places.run_configs.parent),
        "RUNCONFIGS": places.shown(places.run_configs),
        "PROMPT": places.shown(places.prompts / "answer.j2"),
        "EVAL": f"{places.shown(places.run_configs.parent)}/test_{task.name}.py",
        "ROWS": places.shown(places.datasets / f"{task.name}.jsonl"),
        "FORM": templates.PROMPT_JSON if json_ else templates.PROMPT_TEXT,
        "ASKED": templates.ASKED_TEXT if task.input == "text" else templates.ASKED_MAPPING,
        "DEFAULTS": in_yaml(defaults | ({"output": dict(task.output)} if task.output != "text" else {}), 2),
        "RUNCONFIG": in_yaml([entry], 2),
    }


def _rows(name: str, places: Places) -> Path:
    """Where its rows lie, in whatever format, or will."""
    there = (places.datasets / f"{name}{suffix}" for suffix in SUFFIXES)
    return next((path for path in there if os.path.lexists(path)), places.datasets / f"{name}.jsonl")


def _how(laid: Laid, values: dict[str, str]) -> str:
    """What runs the evals: `make`, where the Makefile is ours."""
    return filled(templates.BY_HAND if "Makefile" in laid.kept else templates.BY_MAKE, values)


def _steps(task: Task, places: Places, values: dict[str, str]) -> str:
    return filled(templates.README, {**values, "ABOUT": in_markdown(task.about), "FIRST": _first(task, places)})


def _first(task: Task, places: Places) -> str:
    """The run-config to compare with: what ships, by the file that is there now."""
    default = load_catalogue(places).default
    return default.name if default else task.run_config.name


def _settings(put: Callable[[Path, Callable[[], str]], None], places: Places, values: dict[str, str]) -> None:
    """What tells pytest where the project's root is. A `pyproject.toml` would change how a setup.py is built."""
    root = places.root
    there = [root / name for name in _SETTINGS if os.path.lexists(root / name)]
    there += [root / name for name, head in _OLDER if _says(root / name, head)]
    old = any((root / name).exists() for name in ("setup.py", "setup.cfg"))
    name, text = ("pytest.ini", templates.PYTEST_INI) if old else ("pyproject.toml", templates.PYPROJECT)
    put(there[0] if there else root / name, lambda: filled(text, values))


def _says(path: Path, head: str) -> bool:
    return path.is_file() and head in path.read_text(encoding="utf-8", errors="replace")


def _readme(places: Places) -> Path:
    """The project's, where it has none or it is ours; else one beside the evals."""
    path = places.root / "README.md"
    ours = _says(path, templates.MARK) or not os.path.lexists(path)
    return path if ours else places.run_configs.parent / "README.md"


def _ignore(laid: Laid, places: Places) -> None:
    path = places.root / ".gitignore"
    shown = places.shown(path)

    def append() -> None:
        before = path.read_bytes() if path.exists() else b""
        missing = _missing(before.decode("utf-8", "replace").split("\n"))
        (laid.written if missing else laid.kept).append(shown)
        if missing:
            start = b"" if before.endswith(b"\n") or not before else b"\n"
            with path.open("ab") as file:
                file.write(start + "".join(f"{line}\n" for line in missing).encode())

    with_words(path, shown, append)


def _missing(lines: Sequence[str]) -> list[str]:
    there = {line.strip().strip("/") for line in lines}
    return [line for line in templates.IGNORED if line.strip("/") not in there]
