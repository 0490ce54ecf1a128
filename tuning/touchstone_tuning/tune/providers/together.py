"""Fine-tuning at Together, by its own SDK. Owns what is Together's of files and jobs; keeps no state.

Together keeps no words of ours with a job but the suffix of its model's name: the tag goes there, and is found there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from json import JSONDecodeError
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from touchstone.errors import CallRefused

from ..data.formats import Format
from ..provider import ENDED, Deployment, Endpoint, Limits, Order, Standing, State
from . import together_serving as serving
from .access import Access
from .checking import checked
from .content import named
from .faults import clean, given
from .losses import Piece, joined, number
from .together_parameters import Parameters, said

if TYPE_CHECKING:
    from together import Together as Client
    from together.types import FinetuneEvent, FinetuneResponse

ACCESS = Access("Together", "together", ("TOGETHER_API_KEY", "TOGETHERAI_API_KEY", "TOGETHER_AI_API_KEY"))
STATES: Mapping[str, State] = {
    "pending": "queued",
    "queued": "queued",
    "completed": "succeeded",
    "error": "failed",
    "user_error": "failed",
    "cancelled": "cancelled",
}
"""The others (running, compressing, uploading, cancel_requested) are all `running`."""
BAD_FILE = ("FAILED", "INVALID_FORMAT")
NANO = 1e9
"""Together gives prices in billionths of a dollar (`finetune_price_to_dollars` in its SDK)."""


class Together:
    """The provider `together`; see `tune.provider.Provider`."""

    name: str = "together"
    parameters: type[BaseModel] = Parameters
    format: Format = "openai-chat"
    limits: Limits = Limits(bytes=int(50.1 * 2**30))
    deploys: bool = True

    def __init__(self, endpoint: Endpoint | None = None) -> None:
        self._endpoint = endpoint or Endpoint()

    def lacking(self) -> str | None:
        """Words for the variable or the extra that is missing; None where nothing is."""
        return ACCESS.lacking(self._endpoint)

    def price(self, order: Order, tokens: int) -> float | None:
        """None: Together prices by a model's size, which its name need not tell; what a job cost is in its standing."""
        return None

    def upload(self, file: Path, tag: str) -> str:
        """The id of the file, which is looked for by its content's name before it is sent."""
        name = named(file)
        return self._uploaded(name) or self._sent(file, name)

    def submit(self, order: Order, train: str, validation: str | None) -> str:
        """The id of the new job. Raises CallRefused, before anything is asked, for a bad parameter."""
        arguments = said(checked(Parameters, order.parameters), order.tag, validation)
        with self._client(retries=0) as client, _own_checks():
            made = client.fine_tuning.create(
                model=order.base, training_file=train, validation_file=validation, **arguments
            )
            return given(made.id, ACCESS.provider)

    def find(self, tag: str) -> str | None:
        """The id of the newest job whose suffix ends in the tag."""
        with self._client() as client:
            jobs = [job for job in client.fine_tuning.list().data or () if _carries(job, tag)]
        return max(jobs, key=lambda job: job.created_at).id if jobs else None

    def standing(self, job: str) -> Standing:
        """The job as it is, with the whole of its log and of its losses."""
        with self._client() as client:
            found = client.fine_tuning.retrieve(job)
            events = client.fine_tuning.list_events(job).data or ()
            metrics = client.fine_tuning.list_metrics(job).metrics
        return standing_of(found, sorted(events, key=lambda event: event.created_at), metrics or ())

    def cancel(self, job: str) -> None:
        """Stop it; one that has ended, perhaps just now, is left as it is."""
        try:
            with self._client(retries=0) as client:
                client.fine_tuning.cancel(job)
        except CallRefused:
            if self.standing(job).state not in ENDED:
                raise

    def deploy(self, model: str, tag: str) -> Deployment:
        """An endpoint called by the tag, with the model on it. Each step is seen first, so that none is done twice."""
        with self._client(retries=0) as client:
            return serving.deployed(client, serving.project_of(client), model, tag)

    def deployments(self) -> Sequence[Deployment]:
        """The project's endpoints that are called by a tag."""
        with self._client() as client:
            return serving.running(client, serving.project_of(client))

    def undeploy(self, deployment: str) -> None:
        """Take it off its traffic, stop it and delete it, with its endpoint."""
        with self._client(retries=0) as client:
            serving.torn_down(client, serving.project_of(client), deployment)

    def _uploaded(self, name: str) -> str | None:
        with self._client() as client:
            files = client.files.list().data or ()
        return next((f.id for f in files if f.filename == name and f.processing_status not in BAD_FILE), None)

    def _sent(self, file: Path, name: str) -> str:
        with TemporaryDirectory() as folder, self._client(retries=0) as client:
            link = Path(folder) / name  # the SDK tells Together the name that the file has on disk
            link.symlink_to(file.resolve())
            sent = client.files.upload(link, purpose="fine-tune", check=False)
            if sent.processing_status in BAD_FILE:
                report = client.files.retrieve(sent.id).validation_report  # the upload's own answer comes without
                why = report.error if report else sent.processing_status
                raise CallRefused(f"Together does not take {file}: {clean(str(why))}")
        return given(sent.id, ACCESS.provider)

    @contextmanager
    def _client(self, retries: int = 2) -> Iterator[Client]:
        """The SDK for one thing; 0 retries for what makes something. Its errors come out in our words."""
        key = ACCESS.key(self._endpoint)
        with ACCESS.faults(self._endpoint):
            from together import Together as Client

            with Client(api_key=key, base_url=self._endpoint.base_url, max_retries=retries) as client:
                yield client


