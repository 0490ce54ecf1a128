"""One more run-config in the project's file, all else as it stands. Owns that step; chooses no model."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from ..config import load_catalogue
from ..errors import UsageError
from ..places import Places
from ..recordings import UNSEEN
from ..wholefile import replace_file
from ..yamlfile import read_text


def append_run_config(told: Mapping[str, Any], places: Places) -> None:
    """Put a line behind the last run-config. Nothing is written where the file would then not be read as meant.

    Raises UsageError with the line to add, where it cannot be added by itself.
    """
    path, shown = places.run_configs, places.shown(places.run_configs)
    before = load_catalogue(places)
    if any(one.name == told["name"] for one in before.run_configs):
        raise UsageError(f"a run-config is called {told['name']!r} already", where=shown, hint="give another name")
    # JSON is YAML: whatever a model is called, it stays one text.
    line = "- " + UNSEEN.sub(lambda m: f"\\u{ord(m[0]):04x}", json.dumps(told, ensure_ascii=False))
    text = _with(_text(path, shown), line)
    try:
        after = _read(text, places)
    except UsageError as error:
        raise UsageError(f"cannot be added to by itself: add the line\n  {line}", where=shown) from error
    if after[:-1] != before.run_configs or after[-1].name != told["name"]:
        raise UsageError(f"cannot be added to by itself: add the line\n  {line}", where=shown)
    try:
        replace_file(path, text.encode("utf-8"))
    except OSError as error:
        raise UsageError(f"cannot be written: {error.strerror}", where=shown) from error


def _text(path: Path, shown: str) -> str:
    read_text(path, shown)  # in words, where it cannot be read
    return path.read_bytes().decode("utf-8")  # with the line ends that it has


def _read(text: str, places: Places) -> tuple[Any, ...]:
    """The run-configs of a file with that text."""
    with tempfile.TemporaryDirectory() as folder:
        trial = Path(folder) / "run_configs.yaml"
        trial.write_bytes(text.encode("utf-8"))
        return load_catalogue(replace(places, run_configs=trial)).run_configs


def _with(before: str, line: str) -> str:
    lines = before.splitlines(keepends=True)
    at, indent = _behind(before)
    end = "\r\n" if lines[0].endswith("\r\n") else "\n"
    if not lines[at - 1].endswith("\n"):
        lines[at - 1] += end
    return "".join([*lines[:at], " " * indent + line + end, *lines[at:]])


def _behind(text: str) -> tuple[int, int]:
    """(lines before the place behind the last run-config, how far its dash stands in)."""
    tree = yaml.compose(text, Loader=yaml.SafeLoader)
    assert isinstance(tree, yaml.MappingNode)  # noqa: S101  (the file was loaded)
    configs = next(value for key, value in tree.value if key.value == "run_configs")
    last = configs.value[-1]
    end = last.end_mark.line + (1 if last.end_mark.column else 0)
    lines = text.splitlines()
    dash = lines[last.start_mark.line]
    indent = len(dash) - len(dash.lstrip()) if dash.lstrip().startswith("-") else configs.start_mark.column
    while end > 0 and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#")):
        end -= 1
    while end < len(lines) and _column(lines[end]) > indent and lines[end].lstrip().startswith("#"):
        end += 1  # a remark of the last one stays with it
    return end, indent


def _column(line: str) -> int:
    return len(line) - len(line.lstrip())
