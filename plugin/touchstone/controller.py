"""xdist's controller: runs no test, but judges the gates, for it alone sees the samples of all workers."""

from __future__ import annotations

import secrets
import time
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pytest

from .gateitem import reports

if TYPE_CHECKING:
    from .conclusion import Conclusion


def new_run_id() -> str:
    """Sorts by time to the millisecond, and two runs of one differ: `20261123-201500-0423f`."""
    now = time.time()
    return f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime(now))}-{int(now % 1 * 1000):03}{secrets.token_hex(1)}"


class Controller:
    """Hooks of xdist and the end of its loop. Everything heavy waits until a worker says that there were evals."""

    def __init__(self, config: pytest.Config) -> None:
        self.config, self.run_id = config, config.getoption("resume", None) or new_run_id()

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """All workers append to one run."""
        node.workerinput["touchstone_run"] = self.run_id

    @cached_property
    def conclusion(self) -> Conclusion | None:
        """What the workers' records come to; None where there were no evals. Asked for after the last of them."""
        folder = self.config.rootpath / self.config.getini("touchstone_state") / "runs" / self.run_id
        if not folder.is_dir():
            return None
        from .conclusion import Conclusion

        return Conclusion.read(folder, brief=True)

    def judge(self) -> None:
        """Report each gate as a test, once the loop is over."""
        hook, conclusion = self.config.hook, self.conclusion
        if conclusion is None:
            return
        for gate in conclusion.gates:
            hook.pytest_runtest_logstart(nodeid=gate.nodeid, location=gate.location)
            for report in reports(gate, conclusion.verdicts(gate)):
                hook.pytest_runtest_logreport(report=report)
            hook.pytest_runtest_logfinish(nodeid=gate.nodeid, location=gate.location)
