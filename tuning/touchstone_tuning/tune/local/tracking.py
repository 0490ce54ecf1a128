"""Where losses go besides the job's own JSON lines: what that needs, and its environment. Owns no log; sends nothing.

Nobody is asked for an account, and nothing leaves this machine unless the user has wandb set up to take it.
"""

from __future__ import annotations

import configparser
import importlib.util
import netrc
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from .desk import Desk, Work

DECIDED = ("WANDB_MODE", "WANDB_API_KEY", "WANDB_IDENTITY_TOKEN_FILE")
"""Variables by which a user tells wandb where runs go."""
WANDB = "https://api.wandb.ai"
CACHES = ("WANDB_CACHE_DIR", "WANDB_DATA_DIR")
"""Variables for what wandb would leave in the user's home."""
ELSEWHERE = ("TRACKIO_SPACE_ID", "TRACKIO_SERVER_URL", "TRACKIO_BUCKET_ID", "TRACKIO_DATASET_ID")
"""Variables by which trackio would send runs away."""


def missing(trackers: Iterable[str]) -> str | None:
    """What to install for these; None where all are there."""
    absent = [name for name in trackers if importlib.util.find_spec(name) is None]
    extras = f"pip install 'pytest-touchstone[{','.join(absent)}]'"
    return f"report_to needs {' and '.join(absent)}, not installed here: {extras}" if absent else None


def environment(desk: Desk, work: Work, given: Mapping[str, str]) -> dict[str, str]:
    """The variables of the training process: those given, and a place below the job's folder for what they leave open.

    trackio has one place for all jobs, since it is where runs are laid side by side.
    """
    usual = {
        "WANDB_DIR": str(desk.folder),  # wandb makes its folder `wandb` in there
        "WANDB_PROJECT": work.project,
        "WANDB_NAME": work.name or work.tag,
        "TENSORBOARD_LOGGING_DIR": str(desk.folder / "tensorboard"),
        "TRACKIO_DIR": str(desk.folder.parent / "trackio"),
    }
    if not decided(given):
        quiet = {"WANDB_MODE": "offline", "WANDB_ERROR_REPORTING": "false"}
        usual |= {**quiet, **{name: str(desk.folder / "wandb" / "cache") for name in CACHES}}
    told = {name: value for name, value in given.items() if name not in ELSEWHERE and (value or name not in usual)}
    return {**usual, **told}


def decided(given: Mapping[str, str]) -> bool:
    """Whether the user told wandb where runs go: by variables, by `wandb login`, by `wandb offline`."""
    home = Path(given.get("HOME", "~")).expanduser()
    return any(given.get(name) for name in DECIDED) or _logged_in(given, home) or _set_up(given, home)


def _logged_in(given: Mapping[str, str], home: Path) -> bool:
    """Whether a netrc file holds a key for wandb's server; looked for as wandb does, and not kept."""
    there = [Path(given["NETRC"]).expanduser()] if given.get("NETRC") else [home / ".netrc", home / "_netrc"]
    file = next((path for path in there if path.is_file()), None)
    host = urlsplit(given.get("WANDB_BASE_URL") or WANDB).netloc
    try:
        return file is not None and netrc.netrc(file).authenticators(host) is not None
    except (netrc.NetrcParseError, OSError, UnicodeDecodeError):
        return False


def _set_up(given: Mapping[str, str], home: Path) -> bool:
    """Whether wandb's own settings say it."""
    folder = Path(given["WANDB_CONFIG_DIR"]) if given.get("WANDB_CONFIG_DIR") else home / ".config" / "wandb"
    found = configparser.ConfigParser(interpolation=None)
    try:
        found.read(folder.expanduser() / "settings")
    except (configparser.Error, OSError, UnicodeDecodeError):
        return False
    return any(found.has_option("default", name) for name in ("mode", "disabled", "api_key"))
