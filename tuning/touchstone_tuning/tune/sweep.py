"""A sweep: which models are tuned, where, on what, with which parameters. Owns the YAML's shape; asks nobody.

`tuning/sweeps/NAME.yaml`. Under `runs`, a list of values is an axis: each combination of all axes is a job.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from touchstone.errors import UsageError
from touchstone.places import Places
from touchstone.records import digest
from touchstone.yamlfile import YamlFile, read_yaml

from .data.examples import Strategy

ProviderName = Literal["local", "openai", "fireworks", "together", "vertex"]
MOST = 1000
"""Jobs of one sweep."""
USUAL = 2 / 3
"""Share of a base's jobs from which on what they have in common does not stand in their names."""
LONGEST = 60
"""Characters of a job's name."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


Share = Annotated[float, Field(gt=0, lt=1, strict=True)]
Text = Annotated[str, Field(min_length=1)]
Count = Annotated[int, Field(ge=1, strict=True)]


class Data(_Strict):
    """What is learnt from, and what is looked at meanwhile."""

    train: Annotated[tuple[Text, ...], Field(min_length=1)]
    """A data set below `datasets/`, as `synth/train`, or a list of them."""
    validation: str | Share | None = None
    """A data set, or the share of `train` that is set aside by its content; None: none."""
    task: str = ""
    """`module:attribute` of a task, so that rows that do the same are told too; empty: by words alone."""
    answer: str = "answer"
    """The field of a row that the model learns to say."""
    thinking: str = "thinking"
    """The field that it thinks before."""
    strategy: Strategy = "final"
    """Whether thinking is learnt, and as which turn."""
    seed: int = 1
    """Of slices and of the share."""

    @field_validator("train", mode="before", json_schema_input_type=str | tuple[Text, ...])
    @classmethod
    def _one(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value


class Run(_Strict):
    """Jobs at one provider. A list is an axis, everywhere but in a parameter that is a list by itself."""

    provider: ProviderName
    """Who trains: this machine, or one of the hosts."""
    base: Text | Annotated[tuple[Text, ...], Field(min_length=1)]
    """Models, as the provider names them."""
    prompt: Text | Annotated[tuple[Text, ...], Field(min_length=1)]
    """Names of prompt files under `evals/prompts`: the prompt that the run-config will have."""
    rows: Count | Annotated[tuple[Count, ...], Field(min_length=1)] | None = None
    """Rows of `train`; a smaller slice lies in each larger one. None: all."""
    parameters: Mapping[str, Any] = Field(default_factory=dict)
    """The provider's own."""


class Sweep(_Strict):
    """A whole sweep, as its file says."""

    about: str = ""
    """For those who read the file."""
    data: Data
    """What all jobs learn from."""
    max_cost: float | None = Field(default=None, ge=0)
    """Dollars that all jobs together may be estimated to cost; a job without a known price is then not sent."""
    runs: tuple[Run, ...] = Field(min_length=1)
    """Each makes one job or more."""


@dataclass(frozen=True, slots=True)
class Job:
    """One training run of a sweep."""

    name: str
    """Unlike that of any other job of the sweep; letters, digits, `.`, `_` and `-`."""
    provider: ProviderName
    base: str
    prompt: str
    rows: int | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def content(self) -> str:
        """Digest of all but the name."""
        return digest([self.provider, self.base, self.prompt, self.rows, dict(self.parameters)])

    def tag(self, *content: str) -> str:
        """What the provider carries: of all that makes the job, and of the digests of its files."""
        return "ts-" + digest([self.provider, self.base, dict(self.parameters), *content])[:16]


@dataclass(frozen=True, slots=True)
class NamedSweep:
    """A sweep with its name and place."""

    name: str
    shown: str
    sweep: Sweep
    jobs: tuple[Job, ...]

    def chosen(self, names: Sequence[str]) -> tuple[Job, ...]:
        """Those named; all where none are. Raises UsageError."""
        known = {job.name: job for job in self.jobs}
        for name in names:
            if name not in known:
                close = difflib.get_close_matches(name, known, 1)
                hint = f"did you mean {close[0]}?" if close else f"jobs: {', '.join(known)}"
                raise UsageError(f"has no job {name!r}", where=self.shown, hint=hint)
        return tuple(known[name] for name in names) if names else self.jobs


def load_sweep(name: str, places: Places) -> NamedSweep:
    """The sweep `tuning/sweeps/NAME.yaml` and its jobs. Raises UsageError with the line."""
    folder = places.sweeps
    path = folder / f"{name.removesuffix('.yaml')}.yaml"
    if path.parent != folder or not path.is_file():
        there = sorted(one.stem for one in folder.glob("*.yaml"))
        close = difflib.get_close_matches(name, there, 1)
        hint = f"did you mean {close[0]}?" if close else f"sweeps here: {', '.join(there) or 'none'}"
        raise UsageError(f"there is no sweep {name!r}", where=places.shown(folder), hint=hint)
    file = read_yaml(path, places.shown(path))
    if not isinstance(file.data, dict):
        raise UsageError("is no sweep: it wants data and runs", where=file.where())
    try:
        sweep = Sweep.model_validate(file.data)
    except ValidationError as error:
        raise UsageError("\n".join(_problems(file, error))) from error
    return NamedSweep(path.stem, places.shown(path), sweep, _jobs(sweep, file))


