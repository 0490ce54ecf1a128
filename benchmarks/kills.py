"""`kills`: a run that is killed again and again, at seeded moments, and then let run to its end on the same cache.

What the server has answered is paid. A call that it gets again is no loss if it was in flight when a run was killed: it
had come, and its answer had not gone out to the last byte. One that had, and is asked for again, was lost.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import measure, project
from .mock.client import Mock, serving
from .table import Figure

ROWS, TIMES = 4000, 20
FLIGHT = 32
SOONEST, LATEST = 0.3, 3.0
"""Seconds from the start of a run to its end: from before the first call on."""
ON_ITS_WAY = 0.1
"""Seconds from the server's last byte to the disk: a busy machine lets an answer lie so long."""
WORKERS: tuple[tuple[str, ...], ...] = ((), ("-n", "2"))
"""Under `-n`, only the process that xdist's workers hang on is killed; the next starts while they may still go on."""


@dataclass(frozen=True, slots=True)
class Kill:
    """One kill; seconds on the machine's monotonic clock, which the server's log has too."""

    at: float
    again: float
    """When the next run was started."""


def figures(folder: Path, rounds: int) -> Iterator[Figure]:
    """Counts, not times: once each, whatever `rounds`."""
    with serving("--latency", "0.2", "--jitter", "0.5") as mock:
        made = project.with_eval(folder, ROWS, "openai-compatible/mock", base_url=mock.url)
        for options in WORKERS:
            yield from _figures(made, mock, options)


def _figures(made: Path, mock: Mock, options: tuple[str, ...]) -> Iterator[Figure]:
    mock.forget()
    project.without_state(made)
    command, rng = (*measure.PYTEST, "evals", "--concurrency", str(FLIGHT), *options), random.Random(20)
    kills = [_killed(command, made, rng.uniform(SOONEST, LATEST)) for _ in range(TIMES)]
    last = measure.run(command, made, may_exit=(0, 1))
    log, answered, how = mock.log(), mock.stats()["answered_distinct"], " ".join(options)
    where = f"{ROWS:,} rows, {TIMES} times SIGKILL{f' of the controller, `{how}`' if how else ''}, then to the end"
    if f"{ROWS + 1} passed" not in last.output or answered != ROWS:
        raise measure.Failed(f"{answered} of {ROWS} rows answered:\n{last.output[-2000:]}")
    flying, again, lost = in_flight(log, kills), len(log) - answered, sorted(ages(log, kills))
    late = sum(age > ON_ITS_WAY for age in lost)
    yield Figure("kills", f"{where}: calls made again", f"{again}", f"{flying} were in flight", again, flying, "calls")
    oldest = f"{len(lost)} of any age, the oldest {lost[-1] * 1000:.0f} ms" if lost else "none of any age"
    what = f"{where}: answers older than {ON_ITS_WAY * 1000:.0f} ms at a kill that were lost"
    yield Figure("kills", what, f"{late} ({oldest})", "-", late, 0, "answers")
    yield Figure("kills", f"{where}: torn lines in its records", *_torn(made), 0, "lines")


def _killed(command: Sequence[str], made: Path, after: float) -> Kill:
    """Start it, and kill it so many seconds later."""
    with subprocess.Popen(
        command, cwd=made, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=measure.plain_environment()
    ) as process:
        try:
            process.wait(after)
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
        at = time.monotonic()
    return Kill(at, time.monotonic())


def in_flight(log: Sequence[dict[str, Any]], kills: Sequence[Kill]) -> int:
    """Calls that had come, and were not answered to the last byte, at the kills; each at its first."""
    return sum(any(_flies(one, kill) for kill in kills) for one in log)


def ages(log: Sequence[dict[str, Any]], kills: Sequence[Kill]) -> Iterator[float]:
    """Seconds from an answer's last byte to the kill that lost it; one for each that was asked for again."""
    sent: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for one in log:
        sent[one["text"]].append(one)
    for times in sent.values():
        for one in times[:-1]:
            if one["written"] and not any(_flies(one, kill) for kill in kills):
                after = [kill.at - one["written"] for kill in kills if one["written"] <= kill.at]
                yield min(after, default=float("inf"))  # none killed it: it was asked twice all the same


def _flies(one: dict[str, Any], kill: Kill) -> bool:
    ended = one["written"] or one["left"]
    return bool(one["received"] < kill.again and (ended is None or ended > kill.at))


def _torn(made: Path) -> tuple[str, str, int]:
    lines, torn = 0, 0
    for file in made.glob(".touchstone/runs/*/samples-*.jsonl"):
        for line in file.read_bytes().splitlines():
            lines += 1
            try:
                json.loads(line)
            except ValueError:
                torn += 1
    return f"{torn} of {lines:,}", "-", torn
