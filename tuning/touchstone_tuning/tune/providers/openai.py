"""Fine-tuning at OpenAI, supervised, by its own SDK. Owns what is OpenAI's; keeps no state.

The tag goes into the job's metadata, by which it is found again. What makes something is asked for once: a lost answer
must not be followed by a second job.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from touchstone.errors import CallRefused

from ..data.formats import Format
from ..provider import ENDED, Deployment, Endpoint, Limits, Loss, Order, Standing, State
from .access import Access
from .checking import checked
from .content import named
from .faults import clean, given
from .losses import Piece, joined, number

if TYPE_CHECKING:
    from openai import OpenAI as Client
    from openai.types.fine_tuning import FineTuningJob, FineTuningJobEvent
    from openai.types.fine_tuning.jobs import FineTuningJobCheckpoint

ACCESS = Access("OpenAI", "openai", ("OPENAI_API_KEY",))
TAG = "touchstone"
"""The key of the tag in a job's metadata."""
STATES: Mapping[str, State] = {
    "validating_files": "queued",
    "queued": "queued",
    "running": "running",
    "succeeded": "succeeded",
    "failed": "failed",
    "cancelled": "cancelled",
}
DOLLARS: Mapping[str, float] = {
    "gpt-4.1-mini": 5.0,
    "gpt-4.1-nano": 1.5,
    "gpt-4.1": 25.0,
    "gpt-4o-mini": 3.0,
    "gpt-4o": 25.0,
    "gpt-3.5-turbo": 8.0,
}
"""Dollars per million trained tokens, by how a model's name begins, the longer name first (OpenAI's list of 2025)."""
HYPER = ("n_epochs", "batch_size", "learning_rate_multiplier")
PAGE = 100


class Parameters(BaseModel):
    """What a sweep may say, in OpenAI's terms; what it does not say is OpenAI's to choose."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True)

    n_epochs: Literal["auto"] | Annotated[int, Field(ge=1, le=50)] | None = None
    """Passes over the examples, 1 to 50."""
    batch_size: Literal["auto"] | Annotated[int, Field(ge=1, le=256)] | None = None
    """Examples in a step, 1 to 256."""
    learning_rate_multiplier: Literal["auto"] | Annotated[float, Field(gt=0, le=100)] | None = None
    """Factor on OpenAI's own learning rate for the model, above 0."""
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = None
    """For the order of the examples; the same seed gives nearly the same model."""
    suffix: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    """A part of the tuned model's name; the tag where none is given."""
    metadata: Annotated[Mapping[str, Annotated[str, Field(max_length=512)]], Field(max_length=15)] = {}
    """Up to 15 texts to keep with the job; `touchstone` is the tag's own."""


