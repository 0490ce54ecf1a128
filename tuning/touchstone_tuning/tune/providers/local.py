"""This machine as a provider: a LoRA run in a process of its own, which `advance` starts. Owns no training.

A job is a folder, named after its tag, under `.touchstone/tunes/`. One job trains at a time.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel

from touchstone.errors import CallRefused, ModelUnavailable
from touchstone.places import Places

from ..data.formats import Format
from ..local.bases import find_base
from ..local.desk import Desk, Work
from ..local.settings import Settings
from ..local.tracking import environment, missing
from ..local.turn import take, taken
from ..provider import Deployment, Limits, Order, Standing

NEEDED = ("torch", "transformers", "peft", "trl", "gguf")
INSTALL = "training here needs torch and more: make train, or pip install 'pytest-touchstone[train]'"
ANOTHER = "another job is being trained"
STOPPED = 3
"""Exit code of a training process that was asked to stop, or found another at work."""
USUAL = {"TOKENIZERS_PARALLELISM": "false", "PYTHONUNBUFFERED": "1"}
"""Variables of a training process."""
UNLESS_SET = {"OMP_WAIT_POLICY": "passive"}
"""Variables where the environment says nothing. Threads that wait by spinning keep each other from the processor where
other work runs beside; those that sleep do not."""


class Local:
    """Trains here. What it is asked for costs nothing, and needs no deployment."""

    name = "local"
    parameters: type[BaseModel] = Settings
    format: Format = "hf-completion"
    limits = Limits(tokens=Settings().max_tokens)
    deploys = False

    def __init__(self, places: Places) -> None:
        self.places = places
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def lacking(self) -> str | None:
        """The extra, where one of its packages is not there."""
        return None if all(importlib.util.find_spec(name) for name in NEEDED) else INSTALL

    def lacking_for(self, order: Order) -> str | None:
        """A package that its `report_to` needs, or its weights, where they are not here."""
        try:
            find_base(order.base, self.places.root)
        except ModelUnavailable as error:
            return str(error)
        return missing(Settings.model_validate(dict(order.parameters)).report_to)

    def price(self, order: Order, tokens: int) -> float | None:
        """Nothing but time."""
        return 0.0

    def upload(self, file: Path, tag: str) -> str:
        """A copy in the job's folder, so that a file that changes changes no run."""
        desk = self._desk(tag)
        desk.folder.mkdir(parents=True, exist_ok=True)
        copy = desk.folder / file.name
        shutil.copyfile(file, copy)
        return str(copy)

    def submit(self, order: Order, train: str, validation: str | None) -> str:
        """Put the order on its desk; `advance` does it. One that failed or was cancelled goes on from its checkpoint.

        Raises CallRefused for weights that are not here, and a package that is not.
        """
        if why := self.lacking_for(order):
            raise CallRefused(why)
        work = _work(order, train, validation, str(self.places.root))
        desk = self._desk(order.tag)
        desk.end.unlink(missing_ok=True)
        desk.cancelled.unlink(missing_ok=True)
        desk.write(desk.order, work)
        return order.tag

    def find(self, tag: str) -> str | None:
        """The tag itself, where its order lies and was neither cancelled nor done in vain."""
        desk = self._desk(tag)
        end = desk.ended()
        return tag if desk.order.is_file() and not desk.cancelled.exists() and (end is None or end.ok) else None

    def advance(self, job: str) -> None:
        """See that somebody trains: starts a process, unless this or another job of the checkout has one."""
        desk = self._desk(job)
        if not desk.order.is_file() or desk.ended() or desk.cancelled.exists() or self._died(job, desk):
            return
        if any(one.held() for one in self._desks()):
            return
        with take(self._tunes, job) as turn:
            if turn is not None:
                self._running[job] = self._start(desk, turn)

    def standing(self, job: str) -> Standing:
        """As its folder tells. Raises CallRefused for a job of another machine."""
        desk = self._desk(job)
        if not desk.order.is_file():
            hint = "wait for it there, or delete its file in tuning/jobs and submit it here"
            raise CallRefused(f"{job} was submitted on another machine: {hint}")
        told, end = desk.told(), desk.ended()
        step = max((int(one["step"]) for one in told), default=None)
        steps = int(told[-1]["steps"]) if told and "steps" in told[-1] else None
        losses = desk.measured()
        if end is not None:
            if job in self._running:
                self._running.pop(job).wait()  # it has written its last word, and is on its way out
            tokens, model = end.tokens or None, str(desk.adapter) if end.ok else ""
            state = "succeeded" if end.ok else "failed"
            return Standing(state, model, end.why, tokens, 0.0, step, steps, (), losses, end.seconds or None)  # type: ignore[arg-type]
        if desk.cancelled.exists():
            return Standing("cancelled", step=step, steps=steps, losses=losses)
        if why := self._died(job, desk):
            return Standing("failed", why=why, step=step, steps=steps, losses=losses)
        turn = taken(self._tunes)
        running = turn == job or desk.held()
        why = ANOTHER if turn and not running else ""
        return Standing("running" if running else "queued", why=why, step=step, steps=steps, losses=losses)

    def cancel(self, job: str) -> None:
        """Leave word: whoever trains stops behind the next step."""
        desk = self._desk(job)
        if desk.ended() is None and desk.order.is_file():
            desk.cancelled.touch()

    def deploy(self, model: str, tag: str) -> Deployment:
        """Nothing is to be deployed: the adapter is loaded where the evals run."""
        raise CallRefused("a model that was tuned here needs no deployment: touchstone tune register")

    def deployments(self) -> Sequence[Deployment]:
        """None."""
        return ()

    def undeploy(self, deployment: str) -> None:
        """Nothing to tear down."""

    @property
    def _tunes(self) -> Path:
        """Where the folders of all jobs of the checkout lie."""
        return self.places.state / "tunes"

    def _desk(self, tag: str) -> Desk:
        return Desk(self._tunes / tag)

    def _desks(self) -> list[Desk]:
        return [Desk(path.parent) for path in self._tunes.glob("*/order.json")]

    def _start(self, desk: Desk, turn: int) -> subprocess.Popen[bytes]:
        with desk.log.open("ab") as log:
            command = [sys.executable, "-m", "touchstone_tuning.tune.local.training", str(desk.folder)]
            variables = environment(desk, desk.work(), {**UNLESS_SET, **os.environ, **USUAL})
            return subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=variables, pass_fds=[turn]
            )

    def _died(self, job: str, desk: Desk) -> str:
        """Why the process that this one started is gone without an end; empty where it is not."""
        process = self._running.get(job)
        if process is None or process.poll() in (None, 0, STOPPED):
            return ""
        return f"the training process ended with {process.returncode}: see log.txt in .touchstone/tunes/{job}"


def _work(order: Order, train: str, validation: str | None, root: str) -> Work:
    settings = Settings.model_validate(dict(order.parameters))
    named = {"name": order.job, "project": order.sweep or Work.model_fields["project"].default}
    return Work(
        tag=order.tag, base=order.base, settings=settings, train=train, validation=validation, root=root, **named
    )
