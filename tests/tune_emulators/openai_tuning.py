"""OpenAI's files and fine-tuning, emulated in the shapes of its API reference: /v1/files and /v1/fine_tuning/jobs.

A job goes one step on at each poll of it: validating_files, queued, running (with metrics), succeeded.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from tests.tune_emulators.emulator import Emulator, Part, Seen

BASES = ("gpt-4.1-mini-2025-04-14", "gpt-4.1-nano-2025-04-14", "gpt-4o-mini-2024-07-18")
WAY = ("validating_files", "queued", "running", "running", "succeeded")
ENDED = ("succeeded", "failed", "cancelled")
QUOTA = {
    "error": {
        "message": "You exceeded your current quota, please check your plan and billing details.",
        "type": "insufficient_quota",
        "param": None,
        "code": "insufficient_quota",
    }
}
"""To be given with 429."""
LEAST = 10
STEPS = 4
"""Metrics that a job's two running polls write, two each."""


def wrong(message: str, *, param: str | None = None, code: str | None = None, status: int = 400) -> Response:
    """OpenAI's shape of an error."""
    kind = "invalid_request_error"
    return JSONResponse({"error": {"message": message, "type": kind, "param": param, "code": code}}, status)


@dataclass
class OpenAITuning(Emulator):
    """The state of one organization."""

    key: str = "sk-proj-emulated-0123456789abcdef"
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    contents: dict[str, bytes] = field(default_factory=dict)
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    events: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """By job, the oldest first."""
    will_fail: str = ""
    """Words with which the jobs fail while running; empty for none."""
    filters: bool = True
    """Whether jobs are listed by metadata where that is asked; not all that speak OpenAI's API do."""
    page: int = 100
    """Most entries of a page, whatever is asked for."""

    def routes(self) -> Sequence[BaseRoute]:
        return [
            Route("/v1/files", self.create_file, methods=["POST"]),
            Route("/v1/files", self.list_files),
            Route("/v1/fine_tuning/jobs", self.create_job, methods=["POST"]),
            Route("/v1/fine_tuning/jobs", self.list_jobs),
            Route("/v1/fine_tuning/jobs/{id}", self.poll),
            Route("/v1/fine_tuning/jobs/{id}/events", self.list_events),
            Route("/v1/fine_tuning/jobs/{id}/checkpoints", self.list_checkpoints),
            Route("/v1/fine_tuning/jobs/{id}/cancel", self.cancel, methods=["POST"]),
        ]

    def refused(self) -> Response:
        given = self.seen[-1].headers.get("authorization", "").removeprefix("Bearer ")
        # The real one stars the middle out; the whole key is the harder test of those who show the words.
        return wrong(f"Incorrect API key provided: {given}.", code="invalid_api_key", status=401)

    async def create_file(self, request: Request) -> Response:
        seen: Seen = request.scope["seen"]
        parts = seen.parts()
        if parts["purpose"].content != b"fine-tune":
            return wrong("Invalid value for 'purpose'.", param="purpose")
        if fault := _bad_lines(parts["file"]):
            return wrong(fault)
        return JSONResponse(self._kept(parts["file"]))

    def _kept(self, part: Part) -> dict[str, Any]:
        id = f"file-{len(self.files) + 1}"
        self.contents[id] = part.content
        self.files[id] = {
            "id": id,
            "object": "file",
            "bytes": len(part.content),
            "created_at": 1_760_000_000,
            "filename": part.filename,
            "purpose": "fine-tune",
            "status": "processed",
        }
        return self.files[id]

    async def list_files(self, request: Request) -> Response:
        return self._paged(request, list(self.files.values()))

    async def create_job(self, request: Request) -> Response:
        body = request.scope["seen"].json
        if fault := self._bad_job(body):
            return fault
        id = f"ftjob-{len(self.jobs) + 1}"
        self.jobs[id] = _job(id, body)
        self.events[id] = []
        self._log(id, f"Created fine-tuning job: {id}")
        self._log(id, f"Validating training file: {body['training_file']}")
        return JSONResponse(self.jobs[id])

    def _bad_job(self, body: Mapping[str, Any]) -> Response | None:
        if body.get("model") not in BASES:
            return wrong(
                f"Model {body.get('model')} is not available for fine-tuning or does not exist.",
                param="model",
                code="model_not_available",
            )
        for name in ("training_file", "validation_file"):
            if body.get(name) is not None and body[name] not in self.files:
                return wrong(f"invalid {name}: {body[name]}", param=name)
        if body["method"]["type"] != "supervised" or len(body.get("metadata") or {}) > 16:
            return wrong("Invalid method or metadata.")
        return None

    async def list_jobs(self, request: Request) -> Response:
        asked = {k[9:-1]: v for k, v in request.query_params.items() if k.startswith("metadata[")}
        wanted = asked if self.filters else {}
        jobs = [j for j in self.jobs.values() if wanted.items() <= (j["metadata"] or {}).items()]
        return self._paged(request, jobs[::-1])

    async def poll(self, request: Request) -> Response:
        job = self.jobs.get(request.path_params["id"])
        if job is None:
            return wrong(f"Could not find fine tune: {request.path_params['id']}", status=404)
        if job["status"] not in ENDED:
            self._step(job)
        return JSONResponse(_shown(job))

    def _step(self, job: dict[str, Any]) -> None:
        job["_polls"] += 1
        job["status"] = WAY[min(job["_polls"], len(WAY) - 1)]
        if self.contents[job["training_file"]].strip().count(b"\n") + 1 < LEAST:
            self._fail(job, "invalid_training_file", f"Training file must have at least {LEAST} examples")
        elif job["status"] == "running":
            self._train(job)
        elif job["status"] == "succeeded":
            self._succeed(job)

    def _train(self, job: dict[str, Any]) -> None:
        if self.will_fail:
            return self._fail(job, "server_error", self.will_fail)
        done = sum(e["type"] == "metrics" for e in self.events[job["id"]])
        for step in range(done + 1, done + 1 + STEPS // 2):
            data = {"step": step, "total_steps": STEPS, "train_loss": 2.0 / step, "train_mean_token_accuracy": 0.5}
            if job["validation_file"]:
                data["valid_loss"] = 2.2 / step
            words = f"Step {step}/{STEPS}: training loss={data['train_loss']:.2f}"
            self._log(job["id"], words, kind="metrics", data=data)
        return None

    def _fail(self, job: dict[str, Any], code: str, message: str) -> None:
        job.update(status="failed", error={"code": code, "message": message, "param": None})
        self._log(job["id"], f"The job failed: {message}", level="error")

    def _succeed(self, job: dict[str, Any]) -> None:
        tokens = len(self.contents[job["training_file"]].split())
        job["fine_tuned_model"] = f"ft:{job['model']}:emulated:{job['_suffix']}:{job['id'][6:]}"
        job["trained_tokens"] = tokens * 3
        job["finished_at"] = 1_760_000_100
        self._log(job["id"], "New fine-tuned model created")
        self._log(job["id"], "The job has successfully completed")

    def _log(self, id: str, message: str, *, level: str = "info", kind: str = "message", data: Any = None) -> None:
        event = {
            "object": "fine_tuning.job.event",
            "id": f"ftevent-{id}-{len(self.events[id])}",
            "created_at": 1_760_000_000 + len(self.events[id]),
            "level": level,
            "message": message,
            "type": kind,
            "data": data or {},
        }
        self.events[id].append(event)

    async def list_events(self, request: Request) -> Response:
        return self._paged(request, self.events[request.path_params["id"]][::-1])

    async def list_checkpoints(self, request: Request) -> Response:
        job = self.jobs[request.path_params["id"]]
        metrics = {"step": STEPS, "train_loss": 0.5, "valid_loss": 0.55, "full_valid_loss": 0.6}
        checkpoint = {
            "object": "fine_tuning.job.checkpoint",
            "id": f"ftckpt_{job['id']}",
            "created_at": 1_760_000_090,
            "fine_tuned_model_checkpoint": f"{job['fine_tuned_model']}:ckpt-step-{STEPS}",
            "fine_tuning_job_id": job["id"],
            "metrics": metrics if job["validation_file"] else {"step": STEPS, "train_loss": 0.5},
            "step_number": STEPS,
        }
        return self._paged(request, [checkpoint] if job["status"] == "succeeded" else [])

    async def cancel(self, request: Request) -> Response:
        job = self.jobs[request.path_params["id"]]
        if job["status"] in ENDED:
            return wrong(f"Job has already completed: {job['id']}", code="invalid_state")
        job["status"] = "cancelled"
        self._log(job["id"], "The job was cancelled")
        return JSONResponse(_shown(job))

    def _paged(self, request: Request, entries: Sequence[Mapping[str, Any]]) -> Response:
        after = request.query_params.get("after")
        ids = [entry["id"] for entry in entries]
        start = ids.index(after) + 1 if after else 0
        size = min(int(request.query_params.get("limit", 20)), self.page)
        shown = [_shown(entry) for entry in entries[start : start + size]]
        more = start + size < len(entries)
        ends = {"first_id": shown[0]["id"], "last_id": shown[-1]["id"]} if shown else {}
        return JSONResponse({"object": "list", "data": shown, "has_more": more, **ends})


def _bad_lines(part: Part) -> str:
    """Why the file is not taken; empty where it is."""
    for at, line in enumerate(part.content.decode().splitlines(), 1):
        try:
            value = json.loads(line)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            return f"Expected file to have JSONL format, where every line is a JSON dictionary. Line {at} is not."
    return ""


def _job(id: str, body: Mapping[str, Any]) -> dict[str, Any]:
    hyper = body["method"]["supervised"]["hyperparameters"]
    return {
        "object": "fine_tuning.job",
        "id": id,
        "model": body["model"],
        "created_at": 1_760_000_000,
        "finished_at": None,
        "fine_tuned_model": None,
        "organization_id": "org-emulated",
        "result_files": [],
        "status": "validating_files",
        "validation_file": body.get("validation_file"),
        "training_file": body["training_file"],
        "hyperparameters": dict.fromkeys(("n_epochs", "batch_size", "learning_rate_multiplier"), "auto") | hyper,
        "trained_tokens": None,
        "error": {"code": None, "message": None, "param": None},
        "seed": body.get("seed", 7),
        "estimated_finish": None,
        "integrations": [],
        "metadata": body.get("metadata"),
        "method": body["method"],
        "_suffix": body.get("suffix") or "",
        "_polls": 0,
    }


def _shown(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if not name.startswith("_")}