@contextmanager
def _own_checks() -> Iterator[None]:
    """The SDK checks a job against the model's limits before it asks, and says so in ValueErrors."""
    try:
        yield
    except JSONDecodeError:  # a ValueError too, but of an answer
        raise
    except ValueError as error:
        raise CallRefused(f"Together: {clean(str(error))}") from None


def _carries(job: Any, tag: str) -> bool:
    """Whether the job is the tag's; the name of its model tells where the suffix is not given back."""
    if job.suffix:
        return bool(job.suffix == tag or job.suffix.endswith(f"-{tag}"))
    return f"-{tag}" in f"-{job.x_model_output_name or ''}"


def standing_of(
    job: FinetuneResponse, events: Sequence[FinetuneEvent], metrics: Sequence[Mapping[str, float]]
) -> Standing:
    """The standing of a job; its events are the oldest first."""
    state = STATES.get(job.status, "running")
    name = job.api_model_object_name or job.adapter_object_name or job.x_model_output_name
    return Standing(
        state=state,
        model=f"{serving.PREFIX}{name}" if state == "succeeded" and name else "",
        why=_why(events) if state == "failed" else "",
        tokens=job.token_count,
        dollars=None if job.total_price is None else job.total_price / NANO,
        step=_latest(_step(row) for row in metrics),
        steps=_latest([*(event.total_steps for event in events), getattr(job, "total_steps", None)]),
        events=tuple(clean(event.message) for event in events),
        losses=joined(_pieces(metrics)),
    )


def _why(events: Sequence[FinetuneEvent]) -> str:
    """The last word of the log that is an error's; its last word at all where none is marked."""
    errors = [event for event in events if event.level == "error" or event.type.lower().endswith("error")]
    return clean((errors or list(events))[-1].message) if events else ""


def _pieces(metrics: Sequence[Mapping[str, float]]) -> Iterator[Piece]:
    for row in metrics:
        yield _step(row), row.get("train/loss"), row.get("eval/loss")


def _step(row: Mapping[str, float]) -> float | None:
    names = ("train/global_step", "eval/global_step", "global_step", "step")
    return next((row[name] for name in names if name in row), None)


def _latest(steps: Any) -> int | None:
    found = [int(s) for s in map(number, steps) if s is not None]
    return max(found, default=None)
