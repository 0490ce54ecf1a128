"""Fine-tuning of Gemini at Vertex AI, supervised, by Google's own SDK. Owns what is Vertex's; keeps no state.

The tag goes into the job's labels, which its model and its endpoint inherit, and is the model's display name. Vertex
chooses the job's name, so what has been taken is found by the tag; the creation of a job is asked for once.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from touchstone.errors import CallRefused, ModelUnavailable

from ..data.formats import Format
from ..provider import ENDED, Deployment, Endpoint, Limits, Order, Standing, State
from .checking import checked
from .content import named
from .faults import EXTRA, clean, faults
from .gcloud import JSON, Cloud, Place, cloud, credentials

if TYPE_CHECKING:
    from google.genai import Client
    from google.genai.types import TuningJob

CREDENTIALS = "GOOGLE_APPLICATION_CREDENTIALS"
PROJECT = ("GOOGLE_CLOUD_PROJECT", "VERTEXAI_PROJECT")
LOCATION = ("GOOGLE_CLOUD_LOCATION", "VERTEXAI_LOCATION")
BUCKET = ("TOUCHSTONE_VERTEX_BUCKET",)
"""Variables, any one of which will do; the second is LiteLLM's, by which the tuned model is called."""
VERTEX_URL = "GOOGLE_VERTEX_BASE_URL"
"""As google.genai has it."""
STORAGE_URL = "STORAGE_EMULATOR_HOST"
"""As google.cloud.storage has it."""
LABEL = "touchstone"
"""The key of the tag in the labels."""
PREFIX = "vertex_ai/gemini/"
"""What LiteLLM puts before the number of an endpoint."""
STATES: Mapping[str, State] = {
    "JOB_STATE_UNSPECIFIED": "queued",
    "JOB_STATE_QUEUED": "queued",
    "JOB_STATE_PENDING": "queued",
    "JOB_STATE_SUCCEEDED": "succeeded",
    "JOB_STATE_PARTIALLY_SUCCEEDED": "succeeded",
    "JOB_STATE_FAILED": "failed",
    "JOB_STATE_EXPIRED": "failed",
    "JOB_STATE_CANCELLED": "cancelled",
}
"""All others, also those of a newer API, are a job that goes on."""
ADAPTERS = {1: "ONE", 2: "TWO", 4: "FOUR", 8: "EIGHT", 16: "SIXTEEN", 32: "THIRTY_TWO"}
PAGE = 100


class Parameters(BaseModel):
    """What a sweep may say, in Vertex's terms; what it does not say is Vertex's to choose."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    epoch_count: Annotated[int, Field(ge=1, le=100)] | None = None
    """Passes over the examples, 1 to 100."""
    learning_rate_multiplier: Annotated[float, Field(gt=0, le=100)] | None = None
    """Factor on Vertex's own learning rate for the model, above 0."""
    adapter_size: Literal[1, 2, 4, 8, 16, 32] | None = None
    """The rank of the adapter; which ones there are depends on the model."""
    export_last_checkpoint_only: bool | None = None
    """Whether to keep no checkpoint of the way, but the last one only."""