class OpenAI:
    """The provider `openai`; see `tune.provider.Provider`."""

    name: str = "openai"
    parameters: type[BaseModel] = Parameters
    format: Format = "openai-chat"
    limits: Limits = Limits(bytes=512 * 2**20, least_examples=10, tokens=65_536)
    deploys: bool = False

    def __init__(self, endpoint: Endpoint | None = None) -> None:
        self._endpoint = endpoint or Endpoint()

    def lacking(self) -> str | None:
        """Words for the variable or the extra that is missing; None where nothing is."""
        return ACCESS.lacking(self._endpoint)

    def price(self, order: Order, tokens: int) -> float | None:
        """Dollars by OpenAI's list; None for a model that is not on it."""
        base = order.base.removeprefix("ft:")  # a tuned model is tuned further at its base's price
        rate = next((dollars for start, dollars in DOLLARS.items() if base.startswith(start)), None)
        return None if rate is None else tokens * rate / 1e6

    def upload(self, file: Path, tag: str) -> str:
        """The id of the file, which is looked for by its content's name before it is sent."""
        name = named(file)
        return self._uploaded(name) or self._sent(file, name)

    def submit(self, order: Order, train: str, validation: str | None) -> str:
        """The id of the new job. Raises CallRefused, before anything is asked, for a bad parameter."""
        body = body_of(order, train, validation)
        with self._client(retries=0) as client:
            return given(client.fine_tuning.jobs.create(**body).id, ACCESS.provider)

    def find(self, tag: str) -> str | None:
        """The id of the newest job with the tag in its metadata."""
        with self._client() as client:
            # The filter spares pages; that the tag is there is seen for oneself, since not all that speak so filter.
            jobs = client.fine_tuning.jobs.list(metadata={TAG: tag}, limit=PAGE)
            return next((job.id for job in jobs if (job.metadata or {}).get(TAG) == tag), None)

    def standing(self, job: str) -> Standing:
        """The job as it is, with the whole of its log and the losses of its metrics and checkpoints."""
        with self._client() as client:
            found = client.fine_tuning.jobs.retrieve(job)
            events = list(client.fine_tuning.jobs.list_events(job, limit=PAGE))[::-1]  # the newest comes first
            checkpoints = list(client.fine_tuning.jobs.checkpoints.list(job, limit=PAGE))
        return standing_of(found, events, checkpoints)

    def cancel(self, job: str) -> None:
        """Stop it; one that has ended, perhaps just now, is left as it is."""
        try:
            with self._client(retries=0) as client:
                client.fine_tuning.jobs.cancel(job)
        except CallRefused:
            if self.standing(job).state not in ENDED:
                raise

    def deploy(self, model: str, tag: str) -> Deployment:
        """Nothing to do: a tuned model answers as soon as there is one, and costs by the token."""
        return Deployment(id=model, model=model, state="serverless", tag=tag)

    def deployments(self) -> Sequence[Deployment]:
        """None: nothing is kept running."""
        return ()

    def undeploy(self, deployment: str) -> None:
        """Nothing to tear down."""

    def _uploaded(self, name: str) -> str | None:
        with self._client() as client:
            files = client.files.list(purpose="fine-tune", limit=PAGE)
            return next((file.id for file in files if file.filename == name and file.status != "error"), None)

    def _sent(self, file: Path, name: str) -> str:
        with self._client(retries=0) as client, file.open("rb") as opened:
            return given(client.files.create(file=(name, opened), purpose="fine-tune").id, ACCESS.provider)

    @contextmanager
    def _client(self, retries: int = 2) -> Iterator[Client]:
        """The SDK for one thing; 0 retries for what makes something. Its errors come out in our words."""
        key = ACCESS.key(self._endpoint)
        with ACCESS.faults(self._endpoint):
            from openai import OpenAI as Client

            with Client(api_key=key, base_url=self._endpoint.base_url, max_retries=retries) as client:
                yield client


def body_of(order: Order, train: str, validation: str | None) -> dict[str, Any]:
    """The arguments of the job's creation. Raises CallRefused for parameters that OpenAI would not take."""
    said = checked(Parameters, order.parameters).model_dump(exclude_none=True)
    hyper = {name: said.pop(name) for name in HYPER if name in said}
    body = {
        "model": order.base,
        "training_file": train,
        "method": {"type": "supervised", "supervised": {"hyperparameters": hyper}},
        "suffix": order.tag,
        **said,
        "metadata": {**said.get("metadata", {}), TAG: order.tag},
    }
    return body if validation is None else {**body, "validation_file": validation}


def standing_of(
    job: FineTuningJob, events: Sequence[FineTuningJobEvent], checkpoints: Sequence[FineTuningJobCheckpoint]
) -> Standing:
    """The standing of a job; its events are the oldest first."""
    losses = joined([*_of_events(events), *_of_checkpoints(checkpoints)])
    steps = [number(_data(event).get("total_steps")) for event in events]
    return Standing(
        state=STATES.get(job.status, "running"),
        model=f"openai/{job.fine_tuned_model}" if job.fine_tuned_model else "",
        why=clean(f"{job.error.code}: {job.error.message}") if job.error and job.error.message else "",
        tokens=job.trained_tokens,
        step=_last(losses),
        steps=next((int(s) for s in reversed(steps) if s is not None), None),
        events=tuple(clean(event.message) for event in events),
        losses=losses,
    )


def _last(losses: Sequence[Loss]) -> int | None:
    return losses[-1].step if losses else None


def _of_events(events: Sequence[FineTuningJobEvent]) -> Iterator[Piece]:
    for data in (_data(event) for event in events if event.type == "metrics"):
        yield data.get("step"), data.get("train_loss"), data.get("valid_loss")


def _of_checkpoints(checkpoints: Sequence[FineTuningJobCheckpoint]) -> Iterator[Piece]:
    """Checkpoints are measured on the whole validation file, events on a part of it: the whole counts for more."""
    for checkpoint in checkpoints:
        metrics = checkpoint.metrics
        whole = metrics.full_valid_loss
        yield checkpoint.step_number, metrics.train_loss, metrics.valid_loss if whole is None else whole


def _data(event: FineTuningJobEvent) -> Mapping[str, Any]:
    return event.data if isinstance(event.data, Mapping) else {}
