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
EARLY, CALLS, LATER = 1.5, 250, 0.3
"""One kill in five comes within so many seconds of a run's start; the others up to so many seconds after up to so many
calls, so that a slow machine is hit in the middle too."""
ON_ITS_WAY = 0.1
"""Seconds from the server's last byte to the disk: a busy machine lets an answer lie so long."""
WORKERS: tuple[tuple[str, ...], ...] = ((), ("-n", "2"))
"""Under `-n`, only the process that xdist's workers hang on is killed: they see to their own end."""
OUTLIVES = 10.0
"""Seconds until workers that go on without it are killed too."""


@dataclass(frozen=True, slots=True)
class Kill:
    """One kill; seconds on the machine's monotonic clock, which the server's log has too."""

    at: float
    gone: float
    """When the last of its processes was gone: none calls after it."""


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
    kills = [_killed(command, made, mock, rng) for _ in range(TIMES)]
    last = measure.run(command, made, may_exit=(0, 1))
    log, answered, how = mock.log(), mock.stats()["answered_distinct"], " ".join(options)
    where = f"{ROWS:,} rows, {TIMES} times SIGKILL{f' of the controller, `{how}`' if how else ''}, then to the end"
    if f"{ROWS + 1} passed" not in last.output or answered != ROWS:
        raise measure.Failed(f"{answered} of {ROWS} rows answered:\n{last.output[-2000:]}")
    flying, again, lost = in_flight(log, kills), len(log) - answered, sorted(ages(log, kills))
    late = sum(age > ON_ITS_WAY for age in lost)
    allowed = flying + len(lost) - late
    outlived = max(kill.gone - kill.at for kill in kills)
    known = f"{flying} were in flight, {len(lost) - late} answers on their way"
    yield Figure("kills", f"{where}: calls made again", f"{again}", known, again, allowed, "calls")
    oldest = f"{len(lost)} of any age, the oldest {lost[-1] * 1000:.0f} ms" if lost else "none of any age"
    what = f"{where}: answers older than {ON_ITS_WAY * 1000:.0f} ms at a kill that were lost"
    yield Figure("kills", what, f"{late} ({oldest})", "-", late, 0, "answers")
    yield Figure("kills", f"{where}: torn lines in its records", *_torn(made), 0, "lines")
    long = sum(kill.gone - kill.at > 1.0 for kill in kills)
    ours = f"{outlived:.2f} s ({long} of {TIMES} over 1 s)"
    yield Figure("kills", f"{where}: seconds that a process outlived its kill", ours, "-", outlived, 1.0, "s")


def _killed(command: Sequence[str], made: Path, mock: Mock, rng: random.Random) -> Kill:
    """Start it, and kill it at a moment that is drawn."""
    early, calls, after = rng.random() < 0.2, rng.randint(1, CALLS), rng.random()
    wanted = 0 if early else mock.calls() + calls
    with subprocess.Popen(
        command,
        cwd=made,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=measure.plain_environment(),
        start_new_session=True,
    ) as process:
        while mock.calls() < wanted and process.poll() is None:
            time.sleep(0.01)
        try:
            process.wait(after * (EARLY if early else LATER))
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
        at = time.monotonic()
    return Kill(at, _gone(process.pid, at + OUTLIVES))


def _gone(session: int, latest: float) -> float:
    """When the last process of a session was gone."""
    while _lives(session):
        if time.monotonic() > latest:
            os.killpg(session, signal.SIGKILL)
        time.sleep(0.01)
    return time.monotonic()


def _lives(session: int) -> bool:
    """Whether any process of it is there that is no zombie."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, of = stat.read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue  # gone since
        if int(of) == session and state != "Z":
            return True
    return False


def in_flight(log: Sequence[dict[str, Any]], kills: Sequence[Kill]) -> int:
    """Calls that had come, and were not answered to the last byte, when a run was killed."""
    return sum(_cut(one, kills) for one in log)


def ages(log: Sequence[dict[str, Any]], kills: Sequence[Kill]) -> Iterator[float]:
    """Seconds from an answer's last byte to the kill that lost it; one for each that was asked for again."""
    sent: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for one in log:
        sent[one["text"]].append(one)
    for times in sent.values():
        for one in times[:-1]:
            if not _cut(one, kills):
                after = [kill.at - one["written"] for kill in kills if one["written"] <= kill.at]
                yield min(after, default=float("inf"))  # none killed it: it was asked twice all the same


def _cut(one: dict[str, Any], kills: Sequence[Kill]) -> bool:
    """One without an answer was cut off whenever its worker died; this server answers everything else."""
    written = one["written"]
    return written is None or any(one["received"] < kill.gone and written > kill.at for kill in kills)


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
