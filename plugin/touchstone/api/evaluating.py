"""A project's evals, run from Python: what is asked for becomes pytest's command line, and its records a `Run`.

Owns the words of the arguments. Runs no test in this process (`launching` says why).
"""

from __future__ import annotations

import difflib
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UsageError
from ..places import Places
from .home import in_no_worker, places_of
from .launching import Told, check, launch
from .runs import Run, of_id

if TYPE_CHECKING:
    from ..caching import Calls

_OFTEN = 0.1
"""Seconds between two looks of the progress line."""


def run(
    evals: str | Path | Sequence[str | Path] = (),
    *,
    run_config: str | Sequence[str] = (),
    rows: int | None = None,
    epochs: int | None = None,
    calls: Calls | None = None,
    max_cost: float | None = None,
    max_tokens: int | None = None,
    keyword: str = "",
    workers: int = 0,
    options: Sequence[str] = (),
    progress: bool | None = None,
    root: str | Path | None = None,
) -> Run:
    """Run evals as `pytest evals/` would: the same tests, gates and records on disk, in a process of their own.

    A notebook that has changed an eval, a scorer or a model sees the change at its next run.

    `evals`: names (`"capitals"` is `test_capitals.py` among the evals), paths or node ids, from the project's folder;
    all by default. `run_config`: names, globs or groups, after `!` to leave it out. `rows`: a seeded sample of so many
    of each dataset. `epochs`: how often each sample is made. `calls`: "replay", "auto", "record" or "live" (default:
    auto; replay where CI is set). `max_cost`, in US dollars, and `max_tokens`: a hard budget. `keyword`: pytest's `-k`.
    `workers`: processes of pytest-xdist; 0 for none. `options`: further options of pytest, as they are typed.
    `progress`: a line on standard error (default: where that is a terminal, and in notebooks). `root`: the project
    (default: from here up).

    Misses, errors and gates that are not passed are in what is returned, and raise nothing. Raises UsageError, with
    what to change, where no test could be run; KeyboardInterrupt once the calls in flight have come back.
    """
    in_no_worker()
    places = places_of(root)
    asked = (
        *_whole("rows", rows, "--rows"),
        *_whole("epochs", epochs, "--epochs"),
        *_whole("max_tokens", max_tokens, "--max-tokens"),
        *_whole("workers", workers or None, "-n"),
        *((f"--max-cost={max_cost}",) if max_cost is not None else ()),
        *((f"--calls={calls}",) if calls is not None else ()),
        *(f"--run-config={name}" for name in _several(run_config)),
        *(("-k", keyword) if keyword else ()),
        *_options(options),
    )
    return _ran(places, [*asked, "--", *_paths(places, _several(evals))], progress)


def _ran(places: Places, arguments: Sequence[str], progress: bool | None) -> Run:
    where = places.shown(places.run_configs.parent)
    line = _Line(_wanted() if progress is None else progress)
    try:
        ended = launch([f"--rootdir={places.root}", *arguments], places.root, line.hear)
    finally:
        line.clear()
    check(ended, where)
    found = of_id(places, ended.run, ended.status)
    if found is None:
        raise UsageError("no eval made a sample", where=where, hint="an eval is a test with @pytest.mark.eval")
    return found


def _whole(name: str, value: int | None, option: str) -> Iterator[str]:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise UsageError(f"wants a whole number from 1, not {value!r}", where=f"{name}=")
    yield from (option, str(value))


def _several(given: str | Path | Sequence[str | Path]) -> list[str]:
    """One or many, as text."""
    return [str(given)] if isinstance(given, str | Path) else [str(one) for one in given]


def _options(options: Sequence[str]) -> Sequence[str]:
    if isinstance(options, str):
        hint = f"for example: options={options.split() or ['--lf']!r}"
        raise UsageError("wants a list of options, each as it is typed", where="options=", hint=hint)
    return [str(one) for one in options]


def _paths(places: Places, names: Sequence[str]) -> list[str]:
    """What pytest is to collect. Raises UsageError for what is not there."""
    folder = places.run_configs.parent
    if not names:
        if not folder.is_dir():
            hint = "touchstone init makes a project; root= names another folder"
            raise UsageError("there is no folder of evals", where=places.shown(folder), hint=hint)
        return [places.shown(folder)]
    return [_path(places, folder, name) for name in names]


def _path(places: Places, folder: Path, name: str) -> str:
    file, colons, test = name.partition("::")
    if file and (places.root / file).exists():
        return name
    there = {_named(path, folder): path for path in sorted(folder.rglob("test_*.py"))} if folder.is_dir() else {}
    if file in there:
        return places.shown(there[file]) + colons + test
    close = difflib.get_close_matches(file, there, 1)
    hint = f"did you mean {close[0]!r}?" if close else f"evals here: {', '.join(there) or 'none'}"
    raise UsageError(f"there is no eval {name!r}", where="evals=", hint=hint)


def _named(path: Path, folder: Path) -> str:
    """An eval's name, as reports show it: `video/correctness` for a module in a folder below."""
    below = path.relative_to(folder)
    return below.with_name(below.stem.removeprefix("test_")).as_posix()


def _wanted() -> bool:
    """Whether somebody watches."""
    return "ipykernel" in sys.modules or (sys.stderr is not None and sys.stderr.isatty())


@dataclass(slots=True)
class _Line:
    """How far it is, on one line of standard error."""

    visible: bool
    selected: int = 0
    ended: int = 0
    written: int = 0
    """Characters that stand there."""
    at: float = 0.0

    def hear(self, told: Told) -> None:
        """One thing that the pytest process told."""
        self.selected = told.get("selected", self.selected)
        self.ended += told.get("ended", 0)
        now = time.monotonic()
        if self.visible and self.selected and now >= self.at + _OFTEN:
            self.at = now
            self._write(f"{self.ended} of {self.selected} samples and gates")

    def clear(self) -> None:
        """Leave nothing behind."""
        if self.written:
            self._write("")

    def _write(self, text: str) -> None:
        sys.stderr.write(f"\r{text.ljust(self.written)}" + ("" if text else "\r"))
        sys.stderr.flush()
        self.written = len(text)
