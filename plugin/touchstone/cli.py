"""The command `touchstone`: what is done to files beside a pytest run. Words and options; the work is elsewhere."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .errors import TouchstoneError

if TYPE_CHECKING:
    from .archive import Archive

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_BYTES = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30}


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="pytest-touchstone")
@click.option(
    "--root", type=click.Path(exists=True, file_okay=False, path_type=Path), help="The project (default: from here up)."
)
@click.pass_context
def main(context: click.Context, root: Path | None) -> None:
    """Evals as tests. Run them with `pytest evals/`; this command looks after what they leave."""
    context.obj = root or _project(Path.cwd())


@main.command("report")
@click.argument("run", required=False)
@click.option("--format", "style", type=click.Choice(["terminal", "markdown", "json"]), default="terminal")
@click.pass_obj
def report_(root: Path, run: str | None, style: str) -> None:
    """Rebuild the report of RUN (a run's name or its beginning; the last one by default) from its records."""
    from .reporting import rendered

    with _in_words():
        click.echo(rendered(root / _state(root) / "runs", run, style, sys.stdout.isatty()))


@main.group()
def cache() -> None:
    """The working cache of answers and scores, and the recordings in the repository."""


@cache.command()
@click.pass_obj
def stats(root: Path) -> None:
    """Count what is cached and recorded."""
    with _in_words():
        for name, value in _archive(root).stats().items():
            click.echo(f"{name:<20} {value}")


@cache.command()
@click.option("--older-than", metavar="AGE", help="Drop what is older: 30d, 12h, 90m.")
@click.option("--max-size", metavar="SIZE", help="Then drop the oldest until the rest fits: 500M, 2G.")
@click.pass_obj
def prune(root: Path, older_than: str | None, max_size: str | None) -> None:
    """Drop old answers and scores from the working cache. Recordings are not touched."""
    if not older_than and not max_size:
        raise click.UsageError("say what to drop: --older-than 30d, or --max-size 500M")
    with _in_words():
        dropped = _archive(root).cache.prune(_age(older_than), _size(max_size))
        click.echo(f"dropped {dropped} entries")


@cache.command("export")
@click.argument("file", type=click.Path(dir_okay=False, writable=True, path_type=Path))
@click.pass_obj
def export_(root: Path, file: Path) -> None:
    """Write the cached answers to FILE, as JSON lines that `import` reads."""
    with _in_words():
        click.echo(f"wrote {_archive(root).export_to(file)} answers to {file}")


@cache.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--recordings", is_flag=True, help="Into the repository's recordings instead of the working cache.")
@click.pass_obj
def import_(root: Path, file: Path, recordings: bool) -> None:
    """Take the answers in FILE (written by `export`) into the working cache. What is there already stays."""
    with _in_words():
        taken, problems = _archive(root).import_from(file, to_recordings=recordings)
        for problem in problems:
            click.echo(problem, err=True)
        click.echo(f"took {taken} answers" + (f", left out {len(problems)} lines" if problems else ""))
    raise SystemExit(1 if problems else 0)


@cache.command()
@click.pass_obj
def verify(root: Path) -> None:
    """Compute every key again, in the cache and in the recordings; exits 1 where a line does not hold."""
    with _in_words():
        archive = _archive(root)
        problems = archive.problems()
        for problem in problems:
            click.echo(problem, err=True)
        click.echo(f"{archive.checked} answers checked, {len(problems)} problems")
    raise SystemExit(1 if problems else 0)


def _archive(root: Path) -> Archive:
    from .archive import Archive

    return Archive(root / _state(root) / "cache", root / _setting(root, "touchstone_recordings", "fixtures/recordings"))


@contextmanager
def _in_words() -> Iterator[None]:
    """Our own errors are fit to show as they are."""
    try:
        yield
    except TouchstoneError as error:
        raise click.ClickException(str(error)) from None


def _project(here: Path) -> Path:
    """The nearest folder above that looks like a project."""
    marks = ("pyproject.toml", "pytest.ini", "tox.ini", "setup.cfg", ".touchstone")
    return next((p for p in (here, *here.parents) if any((p / mark).exists() for mark in marks)), here)


def _state(root: Path) -> str:
    return _setting(root, "touchstone_state", ".touchstone")


def _setting(root: Path, name: str, default: str) -> str:
    """A setting of pytest's configuration file, read as pytest reads it."""
    from _pytest.config.findpaths import load_config_dict_from_file

    for file in ("pytest.toml", "pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg"):
        found = load_config_dict_from_file(root / file) if (root / file).is_file() else None
        if found is not None and name in found:
            value = found[name]
            return str(getattr(value, "value", value))
    return os.fspath(default)


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
