"""`touchstone import`: projects of other tools. Words and options; the work is in `importing`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .words import in_words, places

if TYPE_CHECKING:
    from ..importing.imported import Imported
    from ..importing.rows import Mapped
    from ..importing.unplaced import Leftovers

_LISTED = 30
_PAIRS = 5
_INTO = click.option(
    "--into", metavar="DIR", type=click.Path(path_type=Path), help="Where it goes (default: a new folder here)."
)


@click.group("import")
def import_() -> None:
    """Bring what another tool has here: projects, configs, rows. What has no place here is said, with its line.

    Nothing is asked of any model, no file is overwritten, and nothing is written where anything cannot be.
    """


@import_.command()
@click.argument("project", type=click.Path(path_type=Path))
@_INTO
@click.option("--truth", metavar="MODULE:FUNCTION", help="A scorer that executes outputs: each eval's truth=.")
def kiln(project: Path, into: Path | None, truth: str | None) -> None:
    """Import the Kiln project in the folder PROJECT: runs, tags, ratings, prompts, run-configs, evals, judges, their
    verdicts, fine-tunes and splits. Nothing is asked of any model, and no file is overwritten.

    What has no place here is listed, and kept in imported/kiln/unplaced.jsonl.
    """
    from ..importing.kiln import Scorer, import_project
    from ..importing.names import slug

    target = into or Path(slug(project.resolve().parent.name if project.suffix else project.resolve().name) or "kiln")
    with in_words():
        found = import_project(project, target.absolute(), str(target), Scorer.parse(truth) if truth else None)
    for line in _told(found, target, "kiln"):
        click.echo(line)


@import_.command()
@click.argument("config", type=click.Path(path_type=Path))
@_INTO
@click.option("--model", metavar="NAME", help="A model for providers that have no name here, as in run_configs.yaml.")
@click.option(
    "--base", metavar="DIR", type=click.Path(path_type=Path), help="Read files below it (default: CONFIG's folder)."
)
def promptfoo(config: Path, into: Path | None, model: str | None, base: Path | None) -> None:
    """Import promptfoo's CONFIG (promptfooconfig.yaml or .json): prompts, providers, tests, asserts, rubrics.

    Each provider with each prompt becomes a run-config, each test a row with its asserts, rubrics a judge.
    """
    from ..importing.names import slug
    from ..importing.promptfoo import import_config

    target = into or Path(f"{slug(config.resolve().parent.name) or 'promptfoo'}-evals")
    with in_words():
        found = import_config(config, target.absolute(), str(target), base, model)
    for line in _told(found, target, "promptfoo", each=True):
        click.echo(line)


@import_.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--as", "name", metavar="NAME", required=True, help="The data set: datasets/NAME.jsonl.")
@click.option(
    "--map",
    "fields",
    metavar="FIELD=COLUMN",
    multiple=True,
    help="What of a row is which column, such as input=question, answer=answers.text.0, input.context=passage.",
)
@click.option("--id", "id_", metavar="COLUMN", help="The rows' ids (default: id, else a digest of what a row says).")
@click.option("--tags", metavar="COLUMN", multiple=True, help="Columns whose values are tags (default: tags).")
@click.option("--tag", metavar="WORD", multiple=True, help="A tag for every row.")
@click.option("--drop", is_flag=True, help="Leave out columns that are not named (default: they keep their names).")
@click.option("--split", "splits", metavar="NAME", multiple=True, help="Of a folder's splits (default: all).")
@click.option("--at", metavar="PATH", help="Where the rows stand in a JSON or YAML file, such as data.items.")
@click.option("--limit", metavar="N", type=click.IntRange(min=1), help="The first N rows of each split.")
@click.pass_obj
def rows(
    root: Path,
    file: Path,
    name: str,
    fields: tuple[str, ...],
    id_: str | None,
    tags: tuple[str, ...],
    tag: tuple[str, ...],
    drop: bool,
    splits: tuple[str, ...],
    at: str | None,
    limit: int | None,
) -> None:
    """Import the rows of FILE into a data set here: CSV, TSV, JSONL, JSON, YAML, Parquet, Arrow, or a folder of them
    as Hugging Face's `datasets` writes it.

    A column of messages becomes the last user's turn, with the turns before it; what was answered then is `answer`.
    """
    from ..importing.rows import Source, Wanted, import_rows

    with in_words():
        wanted = Wanted.parse(fields, id=id_, tags=tags, tag=tag, keep=not drop)
        found = import_rows(Source(file, splits, at, limit), name, wanted, places(root))
    for one, mapped in found.items():
        for line in _rows_told(one, mapped):
            click.echo(line)


@import_.command("openai-evals")
@click.argument("samples", type=click.Path(path_type=Path))
@_INTO
@click.option("--registry", metavar="YAML", type=click.Path(path_type=Path), help="The file that names the eval.")
@click.option("--eval", "eval_", metavar="NAME", help="Which of the registry's (default: the one with these samples).")
@click.option(
    "--class",
    "kind",
    type=click.Choice(["Match", "Includes", "FuzzyMatch", "JsonMatch"]),
    help="What scores, where no registry says so (default: Match).",
)
@click.option("--spec", metavar="YAML", type=click.Path(path_type=Path), help="The model-graded spec that it names.")
@click.option("--model", metavar="NAME", help="Make a run-config of it; without, the project has its own.")
@click.option("--judge-model", "judge", metavar="NAME", help="The model that grades (default: --model's run-config).")
def openai_evals(
    samples: Path,
    into: Path | None,
    registry: Path | None,
    eval_: str | None,
    kind: str | None,
    spec: Path | None,
    model: str | None,
    judge: str | None,
) -> None:
    """Import SAMPLES (JSONL) of OpenAI's evals: rows, and an eval that scores as Match, Includes, FuzzyMatch, JsonMatch
    or ModelBasedClassify (a judge) does.
    """
    from ..importing.names import slug
    from ..importing.openai_evals import Wish, import_samples

    if registry is not None and kind is not None:
        raise click.UsageError("--registry says what scores: leave out --class")
    if into is None and model is None:
        raise click.UsageError("a new project wants --model NAME; --into DIR adds to one that has run-configs")
    target = into or Path(f"{slug(samples.stem) or 'openai'}-evals")
    with in_words():
        wish = Wish(registry, eval_, kind, spec, model, judge)
        found = import_samples(samples, wish, target.absolute(), str(target))
    for line in _told(found, target, "openai_evals", each=True):
        click.echo(line)


@import_.command()
@click.option(
    "--format",
    "style",
    type=click.Choice(["terminal", "json"]),
    default="terminal",
    help="How it is shown (default: terminal).",
)
@click.pass_obj
def figures(root: Path, style: str) -> None:
    """What imported judges said, counted as Kiln counts it: means of run-configs, and each judge beside people.

    Every digit is shown. Intervals, and whether a judge is worth anything, are what `agree` and a report are for.
    """
    from ..importing.figures import figures_of, table

    with in_words():
        found = figures_of(places(root))
    click.echo(json.dumps(found, indent=1) if style == "json" else "\n".join(table(found)))


def _told(found: Imported, target: Path, tool: str, *, each: bool = False) -> Iterator[str]:
    """What became of it. `each`: what has no place is said one by one, with its line, rather than by sorts."""
    yield f"read:  {_listed(found.counts)}"
    yield f"wrote: {_listed(found.made)}"
    if found.left.found:
        kept = next(path for path in found.files if path.endswith("unplaced.jsonl"))
        yield f"no place here ({len(found.left.found)}; all in {target}/{kept}):"
        yield from _one_by_one(found.left) if each else _by_sorts(found.left)
    yield f"next:  cd {target} && pytest evals/{' --calls replay' if tool == 'kiln' else ''}"


def _rows_told(name: str, mapped: Mapped) -> Iterator[str]:
    from ..report.text import clean, plural

    def said(what: str, parts: Iterable[str]) -> Iterator[str]:
        if listed := ", ".join(parts):
            yield f"  {what}: {clean(listed, 2000)}"

    yield f"{name}: {plural(len(mapped.rows), 'row')}"
    yield from said("columns", (f"{column} -> {to}" for column, to in mapped.used.items()))
    yield from said("only a part is taken of", dict.fromkeys(c.split(".")[0] for c in mapped.used if "." in c))
    yield from said("kept under their names", mapped.kept)
    yield from said("left out", mapped.dropped)
    yield from (f"  {field}: {plural(count, 'row')} without" for field, count in mapped.lacking.items())
    yield from _pairs(mapped.same, "the same as a row before it, left out")
    yield from _pairs(mapped.alike, "the input of a row before it, kept")


def _pairs(found: list[tuple[str, str]], why: str) -> Iterator[str]:
    from ..report.text import clean

    yield from (f"  {clean(f'{where}: {why} ({first})')}" for where, first in found[:_PAIRS])
    if len(found) > _PAIRS:
        yield f"  and {len(found) - _PAIRS} more: {why}"


def _by_sorts(left: Leftovers) -> Iterator[str]:
    from ..report.text import clean

    counted = left.counted()
    yield from (f"  {count:>5}  {clean(words)}" for words, count in counted[:_LISTED])
    if len(counted) > _LISTED:
        yield f"  and {len(counted) - _LISTED} sorts more"


def _one_by_one(left: Leftovers) -> Iterator[str]:
    from ..report.text import clean

    for one in left.found[:_LISTED]:
        yield f"  {clean(': '.join(part for part in (one.where, one.of, one.what, one.why) if part))}"
    if len(left.found) > _LISTED:
        yield f"  and {len(left.found) - _LISTED} more"


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in counts.items() if count)
