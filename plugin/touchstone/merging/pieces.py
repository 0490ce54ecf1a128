"""The shards that a user names: found and read. Compares nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..conclusion import Conclusion
from ..errors import UsageError
from ..part import Part
from ..records import SCHEMA
from ..report.text import clean
from ..store import RUN_FILE, find_run, read_meta

AGAIN = "run the shard again, or download it again"
DAMAGE = (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError)
"""What comes of data that is not of the shape it should have."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One shard, as it was found."""

    run: Conclusion
    part: Part
    shown: str
    """Its folder, as a user would type it."""

    def __str__(self) -> str:
        return f"shard {self.part.shard} ({self.shown})"


def read_pieces(runs: Path, names: Sequence[str]) -> list[Piece]:
    """Names of runs (or their beginnings), or folders that hold runs, at most two levels down; ordered by number.

    Raises UsageError for what is not there, cannot be read, or is no shard.
    """
    found = [_read(folder) for name in names for folder in _folders(runs, name)]
    return sorted(found, key=lambda piece: (piece.part.number, piece.shown))


def _folders(runs: Path, name: str) -> list[Path]:
    return list(_below(Path(name))) if Path(name).is_dir() else [find_run(runs, name)]


def _below(folder: Path) -> Iterator[Path]:
    """The folder itself, if it is a run, or the runs in it."""
    found = [file.parent for pattern in ("", "*/", "*/*/") for file in sorted(folder.glob(f"{pattern}{RUN_FILE}"))]
    if not found:
        raise UsageError("holds no run", where=_shown(folder), hint=f"a run is a folder with a {RUN_FILE}")
    yield from found


def _read(folder: Path) -> Piece:
    shown, meta = _shown(folder), read_meta(folder)
    if "v" not in meta:
        raise UsageError(f"its {RUN_FILE} cannot be read", where=shown, hint=AGAIN)
    if meta["v"] != SCHEMA:
        what = f"is a run of version {clean(str(meta['v']), 20)}; this touchstone reads {SCHEMA}"
        raise UsageError(what, where=shown, hint="run the shard again with this one")
    try:
        run = Conclusion.from_dict(meta, folder)
    except DAMAGE as error:
        raise UsageError(f"its {RUN_FILE} is damaged: {_brief(error)}", where=shown, hint=AGAIN) from None
    if run.part is None:
        raise UsageError("is a whole run, no shard", where=shown, hint="a shard is made so: pytest evals/ --shard 1/2")
    return Piece(run, run.part, shown)


def _shown(folder: Path) -> str:
    return clean(os.path.relpath(folder))


def _brief(error: Exception) -> str:
    return clean(f"{type(error).__name__}: {error}")
