"""What the tests of the plugin share."""

from __future__ import annotations

import sys
from collections.abc import Iterator

# A run inside this process forgets what it imported; libraries written in C cannot be imported a second time, and
# httpx knows the errors of one httpcore alone.
import httpcore  # noqa: F401
import httpx  # noqa: F401
import pytest
import rich.console  # noqa: F401
import scipy.stats  # noqa: F401
from hypothesis import settings
from projects import APP, LENIENT, RUN_CONFIGS, Project

import touchstone.ending
import touchstone.running  # noqa: F401

settings.register_profile("untimed", deadline=None)  # a busy machine is no bug
settings.load_profile("untimed")

SLOWEST = (
    "test_tune_training",
    "test_rows",
    "test_check",
    "test_synth",
    "test_safety",
    "test_plugin_batch",
    "test_tune_bases",
    "test_errands",
    "test_doctor",
    "test_trust",
    "test_synthesised",
    "test_clustering",
    "test_composing",
    "test_synth_review_browser",
)
"""Modules that take more than a minute, the longest first: begun last, one keeps a single worker busy at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The slowest first. With `--no-loadscope-reorder` xdist hands modules out as they stand."""
    place = {name: index for index, name in enumerate(SLOWEST)}
    items.sort(key=lambda item: place.get(item.path.stem, len(SLOWEST)))


@pytest.fixture(autouse=True)
def _modules_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What a test imported from its folder is forgotten with it: the next one's `app` is another."""
    home, paths, before = str(tmp_path_factory.getbasetemp()), list(sys.path), set(sys.modules)
    yield
    sys.path[:] = paths
    for name in set(sys.modules) - before:
        if (getattr(sys.modules[name], "__file__", None) or "").startswith(home):
            del sys.modules[name]


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
