"""One eval: what its marker declares, resolved against the project's files. Owns the marker's words; runs nothing."""

from __future__ import annotations

import difflib
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from .config import Catalogue
from .datasets import Dataset, load_dataset
from .errors import UsageError
from .gates import Rule, parse_rule
from .judges import BoundJudge, Judge
from .outputs import Outputs
from .places import Places
from .prompts import Prompts
from .records import Response, Row, RunConfig, digest
from .scorers import in_background, names_of
from .toolbox import Toolbox, open_toolbox

EVERY_ROW = "every row"
"""The rule of an eval that gives none: a failing assert must not pass CI."""


@dataclass(frozen=True)
class Eval:
    """A resolved eval: rows, scorers and rules, the same for each run-config."""

    name: str
    dataset: Dataset
    scorers: tuple[Callable[..., Any], ...]
    rules: tuple[Rule, ...]
    run_configs: tuple[RunConfig, ...] = ()
    """Those it is made for, of the chosen ones."""
    truth: str = ""
    """The score that judges are measured against, by execution; empty where only people can tell."""

    @property
    def judges(self) -> tuple[BoundJudge, ...]:
        """The judges among its scorers."""
        return tuple(one for one in self.scorers if isinstance(one, BoundJudge))

    @cached_property
    def plain(self) -> tuple[Callable[..., Any], ...]:
        """Those of its scorers that the test's own thread runs."""
        return tuple(one for one in self.scorers if not in_background(one))

    @cached_property
    def beside(self) -> tuple[Callable[..., Any], ...]:
        """Those that run beside the calls: async and heavy ones."""
        return tuple(one for one in self.scorers if in_background(one))

    @cached_property
    def every_row(self) -> bool:
        """True where each row must pass, so that a miss of the run-config that ships is a failed test."""
        return any(rule.text == EVERY_ROW for rule in self.rules)


@dataclass(frozen=True, slots=True)
class Job:
    """One sample to be made: the parameter of one test item."""

    eval: Eval
    row: Any
    run_config: RunConfig
    epoch: int
    ships: bool
    """The run-config is the project's default."""
    given: Response | None = None
    """The answer, where it is known already (a golden one, an imported one): no call is made for it."""

    @property
    def id(self) -> str:
        """Readable, for the test id, and fit for `-k`: `trim-tail:coder-safe`, and `:2` for a second epoch."""
        return f"{self.row.id}:{self.run_config.name}" + (f":{self.epoch}" if self.epoch > 1 else "")


@dataclass(frozen=True, slots=True)
class Choice:
    """What the command line chose."""

    run_configs: tuple[str, ...] = ()
    epochs: int = 1
    rows: int | None = None
    seed: int = 0


class Suite:
    """The evals of one pytest run, with the files they share read once."""

    def __init__(self, places: Places, catalogue: Catalogue, choice: Choice) -> None:
        self.places, self.catalogue, self.choice = places, catalogue, choice
        self.run_configs = catalogue.select(choice.run_configs)
        self.prompts = Prompts(places.prompts, places.shown(places.prompts), places.root)
        self.outputs = Outputs(places)
        self._datasets: dict[tuple[str, type[Row]], Dataset] = {}
        self._tried: set[tuple[str, str]] = set()

    def resolve(self, name: str, marker: Mapping[str, Any], where: str) -> Eval:
        """The eval that a marker declares. Raises UsageError at `where` ("path:line") for what cannot be."""
        return _resolve(self, name, marker, where)

    def jobs(self, evaluation: Eval) -> list[Job]:
        """Every sample of the eval: run-config by run-config, so that a server's prompt cache is of use."""
        rows = self._chosen(evaluation.dataset.rows)
        return [job for config in evaluation.run_configs for job in self._jobs_of(config, evaluation, rows)]

    def _jobs_of(self, config: RunConfig, evaluation: Eval, rows: Sequence[Any]) -> Iterator[Job]:
        """Those of one run-config. One that was imported is asked about what it answered, and once."""
        ships, epochs = config is self.catalogue.default, range(1, self.choice.epochs + 1)
        if (known := self.outputs.of(config)) is not None:
            yield from (Job(evaluation, row, config, 1, ships, known[row.id]) for row in rows if row.id in known)
        else:
            yield from (Job(evaluation, row, config, epoch, ships) for row in rows for epoch in epochs)

    def dataset(self, source: Any, row_class: type[Row]) -> Dataset:
        """The dataset, read once for all evals that name it."""
        if not isinstance(source, str):
            return load_dataset(source, row_class, self.places)
        key = source, row_class
        if key not in self._datasets:
            self._datasets[key] = load_dataset(source, row_class, self.places)
        return self._datasets[key]

    def try_prompts(self, dataset: Dataset, run_configs: Sequence[RunConfig]) -> None:
        """Render the first row with each of their prompts, so that a broken prompt is told before any call."""
        for prompt in {c.prompt for c in run_configs}:
            if dataset.rows and (prompt, dataset.name) not in self._tried:
                self.prompts.render(prompt, dataset.rows[0])
                self._tried.add((prompt, dataset.name))

    @cached_property
    def toolboxes(self) -> Mapping[str, Toolbox]:
        """The tools of each chosen run-config. Raises UsageError, so that a broken tool is told before any call."""
        return {config.name: open_toolbox(config, self.places) for config in self.run_configs}

    def _chosen(self, rows: tuple[Any, ...]) -> Sequence[Any]:
        """A seeded sample in file order. Each row's lot depends on its id alone: adding rows moves few others."""
        if self.choice.rows is None or self.choice.rows >= len(rows):
            return rows
        lots = sorted(rows, key=lambda row: random.Random(f"{self.choice.seed}/{row.id}").random())
        taken = {row.id for row in lots[: self.choice.rows]}
        return [row for row in rows if row.id in taken]


