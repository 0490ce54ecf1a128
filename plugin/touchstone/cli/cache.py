"""`touchstone cache`: the working cache and the recordings, looked after. Words and options alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from .words import in_words, places

if TYPE_CHECKING:
    from ..archive import Archive

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_BYTES = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30}
_Command = TypeVar("_Command", bound=Callable[..., None])


def _where(command: _Command) -> _Command:
    """The option that all commands share."""
    help_ = "The cache to look after: a folder, or redis://HOST:PORT/DB (default: the project's)."
    return click.option("--cache", "where", metavar="DIR|URL", help=help_)(command)


@click.group()
def cache() -> None:
    """The working cache of answers and scores, and the recordings in the repository."""


@cache.command()
@_where
@click.pass_obj
def stats(root: Path, where: str | None) -> None:
    """Count what is cached and recorded."""
    with in_words():
        for name, value in _archive(root, where).stats().items():
            click.echo(f"{name:<20} {value}")


@cache.command()
@click.option("--older-than", metavar="AGE", help="Drop what is older: 30d, 12h, 90m.")
@click.option("--max-size", metavar="SIZE", help="Then drop the oldest until the rest fits: 500M, 2G.")
@_where
@click.pass_obj
def prune(root: Path, where: str | None, older_than: str | None, max_size: str | None) -> None:
    """Drop old answers and scores from the working cache. Recordings are not touched."""
    if not older_than and not max_size:
        raise click.UsageError("say what to drop: --older-than 30d, or --max-size 500M")
    with in_words():
        dropped = _archive(root, where).cache.prune(_age(older_than), _size(max_size))
        click.echo(f"dropped {dropped} entries")


@cache.command("export")
@click.argument("file", type=click.Path(dir_okay=False, writable=True, path_type=Path))
@_where
@click.pass_obj
def export_(root: Path, where: str | None, file: Path) -> None:
    """Write the cached answers to FILE, as JSON lines that `import` reads."""
    with in_words():
        click.echo(f"wrote {_archive(root, where).export_to(file)} answers to {file}")


@cache.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--recordings", is_flag=True, help="Into the repository's recordings instead of the working cache.")
@_where
@click.pass_obj
def import_(root: Path, where: str | None, file: Path, recordings: bool) -> None:
    """Take the answers in FILE (written by `export`) into the working cache. What is there already stays."""
    with in_words():
        taken, problems = _archive(root, where).import_from(file, to_recordings=recordings)
        for problem in problems:
            click.echo(problem, err=True)
        click.echo(f"took {taken} answers" + (f", left out {len(problems)} lines" if problems else ""))
    raise SystemExit(1 if problems else 0)


@cache.command()
@_where
@click.pass_obj
def verify(root: Path, where: str | None) -> None:
    """Compute every key again, in the cache and in the recordings; exits 1 where a line does not hold."""
    with in_words():
        archive = _archive(root, where)
        problems = archive.problems()
        for problem in problems:
            click.echo(problem, err=True)
        click.echo(f"{archive.checked} answers checked, {len(problems)} problems")
    raise SystemExit(1 if problems else 0)


def _archive(root: Path, where: str | None) -> Archive:
    from ..archive import Archive
    from ..caches import open_stores
    from ..places import cache_at

    kept = places(root)
    stores = open_stores(cache_at(where, Path.cwd()) if where else kept.cache, kept.state)
    return Archive(stores.cache, kept.recordings)


def _age(text: str | None) -> timedelta | None:
    if not text:
        return None
    match = re.fullmatch(r"(\d+)([smhdw])", text)
    if match is None:
        raise click.UsageError(f"--older-than: {text!r} is no age; write 30d, 12h or 90m")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def _size(text: str | None) -> int | None:
    if not text:
        return None
    match = re.fullmatch(r"(\d+)([KMG]?)B?", text.upper())
    if match is None:
        raise click.UsageError(f"--max-size: {text!r} is no size; write 500M or 2G")
    return int(match[1]) * _BYTES[match[2]]
