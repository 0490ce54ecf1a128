"""A model that is kept running costs money: `touchstone tune` shows it, and tears it down."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from click.testing import CliRunner, Result
from projects import Project

from tests.tune_emulators.fireworks_tuning import FireworksTuning
from touchstone.cli import main

KEY = "fw-secret-key-of-the-tests"
SWEEP = """
data: {train: words_learnt}
runs:
  - {provider: fireworks, base: accounts/fireworks/models/llama-v3p1-8b-instruct, prompt: ask}
  - {provider: together, base: nobody/asks-here, prompt: ask}
"""
PLACES = ("Peru", "Chad", "Oman", "Cuba", "Mali", "Fiji", "Laos", "Togo", "Iran", "Iraq", "Italy", "Spain")
JOB = "llama-v3p1-8b-instruct"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FireworksTuning]:
    monkeypatch.delenv("TOGETHER_API_KEY", raising=False)
    with FireworksTuning(key=KEY).serving() as emulator:
        monkeypatch.setenv("FIREWORKS_API_KEY", KEY)
        monkeypatch.setenv("FIREWORKS_ACCOUNT_ID", "alice")
        monkeypatch.setenv("FIREWORKS_BASE_URL", emulator.url)
        yield emulator


def tune(project: Project, *args: str) -> Result:
    return CliRunner().invoke(main, ["--root", str(project.root), "tune", *args])


def test_what_runs_is_shown_until_it_is_torn_down(project: Project, server: FireworksTuning) -> None:
    rows = [
        {"id": name, "input": f"Where is {name} governed from?", "answer": f"From {name[::-1]}."} for name in PLACES
    ]
    project.write("datasets/words_learnt.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    project.write("tuning/sweeps/first.yaml", SWEEP)
    submitted = tune(project, "submit", "first", "--job", JOB)
    assert submitted.exit_code == 0, submitted.output
    assert "has not succeeded" in tune(project, "register", "first", JOB, "--deploy").output
    assert server.saw("POST */deployments") == []  # nothing is paid for
    waited = tune(project, "wait", "first", "--every", "0.1")
    assert waited.exit_code == 0, waited.output
    assert "RUNNING" not in tune(project, "status", "first").output
    registered = tune(project, "register", "first", JOB, "--deploy")
    assert registered.exit_code == 0, registered.output
    assert len(server.saw("POST */deployments")) == 1
    shown = tune(project, "status", "first").output
    assert "RUNNING, costs money: " in shown
    (command,) = [line.strip() for line in shown.splitlines() if "tune undeploy" in line]
    down = tune(project, *command.split()[2:])
    assert down.exit_code == 0, down.output
    assert "torn down" in down.output
    assert "RUNNING" not in tune(project, "status", "first").output
    assert "no deployment is called" in tune(project, *command.split()[2:]).output
