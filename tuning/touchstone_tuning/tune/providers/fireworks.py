"""Fine-tuning at Fireworks, supervised, by its own SDK, and the deployments on which its models answer. Keeps no state.

The client chooses every name here, so nothing is made twice: a dataset is called after its content; a job, its model
and its deployment after the tag. What a lost answer has made is found by its name, and a second asking is a 409.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from touchstone.errors import CallFailed, CallRefused, ModelUnavailable
from touchstone.models.keys import VARIABLES

from ..data.formats import Format
from ..provider import ENDED, Deployment, Endpoint, Limits, Order, Standing
from .access import Access
from .checking import checked
from .content import named
from .faults import clean
from .fireworks_reading import PREFIX, shown, standing_of, state_of, tag_of

if TYPE_CHECKING:
    from fireworks import Fireworks as Client
    from fireworks.types import Dataset
    from fireworks.types import Deployment as Deployed

ACCESS = Access("Fireworks", "fireworks", VARIABLES["fireworks_ai"])
ACCOUNT = "FIREWORKS_ACCOUNT_ID"
GONE = frozenset({"DELETING", "DELETED"})
"""States of a deployment that is torn down; it stays known for a while, so that it can be brought back."""
SIZE = re.compile(r"-(\d+(?:p\d+)?)b(?=-|$)")
"""The parameters in a model's name, in thousands of millions: `llama-v3p1-8b-instruct`, `qwen2p5-0p5b`."""
DOLLARS = ((16.0, 0.50), (80.0, 3.00))
"""Up to so many thousands of millions of parameters, dollars per million trained tokens (as its page said, undated)."""
LOOKS = 150
"""So often a new dataset is looked at before it is given up."""

Count = Annotated[int, Field(ge=1)]