class Vertex:
    """The provider `vertex`; see `tune.provider.Provider`."""

    name: str = "vertex"
    parameters: type[BaseModel] = Parameters
    format: Format = "vertex-gemini"
    limits: Limits = Limits(bytes=2**30, examples=1_000_000, tokens=131_072)
    deploys: bool = False

    def __init__(self, endpoint: Endpoint | None = None, *, wait_s: float = 2.0) -> None:
        """`wait_s` lies between two looks at an endpoint that is being torn down."""
        self._endpoint, self._wait_s = endpoint or Endpoint(), wait_s

    def lacking(self) -> str | None:
        """Words for the extra, the variable or the credentials that are missing; None where nothing is."""
        if find_spec("google") is None or find_spec("google.genai") is None:
            return f"Vertex needs the library google-genai: {EXTRA}"
        unset = next((names[0] for names in (PROJECT, LOCATION, BUCKET) if not _set(names)), None)
        return f"{unset} is not set; Vertex needs it" if unset else _no_credentials()

    def price(self, order: Order, tokens: int) -> float | None:
        """None: Google's prices are by model and region, and no list of them is kept here."""
        return None

    def upload(self, file: Path, tag: str) -> str:
        """The gs:// address of the file, which is called after its content and so put into the bucket once."""
        name = f"touchstone/{named(file)}"
        with self._cloud() as google:
            if not google.holds(name):
                google.store(file, name)
        return f"gs://{_set(BUCKET)}/{name}"

    def submit(self, order: Order, train: str, validation: str | None) -> str:
        """The name of the new job. Raises CallRefused, before anything is asked, for a bad parameter."""
        config = config_of(order, validation)
        with self._client() as client, warnings.catch_warnings():
            # The SDK warns, once in a process, that tuning may change; our lock file says which SDK it is.
            warnings.filterwarnings("ignore", message="The SDK's tuning implementation is experimental")
            data: Any = {"gcs_uri": train}
            return str(client.tunings.tune(base_model=order.base, training_dataset=data, config=config).name)

    def find(self, tag: str) -> str | None:
        """The name of the newest job with the tag in its labels."""
        with self._client() as client:
            jobs = [job for job in client.tunings.list(config={"page_size": PAGE}) if _tag(job) == tag]
        return max(jobs, key=lambda job: str(job.create_time)).name if jobs else None

    def standing(self, job: str) -> Standing:
        """The job as it is. Vertex keeps losses in an experiment of its own, which is named among the events."""
        with self._client() as client:
            return standing_of(client.tunings.get(name=job))

    def cancel(self, job: str) -> None:
        """Stop it; one that has ended, perhaps just now, is left as it is."""
        try:
            with self._client() as client:
                if _state(client.tunings.get(name=job)) not in ENDED:
                    client.tunings.cancel(name=job)
        except CallRefused:
            if self.standing(job).state not in ENDED:
                raise

    def deploy(self, model: str, tag: str) -> Deployment:
        """The endpoint that came with the model. Raises CallRefused where it has been torn down: there is no other."""
        with self._cloud() as google:
            found = google.endpoint(model.rpartition("/")[2])
        if found is None:
            raise CallRefused(f"the endpoint {model} is gone; deploy the model of {tag} in Vertex's model registry")
        return _shown(found)

    def deployments(self) -> Sequence[Deployment]:
        """The endpoints that have a tag in their labels."""
        with self._cloud() as google:
            return [_shown(endpoint) for endpoint in google.endpoints(LABEL)]

    def undeploy(self, deployment: str) -> None:
        """Undeploy the model and delete its endpoint; the model stays in Vertex's registry."""
        with self._cloud() as google:
            found = google.endpoint(deployment)
            if found is not None:
                google.remove(found)

    def _place(self) -> Place:
        """Where to ask. Raises ModelUnavailable where something is missing."""
        if words := self.lacking():
            raise ModelUnavailable(words)
        location = _set(LOCATION)
        vertex = self._url() or f"https://{location}-aiplatform.googleapis.com"
        storage = os.environ.get(STORAGE_URL, "https://storage.googleapis.com")
        return Place(_set(PROJECT), location, _set(BUCKET), vertex.rstrip("/"), storage.rstrip("/"))

    def _url(self) -> str | None:
        return self._endpoint.base_url or os.environ.get(VERTEX_URL)

    @contextmanager
    def _cloud(self) -> Iterator[Cloud]:
        place = self._place()
        with faults("Vertex", CREDENTIALS), cloud(place, self._wait_s) as google:
            yield google

    @contextmanager
    def _client(self) -> Iterator[Client]:
        """The SDK for one thing, which it asks once. Its errors come out in our words."""
        place = self._place()
        with faults("Vertex", CREDENTIALS):
            from google.genai import Client

            options: Any = {"base_url": self._url()}
            with Client(
                vertexai=True,
                project=place.project,
                location=place.location,
                credentials=credentials(),
                http_options=options,
            ) as client:
                yield client


