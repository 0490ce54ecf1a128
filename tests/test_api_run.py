"""`touchstone.run`: what it runs is what `pytest evals/` runs, anew each time, and its mistakes are told in words."""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from projects import ALONE, Project

import touchstone
from touchstone.api.evaluating import _Line
from touchstone.api.launching import Ended, check
from touchstone.caches import open_stores
from touchstone.errors import TouchstoneError, UsageError

LOOKING = """
import os, pathlib, signal, time

def echo(request):
    if request.messages[-1].content == "bad c" and "INTERRUPTED" in os.environ:
        os.kill(int(os.environ["INTERRUPTED"]), signal.SIGINT)
        time.sleep(0.5)
    with pathlib.Path(__file__).with_name("answered.log").open("a") as log:
        log.write(request.messages[-1].content + "\\n")
    return VERSION + request.messages[-1].content

VERSION = ""
"""


def report(folder: Path) -> dict[str, Any]:
    """What a run's report says of gates and samples, but for the seconds."""
    data = json.loads((folder / "report.json").read_text())
    return {"gates": data["gates"], "verdict": data["verdict"], "passed": [one["passed"] for one in data["results"]]}


@pytest.fixture
def ours(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("PYTEST_ADDOPTS", " ".join(ALONE))
    project.write("app.py", LOOKING)
    return project


BOGUS = """ERROR: usage: child.py [options] [file_or_dir] [file_or_dir] [...]
child.py: error: unrecognized arguments: --bogus
  inifile: /home/somebody/pyproject.toml
  rootdir: /home/somebody

"""
"""What pytest prints of an option that it does not know."""


def said(folder: Path) -> list[dict[str, Any]]:
    """A run's samples, without what is of the moment."""
    lines = [json.loads(line) for file in folder.glob("samples-*.jsonl") for line in file.read_text().splitlines()]
    return sorted(({**line, "response": None} for line in lines), key=lambda line: str(line["test"]))


def test_it_is_the_run_that_pytest_makes_with_the_files_as_they_are_now_and_in_a_running_loop(
    ours: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def cell() -> touchstone.api.Run:
        return touchstone.run(progress=False)

    monkeypatch.syspath_prepend(ours.root)
    assert importlib.import_module("app").VERSION == ""
    ours.write("app.py", LOOKING.replace('VERSION = ""', 'VERSION = "no "'))
    run = asyncio.run(cell())
    assert (run.places.root, run.exit_status, run.verdict, run.errors) == (ours.root, 1, "fail", ())
    assert [one.output for one in run.samples] == ["no good a", "no good b", "no bad c"]
    monkeypatch.delitem(sys.modules, "app")
    ours.run()
    (theirs,) = (folder for folder in ours.runs if folder != run.folder)
    assert run.folder is not None
    assert said(run.folder) == said(theirs)
    assert report(run.folder) == report(theirs)


def test_an_interrupt_is_passed_on_and_what_was_answered_is_kept(
    ours: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INTERRUPTED", str(os.getpid()))
    started: list[subprocess.Popen[bytes]] = []

    class Watched(subprocess.Popen[bytes]):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            started.append(self)

    monkeypatch.setattr(subprocess, "Popen", Watched)
    with pytest.raises(KeyboardInterrupt):
        touchstone.run(progress=False)
    assert all(one.returncode is not None for one in started)
    assert len(started) == 1
    there = touchstone.load()
    assert {one.row for one in there.samples} <= {"a", "b", "c"}
    answered = (ours.root / "answered.log").read_text().splitlines()
    assert "bad c" in answered  # it was on its way when the interrupt came
    assert open_stores("", there.places.state).cache.stats()["response"] == len(answered)


def test_what_cannot_be_collected_is_told_once_and_without_a_traceback(
    ours: Project, capfd: pytest.CaptureFixture[str]
) -> None:
    ours.eval(ours.root.joinpath("evals/test_words.py").read_text(), "others")
    with pytest.raises(UsageError) as caught:
        touchstone.run(run_config="mane")
    assert str(caught.value).splitlines() == [
        "evals: the evals cannot be collected:",
        "--run-config: no run-config is called 'mane'",
        "  did you mean main?",
    ]
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"evals": "word"}, "evals=: there is no eval 'word'\n  did you mean 'words'?"),
        ({"evals": ["words", "../../etc/passwd"]}, "there is no eval '../../etc/passwd'\n  evals here: words"),
        ({"evals": "--lf"}, "there is no eval '--lf'"),
        ({"rows": 0}, "rows=: wants a whole number from 1, not 0"),
        ({"epochs": True}, "epochs=: wants a whole number from 1, not True"),
        ({"workers": -1}, "workers=: wants a whole number from 1, not -1"),
        ({"options": "--lf -x"}, r"for example: options=['--lf', '-x']"),
        ({"keyword": "a\0b"}, "pytest cannot be started: embedded null byte"),
        ({"root": "nowhere"}, "root='nowhere': is no folder"),
    ],
)
def test_a_mistake_is_told_before_anything_runs(ours: Project, asked: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError) as caught:
        touchstone.run(**asked)
    assert words in str(caught.value)
    assert not (ours.root / ".touchstone").exists()


def test_a_folder_without_evals_says_how_to_begin(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"evals: there is no folder of evals\n  touchstone init"):
        touchstone.run(root=tmp_path)


@pytest.mark.parametrize(
    ("ended", "kind", "words"),
    [
        (Ended(5, "", "r"), UsageError, "no eval was selected"),
        (Ended(4, "ERROR: --resume: there is no run x\n  runs: none\n", "r"), UsageError, "no run x\n  runs: none"),
        (Ended(4, BOGUS, ""), UsageError, "pytest: unrecognized arguments: --bogus"),
        (Ended(4, "", ""), UsageError, "does not take these arguments"),
        (Ended(3, "", "r", bug="boom"), TouchstoneError, "pytest failed:\nboom"),
        (Ended(-9, "last words\n", "r"), TouchstoneError, "ended by signal 9:\nlast words"),
        (Ended(1, "No module named touchstone\n"), TouchstoneError, "with status 1:\nNo module named touchstone"),
    ],
)
def test_however_the_process_ends_there_are_words(ended: Ended, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind) as caught:
        check(ended, "evals")
    assert words in str(caught.value)


@pytest.mark.parametrize("status", [0, 1, 6])
def test_what_was_measured_is_no_mistake(status: int) -> None:
    check(Ended(status, "", "r"), "evals")


def test_progress_is_one_line_that_goes(capsys: pytest.CaptureFixture[str]) -> None:
    line = _Line(visible=True)
    for told in ({"run": "r"}, {"selected": 2}, {"ended": 1}):
        line.hear(told)
    line.clear()
    assert capsys.readouterr().err == "\r0 of 2 samples and gates\r" + " " * 24 + "\r"