class Parameters(BaseModel):
    """What a sweep may say, in Fireworks' terms; what it does not say is Fireworks' to choose."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    epochs: Annotated[int, Field(ge=1, le=100)] | None = None
    """Passes over the examples, 1 to 100."""
    learning_rate: Annotated[float, Field(gt=0, le=0.1)] | None = None
    """The rate at its peak, above 0, at most 0.1."""
    lora_rank: Annotated[int, Field(ge=1, le=128)] | None = None
    """The rank of the LoRA layers, 1 to 128."""
    batch_size: Count | None = None
    """Tokens in a batch, into which examples are packed."""
    batch_size_samples: Count | None = None
    """Examples in a batch."""
    gradient_accumulation_steps: Count | None = None
    """Batches whose gradients are added up before a step."""
    learning_rate_warmup_steps: Annotated[int, Field(ge=0)] | None = None
    """Steps over which the rate rises to its peak."""
    max_context_length: Count | None = None
    """Tokens of the longest example."""
    early_stop: bool | None = None
    """Whether to stop when the validation loss does not fall any more."""
    eval_auto_carveout: bool | None = None
    """Whether to keep some examples back for validation, where no file of them is given."""
    optimizer_weight_decay: Annotated[float, Field(ge=0, le=1)] | None = None
    """L2 regularisation, 0 to 1."""


class Fireworks:
    """The provider `fireworks`; see `tune.provider.Provider`."""

    name: str = "fireworks"
    parameters: type[BaseModel] = Parameters
    format: Format = "openai-chat"
    limits: Limits = Limits(bytes=150 * 10**6, examples=3_000_000, least_examples=3)
    deploys: bool = True

    def __init__(self, endpoint: Endpoint | None = None, *, wait_s: float = 2.0) -> None:
        """`wait_s` lies between two looks at a dataset that is being checked."""
        self._endpoint, self._wait_s = endpoint or Endpoint(), wait_s

    def lacking(self) -> str | None:
        """Words for the variable or the extra that is missing; None where nothing is."""
        account = None if _account() else f"{ACCOUNT} is not set; export the name of your account in it"
        return ACCESS.lacking(self._endpoint) or account

    def price(self, order: Order, tokens: int) -> float | None:
        """Dollars by the size in the base model's name; None for one that names none, or is larger than the list."""
        size = SIZE.search(order.base)
        billions = float(size[1].replace("p", ".")) if size else float("inf")
        rate = next((dollars for most, dollars in DOLLARS if billions <= most), None)
        return None if rate is None else tokens * rate / 1e6

    def upload(self, file: Path, tag: str) -> str:
        """The name of the dataset, once it has been checked. One that an upload left unfinished is finished."""
        name = Path(named(file)).stem
        with self._client(retries=0) as client:
            there = _dataset(client, name)
            if there is None:
                _create(client, name, file)
            if there is None or there.state != "READY":
                with file.open("rb") as opened:
                    client.datasets.upload(name, file=(f"{name}.jsonl", opened))
                self._wait_for(client, name)
        return f"accounts/{_account()}/datasets/{name}"

    def submit(self, order: Order, train: str, validation: str | None) -> str:
        """The tag, as the job is called. Raises CallRefused, before anything is asked, for a bad parameter."""
        body = body_of(order, train, validation)
        with self._client(retries=0) as client:
            from fireworks import ConflictError

            try:
                client.supervised_fine_tuning_jobs.create(**body)
            except ConflictError:  # an earlier asking has made it
                client.supervised_fine_tuning_jobs.get(order.tag)
        return order.tag

    def find(self, tag: str) -> str | None:
        """The tag itself, where there is a job called so."""
        with self._client() as client:
            from fireworks import NotFoundError

            try:
                client.supervised_fine_tuning_jobs.get(tag)
            except NotFoundError:
                return None
        return tag

    def standing(self, job: str) -> Standing:
        """The job as it is, with the losses of its metrics file and the end of its log, where there are any."""
        with self._client() as client:
            found = client.supervised_fine_tuning_jobs.get(job)
        return standing_of(found, f"accounts/{_account()}")

    def cancel(self, job: str) -> None:
        """Stop it; one that has ended, perhaps just now, is left as it is."""
        try:
            with self._client(retries=0) as client:
                if state_of(client.supervised_fine_tuning_jobs.get(job)) not in ENDED:
                    client.supervised_fine_tuning_jobs.cancel(job, body={})
        except CallRefused:
            if self.standing(job).state not in ENDED:
                raise

    def deploy(self, model: str, tag: str) -> Deployment:
        """Merge the tuned model into its base, on a deployment called after the tag; it sleeps when nobody asks."""
        base = model.removeprefix(PREFIX).partition("#")[0]
        with self._client(retries=0) as client:
            there = _deployment(client, tag)
            if there is not None and there.state in GONE:
                return shown(client.deployments.undelete(tag, body={}))
            return shown(there or _deployed(client, base, tag))

    def deployments(self) -> Sequence[Deployment]:
        """Those that are called after a tag, or serve a model that is, by whomever they were made."""
        with self._client() as client:
            return [shown(d) for d in client.deployments.list(page_size=200) if tag_of(d) and d.state not in GONE]

    def undeploy(self, deployment: str) -> None:
        """Tear it down, even if it has been asked a moment ago."""
        with self._client(retries=0) as client:
            there = _deployment(client, deployment)
            if there is not None and there.state not in GONE:
                client.deployments.delete(deployment, ignore_checks=True)

    @contextmanager
    def _client(self, retries: int = 2) -> Iterator[Client]:
        """The SDK for one thing; 0 retries for what makes something. Its errors come out in our words."""
        if words := self.lacking():
            raise ModelUnavailable(words)
        key, url = ACCESS.key(self._endpoint), self._endpoint.base_url
        with ACCESS.faults(self._endpoint):
            from fireworks import Fireworks as Client

            with Client(api_key=key, account_id=_account(), base_url=url, max_retries=retries) as client:
                yield client

    def _wait_for(self, client: Client, name: str) -> None:
        """Until the dataset can be trained on. Raises CallRefused for one that is found bad."""
        for _ in range(LOOKS):
            found = client.datasets.get(name)
            if found.state == "READY":
                return
            if found.status and found.status.code not in (None, "OK"):
                raise CallRefused(f"Fireworks does not take the file: {clean(found.status.message or name)}")
            time.sleep(self._wait_s)
        raise CallFailed(f"Fireworks is still checking dataset {name}; run the same command again")


def body_of(order: Order, train: str, validation: str | None) -> dict[str, Any]:
    """The arguments of the job's creation. Raises CallRefused for parameters that Fireworks would not take."""
    given = checked(Parameters, order.parameters).model_dump(exclude_none=True)
    body = {
        **given,
        "supervised_fine_tuning_job_id": order.tag,
        "display_name": order.tag,
        "base_model": order.base,
        "dataset": train,
    }
    return body if validation is None else {**body, "evaluation_dataset": validation}


def _account() -> str:
    return os.environ.get(ACCOUNT, "").strip()


def _dataset(client: Client, name: str) -> Dataset | None:
    from fireworks import NotFoundError

    try:
        return client.datasets.get(name)
    except NotFoundError:
        return None


def _create(client: Client, name: str, file: Path) -> None:
    """Make the dataset; its content comes after it."""
    with file.open("rb") as opened:
        count = str(sum(1 for _ in opened))
    client.datasets.create(
        dataset_id=name, dataset={"display_name": name, "example_count": count, "format": "CHAT", "user_uploaded": {}}
    )


def _deployment(client: Client, name: str) -> Deployed | None:
    from fireworks import NotFoundError

    try:
        return client.deployments.get(name)
    except NotFoundError:
        return None


def _deployed(client: Client, base: str, tag: str) -> Deployed:
    """A new deployment that costs nothing while nobody asks; or the one that another process has just made."""
    from fireworks import ConflictError

    try:
        return client.deployments.create(
            base_model=base,
            deployment_id=tag,
            display_name=tag,
            deployment_shape="default",
            min_replica_count=0,
            max_replica_count=1,
        )
    except ConflictError:
        return client.deployments.get(tag)
