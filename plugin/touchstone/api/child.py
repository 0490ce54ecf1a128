"""What runs in the pytest process that the API starts: pytest, and a plugin that tells the parent how far it is.

Started as a file, not as a module, so that pytest finds nothing of ours imported before it: `python child.py FD ARGS`.
Writes JSON, an object a line, to the file descriptor FD. Scores nothing and decides nothing.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import pytest


class Teller:
    """Hooks that tell what a parent wants to know."""

    def __init__(self, descriptor: int, *, rows: bool) -> None:
        """`rows`: tell the rows of the evals that were collected."""
        os.set_inheritable(descriptor, False)
        self._out, self._rows = os.fdopen(descriptor, "w", encoding="utf-8"), rows

    def tell(self, **what: Any) -> None:
        """One line. A parent that is gone hears nothing."""
        try:
            self._out.write(json.dumps(what) + "\n")
            self._out.flush()
        except BrokenPipeError:
            pass

    def pytest_configure(self, config: pytest.Config) -> None:
        """The run's name, before anything can go wrong."""
        from touchstone.orphans import end_with_controller

        end_with_controller()
        controller: Any = config.pluginmanager.get_plugin("touchstone-controller")
        self.tell(run=controller.run_id)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """What a module, or an eval in it, failed with."""
        if report.failed:
            self.tell(problem=_short(report))

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """How many tests there are; under xdist each worker says it."""
        self.tell(selected=len(session.items))
        if self._rows:
            self._tell_rows(session.config)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        """As many in each worker."""
        self.tell(selected=len(ids))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One test more has ended."""
        if report.when == "teardown":
            self.tell(ended=1)

    def pytest_internalerror(self, excrepr: object) -> None:
        """A bug, ours or a plugin's."""
        self.tell(bug=str(excrepr)[-4000:])

    def _tell_rows(self, config: pytest.Config) -> None:
        from touchstone.evals import row_hash
        from touchstone.plugin import RUNNING

        running = config.stash.get(RUNNING, None)
        for name, found in running.evals.items() if running else ():
            for row in found.dataset.rows:
                self.tell(eval=name, row=row.model_dump(mode="json"), hash=row_hash(row))


def _short(report: pytest.CollectReport) -> str:
    """The error itself, without the way to it."""
    errors = [line[1:].strip() for line in report.longreprtext.splitlines() if line.startswith("E ")]
    return "\n".join([f"{report.nodeid}: {errors[0]}", *errors[1:]]) if errors else report.longreprtext


def main(descriptor: str, *arguments: str) -> int:
    """pytest's exit status."""
    teller = Teller(int(descriptor), rows="--collect-only" in arguments)
    return int(pytest.main(list(arguments), plugins=[teller]))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
