"""`faults`: a server that refuses, fails and falls silent. Every row must be answered, and every attempt be on record.

Whether a request was sent more often than its record says is told by the server, which counts what it gets.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from . import ability, measure, project
from .mock.client import Mock, serving
from .table import Figure, LeftOut

ROWS = 1000
FAULTS = {"429": 0.05, "500": 0.02, "hang": 0.01}
TIMEOUT = 2.0
"""Seconds until a call that hangs is given up."""
WORKERS = ((), ("-n", "4"))


def figures(folder: Path, rounds: int) -> Iterator[Figure | LeftOut]:
    """Of one process, and of four workers. Counts, not times: one run each, whatever `rounds`."""
    silent = ability.lacks_key("timeout")
    shares = {fault: share for fault, share in FAULTS.items() if fault != "hang" or silent is None}
    keys = {} if silent else {"timeout": TIMEOUT}
    if silent:
        yield LeftOut("faults", "calls that hang", silent)
    told = ",".join(f"{fault}={share}" for fault, share in shares.items())
    with serving("--latency", "0.1", "--jitter", "0.5", "--faults", told, "--seed", "7") as mock:
        made = project.with_eval(folder, ROWS, "openai-compatible/mock", base_url=mock.url, **keys)
        for options in WORKERS:
            yield from _figures(made, mock, shares, options)


def _figures(
    made: Path, mock: Mock, shares: Mapping[str, float], options: tuple[str, ...]
) -> Iterator[Figure | LeftOut]:
    mock.forget()
    command = (*measure.PYTEST, "evals", "--concurrency", "50", *options)
    took = measure.run(command, project.without_state(made), may_exit=(0, 1))
    what = f"{ROWS:,} rows, {', '.join(f'{share:.0%} {fault}' for fault, share in shares.items())}"
    where = " ".join((what, *(f"`{option}`" for option in (" ".join(options),) if option)))
    stats, answered = mock.stats(), _passed(took) - 1
    seen = f"{answered:,} of {ROWS:,} in {took.wall:.1f} s, {stats['calls']:,} calls"
    yield Figure("faults", f"{where}: rows without an answer", seen, "-", ROWS - answered, 0, "rows")
    if why := ability.lacks_attempts():
        yield LeftOut("faults", f"{where}: requests sent more often than their attempts on record", why)
        return
    sent, known = Counter(one["text"] for one in mock.log()), attempts(made)
    over = sum(times > known[text] for text, times in sent.items())
    unsent = sum(times > sent[text] for text, times in known.items())
    ours = f"{over} ({unsent} less often), the most {stats['most_sent']} times"
    yield Figure("faults", f"{where}: requests sent more often than their attempts on record", ours, "-", over, 0, "")


def _passed(took: measure.Took) -> int:
    found = re.search(r"(\d+) passed", took.output)
    return int(found[1]) if found else 0


def attempts(made: Path) -> Counter[str]:
    """Text of a request -> how often its record says that it was sent."""
    known: Counter[str] = Counter()
    for record in records(made):
        response = record["response"] or {}
        known[f"Answer in one word.\n{record['input']}"] += (
            len(response.get("attempts", ())) + 1 if response else len(record.get("attempts", ()))
        )
    return known


def records(made: Path) -> Iterator[dict[str, Any]]:
    """Every line of every run."""
    for file in sorted(made.glob(".touchstone/runs/*/samples-*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            yield json.loads(line)