def row_hash(row: Row) -> str:
    """Digest of all that a row says."""
    return digest(row.model_dump(mode="json"))


_WORDS = ("dataset", "scorers", "gates", "row", "truth", "run_configs")


def _resolve(suite: Suite, name: str, marker: Mapping[str, Any], where: str) -> Eval:
    _check_words(marker, where)
    row_class = marker.get("row", Row)
    if not (isinstance(row_class, type) and issubclass(row_class, Row)):
        raise UsageError("row= wants a subclass of touchstone.Row", where=where)
    dataset = suite.dataset(marker["dataset"], row_class)
    if not dataset.rows:
        raise UsageError(f"the dataset {dataset.name!r} has no rows", where=where)
    chosen = _chosen_configs(suite, marker.get("run_configs"), where)
    suite.try_prompts(dataset, chosen)
    _ = suite.toolboxes
    scorers = bound_scorers(marker.get("scorers", ()), suite.places, suite.catalogue, where)
    rules = _rules(marker.get("gates") or [EVERY_ROW], scorers, where)
    return Eval(name, dataset, scorers, rules, chosen, _truth(marker.get("truth", ""), scorers, where))


def bound_scorers(
    given: Sequence[Any], places: Places, catalogue: Catalogue, where: str
) -> tuple[Callable[..., Any], ...]:
    """Scorers as the engine takes them, judges looked up in the project. Raises UsageError at `where`."""
    for one in given:
        if not callable(one):
            raise UsageError(f"scorers= wants functions, not {type(one).__name__}", where=where)
    scorers = tuple(one.bound(places, catalogue) if isinstance(one, Judge) else one for one in given)
    _check_names(scorers, where)
    return scorers


def _chosen_configs(suite: Suite, patterns: Sequence[str] | None, where: str) -> tuple[RunConfig, ...]:
    """The chosen run-configs that the eval wants: all, unless it names some."""
    if patterns is None:
        return suite.run_configs
    try:
        wanted = suite.catalogue.select(list(patterns))
    except UsageError as error:
        raise UsageError(error.message, where=where, hint=error.hint) from error
    return tuple(config for config in suite.run_configs if config in wanted)


def _check_names(scorers: Sequence[Callable[..., Any]], where: str) -> None:
    """Two scorers of one name would silently overwrite each other's scores."""
    names = [name for one in scorers for name in names_of(one)]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"two scorers give the score {name!r}", where=where, hint="rename one of them")


def _truth(name: str, scorers: Sequence[Callable[..., Any]], where: str) -> str:
    known = [n for one in scorers if not isinstance(one, BoundJudge) for n in names_of(one)]
    if name and name not in known:
        hint = f"its scores that ask no model: {', '.join(known) or 'none'}"
        raise UsageError(f"truth= names {name!r}, which no scorer of this eval gives", where=where, hint=hint)
    return name


def _check_words(marker: Mapping[str, Any], where: str) -> None:
    for word in marker:
        if word not in _WORDS:
            close = difflib.get_close_matches(word, _WORDS, 1)
            hint = f"did you mean {close[0]}=?" if close else f"eval() takes: {', '.join(w + '=' for w in _WORDS)}"
            raise UsageError(f"eval() knows no {word}=", where=where, hint=hint)
    if "dataset" not in marker:
        raise UsageError(
            "eval() wants dataset=", where=where, hint='for example: @pytest.mark.eval(dataset="questions")'
        )
    for word in ("scorers", "gates", "run_configs"):
        if not isinstance(marker.get(word, ()), list | tuple):
            raise UsageError(f"{word}= wants a list", where=where)
    for gate in marker.get("gates", ()):
        if not isinstance(gate, str):
            raise UsageError(f"a gate is text, for example 'passed >= 0.8', not {gate!r}", where=where)
    if not isinstance(marker["dataset"], str | list | tuple):
        raise UsageError("dataset= wants a name, a path or a list of rows", where=where)


def _rules(texts: Sequence[Any], scorers: Sequence[Callable[..., Any]], where: str) -> tuple[Rule, ...]:
    known = [name for one in scorers for name in names_of(one)]
    try:
        rules = tuple(parse_rule(text) for text in texts)
    except UsageError as error:
        raise UsageError(error.message, where=where, hint=error.hint) from error
    for name in (name for rule in rules for name in rule.names if name not in known):
        close = difflib.get_close_matches(name, known, 1)
        hint = f"did you mean {close[0]!r}?" if close else f"its scores: {', '.join(known) or 'none'}"
        raise UsageError(
            f"a gate asks for the score {name!r}, which no scorer of this eval gives", where=where, hint=hint
        )
    return rules
