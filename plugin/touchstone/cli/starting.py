"""`touchstone init` and `touchstone add`: asks, on a terminal, for what is not given. Words and options alone."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .words import in_words, places

if TYPE_CHECKING:
    from ..starting import Added, Laid, Task

_ABOUT = "Answers what a user asks, briefly and truthfully."
_LONGEST = 1000
"""Characters of the sentence that says what a task does."""


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--name", metavar="NAME", help="Of the eval and its data set (default: after the folder).")
@click.option("--about", metavar="SENTENCE", help="What your task does; the prompt begins with it.")
@click.option("--input", "given", metavar="text|SCHEMA", help="What it is given: text, or a JSON schema, or its file.")
@click.option("--output", "answer", metavar="text|SCHEMA", help="What it answers, in the same way.")
@click.option("--model", metavar="MODEL", help="The first model (default: the embedded one, which needs no key).")
def init(
    folder: Path, name: str | None, about: str | None, given: str | None, answer: str | None, model: str | None
) -> None:
    """Begin a project of evals in DIR, or add to a repository (`touchstone init .`) what it lacks.

    No file that is there is changed, but for lines added to .gitignore. What is not given is asked on a terminal, and
    has a default elsewhere.
    """
    with in_words():
        from ..starting import lay

        root = _folder(folder)
        task = _task(root, name, about, given, answer, model)
        _show(lay(task, places(root)), folder)


@click.group()
def add() -> None:
    """Add an eval, a run-config, a judge, a scorer or a sweep to a project."""


@add.command("eval")
@click.argument("name")
@click.option("--dataset", metavar="NAME", help="Ask the rows of this data set (default: a new one).")
@click.option("--about", metavar="SENTENCE", default="", help="What it holds an answer to.")
@click.pass_obj
def eval_(root: Path, name: str, dataset: str | None, about: str) -> None:
    """Add evals/test_NAME.py, with three rows in datasets/NAME.jsonl."""
    with in_words():
        from ..starting import add_eval

        _added(add_eval(name, places(root), dataset, _sentence(about)))


@add.command("run-config")
@click.argument("name")
@click.option("--model", metavar="MODEL", help="Default: that of the run-config that ships.")
@click.option("--prompt", metavar="NAME", help="A new one begins as a copy of the one that ships.")
@click.pass_obj
def run_config(root: Path, name: str, model: str | None, prompt: str | None) -> None:
    """Add a line to run_configs.yaml; its comments and order stay."""
    with in_words():
        from ..starting import add_run_config

        _added(add_run_config(name, places(root), model, prompt))


@add.command("judge")
@click.argument("name")
@click.option("--eval", "evaluation", metavar="NAME", help="Whose answers it judges (default: the only eval).")
@click.pass_obj
def judge(root: Path, name: str, evaluation: str | None) -> None:
    """Add evals/judges/NAME.j2."""
    with in_words():
        from ..starting import add_judge

        _added(add_judge(name, places(root), _eval(root, evaluation)))


@add.command("scorer")
@click.argument("name")
@click.option("--about", metavar="SENTENCE", default="", help="What it looks at.")
@click.pass_obj
def scorer(root: Path, name: str, about: str) -> None:
    """Add evals/scorers/NAME.py."""
    with in_words():
        from ..starting import add_scorer

        _added(add_scorer(name, places(root), _sentence(about)))


@add.command("sweep")
@click.argument("name")
@click.option("--train", metavar="DATASET", required=True, help="Rows to learn from: each has an input and an answer.")
@click.pass_obj
def sweep(root: Path, name: str, train: str) -> None:
    """Add tuning/sweeps/NAME.yaml."""
    with in_words():
        from ..starting import add_sweep

        _added(add_sweep(name, places(root), train))


def _folder(folder: Path) -> Path:
    """The root, made if it is not there. Raises UsageError."""
    from ..errors import UsageError

    again = "choose another: touchstone init my-evals"
    try:
        if folder.exists() and not folder.is_dir():
            raise UsageError("is a file, not a folder", where=str(folder), hint=again)
        folder.mkdir(parents=True, exist_ok=True)
        return folder.resolve()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"cannot be made: {why}", where=str(folder), hint=again) from error


def _task(
    root: Path, name: str | None, about: str | None, given: str | None, answer: str | None, model: str | None
) -> Task:
    """As given, asked or by default."""
    from ..starting import EMBEDDED, Task, named, shape

    name = named(_asked("Name of the eval", name, _default_name(root)), "eval", "--name ")
    about = _sentence(_asked("What does your task do (one sentence)", about, _ABOUT)) or _ABOUT
    given = _asked("What is it given (text, or a JSON schema or its file)", given, "text")
    answer = _asked("What does it answer (text, or a JSON schema or its file)", answer, "text")
    model = _asked("First model", model, EMBEDDED)
    task = Task(name, about, shape(given, "--input"), shape(answer, "--output"), model)
    task.run_config  # noqa: B018  (raises for a model that none can have, before anything is written)
    return task


def _default_name(root: Path) -> str:
    """After the first eval that is there, so that a second `init` adds no other; else after the folder."""
    from ..starting.task import slugged

    there = sorted(places(root).run_configs.parent.glob("test_*.py"))
    return slugged(there[0].stem.removeprefix("test_") if there else root.name, "my_eval")


def _asked(question: str, given: str | None, default: str) -> str:
    if given is not None or not sys.stdin.isatty():
        return default if given is None else given
    return str(click.prompt(question, default=default))


def _sentence(text: str) -> str:
    from ..errors import UsageError
    from ..starting.escaping import sentence

    if len(text) > _LONGEST:
        raise UsageError(f"is longer than {_LONGEST} characters", where="--about", hint="one sentence will do")
    return sentence(text)


def _eval(root: Path, given: str | None) -> str:
    """The eval that is named, or the only one. Raises UsageError."""
    from ..errors import UsageError
    from .collecting import collect

    collected = collect(root)
    if given is None and len(collected.evals) != 1:
        hint = f"--eval NAME, one of: {', '.join(sorted(collected.evals))}"
        raise UsageError("say whose answers it judges", hint=hint)
    return collected.eval(given or next(iter(collected.evals))).name


def _show(laid: Laid, folder: Path) -> None:
    for path in laid.written:
        click.echo(f"wrote       {path}")
    for path in laid.kept:
        click.echo(f"left alone  {path}")
    go = [] if folder.resolve() == Path.cwd() else [f"cd {shlex.quote(str(folder))}"]
    make = "make evals" if "Makefile" in laid.written else "pytest evals/"
    click.echo("\nnext:")
    for line in (*go, make, "touchstone doctor"):
        click.echo(f"  {line}")


def _added(added: Added) -> None:
    for path in added.written:
        click.echo(f"wrote  {path}")
    click.echo("\nnext:")
    for line in added.then:
        click.echo(f"  {line}")
