"""A small project of somebody else, for tests of the plugin: writes its files, runs its evals, reads what came."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from touchstone.fingerprint import fingerprint

APP = '''
"""An application: it says what it is told, and keeps a list of who asked."""
import time
from pathlib import Path

CALLS = Path(__file__).with_name("calls.log")


def echo(request):
    asked = request.messages[-1].content
    with CALLS.open("a") as log:
        log.write(f"{request.epoch} {asked}\\n")
    if asked.startswith("boom"):
        raise RuntimeError("the model is on fire")
    return asked


def slow(request):
    time.sleep(0.3)
    return echo(request)
'''

RUN_CONFIGS = """
run_configs:
  - {name: main, model: python/app:echo, prompt: ask, default: true}
"""

TWO_RUN_CONFIGS = """
run_configs:
  - {name: main, model: python/app:echo, prompt: ask, default: true}
  - {name: other, model: python/app:echo, prompt: ask, temperature: 0.5}
"""

SMALLEST = """
import pytest

@pytest.mark.eval(dataset="words")
def test_words(output):
    assert output.startswith("good")
"""

TWO_SCORERS = """
import pytest

def good(sample):
    return sample.output.startswith("good")

async def half(sample):
    return 0.5

@pytest.mark.eval(dataset="words", scorers=[good, half], gates=["good >= 0.6", "half >= 0.4", "errors <= 1"])
def test_words(sample, row):
    sample.require("good")
    assert row.id != "e"
"""
"""One plain and one async scorer, three gates; a miss of a score, and one of the body's own."""

LENIENT = """
import pytest

@pytest.mark.eval(dataset="words", gates=["passed >= 0.5"])
def test_words(output):
    assert output.startswith("good")
"""


ALONE = ("-p", "no:hypothesispytest", "-p", "no:anyio", "-p", "no:timeout")
"""Plugins that have nothing to do with us, and take a second to load."""


@dataclass(frozen=True)
class Project:
    """A project with evals, alone in its folder. The model answers each row with its input."""

    pytester: pytest.Pytester

    @property
    def root(self) -> Path:
        """Its folder."""
        return self.pytester.path

    def write(self, path: str, text: str | bytes) -> Path:
        """A file of the project."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return file

    def rows(self, *inputs: str, dataset: str = "words") -> None:
        """A dataset with these inputs; the ids are a, b, c ..."""
        self.dataset([{"id": chr(ord("a") + i), "input": text} for i, text in enumerate(inputs)], dataset)

    def dataset(self, rows: Iterable[Mapping[str, Any]], name: str = "words") -> None:
        """A dataset with these rows."""
        self.write(f"datasets/{name}.jsonl", "".join(json.dumps(row) + "\n" for row in rows))

    def eval(self, text: str, name: str = "words") -> None:
        """An eval's module."""
        self.write(f"evals/test_{name}.py", text)

    def run(self, *args: str, workers: int = 0) -> pytest.RunResult:
        """`pytest evals/` with these arguments; with workers, in processes of their own."""
        if workers:
            return self.pytester.runpytest_subprocess("evals", *ALONE, "-n", str(workers), *args)
        fingerprint.cache_clear()  # a new process would know nothing of other projects' sources
        return self.pytester.runpytest_inprocess("evals", *ALONE, *args)

    @property
    def calls(self) -> list[str]:
        """What the model was asked, sorted: `EPOCH INPUT`."""
        log = self.root / "calls.log"
        return sorted(log.read_text().splitlines()) if log.exists() else []

    @property
    def runs(self) -> list[Path]:
        """The folders of the runs so far, oldest first."""
        return sorted((self.root / ".touchstone/runs").glob("*"), key=lambda run: run.stat().st_mtime_ns)

    def report(self) -> dict[str, Any]:
        """The only run's report."""
        (run,) = self.runs
        data: dict[str, Any] = json.loads((run / "report.json").read_text())
        return data

    def samples(self) -> list[dict[str, Any]]:
        """The only run's samples, in the order of their tests' names."""
        (run,) = self.runs
        lines = [line for file in run.glob("samples-*.jsonl") for line in file.read_text().splitlines()]
        return sorted((json.loads(line) for line in lines), key=lambda sample: str(sample["test"]))

    def sample(self, row: str) -> dict[str, Any]:
        """The only sample of a row."""
        (found,) = [sample for sample in self.samples() if sample["row"] == row]
        return found


def junit(path: Path) -> dict[str, ElementTree.Element]:
    """The test cases of a JUnit file, by name."""
    return {case.get("name", ""): case for case in ElementTree.parse(path).iter("testcase")}
