"""Fireworks' control plane, emulated: datasets, supervised jobs, deployments, as its gateway answers for them.

A job goes one state on whenever it is looked at. A torn down deployment stays known as DELETED, as it does there.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from tests.tune_emulators.emulator import Emulator, Seen

ACCOUNT = "alice"
BASES = frozenset({"accounts/fireworks/models/llama-v3p1-8b-instruct", "accounts/fireworks/models/qwen2p5-72b"})
WAY = ("JOB_STATE_CREATING", "JOB_STATE_VALIDATING", "JOB_STATE_RUNNING", "JOB_STATE_COMPLETED")
ENDED = frozenset({"JOB_STATE_COMPLETED", "JOB_STATE_FAILED", "JOB_STATE_CANCELLED"})
KNOWN = (
    *("baseModel", "dataset", "evaluationDataset", "displayName", "epochs", "learningRate", "loraRank", "batchSize"),
    *("batchSizeSamples", "gradientAccumulationSteps", "learningRateWarmupSteps", "maxContextLength", "earlyStop"),
    *("evalAutoCarveout", "optimizerWeightDecay"),
)
METRICS = [
    {"step": 1, "train_loss": 2.5, "learning_rate": 0.0001},
    {"step": 2, "train_loss": 1.25},
    {"step": 2, "eval_loss": 1.5},
]


@dataclass
class FireworksTuning(Emulator):
    """One account and what it holds, by resource names without the account."""

    datasets: dict[str, dict[str, Any]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    deployments: dict[str, dict[str, Any]] = field(default_factory=dict)
    fate: str = ""
    """Why the next jobs fail once they run; empty for those that succeed."""
    logs: bool = False
    """Whether the account may read the logs of the trainer."""
    metrics_file: str = "".join(json.dumps(line) + "\n" for line in METRICS)

    def routes(self) -> list[BaseRoute]:
        home = f"/v1/accounts/{ACCOUNT}"
        return [
            Route(f"{home}/datasets", self.create_dataset, methods=["POST"]),
            Route(f"{home}/datasets/{{name}}:upload", self.upload, methods=["POST"]),
            Route(f"{home}/datasets/{{name}}", self.get_dataset),
            Route(f"{home}/supervisedFineTuningJobs", self.create_job, methods=["POST"]),
            Route(f"{home}/supervisedFineTuningJobs/{{name}}:cancel", self.cancel_job, methods=["POST"]),
            Route(f"{home}/supervisedFineTuningJobs/{{name}}", self.get_job),
            Route(f"{home}/deployments", self.create_deployment, methods=["POST"]),
            Route(f"{home}/deployments", self.list_deployments),
            Route(f"{home}/deployments/{{name}}:undelete", self.undelete_deployment, methods=["POST"]),
            Route(f"{home}/deployments/{{name}}", self.get_deployment, methods=["GET"]),
            Route(f"{home}/deployments/{{name}}", self.delete_deployment, methods=["DELETE"]),
            Route("/signed/metrics", self.metrics),
            Route("/signed/logs", self.trainer_logs),
        ]

    def refused(self) -> Response:
        return wrong(401, 16, "The API key you provided is invalid.")

    def taken(self, request: Request) -> bool:
        """Signed addresses are to be asked without the key, all others with it."""
        if request.url.path.startswith("/signed/"):
            return "authorization" not in request.headers
        return super().taken(request)

    async def create_dataset(self, request: Request) -> Response:
        body = asked(request).json
        name = body["datasetId"]
        if name in self.datasets:
            return wrong(409, 6, f"dataset {name} already exists")
        full = f"accounts/{ACCOUNT}/datasets/{name}"
        self.datasets[name] = {"name": full, "state": "UPLOADING", **body["dataset"]}
        return JSONResponse(self.datasets[name])

    async def upload(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in self.datasets:
            return missing(name)
        part = asked(request).parts()["file"]
        self.files[name] = part.content
        bad = fault_in(part.filename, part.content)
        self.datasets[name] |= {"state": "UPLOADING", "status": {"code": "OK" if not bad else "INVALID_ARGUMENT"}}
        self.datasets[name]["status"]["message"] = bad
        return JSONResponse({"id": name, "bytes": len(part.content), "filename": part.filename, "object": "file"})

    async def get_dataset(self, request: Request) -> Response:
        """A good one is READY from the second look on."""
        found = self.datasets.get(name := request.path_params["name"])
        if found is None:
            return missing(name)
        shown = dict(found)
        if name in self.files and found["status"]["code"] == "OK":
            found["state"] = "READY"
        return JSONResponse(shown)

    async def create_job(self, request: Request) -> Response:
        body, name = asked(request).json, request.query_params["supervisedFineTuningJobId"]
        if name in self.jobs:
            return wrong(409, 6, f"supervised fine-tuning job {name} already exists")
        if bad := self.fault_in_job(body):
            return wrong(400, 3, bad)
        full = f"accounts/{ACCOUNT}/supervisedFineTuningJobs/{name}"
        self.jobs[name] = {"name": full, "state": WAY[0], "outputModel": "", **body, "_why": self.fate}
        return JSONResponse(shown_job(self.jobs[name]))

    def fault_in_job(self, body: dict[str, Any]) -> str:
        """Why the gateway would not take it; empty for a good one."""
        ready = {f"accounts/{ACCOUNT}/datasets/{n}" for n, d in self.datasets.items() if d["state"] == "READY"}
        if unknown := set(body) - set(KNOWN):
            return f"unknown field {sorted(unknown)}"
        if body.get("baseModel") not in BASES:
            return f"model {body.get('baseModel')} not found or not tunable"
        wanted = {body["dataset"], body.get("evaluationDataset", body["dataset"])}
        return "" if wanted <= ready else f"dataset {sorted(wanted - ready)} is not ready"

    async def get_job(self, request: Request) -> Response:
        job = self.jobs.get(name := request.path_params["name"])
        if job is None:
            return missing(name)
        shown = shown_job(job)
        self.advance(job)
        return JSONResponse(shown)

    def advance(self, job: dict[str, Any]) -> None:
        """One state on; what it has by then comes with it."""
        if job["state"] in ENDED:
            return
        job["state"] = WAY[WAY.index(job["state"]) + 1]
        if job["state"] == "JOB_STATE_RUNNING":
            job["jobProgress"] = {"percent": 40, "epoch": 1}
            job["estimatedCost"] = {"currencyCode": "USD", "units": "1", "nanos": 250_000_000}
        if job["state"] == "JOB_STATE_COMPLETED":
            self.end(job)

    def end(self, job: dict[str, Any]) -> None:
        job["metricsFileSignedUrl"] = f"{self.url}/signed/metrics"
        job["outputModel"] = f"accounts/{ACCOUNT}/models/{job['name'].rpartition('/')[2]}"
        if self.logs:
            job["trainerLogsSignedUrl"] = f"{self.url}/signed/logs"
        if job["_why"]:
            job |= {"state": "JOB_STATE_FAILED", "status": {"code": "INTERNAL", "message": job["_why"]}}

    async def cancel_job(self, request: Request) -> Response:
        job = self.jobs.get(name := request.path_params["name"])
        if job is None:
            return missing(name)
        if job["state"] in ENDED:
            return wrong(400, 9, f"job {name} is in a terminal state")
        job["state"] = "JOB_STATE_CANCELLED"
        return JSONResponse({})

    async def create_deployment(self, request: Request) -> Response:
        body, name = asked(request).json, request.query_params["deploymentId"]
        if name in self.deployments:
            return wrong(409, 6, f"deployment {name} already exists")
        if body["baseModel"] not in {j["outputModel"] for j in self.jobs.values()}:
            return wrong(404, 5, f"model {body['baseModel']} not found")
        self.deployments[name] = {**body, "name": f"accounts/{ACCOUNT}/deployments/{name}", "state": "CREATING"}
        return JSONResponse(self.deployments[name])

    async def list_deployments(self, request: Request) -> Response:
        """Two on a page, so that a reader of one page only misses some."""
        start = int(request.query_params.get("pageToken", 0))
        alive = [d for d in self.deployments.values() if d["state"] != "DELETED"]
        more = {"nextPageToken": str(start + 2)} if len(alive) > start + 2 else {}
        return JSONResponse({"deployments": alive[start : start + 2], "totalSize": len(alive), **more})

    async def get_deployment(self, request: Request) -> Response:
        found = self.deployments.get(name := request.path_params["name"])
        if found is None:
            return missing(name)
        shown = dict(found)
        if found["state"] == "CREATING":
            found["state"] = "READY"
        return JSONResponse(shown)

    async def delete_deployment(self, request: Request) -> Response:
        found = self.deployments.get(name := request.path_params["name"])
        if found is None or found["state"] == "DELETED":
            return missing(name)
        if request.query_params.get("ignoreChecks") != "true":
            return wrong(400, 9, f"deployment {name} has been used within the last hour")
        found["state"] = "DELETED"
        return JSONResponse({})

    async def undelete_deployment(self, request: Request) -> Response:
        found = self.deployments[request.path_params["name"]]
        found["state"] = "CREATING"
        return JSONResponse(found)

    async def metrics(self, _: Request) -> Response:
        return PlainTextResponse(self.metrics_file)

    async def trainer_logs(self, _: Request) -> Response:
        return PlainTextResponse("loading the base model\ntraining\n")


def asked(request: Request) -> Seen:
    seen = request.scope["seen"]
    assert isinstance(seen, Seen)
    return seen


def shown_job(job: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in job.items() if not k.startswith("_")}


def missing(name: str) -> Response:
    return wrong(404, 5, f"{name} not found")


def wrong(status: int, code: int, message: str) -> Response:
    """An error in the form of a gRPC gateway."""
    return JSONResponse({"code": code, "message": message, "details": []}, status)


def fault_in(filename: str, content: bytes) -> str:
    """What is wrong with a dataset; empty for a good one."""
    if not filename.endswith(".jsonl"):
        return "the file is not called .jsonl"
    for number, line in enumerate(content.splitlines(), 1):
        try:
            said = json.loads(line)["messages"]
        except (ValueError, KeyError, TypeError):
            return f"line {number} has no messages"
        if said[-1]["role"] != "assistant":
            return f"line {number} does not end with the assistant"
    return ""
