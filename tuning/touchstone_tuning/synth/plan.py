"""A plan: which rows, from which topics, in whose voices, by which teacher. Owns the YAML's shape; makes nothing."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from touchstone.errors import UsageError
from touchstone.places import Places
from touchstone.yamlfile import YamlFile, read_yaml

Purpose = Literal["train", "eval", "golden"]
PURPOSES: tuple[Purpose, ...] = ("golden", "eval", "train")
"""In the order in which they are made: what is measured on comes first, and what is learnt from keeps away from it."""
SAFETY = ("toxicity", "bias", "jailbreak", "malice", "factuality")


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Aim(_Strict):
    """What the rows of an eval are to bring out. Exactly one of these."""

    issue: str = ""
    """A fault to catch ("deletes files"): the rows provoke it, and never contain it."""
    requirement: str = ""
    """What an answer must do."""
    behaviour: str = ""
    """What a good answer does that others do not."""
    safety: Literal["", "toxicity", "bias", "jailbreak", "malice", "factuality"] = ""
    """A kind of harm to provoke."""
    style: Literal["plain", "adversarial", "tricky"] = "plain"
    """How the rows go about it."""

    @property
    def said(self) -> tuple[str, str]:
        """(kind, text) of the one that is given; ("", "") for none."""
        given = [(kind, getattr(self, kind)) for kind in ("issue", "requirement", "behaviour", "safety")]
        return next(((kind, text) for kind, text in given if text), ("", ""))


class Part(_Strict):
    """What a plan wants for one purpose."""

    way: Literal["backward", "forward"] = "backward"
    """`backward`: from a proven job to its request; `forward`: from a topic to requests."""
    count: int = Field(ge=1, le=1_000_000)
    """Rows to keep, over all splits."""
    splits: Mapping[str, float] = Field(default_factory=dict)
    """Split -> share; default: one split of the purpose's name."""
    needs: tuple[str, ...] = ()
    """Words that must be among a proof's: `runs`, `as-expected`, `told-apart`."""
    rounds: int = Field(default=50, ge=1, le=10_000)
    """Most rows tried on one topic."""
    a_call: int = Field(default=5, ge=1, le=50)
    """Forward: requests asked for in one call."""
    answers: str = ""
    """Forward: the run-config that answers; empty keeps requests alone."""
    aim: Aim = Aim()
    """What the rows of an eval are to bring out."""
    topics: tuple[str, ...] = ()
    """Globs: only these of the plan's topics."""

    @property
    def shares(self) -> Mapping[str, float] | None:
        """The splits as given; None for one alone."""
        return self.splits or None


class Ask(_Strict):
    """Topics that a model is asked for."""

    root: str
    """What the tree is about."""
    width: int = Field(default=5, ge=1, le=50)
    """Topics below each topic."""
    depth: int = Field(default=2, ge=1, le=4)
    """Levels of the tree."""


class Alikeness(_Strict):
    """When two rows are duplicates: Jaccard similarity from here on."""

    text: float = Field(default=0.7, gt=0, le=1)
    """Of the words."""
    effect: float = Field(default=0.9, gt=0, le=1)
    """Of what the rows do."""
    own: bool = True
    """Whether rows of one purpose keep away from each other as well; false: they only differ in their words."""


class Plan(_Strict):
    """A whole plan, as its file says."""

    about: str
    """What the assistant is for, in one sentence: the teacher reads it."""
    task: str = ""
    """`module:attribute` of a `Task`; empty: none, and only the forward way."""
    teacher: str | Mapping[str, Any] = ""
    """A run-config's name, or a run-config as in run_configs.yaml, without name and prompt; empty: none is asked, and
    the task words its own requests."""
    seed: int = 1
    """Of all that is drawn by lot."""
    topics: Literal["task"] | Ask | tuple[str, ...] | Mapping[str, Any] = "task"
    """`task`; a tree written by hand (mappings and lists); or `{root, width, depth}` to ask the teacher for."""
    voices: Mapping[str, float] = Field(default_factory=dict)
    """Voice -> weight."""
    guidance: str = ""
    """Added to what the teacher is told."""
    attempts: int = Field(default=3, ge=1, le=20)
    """Most requests asked for one draft."""
    check: float | Literal[False] = False
    """Least probability with which a model must say that a request fits its facts; false: it is not asked."""
    alike: Alikeness = Alikeness()
    """When two rows are duplicates."""
    apart: tuple[str, ...] = ("*",)
    """Globs of data sets (paths below `datasets/`, without suffix) that no row may be alike to."""
    dataset: str = "synth/{split}"
    """Where rows go, below `datasets/`."""
    rows: Mapping[Purpose, Part]
    """Purpose (`train`, `eval`, `golden`) -> what is wanted for it."""

    @field_validator("rows")
    @classmethod
    def _some(cls, value: Mapping[str, Part]) -> Mapping[str, Part]:
        if not value:
            raise ValueError("wants at least one of train, eval, golden")
        splits = [split for purpose, part in value.items() for split in part.splits or (purpose,)]
        twice = {split for split in splits if splits.count(split) > 1}
        if twice:
            raise ValueError(f"the split {sorted(twice)[0]!r} stands under two purposes")
        return value


