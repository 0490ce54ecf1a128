"""In a project without evals the installed plugin prints nothing, writes nothing, and imports nothing heavy."""

from __future__ import annotations

import re
import sys

import pytest

HEAVY = ("pydantic", "litellm", "openai", "yaml", "jinja2", "diskcache", "aiohttp", "scipy", "numpy", "rich", "click")
OURS = {f"touchstone{name}" for name in ("", ".plugin", ".controller", ".gateitem", ".misses", ".places")}
SHOW = """
import sys

def pytest_unconfigure(config):
    with open("modules.txt", "w") as file:
        file.write("\\n".join(sys.modules))
"""
_ALONE = ("-p", "no:hypothesispytest", "-p", "no:anyio", "-p", "no:timeout", "-p", "no:cacheprovider")


@pytest.fixture
def plain(pytester: pytest.Pytester) -> pytest.Pytester:
    """A project of ordinary tests, one of which fails."""
    pytester.makeconftest(SHOW)
    pytester.makepyfile(test_plain="def test_one():\n    pass\n\n\ndef test_two():\n    assert 1 == 2\n")
    return pytester


def run(plain: pytest.Pytester, *options: str) -> tuple[str, set[str], set[str]]:
    """Output (without times and the list of plugins), modules, files."""
    result = plain.runpytest_subprocess(*_ALONE, *options)
    text = re.sub(r" in \d+\.\d+s|^plugins:.*$", "", result.stdout.str(), flags=re.MULTILINE)
    text = re.sub(r"=+", "=", re.sub(r"\[gw\d\]", "[gw]", text))  # which worker runs a test is chance
    modules = set((plain.path / "modules.txt").read_text().splitlines())
    (plain.path / "modules.txt").unlink()
    kept = (p.relative_to(plain.path) for p in plain.path.rglob("*") if "__pycache__" not in p.parts)
    files = {str(path) for path in kept if not path.parts[0].startswith("runpytest-")}  # pytester's own
    return text + result.stderr.str(), modules, files


@pytest.mark.parametrize("options", [(), ("-n", "2"), ("-v", "-rA", "--co")])
def test_nothing_is_printed_written_or_imported(plain: pytest.Pytester, options: tuple[str, ...]) -> None:
    without_text, without_modules, without_files = run(plain, "-p", "no:touchstone", *options)
    with_text, with_modules, with_files = run(plain, *options)
    assert sorted(with_text.splitlines()) == sorted(without_text.splitlines())
    assert with_files == without_files
    added = with_modules - without_modules
    assert {name for name in added if name.partition(".")[0] in HEAVY} == set()
    assert {name for name in added if name.startswith("touchstone")} <= OURS


def test_importing_the_package_is_light(pytester: pytest.Pytester) -> None:
    show = "print(*sorted(set(sys.modules) - before))"
    code = f"import sys, pytest; before = set(sys.modules); import touchstone; {show}; touchstone.run; {show}"
    result = pytester.run(sys.executable, "-c", code)
    package, steps = (set(line.split()) for line in result.outlines)
    assert {name for name in package if name.startswith("touchstone.")} == set()
    found = {name.partition(".")[0] for name in steps}
    assert found & {"litellm", "openai", "aiohttp", "scipy", "numpy", "diskcache", "rich", "xllamacpp", "av"} == set()
