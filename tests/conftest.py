"""What the tests of the plugin share."""

from __future__ import annotations

import pytest

# A run inside this process forgets what it imported; libraries written in C cannot be imported a second time.
import rich.console  # noqa: F401
import scipy.stats  # noqa: F401
from projects import APP, LENIENT, RUN_CONFIGS, Project

import touchstone.ending
import touchstone.running  # noqa: F401


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Rows `good a`, `good b`, `bad c`; one run-config, `main`; an eval that wants `good`, of half the rows."""
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    made = Project(pytester)
    made.write("pyproject.toml", '[tool.pytest.ini_options]\npythonpath = ["."]\naddopts = "--strict-markers"\n')
    made.write("app.py", APP)
    made.write("evals/run_configs.yaml", RUN_CONFIGS)
    made.write("evals/prompts/ask.j2", "{{ input }}\n")
    made.rows("good a", "good b", "bad c")
    made.eval(LENIENT)
    return made
