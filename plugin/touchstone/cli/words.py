"""What all commands share: where the project is, its settings, and our errors as plain words."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import TouchstoneError, UsageError

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from ..places import Places


@contextmanager
def in_words() -> Iterator[None]:
    """Our own errors are fit to show as they are."""
    try:
        yield
    except TouchstoneError as error:
        raise click.ClickException(str(error)) from None


def project(here: Path) -> Path:
    """The nearest folder above that looks like a project."""
    marks = ("pyproject.toml", "pytest.ini", "tox.ini", "setup.cfg", ".touchstone")
    return next((p for p in (here, *here.parents) if any((p / mark).exists() for mark in marks)), here)


def places(root: Path) -> Places:
    """Where the project keeps its files, as pytest's configuration says."""
    from ..places import Places

    return Places.of(root.resolve(), partial(setting, root))


def person(root: Path, given: str | None, does: str = "rates", option: str = "--rater") -> str:
    """Who it is: as given, or git's user. Raises ClickException that names the option."""
    import subprocess

    if given is not None:
        name = given
    else:
        try:
            asked = ["git", "config", "user.name"]
            name = subprocess.run(asked, cwd=root, capture_output=True, text=True, check=False).stdout
        except OSError:  # there is no git
            name = ""
    if not name.strip():
        raise click.ClickException(f'who {does}? git has no user.name here; say {option} "Your Name"')
    return name.strip()


def open_page(app: Callable[[str], Starlette], said: str, port: int, *, browser: bool) -> None:
    """A local page, until Ctrl-C. `app` makes it of the token that is in its address; `said` is what is done there."""
    import secrets
    import webbrowser

    from ..rating.serving import address, listen, serve

    token, listening = secrets.token_urlsafe(24), listen(port)
    url = address(listening, token)
    click.echo(f"{said}:\n  {url}\nCtrl-C ends.")
    if browser:
        webbrowser.open(url)
    serve(app(token), listening)


def width() -> int:
    """Columns of standard output, 80 to 120: 80 where it is no terminal."""
    return min(120, max(80, shutil.get_terminal_size().columns)) if sys.stdout.isatty() else 80


def colour() -> bool:
    """Whether standard output wants colours."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def setting(root: Path, name: str) -> str:
    """A setting of pytest's configuration file, read as pytest reads it."""
    from _pytest.config.exceptions import UsageError as PytestUsageError
    from _pytest.config.findpaths import load_config_dict_from_file

    from ..places import PLACES

    for file in ("pytest.toml", "pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg"):
        try:
            found = load_config_dict_from_file(root / file) if (root / file).is_file() else None
        except PytestUsageError as error:
            raise UsageError(f"cannot be read by pytest: {error}", where=file) from error
        if found is not None and name in found:
            value = found[name]
            return str(getattr(value, "value", value))
    return PLACES[name][0] if name in PLACES else ""
