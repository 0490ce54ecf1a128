"""A project of somebody else, with one eval of as many rows as a benchmark wants. Writes files; runs nothing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

EVAL = '''
import pytest


def lengthy(sample):
    """A trivial scorer."""
    return len(sample.output) > 0


@pytest.mark.eval(dataset="questions", scorers=[lengthy], gates=["lengthy >= 0.9"])
def test_questions(sample):
    assert sample.require("lengthy")
'''

PLAIN = """
import pytest


@pytest.mark.parametrize("row", range({rows}), ids=[f"row-{{i}}:main" for i in range({rows})])
def test_questions(row):
    assert row >= 0
"""

MODEL = '''
"""A model that costs nothing: what is measured is everything around it."""


def answer(request):
    return f"echo: {request.messages[-1].content}"
'''


def with_eval(folder: Path, rows: int, model: str, **keys: str | float) -> Path:
    """Rows, a prompt, one run-config with these further keys, and an eval with one scorer."""
    config = {"name": "main", "model": model, "prompt": "ask", **keys}
    _write(folder / "pyproject.toml", '[tool.pytest.ini_options]\npythonpath = ["."]\n')
    _write(folder / "evals/test_questions.py", EVAL)
    _write(folder / "evals/prompts/ask.j2", "Answer in one word.\n{{ input }}\n")
    _write(folder / "evals/run_configs.yaml", json.dumps({"run_configs": [config]}))
    _write(folder / "datasets/questions.jsonl", "".join(_row(i) for i in range(rows)))
    _write(folder / "app.py", MODEL)
    return folder


def without_eval(folder: Path, tests: int) -> Path:
    """As many trivial tests of one parametrized function, with ids as long as an eval's."""
    _write(folder / "pyproject.toml", '[tool.pytest.ini_options]\npythonpath = ["."]\n')
    _write(folder / "tests/test_questions.py", PLAIN.format(rows=tests))
    return folder


def without_state(folder: Path) -> Path:
    """The same project with no cache and no run, so that every call is really made, cached and kept."""
    shutil.rmtree(folder / ".touchstone", ignore_errors=True)
    return folder


def question(number: int) -> str:
    """The input of one row."""
    return f"How many legs have {number} beetles?"


def _row(number: int) -> str:
    return json.dumps({"id": f"row-{number}", "input": question(number)}) + "\n"


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
