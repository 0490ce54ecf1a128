"""One run of all its shards: records in the order of a whole run, its gates judged, its folder. Checks no shard."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..conclusion import Conclusion
from ..errors import UsageError
from ..places import Places
from ..report.text import clean
from ..store import RunWriter
from .fitting import check
from .pieces import AGAIN, DAMAGE, Piece, read_pieces

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True, slots=True)
class Merged:
    """The whole."""

    run: Conclusion
    erred: int
    """Samples without an answer."""
    missed: int
    """Samples of the run-config that ships that missed where an eval says that every row must pass."""

    @property
    def green(self) -> bool:
        """Whether pytest would have ended with 0, had it made the run in one go."""
        return not (self.erred or self.missed or self.run.summary.failing)


def merge(places: Places, names: Sequence[str], name: str) -> Merged:
    """Make the run `name` of shards, in any order; `names` as `read_pieces` takes them.

    Raises UsageError for shards that are missing, doubled, cut off, or of different runs, and where `name` is taken.
    """
    runs = places.state / "runs"
    if _NAME.fullmatch(name) is None:
        raise UsageError(f"{clean(name)} is no name", where="--out", hint="for example: --out merged")
    if (runs / name).exists():
        raise UsageError(f"there is a run {name}", where="--out", hint="choose another name, or remove its folder")
    pieces = read_pieces(runs, names)
    check(pieces)
    try:
        whole = _whole(pieces, runs / name)
        _write(whole, places.state / f"merging-{name}")
        return _counted(whole, pieces[0].part.every_row)
    except DAMAGE as error:
        what = clean(f"{type(error).__name__}: {error}")
        raise UsageError(f"a shard holds what no run can: {what}", hint=AGAIN) from error


def _whole(pieces: Sequence[Piece], folder: Path) -> Conclusion:
    first = pieces[0].run
    place = {test: index for piece in pieces for test, index in piece.part.tests.items()}
    records = [record for piece in pieces for record in piece.run.records]
    info = replace(first.info, id=folder.name, date=max(piece.run.info.date for piece in pieces), shard="")
    problems = dict.fromkeys(problem for piece in pieces for problem in piece.run.problems)
    return replace(
        first,
        folder=folder,
        info=info,
        records=tuple(sorted(records, key=lambda record: place[record.test])),
        problems=tuple(problems),
        part=None,
    )


def _counted(whole: Conclusion, every_row: Sequence[str]) -> Merged:
    missed = [record for record in whole.records if record.outcome.kind == "miss" and record.eval in every_row]
    return Merged(
        whole,
        erred=sum(record.outcome.kind == "error" for record in whole.records),
        missed=sum(record.run_config == whole.info.shipping for record in missed),
    )


def _write(whole: Conclusion, beside: Path) -> None:
    """The run's folder, whole or not at all: made beside the others, and moved in."""
    made = beside / whole.folder.name
    shutil.rmtree(made, ignore_errors=True)
    try:
        _fill(replace(whole, folder=made))
        whole.folder.parent.mkdir(parents=True, exist_ok=True)
        made.rename(whole.folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _fill(run: Conclusion) -> None:
    writer = RunWriter(run.folder.parent, run.folder.name)
    for record in run.records:
        writer.append(record)
    writer.close()
    run.describe()
    run.write()
