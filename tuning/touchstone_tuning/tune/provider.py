"""What whoever trains a model can be asked for. Owns the seam; knows no provider and keeps no state.

A job carries a `tag` that follows from what it is. A provider puts it where it can be found again, so that a job whose
answer was lost on the way is found, and not submitted twice.

Errors are those of calls: `ModelUnavailable` (no key, no library), `CallRefused` (it would say no again: bad key,
bad file, bad parameter, no quota), `CallFailed` (it may work later: time-out, lost connection, 429, 5xx).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

from pydantic import BaseModel

from .data.formats import Format

State = Literal["queued", "running", "succeeded", "failed", "cancelled"]
ENDED: frozenset[State] = frozenset({"succeeded", "failed", "cancelled"})


@dataclass(frozen=True, slots=True)
class Order:
    """One training run, as a provider is asked for it."""

    tag: str
    """`ts-` and 16 hex digits: letters, digits and dashes only, at most 20 characters."""
    base: str
    """The base model, as the provider names it."""
    parameters: Mapping[str, Any]
    """Checked by the provider's `Parameters`; only what the sweep says."""
    train: Path
    """Examples in the provider's format."""
    validation: Path | None = None
    job: str = ""
    """Its name, and that of its sweep: for those who look at it, and no part of what it is."""
    sweep: str = ""


@dataclass(frozen=True, slots=True)
class Loss:
    """Losses at one step; None where none was measured there."""

    step: int
    """Of the training."""
    train: float | None = None
    """On the examples that are learnt from."""
    validation: float | None = None
    """On those that are set aside."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a job stands, in the provider's words where there are any."""

    state: State
    model: str = ""
    """LiteLLM name by which the tuned model is called; empty until there is one."""
    why: str = ""
    """Why it failed, or waits, fit to show: one line, no key in it."""
    tokens: int | None = None
    """Trained tokens, over all epochs."""
    dollars: float | None = None
    """What it cost, where the provider says so."""
    step: int | None = None
    steps: int | None = None
    events: Sequence[str] = ()
    """The provider's own log, oldest first, one line each."""
    losses: Sequence[Loss] = ()
    seconds: float | None = None
    """Of training alone, where somebody measured it."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """A tuned model that is kept running, and costs money while it is."""

    id: str
    model: str
    """LiteLLM name."""
    state: str
    """In the provider's words."""
    tag: str = ""
    """The job it is of; empty for one that was not made here."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the provider takes. None where it says nothing."""

    bytes: int | None = None
    """Of one file."""
    examples: int | None = None
    least_examples: int = 1
    tokens: int | None = None
    """Of one example."""


class Provider(Protocol):
    """Whoever trains. Methods talk to it and block; none is called twice for one thing, but after an error."""

    name: str
    parameters: type[BaseModel]
    """What a sweep may give under `parameters`, with their ranges: unknown keys are refused."""
    format: Format
    """What its files hold."""
    limits: Limits
    deploys: bool
    """Whether a tuned model has to be deployed before it answers."""

    def lacking(self) -> str | None:
        """Why nothing can be asked for here, as words for the user (the variable, the extra); None where it can."""
        ...

    def price(self, order: Order, tokens: int) -> float | None:
        """Dollars for training on so many tokens in all (epochs counted); None where no price is known."""
        ...

    def upload(self, file: Path, tag: str) -> str:
        """Hand over a file of examples; what the provider calls it. The same content is uploaded once."""
        ...

    def submit(self, order: Order, train: str, validation: str | None) -> str:
        """Start the job on uploaded files; what the provider calls it."""
        ...

    def find(self, tag: str) -> str | None:
        """The job that carries the tag, where there is one; what the provider calls it."""
        ...

    def standing(self, job: str) -> Standing:
        """How the job stands now, with its events and losses so far."""
        ...

    def cancel(self, job: str) -> None:
        """Stop it. A job that has ended is left as it is."""
        ...

    def deploy(self, model: str, tag: str) -> Deployment:
        """Make the tuned model answer; one that is there already is not made again."""
        ...

    def deployments(self) -> Sequence[Deployment]:
        """What is running now, of this project's jobs."""
        ...

    def undeploy(self, deployment: str) -> None:
        """Tear it down; one that is gone already is no error."""
        ...


@runtime_checkable
class Particular(Protocol):
    """A provider that can do some orders here, and others not."""

    def lacking_for(self, order: Order) -> str | None:
        """Why this one cannot be done here, as words for the user; None where it can."""
        ...


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a provider is reached: its usual place, or an emulator of it."""

    base_url: str | None = None
    key: str = field(default="", repr=False)
