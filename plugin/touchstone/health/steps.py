"""What to type next: what mends, then what this project has not done yet, in the order of the walkthrough."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ..places import Places
from .finding import Finding


def steps(findings: Iterable[Finding], places: Places, evals: Sequence[str]) -> list[str]:
    """Commands, each once. Without run-configs there is only one."""
    if not places.run_configs.is_file():
        return ["touchstone init ."]
    found = list(findings)
    mend = [one.then for state in ("broken", "absent", "ok") for one in found if one.state == state]
    return [line for line in dict.fromkeys([*mend, *_next(places, evals)]) if line]


def _next(places: Places, evals: Sequence[str]) -> Iterator[str]:
    if not evals:
        yield "touchstone add eval NAME"
        return
    if not (places.state / "runs").is_dir():
        yield f"pytest {places.shown(places.run_configs.parent)}/"
        return
    first, golden = evals[0], sorted(places.golden.glob("**/*.jsonl"))
    if not golden:
        yield f"touchstone golden {first}"
    elif not places.ratings.is_dir():
        yield f"touchstone rate {golden[0].relative_to(places.golden).with_suffix('').as_posix()}"
    yield from _judges(places, first)
    if not places.baseline.is_file():
        yield "touchstone baseline update"


def _judges(places: Places, first: str) -> Iterator[str]:
    there = sorted(places.judges.glob("*.j2"))
    if not there:
        yield f"touchstone add judge helpful --eval {first}"
    elif not any(places.judges.glob("*.certificate.json")):
        yield "touchstone agree EVAL --certify all"
