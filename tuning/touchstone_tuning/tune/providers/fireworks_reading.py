"""What Fireworks says of jobs and deployments, read into our shapes. Asks for nothing but files that a job names."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..provider import Deployment, Standing, State
from .faults import clean
from .losses import Piece, joined

if TYPE_CHECKING:
    from fireworks.types import Deployment as Deployed
    from fireworks.types import SupervisedFineTuningJob as Job

PREFIX = "fireworks_ai/"
"""What LiteLLM puts before Fireworks' own name of a model."""
TAG = re.compile(r"\bts-[0-9a-f]{16}\b")
STATES: Mapping[str, State] = {
    "JOB_STATE_UNSPECIFIED": "queued",
    "JOB_STATE_CREATING": "queued",
    "JOB_STATE_PENDING": "queued",
    "JOB_STATE_VALIDATING": "queued",
    "JOB_STATE_CREATING_INPUT_DATASET": "queued",
    "JOB_STATE_RE_QUEUEING": "queued",
    "JOB_STATE_COMPLETED": "succeeded",
    "JOB_STATE_EARLY_STOPPED": "succeeded",
    "JOB_STATE_FAILED": "failed",
    "JOB_STATE_EXPIRED": "failed",
    "JOB_STATE_CANCELLED": "cancelled",
    "JOB_STATE_DELETING": "cancelled",
    "JOB_STATE_DELETING_CLEANING_UP": "cancelled",
}
"""All others, also those of a newer API, are a job that goes on."""
STEP = ("step", "global_step")
TRAIN = ("train_loss", "train/loss", "loss")
VALIDATION = ("eval_loss", "eval/loss", "validation_loss")
"""How they may be called in the metrics file of a job, whose form is not documented."""
LOG_LINES = 200
"""So much of the end of a trainer's log is shown."""


def state_of(job: Job) -> State:
    """Where the job is, in our words."""
    return STATES.get(job.state or "", "running")


def standing_of(job: Job, account: str) -> Standing:
    """The standing of a job, with its losses and the end of its log where Fireworks gives them."""
    state = state_of(job)
    losses = joined(_pieces(_read(job.metrics_file_signed_url)))
    return Standing(
        state,
        model=f"{PREFIX}{_model(job, account)}" if state == "succeeded" else "",
        why=clean((job.status and job.status.message) or f"{job.state}, without a reason") if state == "failed" else "",
        dollars=_dollars(job),
        step=losses[-1].step if losses else None,
        events=_events(job),
        losses=losses,
    )


def shown(found: Deployed) -> Deployment:
    """A deployment in our shape."""
    name = found.name or ""
    model = f"{PREFIX}{found.base_model}#{name}"
    return Deployment(name.rpartition("/")[2], model, found.state or "STATE_UNSPECIFIED", tag_of(found))


def tag_of(found: Deployed) -> str:
    """The tag in the name of its model, or in its own; empty where it is none of ours."""
    match = TAG.search(found.base_model) or TAG.search(found.name or "")
    return match[0] if match else ""


def _model(job: Job, account: str) -> str:
    """The full name of the tuned model, which is called after its job where nobody named it."""
    model = job.output_model or (job.name or "").rpartition("/")[2]
    return model if "/" in model else f"{account}/models/{model}"


def _dollars(job: Job) -> float | None:
    cost = job.estimated_cost
    if cost is None or cost.currency_code != "USD":
        return None
    return int(cost.units or 0) + (cost.nanos or 0) / 1e9


def _events(job: Job) -> list[str]:
    """The end of the trainer's log, where the account may read it, and how far the job is."""
    log = [clean(line) for line in _read(job.trainer_logs_signed_url).splitlines()[-LOG_LINES:] if line.strip()]
    progress = job.job_progress
    far = [f"epoch {progress.epoch or 0}, {progress.percent} %"] if progress and progress.percent is not None else []
    return [*log, *far]


def _pieces(text: str) -> Iterator[Piece]:
    """The losses in a file of JSON lines; nothing where it has another form."""
    for line in text.splitlines():
        measured = _object(line)
        yield _first(measured, STEP), _first(measured, TRAIN), _first(measured, VALIDATION)


def _object(line: str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _first(values: Mapping[str, Any], names: Sequence[str]) -> object:
    return next((values[n] for n in names if n in values), None)


def _read(url: str | None) -> str:
    """The text at a signed address, asked for without the key; empty where it cannot be had, as it is but an extra."""
    import httpx

    try:
        return httpx.get(url, timeout=30, follow_redirects=True).raise_for_status().text if url else ""
    except (httpx.HTTPError, httpx.InvalidURL):
        return ""