def config_of(order: Order, validation: str | None) -> Any:
    """The arguments of the job's creation. Raises CallRefused for parameters that Vertex would not take."""
    given = checked(Parameters, order.parameters).model_dump(exclude_none=True)
    if "adapter_size" in given:
        given["adapter_size"] = f"ADAPTER_SIZE_{ADAPTERS[given['adapter_size']]}"
    config = {**given, "tuned_model_display_name": order.tag, "labels": {LABEL: order.tag}}
    return config if validation is None else {**config, "validation_dataset": {"gcs_uri": validation}}


def standing_of(job: TuningJob) -> Standing:
    """The standing of a job; its events are what Vertex notes on it."""
    state = _state(job)
    stats = job.tuning_data_stats.supervised_tuning_data_stats if job.tuning_data_stats else None
    steps = stats.tuning_step_count if stats else None
    return Standing(
        state,
        model=f"{PREFIX}{_endpoint_of(job)}" if state == "succeeded" and _endpoint_of(job) else "",
        why=clean(job.error.message) if job.error and job.error.message else "",
        tokens=_tokens(job),
        step=steps if state == "succeeded" else _step(job),
        steps=steps,
        events=_events(job),
    )


def _state(job: TuningJob) -> State:
    return STATES.get(job.state.value if job.state else "", "running")


def _tag(job: TuningJob) -> str:
    return (job.labels or {}).get(LABEL) or job.tuned_model_display_name or ""


def _endpoint_of(job: TuningJob) -> str:
    """The number of the tuned model's endpoint; empty where there is none."""
    return ((job.tuned_model and job.tuned_model.endpoint) or "").rpartition("/")[2]


def _step(job: TuningJob) -> int | None:
    return job.tuning_job_metadata.completed_step_count if job.tuning_job_metadata else None


def _tokens(job: TuningJob) -> int | None:
    """Billable tokens of the examples, times the epochs; None until Vertex has counted both."""
    stats = job.tuning_data_stats.supervised_tuning_data_stats if job.tuning_data_stats else None
    hyper = job.supervised_tuning_spec.hyper_parameters if job.supervised_tuning_spec else None
    if stats is None or hyper is None or not stats.total_billable_token_count or not hyper.epoch_count:
        return None
    return stats.total_billable_token_count * hyper.epoch_count


def _events(job: TuningJob) -> list[str]:
    """When it was made, begun and ended; what became of its examples; where its curves are."""
    times = (("created", job.create_time), ("started", job.start_time), ("ended", job.end_time))
    stats = job.tuning_data_stats.supervised_tuning_data_stats if job.tuning_data_stats else None
    dropped = (stats.dropped_example_reasons if stats else None) or []
    detail = [f"at {job.tuning_job_state.value}"] if job.tuning_job_state else []
    curves = [f"losses are in {job.experiment}"] if job.experiment else []
    said = [f"{what} {at.isoformat(timespec='seconds')}" for what, at in times if at]
    return [clean(line) for line in (*said, *detail, *(f"dropped: {why}" for why in dropped), *curves)]


def _shown(endpoint: JSON) -> Deployment:
    id = str(endpoint["name"]).rpartition("/")[2]
    state = "deployed" if endpoint.get("deployedModels") else "empty"
    return Deployment(id, f"{PREFIX}{id}", state, endpoint.get("labels", {}).get(LABEL, ""))


def _set(names: Sequence[str]) -> str:
    """What the first of the variables that is set holds; empty where none is."""
    return next((value for name in names if (value := os.environ.get(name, "").strip())), "")


def _no_credentials() -> str | None:
    """Words where Google's libraries find no credentials; those that a variable names are read when they are used."""
    if os.environ.get(CREDENTIALS):
        return None
    from google.auth.exceptions import DefaultCredentialsError

    try:
        credentials()
    except DefaultCredentialsError:
        return f"{CREDENTIALS} is not set, and `gcloud auth application-default login` was not run either"
    return None
