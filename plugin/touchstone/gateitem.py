"""Gates as tests: the item that shows one, and the report that a controller makes of one. Judges nothing itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import pytest

if TYPE_CHECKING:
    from .conclusion import Gate
    from .gates import Verdict
    from .running import Running

_WORDS = {"pass": "PASS", "fail": "FAIL", "cannot_tell": "CANNOT TELL", "not_judged": "NOT JUDGED"}

Ending = Literal["passed", "failed", "skipped", "below"]


class GateMissed(Exception):
    """A gate that did not pass; its text is the verdicts."""


class GateItem(pytest.Item):
    """The gates of one eval and run-config, run after the last sample."""

    def __init__(self, *, running: Running, gate: Gate, marks: Iterable[pytest.Mark], **kwargs: Any) -> None:
        """`marks` are the eval's own: `-m eval`, or `-m slow`, must not run samples without their gate."""
        super().__init__(**kwargs)
        self._running, self._line = running, gate.location[1]
        self.gate = replace(gate, nodeid=self.nodeid, location=self.location)
        for mark in marks:
            self.add_marker(getattr(pytest.mark, mark.name).with_args(*mark.args, **mark.kwargs))
        self.add_marker("gate")

    def runtest(self) -> None:
        """Pass, skip, or raise GateMissed."""
        verdicts = self._running.verdicts(self.gate)
        match ending(self.gate, verdicts):
            case "skipped":
                pytest.skip(text_of(verdicts))
            case "failed" | "below":
                raise GateMissed(text_of(verdicts))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Verdicts as plain lines: a traceback into the plugin would help nobody."""
        return str(excinfo.value) if isinstance(excinfo.value, GateMissed) else super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Any, int | None, str]:
        """Where the eval stands, and this gate's name."""
        return self.path, self._line, self.name


def ending(gate: Gate, verdicts: Sequence[Verdict]) -> Ending:
    """How the gate's test ends. A gate that cannot tell does not pass."""
    kinds = {verdict.kind for verdict in verdicts}
    if kinds & {"fail", "cannot_tell"}:
        return "failed" if gate.binding else "below"
    return "passed" if "pass" in kinds else "skipped"


def text_of(verdicts: Iterable[Verdict]) -> str:
    """One line a verdict."""
    return "\n".join(f"{_WORDS[v.kind]}  {v.rule}: {v.why}" for v in verdicts)


def mark_below(report: pytest.TestReport) -> None:
    """Show a candidate's missed gate without failing the run."""
    report.outcome = "skipped"
    report.wasxfail = f"candidate below its gate: {report.longreprtext}"
    report.touchstone = "below"  # type: ignore[attr-defined]


def reports(gate: Gate, verdicts: Sequence[Verdict]) -> Iterator[pytest.TestReport]:
    """The three reports of a gate's test that no process ran: setup, call, teardown."""
    yield _report(gate, "setup", "passed", None)
    end, text = ending(gate, verdicts), text_of(verdicts)
    outcome: Any = "failed" if end == "below" else end
    longrepr = (
        (gate.location[0], gate.location[1] or 0, text) if end == "skipped" else text if outcome == "failed" else None
    )
    call = _report(gate, "call", outcome, longrepr)
    if end == "below":
        mark_below(call)
    yield call
    yield _report(gate, "teardown", "passed", None)


def _report(gate: Gate, when: Any, outcome: Any, longrepr: Any) -> pytest.TestReport:
    return pytest.TestReport(gate.nodeid, gate.location, {"gate": 1}, outcome, longrepr, when)
