"""docs/python.md: its project is made, its examples are run in order, and what they show is what is printed."""

from __future__ import annotations

import contextlib
import doctest
import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[1] / "docs/python.md"
RUN = re.compile(r"\b\d{8}-\d{6}-[0-9a-f]{5}\b")


class Checker(doctest.OutputChecker):
    """Runs have other names each time; all else is as shown."""

    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        return super().check_output(RUN.sub("RUN", want), RUN.sub("RUN", got), optionflags)


def blocks(language: str) -> list[tuple[str, str]]:
    """(title, text) of the page's blocks in a language."""
    found = re.findall(rf'^```{language}(?: title="([^"]+)")?\n(.*?)^```$', PAGE.read_text(), re.DOTALL | re.MULTILINE)
    return [(title, text) for title, text in found]


def test_the_page_shows_what_is_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for title, text in (block for kind in ("python", "yaml", "jinja", "csv", "toml") for block in blocks(kind)):
        assert title, f"a block that is no file, and is not run:\n{text}"
        (tmp_path / title).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / title).write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:hypothesispytest -p no:anyio -p no:timeout")
    # In an example's output a blank line is one, but doctest wants it marked.
    examples = "\n".join(re.sub(r"\n\n(?!>>> )", "\n<BLANKLINE>\n", text) for _, text in blocks("pycon"))
    test = doctest.DocTestParser().get_doctest(examples, {}, "python.md", str(PAGE), 0)
    runner = doctest.DocTestRunner(Checker(), verbose=False)
    wrong: list[str] = []
    with contextlib.redirect_stdout(None):
        runner.run(test, out=wrong.append, clear_globs=False)
    assert not runner.failures, "".join(wrong)
    assert runner.tries > 20
