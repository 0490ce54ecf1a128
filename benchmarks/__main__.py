"""`python -m benchmarks [NAME ...] [--rounds N]`: measure, and print one Markdown table. No test: it judges nothing."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from . import budget, calls, evals, faults, imports, injection, kills, rate, replay, report, scale, statistics
from .peers import running as peers
from .table import HEAD, Figure, LeftOut, line, machine

BENCHMARKS: dict[str, Callable[[Path, int], Iterator[Figure | LeftOut] | Iterator[Figure]]] = {
    "evals": evals.figures,
    "calls": calls.figures,
    "peers": peers.figures,
    "faults": faults.figures,
    "kills": kills.figures,
    "budget": budget.figures,
    "rate": rate.figures,
    "replay": replay.figures,
    "scale": scale.figures,
    "import": imports.figures,
    "statistics": statistics.figures,
    "injection": injection.figures,
    "report": report.figures,
}


def main() -> None:
    """Run the benchmarks that are named, or all; a line is printed as soon as it is known."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(BENCHMARKS)} (default: all)")
    parser.add_argument("--rounds", type=int, default=3, help="take the best of so many (default: 3)")
    options = parser.parse_args()
    if unknown := [name for name in options.names if name not in BENCHMARKS]:
        parser.error(f"there is no benchmark {unknown[0]!r}; there are: {', '.join(BENCHMARKS)}")
    print(f"{machine()}; best of {options.rounds} rounds\n\n{HEAD}", flush=True)
    with tempfile.TemporaryDirectory(prefix="touchstone-bench-") as folder:
        for name in options.names or BENCHMARKS:
            for figure in BENCHMARKS[name](Path(folder) / name, options.rounds):
                print(line(figure), flush=True)


if __name__ == "__main__":
    main()
