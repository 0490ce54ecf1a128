"""What to type next: what mends, then what this project has not done yet, in the order of the walkthrough."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence

from ..config import Catalogue
from ..errors import UsageError
from ..judges.definition import judges_of
from ..places import Places
from ..trust.certificates import path_of
from .finding import Finding


def steps(findings: Iterable[Finding], places: Places, catalogue: Catalogue | None, evals: Sequence[str]) -> list[str]:
    """Commands, each once. Without run-configs there is only one."""
    if not places.run_configs.is_file():
        return ["touchstone init ."]
    found = list(findings)
    mend = [one.then for state in ("broken", "absent", "ok") for one in found if one.state == state]
    keys = [line for line in mend if line.startswith("export ")]  # other models wait; the work does not
    work = _next(places, catalogue, evals) if catalogue else ()
    return [line for line in dict.fromkeys([*(m for m in mend if m not in keys), *work, *keys]) if line]


def _next(places: Places, catalogue: Catalogue, evals: Sequence[str]) -> Iterator[str]:
    if not evals:
        return
    if not (places.state / "runs").is_dir():
        yield f"pytest {places.shown(places.run_configs.parent)}/"
        return
    golden = {path.relative_to(places.golden).with_suffix("").as_posix() for path in places.golden.glob("**/*.jsonl")}
    if not golden:
        yield f"touchstone golden {shlex.quote(evals[0])}"
    rated = sorted(one for one in golden if not (places.ratings / one).is_dir())
    yield from (f"touchstone rate {shlex.quote(one)}" for one in rated[:1])
    yield from _judges(places, catalogue, sorted(golden & set(evals)) or evals)
    if not places.baseline.is_file():
        yield "touchstone baseline update"


def _judges(places: Places, catalogue: Catalogue, evals: Sequence[str]) -> Iterator[str]:
    """One to begin with, or those that were never measured."""
    if not any(places.judges.glob("*.j2")):
        yield f"touchstone add judge helpful --eval {shlex.quote(evals[0])}"
    for one in evals:
        try:
            judges = [judge.name for judge in judges_of(one, places, catalogue)]
        except UsageError:  # told by those who check them
            return
        unmeasured = [name for name in judges if not path_of(name, places).is_file()]
        yield from (f"touchstone agree {shlex.quote(one)} --certify {shlex.quote(name)}" for name in unmeasured)
