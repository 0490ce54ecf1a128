"""A fingerprint of a module's own sources, so that what code decided is not believed after the code has changed."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from functools import cache
from pathlib import Path


def reach(root: Path) -> None:
    """Make the modules of the project at `root` importable, as pytest's `pythonpath` would."""
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))


@cache
def fingerprint(module: str) -> str:
    """SHA-256 (hex) of the Python sources of the module's top package, or of the module alone where it has none.

    Empty for a module that cannot be found or has no source. Other packages that it imports are not looked at.
    """
    top, _, below = module.partition(".")
    file = _file(top)
    if file is None:
        return ""
    files = sorted(file.parent.rglob("*.py")) if below or file.name == "__init__.py" else [file]
    return hashlib.sha256(b"\0".join(f.read_bytes() for f in files)).hexdigest()


def _file(top: str) -> Path | None:
    loaded = sys.modules.get(top)
    try:
        spec = loaded.__spec__ if loaded is not None else importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return None
    if spec is None:
        return None
    places = [*(spec.submodule_search_locations or ())]
    if places:  # also a package without an __init__.py
        return Path(places[0]) / "__init__.py"
    return Path(spec.origin) if spec.origin and spec.origin.endswith(".py") else None
