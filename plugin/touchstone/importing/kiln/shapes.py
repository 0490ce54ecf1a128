"""Kiln's records, as far as they are used here. What a class does not name is kept as `extra`, and listed.

One folder a record, named by its id, with a JSON file that is named by its kind; its parts lie in folders below.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

KNOWN_VERSION = 1


class Part(BaseModel):
    """Whatever stands in Kiln's files."""

    model_config = ConfigDict(extra="allow", frozen=True, coerce_numbers_to_str=True, protected_namespaces=())

    def unknown(self, at: str = "") -> Iterator[tuple[str, Any]]:
        """("part.field", value) of what no class names, at any depth."""
        yield from ((f"{at}{name}", value) for name, value in (self.model_extra or {}).items())
        for name in type(self).model_fields:
            value = getattr(self, name)
            for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else [value]:
                if isinstance(one, Part):
                    yield from one.unknown(f"{at}{name}.")


class Record(Part):
    """A record with a file, or a part of one that is kept like that."""

    v: int = KNOWN_VERSION
    id: str
    model_type: str = ""
    created_at: str = ""
    created_by: str = ""
    path: str | None = None


class Source(Part):
    """Where an input or an output comes from."""

    type: str = ""
    properties: dict[str, Any] = {}


class Requirement(Part):
    """One of a task's requirements, which people may rate by."""

    id: str
    name: str
    instruction: str = ""
    type: str = "five_star"


class Rated(Part):
    """A rating by one requirement."""

    value: float | None = None
    type: str = "five_star"


class Rating(Part):
    """What a person said of an output."""

    v: int = KNOWN_VERSION
    id: str | None = None
    model_type: str = ""
    created_at: str = ""
    created_by: str = ""
    path: str | None = None
    type: str = "five_star"
    value: float | None = None
    requirement_ratings: dict[str, Rated | float | None] = {}


class Output(Part):
    """What a task answered."""

    v: int = KNOWN_VERSION
    id: str | None = None
    model_type: str = ""
    created_at: str = ""
    created_by: str = ""
    path: str | None = None
    output: str
    source: Source | None = None
    rating: Rating | None = None


class Usage(Part):
    """What a call took."""

    input_tokens: int | None = Field(default=None, ge=0)
    output_tokens: int | None = Field(default=None, ge=0)
    total_tokens: int | None = None
    """The sum of both."""
    cost: float | None = Field(default=None, ge=0)


class Project(Record):
    """project.kiln."""

    name: str
    description: str | None = None


class Task(Record):
    """task.kiln."""

    name: str
    description: str | None = None
    instruction: str
    requirements: list[Requirement] = []
    output_json_schema: str | None = None
    input_json_schema: str | None = None


class TaskRun(Record):
    """An input with its output."""

    input: str
    input_source: Source | None = None
    output: Output
    repair_instructions: str | None = None
    repaired_output: Output | None = None
    intermediate_outputs: dict[str, str] | None = None
    tags: list[str] = []
    usage: Usage | None = None


class Prompt(Record):
    """A saved prompt."""

    name: str
    prompt: str


class Frozen(Part):
    """The prompt of a run-config, as it was when that was made."""

    name: str = ""
    prompt: str


class Properties(Part):
    """How a run-config runs."""

    model_name: str
    model_provider_name: str = ""
    prompt_id: str = ""
    temperature: float | None = None
    top_p: float | None = None


class TaskRunConfig(Record):
    """A run-config."""

    name: str
    run_config_properties: Properties
    prompt: Frozen | None = None


class OutputScore(Part):
    """One of the scores that an eval gives."""

    name: str
    instruction: str | None = None
    type: str


class Eval(Record):
    """eval.kiln."""

    name: str
    current_config_id: str | None = None
    eval_set_filter_id: str = ""
    eval_configs_filter_id: str | None = None
    output_scores: list[OutputScore]


class EvalConfig(Record):
    """A judge."""

    name: str
    model_name: str = ""
    model_provider: str = ""
    config_type: str = ""
    properties: dict[str, Any] = {}


class EvalRun(Record):
    """One verdict of a judge."""

    dataset_id: str
    task_run_config_id: str | None = None
    eval_config_eval: bool = False
    """Whether it judged the output that the data set has; else one that the run-config made for this."""
    input: str
    output: str
    intermediate_outputs: dict[str, str] | None = None
    scores: dict[str, float]
    task_run_usage: Usage | None = None


class Finetune(Record):
    """A fine-tuned model."""

    name: str
    description: str | None = None
    provider: str = ""
    base_model_id: str = ""
    provider_id: str | None = None
    fine_tune_model_id: str | None = None
    dataset_split_id: str = ""
    train_split_name: str = ""
    validation_split_name: str | None = None
    parameters: dict[str, Any] = {}
    system_message: str = ""
    thinking_instructions: str | None = None
    latest_status: str = ""
    properties: dict[str, Any] = {}
    data_strategy: str = ""


class Split(Part):
    """A part of a split."""

    name: str
    description: str | None = None
    percentage: float | None = None


class DatasetSplit(Record):
    """Rows dealt into parts."""

    name: str
    description: str | None = None
    splits: list[Split] = []
    split_contents: dict[str, list[str]] = {}
    filter: str | None = None


SHAPES: dict[str, type[Record]] = {
    "project": Project,
    "task": Task,
    "task_run": TaskRun,
    "prompt": Prompt,
    "task_run_config": TaskRunConfig,
    "eval": Eval,
    "eval_config": EvalConfig,
    "eval_run": EvalRun,
    "finetune": Finetune,
    "dataset_split": DatasetSplit,
}
"""`model_type`, which is also the file's name, -> its shape."""
