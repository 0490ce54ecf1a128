"""What is installed, by what the distribution itself says that it needs. Imports none of it."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, distribution, version

from packaging.requirements import Requirement

from .finding import Finding

OURS = "pytest-touchstone"
_SECTION = "installed"
_NOT_FOR_USERS = ("dev", "docs")


def installed() -> list[Finding]:
    """Python, the packages that every run needs, and each extra."""
    try:
        ours = distribution(OURS)
    except PackageNotFoundError:
        hint = f"pip install {OURS}"
        return [Finding(_SECTION, OURS, "broken", "is imported from a folder: it is not installed", hint)]
    needs = [Requirement(text) for text in ours.requires or ()]
    base = [need for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})]
    shown = [Finding(_SECTION, "python", "ok", platform.python_version())]
    shown += [Finding(_SECTION, name, "ok", version(name)) for name in (OURS, "pytest", "pytest-xdist") if _has(name)]
    extras = [name for name in ours.metadata.get_all("Provides-Extra") or () if name not in _NOT_FOR_USERS]
    return [*shown, *_base(base), *(_extra(name, _of(name, needs)) for name in extras)]


def _of(extra: str, needs: Iterable[Requirement]) -> list[Requirement]:
    """What an extra adds, extras that it names itself among them."""
    own = [n for n in needs if n.marker is not None and _wants(n, extra) and not _wants(n, "")]
    named = [other for need in own if need.name == OURS for other in need.extras]
    return [n for n in own if n.name != OURS] + [n for other in named for n in _of(other, needs)]


def _wants(need: Requirement, extra: str) -> bool:
    return need.marker is not None and need.marker.evaluate({"extra": extra})


def _base(needs: Iterable[Requirement]) -> Iterator[Finding]:
    """Only what is wrong: all of these are needed."""
    for need in needs:
        if why := _lacks(need):
            yield Finding(_SECTION, need.name, "broken", why, f"pip install '{need.name}{need.specifier}'")


def _extra(name: str, needs: Iterable[Requirement]) -> Finding:
    lacking = [f"{need.name} ({why})" for need in needs if (why := _lacks(need))]
    if not lacking:
        return Finding(_SECTION, f"extra {name}", "ok")
    return Finding(_SECTION, f"extra {name}", "absent", f"{', '.join(lacking)}: pip install '{OURS}[{name}]'")


def _has(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True


def _lacks(need: Requirement) -> str:
    """Why it is not enough; empty where it is."""
    if not _has(need.name):
        return "not installed"
    here = version(need.name)
    return "" if need.specifier.contains(here, prereleases=True) else f"{here}, wants {need.specifier}"
