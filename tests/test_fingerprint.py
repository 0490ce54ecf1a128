"""What a module's fingerprint depends on, and what it does not."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest

from touchstone.fingerprint import fingerprint

NUMBER = count()


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with a name that no other test has imported."""
    monkeypatch.syspath_prepend(str(tmp_path))
    folder = tmp_path / f"printed{next(NUMBER)}"
    write(folder, "__init__.py", "")
    write(folder, "look.py", "from . import near\nfrom .deep.far import reach\n")
    write(folder, "near.py", f"def late():\n    import {folder.name}.lazy\n")
    write(folder, "lazy.py", "")
    write(folder, "deep/__init__.py", "")
    write(folder, "deep/far.py", "from ..above import top\nreach = 1\n")
    write(folder, "above.py", "top = 1\n")
    write(folder, "other.py", "")
    return folder


def write(folder: Path, name: str, text: str) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)


def printed(package: Path) -> str:
    fingerprint.cache_clear()
    return fingerprint(f"{package.name}.look")


@pytest.mark.parametrize(
    ("file", "counts"),
    [
        ("look.py", True),
        ("near.py", True),
        ("lazy.py", True),
        ("__init__.py", True),
        ("deep/__init__.py", True),
        ("deep/far.py", True),
        ("above.py", True),
        ("other.py", False),
        ("new.py", False),
    ],
)
def test_it_is_of_what_the_module_imports_and_of_nothing_else(package: Path, file: str, counts: bool) -> None:
    before = printed(package)
    write(package, file, "from . import near\nfrom .deep.far import reach\nchanged = 1\n")
    assert (printed(package) != before) is counts


@pytest.mark.parametrize("text", ["import importlib\nimportlib.import_module('x')\n", "__import__('x')\n", "def ("])
def test_where_imports_cannot_be_told_it_is_of_the_whole_package(package: Path, text: str) -> None:
    write(package, "near.py", text)
    before = printed(package)
    write(package, "other.py", "changed = 1\n")
    assert printed(package) != before


def test_a_package_named_alone_is_all_of_it(package: Path) -> None:
    fingerprint.cache_clear()
    before = fingerprint(package.name)
    write(package, "other.py", "changed = 1\n")
    fingerprint.cache_clear()
    assert fingerprint(package.name) != before


def test_what_is_not_there_has_none(package: Path) -> None:
    fingerprint.cache_clear()
    assert fingerprint("no_such_module_anywhere.at_all") == ""