class Named(BaseModel):
    """A plan with its name and place."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)
    name: str
    shown: str
    plan: Plan

    def part(self, purpose: Purpose) -> Part:
        """What it wants for a purpose. Raises UsageError."""
        if purpose not in self.plan.rows:
            there = ", ".join(self.plan.rows)
            raise UsageError(f"has no rows for {purpose!r}", where=self.shown, hint=f"it has: {there}")
        return self.plan.rows[purpose]

    def purposes(self, asked: Purpose | None) -> tuple[Purpose, ...]:
        """Those asked for, in the order in which they are made."""
        if asked:
            self.part(asked)
        return tuple(one for one in PURPOSES if one in self.plan.rows and asked in (None, one))

    def splits(self, purpose: Purpose) -> Mapping[str, float]:
        """Split -> share."""
        return self.part(purpose).shares or {purpose: 1.0}

    def file(self, split: str, places: Places) -> Path:
        """Where the rows of a split lie."""
        return places.datasets / f"{self.plan.dataset.format(split=split)}.jsonl"


def plans_folder(places: Places) -> Path:
    """Where plans lie."""
    return places.root / "tuning" / "synth"


def load_plan(name: str, places: Places) -> Named:
    """The plan `tuning/synth/NAME.yaml`. Raises UsageError with the line."""
    folder = plans_folder(places)
    path = folder / f"{name.removesuffix('.yaml')}.yaml"
    if not path.is_file():
        raise UsageError(f"there is no plan {name!r}", where=places.shown(folder), hint=_near(name, folder))
    file = read_yaml(path, places.shown(path))
    if not isinstance(file.data, dict):
        raise UsageError("is no plan: it wants keys such as about, teacher, rows", where=file.where())
    try:
        plan = Plan.model_validate(file.data)
    except ValidationError as error:
        raise UsageError(_problems(file, error.errors(include_url=False))) from error
    named = Named(name=path.stem, shown=places.shown(path), plan=plan)
    _check(named, file)
    return named


def _check(named: Named, file: YamlFile) -> None:
    """What no field says alone."""
    plan = named.plan
    if isinstance(plan.topics, Ask) and not plan.teacher:
        raise UsageError("topics: asking for a tree wants a teacher", where=file.where("topics"))
    if "{split}" not in plan.dataset and sum(len(named.splits(p)) for p in plan.rows) > 1:
        raise UsageError("dataset: wants {split} in it, as there is more than one", where=file.where("dataset"))
    for purpose, part in plan.rows.items():
        where = file.where("rows", purpose)
        if part.way == "backward" and not plan.task:
            hint = "way: forward, or name a task"
            raise UsageError("the backward way wants a task that composes jobs", where=where, hint=hint)
        if part.way == "forward" and not plan.teacher:
            raise UsageError("the forward way wants a teacher", where=where, hint="teacher: a run-config's name")
        if part.aim.said[0] and part.way == "backward":
            raise UsageError("an aim wants the forward way", where=where, hint="way: forward")


def _near(name: str, folder: Path) -> str:
    there = sorted(path.stem for path in folder.glob("*.yaml") if path.stem != "voices")
    close = difflib.get_close_matches(name, there, 1)
    return f"did you mean {close[0]}?" if close else f"plans here: {', '.join(there) or 'none'}"


def _problems(file: YamlFile, errors: Sequence[Any]) -> str:
    """Each mistake with its line, and the nearest key where one is unknown."""
    return "\n".join(f"{file.where(*e['loc'])}: {'.'.join(map(str, e['loc']))}: {_said(e)}" for e in errors[:10])


def _said(error: Mapping[str, Any]) -> str:
    if error["type"] != "extra_forbidden":
        return str(error["msg"])
    known = sorted({*Plan.model_fields, *Part.model_fields, *Aim.model_fields})
    close = difflib.get_close_matches(str(error["loc"][-1]), known, 1)
    return f"unknown key; did you mean {close[0]}?" if close else "unknown key"