def _jobs(sweep: Sweep, file: YamlFile) -> tuple[Job, ...]:
    from .offices import parameters_of

    jobs, contents = list[Job](), set[str]()
    for number, run in enumerate(sweep.runs):
        where = file.where("runs", number)
        for job in _of(run, parameters_of(run.provider), where):
            if job.content in contents:
                hint = "two runs make the same job: take one out, or let them differ"
                raise UsageError(f"the job {job.name!r} stands twice", where=where, hint=hint)
            contents.add(job.content)
            jobs.append(job)
        if len(jobs) > MOST:
            raise UsageError(f"makes {len(jobs)} jobs and more", where=where, hint=f"at most {MOST} a sweep")
    return tuple(_apart(list(_marked(jobs))))


def _marked(jobs: Sequence[Job]) -> Iterator[Job]:
    """Called by their base, and by what not most jobs of that base have, over the whole sweep."""
    told = [{"prompt": job.prompt, "rows": job.rows, **job.parameters} for job in jobs]
    for job, mine in zip(jobs, told, strict=True):
        others = [theirs for one, theirs in zip(jobs, told, strict=True) if one.name == job.name]
        usual = {
            name: sum(one.get(name) == value for one in others) > USUAL * len(others) for name, value in mine.items()
        }
        differs = [name for name in mine if not usual[name]]
        marks = [f"{name}{_short(mine[name])}" for name in differs if mine[name] is not None]
        yield replace(job, name="-".join([job.name, *map(_plain, marks)]))


def _apart(jobs: Sequence[Job]) -> Iterator[Job]:
    """With names that differ, and are short enough: where they are not, with a part of the content's digest."""
    names = [job.name for job in jobs]
    for job in jobs:
        if names.count(job.name) == 1 and len(job.name) <= LONGEST:
            yield job
        else:
            yield replace(job, name=f"{job.name[: LONGEST - 9]}-{job.content[:8]}")


def _of(run: Run, parameters: type[BaseModel], where: str) -> Iterator[Job]:
    """The jobs of a run: the product of its axes."""
    axes = {name: _values(value) for name, value in (("base", run.base), ("prompt", run.prompt), ("rows", run.rows))}
    given = {name: _axis(name, value, parameters) for name, value in run.parameters.items()}
    wanted = 1
    for values in (*axes.values(), *given.values()):
        wanted *= len(values)
    if wanted > MOST:
        raise UsageError(f"makes {wanted} jobs", where=where, hint=f"at most {MOST} a sweep")
    for values in product(*axes.values(), *given.values()):
        base, prompt, rows, *rest = values
        told = dict(zip(given, rest, strict=True))
        try:
            parameters.model_validate(told)
        except ValidationError as error:
            raise UsageError(_told(error, parameters), where=where) from error
        yield Job(_plain(base), run.provider, base, prompt, rows, told)


def _axis(name: str, value: Any, parameters: type[BaseModel]) -> tuple[Any, ...]:
    """The values of a parameter: of one that is a list itself, a list of lists is the axis."""
    field = parameters.model_fields.get(name)
    listed = field is not None and "tuple" in str(field.annotation)
    if listed:
        return tuple(value) if isinstance(value, list) and value and isinstance(value[0], list) else (value,)
    return _values(value)


def _values(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, list | tuple) and value else (value,)


def _short(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _plain(text: str) -> str:
    """As part of a name of files and run-configs: the last part of a path or a model's name."""
    short = text.rstrip("/").rpartition("/")[2] if "/" in text else text
    return "".join(c if c.isascii() and (c.isalnum() or c in "._") else "-" for c in short).strip("-._") or "x"


def _told(error: ValidationError, parameters: type[BaseModel]) -> str:
    """The first mistake in a run's parameters, and what was meant."""
    first = error.errors(include_url=False)[0]
    name = ".".join(map(str, first["loc"]))
    if first["type"] != "extra_forbidden":
        return f"parameters: {name}: {first['msg']}"
    close = difflib.get_close_matches(name, parameters.model_fields, 1)
    meant = f"did you mean {close[0]}?" if close else f"there are: {', '.join(parameters.model_fields)}"
    return f"parameters: {name}: there is no such parameter; {meant}"


def _problems(file: YamlFile, error: ValidationError) -> Iterator[str]:
    """Each mistake with its line."""
    for one in error.errors(include_url=False)[:10]:
        yield f"{file.where(*one['loc'])}: {'.'.join(map(str, one['loc']))}: {_meant(one)}"


def _meant(one: Any) -> str:
    if one["type"] != "extra_forbidden":
        return str(one["msg"])
    known = sorted({*Sweep.model_fields, *Data.model_fields, *Run.model_fields})
    close = difflib.get_close_matches(str(one["loc"][-1]), known, 1)
    return f"unknown key; did you mean {close[0]}?" if close else "unknown key"
