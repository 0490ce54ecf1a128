"""The commands that the documentation shows: found in its pages, taken apart, and held against the real parsers.

Every line of a page that begins with a program's name is a command, wherever it stands: in a block, behind `run:` of a
workflow, between backticks. Which are run, which are only parsed and why, is said in the tables below.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
from markdown_it import MarkdownIt

from touchstone.cli import main
from touchstone.plugin import pytest_addoption

ROOT = Path(__file__).parents[1]
LEFT_OUT = ("docs/reference/command.md",)
"""Pages whose commands are made from the parsers themselves."""
OURS = ("touchstone", "pytest")
NOT_HERE = {
    "pip": "installs from a registry",
    "uv": "installs from a registry",
    "venv": "makes an environment, which CI does first of all",
    "cd": "the shell's own",
    "cp": "the shell's own",
    "export": "the shell's own",
    "git": "git's own",
    "ray": "wants a cluster: tests/test_clustering.py has one",
    "vllm": "wants a GPU",
    "docker": "wants a container's runtime",
    "ollama": "wants Ollama and its weights",
    "llama-server": "wants llama.cpp and weights",
    "litellm": "wants LiteLLM's proxy, which is not installed here",
    "curl": "wants the server that it asks",
    "benchmarks": "measures for minutes; that the names exist is checked",
    "make": "does what .ci/run does; that the target exists is checked",
    "script": "a script of this repository: .ci/run calls it, or it installs from a registry",
}
"""Programs of which no command is run by the test, and why."""
PARSED = {
    r"touchstone (rate|synth review) (?!.*--csv)": "a page that stays until Ctrl-C: tests/test_rating_browser.py",
    r"touchstone tune (plan|submit|wait|status|register|cancel|undeploy|compare)": "trains: tests/test_tune_*.py",
    r"touchstone synth (plan|run|stats|convert)": "minutes of proofs: tests/test_synth*.py",
    r"touchstone merge": "wants all shards: tests/test_merge.py",
    r"touchstone (--root \S+ )?import": "wants another tool's project: tests/test_import_*.py",
    r"touchstone export": "wants a project to carry over: its own tests",
    r"touchstone (golden|agree) support": "the eval of a page whose rows, prompt and judge tests/test_examples.py runs",
    r"touchstone (report|doctor) .*--root": "of another folder",
    r"pytest .*--engine ray": "wants a cluster: tests/test_clustering.py",
    r"pytest .*--cache \S*(redis|CACHE_URL)": "wants a Redis: tests/test_caches.py",
    r"pytest .*--batch": "wants a provider's batches: tests/test_plugin_batch.py",
    r"pytest .*--resume": "wants a run that was stopped: tests/test_plugin_stopping.py",
    r"pytest tests/": "this test's own suite",
    r"pytest .*-n \d": "workers cost seconds: tests/test_plugin_xdist.py",
}
"""Commands of ours that are parsed and not run, and why."""
SHELL = ("", "sh", "bash", "shell", "console")
_CHAIN = {"&&", "||", ";", "|"}
_STARTS = re.compile(
    r"(?:\$ )?((?:[A-Z_]+=\S+ )*(?:\.venv/bin/)?"
    r"(?:touchstone|pytest|make|pip|uv|python3?|git|cd|cp|export|ray|vllm|docker|ollama|llama-server|litellm|curl"
    r"|\.ci/\w+|benchmarks/peers/install)(?: .*|$))"
)
_MENTION = re.compile(r"(?:touchstone|pytest|make) [a-z-]")


@dataclass(frozen=True, slots=True)
class Command:
    """One command of a page."""

    page: str
    line: int
    words: tuple[str, ...]
    mention: bool = False
    """It stands in a sentence, not in a block."""

    @property
    def text(self) -> str:
        """As it is shown."""
        return " ".join(self.words)

    @property
    def where(self) -> str:
        """Place and text, for a message."""
        return f"{self.page}:{self.line}: {self.text}"

    @property
    def program(self) -> str:
        """Whose it is, in the words of the tables above."""
        name = self.words[0]
        if name.startswith("python"):
            return self.words[2] if self.words[1:2] == ("-m",) else "script"
        return "script" if "/" in name else name

    @property
    def synopsis(self) -> bool:
        """It says what could be typed, not what to type."""
        return any(re.search(r"\[|\]|\.\.\.|(?<!\\)\||^<", word) for word in self.words)


def pages() -> list[Path]:
    """Every page that people read."""
    found = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [page for page in found if str(page.relative_to(ROOT)) not in LEFT_OUT]


def commands(page: Path) -> Iterator[Command]:
    """Every command of a page, in order."""
    name = str(page.relative_to(ROOT))
    for token in MarkdownIt().enable("table").parse(page.read_text(encoding="utf-8")):
        start = (token.map or [0])[0] + 1
        if token.type == "fence":
            for number, text in _lines(token.info, token.content):
                yield from apart(name, start + number, text)
        for inner in token.children or ():
            if inner.type == "code_inline" and _MENTION.match(inner.content):
                yield from apart(name, start, inner.content, mention=True)


def _lines(info: str, content: str) -> Iterator[tuple[int, str]]:
    """(line, command's text) of a block."""
    whole = content.replace("\\\n", " ")
    for number, line in enumerate(whole.splitlines(), 1):
        if info in SHELL and (found := _STARTS.match(line)):
            yield number, found[1]
        elif info == "yaml" and (found := re.match(r"\s*(?:- )?run: (.+)", line)) and (of := _STARTS.match(found[1])):
            yield number, of[1]


def apart(page: str, line: int, text: str, *, mention: bool = False) -> Iterator[Command]:
    """The commands of a line: without comments, variables set for it, and where its output goes."""
    words = list[str]()
    chained = {";"} if "[" in text else _CHAIN
    for word in [*shlex.split(text, comments=True), ";"]:
        if word not in chained:
            words.append(word)
            continue
        kept = words[: words.index(">")] if ">" in words else words
        kept = kept[: kept.index(">>")] if ">>" in kept else kept
        while kept and re.match(r"[A-Z_]+=", kept[0]):
            kept = kept[1:]
        if kept:
            yield Command(page, line, (kept[0].removeprefix(".venv/bin/"), *kept[1:]), mention)
        words = []


def reason(command: Command) -> str | None:
    """Why a command is not run; None for one that is."""
    if command.program not in OURS:
        return NOT_HERE.get(command.program) or ""
    if command.mention or command.synopsis:
        return "says what can be typed"
    return next((why for pattern, why in PARSED.items() if re.match(pattern, command.text + " ")), None)


def fault(command: Command) -> str | None:
    """What the real parser has against a command; None where it takes it."""
    match command.program:
        case "touchstone":
            return _fault_of_touchstone(command.words[1:], whole=not (command.synopsis or command.mention))
        case "pytest":
            return _fault_of_pytest(command.words[1:])
        case "make":
            return _fault_of_make(command.words[1:])
        case "benchmarks":
            return _fault_of_benchmarks(command.words[3:])
        case "script":
            name = command.words[1] if command.words[0].startswith("python") else command.words[0]
            return None if (ROOT / name).exists() else f"there is no {name}"
        case other:
            return None if other in NOT_HERE else f"nobody knows the program {other}"


def _fault_of_touchstone(words: Sequence[str], *, whole: bool) -> str | None:
    """By click itself; of a synopsis only the names."""
    command: click.Command = main
    context = click.Context(main, info_name="touchstone")
    rest = list(words)
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        below = [command.get_command(context, name) for name in rest[0].split("|")]
        if None in below or not below:
            return f"touchstone has no command {rest[0]}"
        command, rest = below[0] or command, rest[1:]
        if len(below) > 1:
            return None
        context = click.Context(command, info_name=command.name, parent=context)
    every = [*command.params, *main.params]
    known = {"--help", "-h", *(name for one in every for name in [*one.opts, *one.secondary_opts])}
    given = [found for word in rest for found in re.findall(r"(?<![\w-])--?[a-z][a-z-]*", word.split("=")[0])]
    if unknown := [name for name in given if name not in known]:
        return f"{command.name} has no {unknown[0]}"
    if whole and not isinstance(command, click.Group):
        try:
            command.make_context(command.name, list(rest), parent=context.parent)
        except click.exceptions.Exit:
            return None
        except click.ClickException as error:
            return None if "does not exist" in error.message else error.format_message()
    return None


class _Names:
    """Stands where pytest's parser would, for the names of the plugin's options."""

    def __init__(self) -> None:
        self.names = set[str]()
        pytest_addoption(self)  # type: ignore[arg-type]

    def getgroup(self, *_: str) -> _Names:
        """Its own group."""
        return self

    def addoption(self, name: str, **_: object) -> None:
        """Note it."""
        self.names.add(name)

    def addini(self, *_: object, **__: object) -> None:
        """No option."""


PYTESTS = {"--lf", "--junitxml", "--collect-only", "--cov", "--markers", "--fixtures", "--dist", "--help", "--deselect"}
"""pytest's and its plugins' own that pages name."""


def _fault_of_pytest(words: Sequence[str]) -> str | None:
    given = [found for word in words for found in re.findall(r"^\[?(--[a-z][a-z-]*)", word)]
    unknown = [name for name in given if name not in _Names().names | PYTESTS]
    return f"pytest has no {unknown[0]}" if unknown else None


def _fault_of_make(words: Sequence[str]) -> str | None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    unknown = [word for word in words if "=" not in word and word not in targets]
    return f"there is no target {unknown[0]}" if unknown else None


def _fault_of_benchmarks(words: Sequence[str]) -> str | None:
    from benchmarks.__main__ import BENCHMARKS

    names = [word for word in words if word.isalpha()]
    unknown = [name for name in names if name not in BENCHMARKS]
    return f"there is no benchmark {unknown[0]}" if unknown else None
