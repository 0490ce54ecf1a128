"""The tutorial's first part, done as it says: every file written, every command typed, every line of output seen.

The model's answers are those of `docs/examples/capitals`, which is what the tutorial ends with.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from doc_commands import ROOT, apart
from markdown_it import MarkdownIt
from markdown_it.token import Token
from projects import Project
from test_docs_commands import Shell

PAGE = ROOT / "docs/tutorial.md"
EXAMPLE = ROOT / "docs/examples/capitals"
TITLE = re.compile(r'title="([^",]+)(, one line)?"')
KEPT = ("datasets", "evals", "pyproject.toml")
"""What of the project the example holds, beside the recordings."""


def steps() -> Iterator[Token]:
    """The blocks of the first part, in order."""
    text = PAGE.read_text(encoding="utf-8").partition("\n## A real task")[0]
    return (token for token in MarkdownIt().parse(text) if token.type == "fence")


def write(root: Path, title: re.Match[str], content: str) -> None:
    """A file as the page shows it, or one line of it."""
    file = root / title[1]
    if not title[2]:
        file.write_text(content, encoding="utf-8")
        return
    wanted = json.loads(content)["id"]
    lines = file.read_text(encoding="utf-8").splitlines()
    changed = [content.strip() if json.loads(line)["id"] == wanted else line for line in lines]
    assert changed != lines
    file.write_text("\n".join(changed) + "\n", encoding="utf-8")


def test_the_first_part_can_be_done_as_it_says(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    shell, said, root = Shell(Project(pytester)), "", pytester.path / "capitals"
    for step in steps():
        if title := TITLE.search(step.info):
            write(root, title, step.content)
        elif step.info == "sh":
            said = "\n".join(typed(shell, monkeypatch, line) for line in step.content.splitlines())
        else:
            assert step.info == "text"
            missing = [line for line in step.content.splitlines() if line not in said.splitlines()]
            assert not missing, said
    for file in (file for name in KEPT for file in there(root / name)):
        assert (EXAMPLE / file.relative_to(root)).read_bytes() == file.read_bytes()


def there(path: Path) -> list[Path]:
    """The file, or the files below the folder; a baseline names the run that it was taken from."""
    found = [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]
    return [one for one in found if one.suffix != ".pyc" and one.name != "baseline.json"]


def typed(shell: Shell, monkeypatch: pytest.MonkeyPatch, line: str) -> str:
    """What a line of the shell said. The first run of the samples is no part of it: nothing recorded answers it."""
    said = ""
    if line.startswith("CI=true "):
        monkeypatch.setenv("CI", "true")
    for command in apart("docs/tutorial.md", 1, line):
        if command.words == ("cd", "capitals"):
            monkeypatch.chdir("capitals")
            shutil.copytree(EXAMPLE / "fixtures", "fixtures")
        elif command.program in ("touchstone", "pytest") and not samples_alone():
            status = shell.run(*command.words)
            assert status == 0, shell.said
            said += shell.said
    return said


def samples_alone() -> bool:
    """Whether the project is as `init` wrote it."""
    return "sample-1" in (Path("datasets/capitals.jsonl").read_text() if Path("datasets").is_dir() else "")
