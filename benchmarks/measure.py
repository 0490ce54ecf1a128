"""Measuring child processes: wall clock, CPU and peak memory. Knows nothing of what they do."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = sys.executable
PYTEST = (PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:hypothesispytest")
"""Without the plugin of hypothesis, which this project's own tests brought, and no user has."""


@dataclass(frozen=True, slots=True)
class Took:
    """What one process took."""

    wall: float
    """Seconds."""
    cpu: float
    """Seconds of user and system time, its children's too."""
    peak: float
    """MB of memory at most; of the largest process, where it had children."""
    output: str
    status: int
    note: str = ""
    """What whoever looked at its work wants said with its time."""


class Failed(Exception):
    """A measured process did not do its work, so its time means nothing."""


def run(
    command: Sequence[str], cwd: Path, env: Mapping[str, str] | None = None, may_exit: Sequence[int] = (0,)
) -> Took:
    """Run to the end. Raises Failed with the end of its output for any other exit status."""
    began = time.perf_counter()
    with subprocess.Popen(
        command,
        cwd=cwd,
        env=plain_environment() | dict(env or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        output = process.stdout.read() if process.stdout else ""
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
    took = Took(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000, output, process.returncode)
    if took.status not in may_exit:
        raise Failed(f"{' '.join(command[:6])} ... exited {took.status}:\n{output[-2000:]}")
    return took


def plain_environment() -> dict[str, str]:
    """Without what would change the work: options for pytest, CI's replay, and Python told to compile all anew."""
    others = ("CI", "PYTHONDONTWRITEBYTECODE")
    return {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "TOUCHSTONE_")) and k not in others}


def best(rounds: int, *works: Callable[[], Took]) -> list[Took]:
    """The fastest of some rounds of each work. Taken in turns, so that a busy moment hits all alike."""
    took = [[work() for work in works] for _ in range(rounds)]
    return [min(column, key=lambda t: t.wall) for column in zip(*took, strict=True)]
