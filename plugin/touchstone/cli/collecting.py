"""An eval as pytest sees it: its rows, its scorers, its rules. Collects; runs no test and makes no call."""

from __future__ import annotations

import difflib
import io
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from ..errors import UsageError
from ..evals import Eval, Suite
from ..plugin import RUNNING
from ..running import Running


@dataclass(frozen=True, slots=True)
class Collected:
    """The evals of a project."""

    suite: Suite
    evals: dict[str, Eval]

    def eval(self, name: str) -> Eval:
        """The eval of that name. Raises UsageError with the names that there are."""
        if name not in self.evals:
            close = difflib.get_close_matches(name, self.evals, 1)
            hint = f"did you mean {close[0]}?" if close else f"there are: {', '.join(sorted(self.evals)) or 'none'}"
            raise UsageError(f"there is no eval {name!r}", hint=hint)
        return self.evals[name]


class _Keeper:
    """A plugin of one collection: keeps hold of what the evals were resolved to."""

    def __init__(self) -> None:
        self.running: Running | None = None
        self.importable: list[str] = []
        self.failed: list[str] = []

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """What a module, or an eval in it, failed with: a quiet pytest does not say it."""
        if report.failed:
            self.failed.append(_short(report))

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """All evals are known, and all that they import could be found."""
        self.importable = [path for path in sys.path if path]
        self.running = session.config.stash.get(RUNNING, None)


def collect(root: Path) -> Collected:
    """Every eval beside the run-configs of the project at `root`.

    Raises UsageError with pytest's own words where a module cannot be imported or an eval is wrong.
    """
    from .words import places

    keeper, said = _Keeper(), io.StringIO()
    folder = places(root).run_configs.parent
    with redirect_stdout(said), redirect_stderr(said):
        code = pytest.main(["--collect-only", "-qq", "--rootdir", str(root), *_QUIET, str(folder)], plugins=[keeper])
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        problem = _problem("\n".join(keeper.failed) or said.getvalue())
        raise UsageError(f"the evals cannot be collected:\n{problem}", where=str(folder))
    if keeper.running is None:
        raise UsageError("there is no eval here", where=str(folder), hint="an eval is a test with @pytest.mark.eval")
    # pytest takes its `pythonpath` back at its end; scorers in worker processes are imported after that.
    sys.path.extend(path for path in keeper.importable if path not in sys.path)
    return Collected(keeper.running.suite, keeper.running.evals)


_QUIET = ("--assert=plain", "-p", "no:cacheprovider", "-o", "addopts=", "--no-header", "--no-summary")


def _short(report: pytest.CollectReport) -> str:
    """The error itself, without the way to it."""
    errors = [line[1:].strip() for line in report.longreprtext.splitlines() if line.startswith("E ")]
    return "\n".join([f"{report.nodeid}: {errors[0]}", *errors[1:]]) if errors else report.longreprtext


def _problem(said: str) -> str:
    """The lines that tell what is wrong."""
    lines = [line for line in said.splitlines() if line.strip() and not line.startswith("=")]
    return "\n".join(lines[-12:])
