"""Together's files, fine-tunes, models and dedicated endpoints, emulated in the shapes that its SDK 3.1 parses.

A job goes one step on at each poll of it. A file comes in three requests: where to, its bytes, and that it is there.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from tests.tune_emulators.emulator import Emulator, Seen

BASE = "Qwen/Qwen3-8B"
PROJECT = "proj_emulated"
SLUG = "emulated"
WAY = ("pending", "queued", "running", "uploading", "completed")
ENDED = ("completed", "error", "cancelled")
STEPS = 4
BROKE = {
    "error": {"message": "Insufficient credits: please add a payment method", "type": "credit_limit", "code": None}
}
"""To be given with 402."""
LIMITS = {
    "model_name": BASE,
    "default_gradient_accumulation_steps": 1,
    "lora_training": {
        "default_rank": 8,
        "max_rank": 64,
        "min_batch_size": 8,
        "max_batch_size": 32,
        "max_batch_size_dpo": 16,
        "target_modules": ["q_proj", "v_proj"],
    },
    "max_learning_rate": 0.01,
    "min_learning_rate": 1e-8,
    "max_num_checkpoints": 10,
    "max_num_epochs": 20,
    "max_num_evals": 100,
    "max_seq_length_dpo": 8192,
    "max_seq_length_sft": 8192,
    "min_max_seq_length": 256,
    "merge_output_lora": True,
    "supports_full_training": False,
    "supports_reasoning": False,
    "supports_tools": True,
    "supports_vision": False,
}


def wrong(message: str, status: int = 400, code: str | None = None) -> Response:
    """Together's shape of an error."""
    kind = "invalid_request_error"
    return JSONResponse({"error": {"message": message, "type": kind, "param": None, "code": code}}, status)


def at(second: int) -> str:
    return f"2026-01-01T00:00:{second:02d}Z"


@dataclass
class TogetherTuning(Emulator):
    """The state of one project."""

    key: str = "tgp_v1_emulated-0123456789"
    of_project: bool = True
    """Whether the key is a project's own, as against an organization's."""
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    """All that was asked for; those with bytes are listed."""
    contents: dict[str, bytes] = field(default_factory=dict)
    checksums: dict[str, str] = field(default_factory=dict)
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    events: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    metrics: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    models: dict[str, dict[str, Any]] = field(default_factory=dict)
    endpoints: dict[str, dict[str, Any]] = field(default_factory=dict)
    will_fail: str = ""
    """Words with which the jobs fail while running; empty for none."""

    def routes(self) -> Sequence[BaseRoute]:
        project, tunes = f"/v2/projects/{PROJECT}", "/v1/fine-tunes"
        endpoint, deployment = f"{project}/endpoints/{{id}}", f"{project}/endpoints/{{id}}/deployments/{{deployment}}"
        return [
            Route("/v1/files", self.announce_file, methods=["POST"]),
            Route("/upload/{id}", self.take_bytes, methods=["PUT"]),
            Route("/v1/files/{id}/preprocess", self.preprocess, methods=["POST"]),
            Route("/v1/files", self.list_files),
            Route("/v1/files/{id}", self.retrieve_file),
            Route(f"{tunes}/models/limits", self.limits),
            Route(f"{tunes}/estimate-price", self.estimate, methods=["POST"]),
            Route(tunes, self.create_job, methods=["POST"]),
            Route(tunes, self.list_jobs),
            Route(f"{tunes}/{{id}}", self.poll),
            Route(f"{tunes}/{{id}}/events", self.list_events),
            Route(f"{tunes}/{{id}}/metrics", self.list_metrics),
            Route(f"{tunes}/{{id}}/cancel", self.cancel, methods=["POST"]),
            Route("/v3/whoami", self.whoami),
            Route(f"{project}/models", self.list_models),
            Route(f"{project}/configs", self.list_configs),
            Route(f"{project}/endpoints", self.create_endpoint, methods=["POST"]),
            Route(f"{project}/endpoints", self.list_endpoints),
            Route(endpoint, self.retrieve_endpoint),
            Route(endpoint, self.update_endpoint, methods=["PATCH"]),
            Route(endpoint, self.delete_endpoint, methods=["DELETE"]),
            Route(f"{endpoint}/deployments", self.create_deployment, methods=["POST"]),
            Route(deployment, self.update_deployment, methods=["PATCH"]),
            Route(deployment, self.delete_deployment, methods=["DELETE"]),
        ]

    def taken(self, request: Request) -> bool:
        # The bytes of a file go to a signed address of the store's, and need no key.
        return request.url.path.startswith("/upload/") or super().taken(request)

    def refused(self) -> Response:
        given = self.seen[-1].headers.get("authorization", "").removeprefix("Bearer ")
        return wrong(f"Invalid API key provided: {given}", 401, "invalid_api_key")

    # Files

    async def announce_file(self, request: Request) -> Response:
        seen: Seen = request.scope["seen"]
        form = _form(seen)
        if form.get("purpose") != "fine-tune" or form.get("file_type") not in ("jsonl", "csv", "parquet"):
            return wrong("Invalid purpose or file type")
        if known := self.checksums.get(form["checksum"]):
            return JSONResponse({"file_id": known}, 409)
        id = f"file-{len(self.files) + 1}"
        self.files[id] = _file(id, form) | {"_checksum": form["checksum"]}
        headers = {"location": f"{self.url}/upload/{id}", "x-together-file-id": id}
        return Response(status_code=302, headers=headers)

    async def take_bytes(self, request: Request) -> Response:
        id = request.path_params["id"]
        self.contents[id] = request.scope["seen"].body
        self.files[id]["bytes"] = len(self.contents[id])
        self.checksums[self.files[id]["_checksum"]] = id
        return Response()

    async def preprocess(self, request: Request) -> Response:
        file = self.files[request.path_params["id"]]
        fault = _bad_lines(self.contents[file["id"]])
        file["processing_status"] = "INVALID_FORMAT" if fault else "COMPLETED"
        report = {"valid": False, "error_type": "INVALID_FORMAT", "error": fault} if fault else {"valid": True}
        file["validation_report"] = report
        return JSONResponse(_shown(file))

    async def list_files(self, request: Request) -> Response:
        return JSONResponse({"data": [_shown(file) for id, file in self.files.items() if id in self.contents]})

    async def retrieve_file(self, request: Request) -> Response:
        return JSONResponse(_shown(self.files[request.path_params["id"]]))

    # Jobs

    async def limits(self, request: Request) -> Response:
        name = request.query_params["model_name"]
        return JSONResponse(LIMITS) if name == BASE else wrong(f"Model {name} is not supported for fine-tuning", 404)

    async def estimate(self, request: Request) -> Response:
        return JSONResponse(
            {
                "estimation_available": True,
                "allowed_to_proceed": True,
                "estimated_total_price": 0.01,
                "user_limit": 25.0,
            }
        )

    async def create_job(self, request: Request) -> Response:
        body = request.scope["seen"].json
        if fault := self._bad_job(body):
            return wrong(fault)
        id = f"ft-{len(self.jobs) + 1}"
        self.jobs[id] = _job(id, body)
        self.events[id], self.metrics[id] = [], []
        self._log(id, "job_pending", "Fine tune request created")
        return JSONResponse(_shown(self.jobs[id]))

    def _bad_job(self, body: Mapping[str, Any]) -> str:
        if body["training_file"] not in self.contents:
            return f"Training file {body['training_file']} not found"
        if len(body.get("suffix") or "") > 40:
            return "suffix is longer than 40 characters"
        if body.get("n_evals", 0) > 0 and body.get("validation_file") not in self.contents:
            return "n_evals needs a validation file"
        return ""

    async def list_jobs(self, request: Request) -> Response:
        return JSONResponse({"data": [_shown(job) for job in self.jobs.values()]})

    async def poll(self, request: Request) -> Response:
        job = self.jobs.get(request.path_params["id"])
        if job is None:
            return wrong(f"Job {request.path_params['id']} not found", 404)
        if job["status"] not in ENDED:
            self._step(job)
        return JSONResponse(_shown(job))

    def _step(self, job: dict[str, Any]) -> None:
        job["_polls"] += 1
        job["status"] = WAY[min(job["_polls"], len(WAY) - 1)]
        if job["status"] == "running":
            self._train(job)
        elif job["status"] == "completed":
            self._complete(job)

    def _train(self, job: dict[str, Any]) -> None:
        id = job["id"]
        self._log(id, "training_start", f"Training started for model {job['model']}")
        for step in range(1, STEPS + 1):
            self.metrics[id].append({"train/global_step": step, "train/loss": 2.0 / step, "train/learning_rate": 1e-5})
        for evaluation in range(1, (job["n_evals"] or 0) + 1):
            row = {"train/global_step": STEPS * evaluation // job["n_evals"], "eval/loss": 2.4 / evaluation}
            self.metrics[id].append(row)
        if self.will_fail:
            job["status"] = "error"
            self._log(id, "job_error", self.will_fail, level="error")
            self._log(id, "refund", "Refunded")
        else:
            self._log(id, "epoch_complete", "Epoch completed", step=STEPS, total_steps=STEPS)

    def _complete(self, job: dict[str, Any]) -> None:
        name = job["model_output_name"].rpartition("/")[2]
        tokens = len(self.contents[job["training_file"]].split()) * job["n_epochs"]
        job |= {"token_count": tokens, "total_price": 480 * tokens, "model_object_name": f"{SLUG}/{name}"}
        self.models[f"ml_{job['id']}"] = _model(f"ml_{job['id']}", name)
        self._log(job["id"], "job_complete", "Training completed")

    def _log(self, id: str, kind: str, message: str, *, level: str = "info", **more: Any) -> None:
        event = {"object": "fine-tune-event", "created_at": at(len(self.events[id])), "level": level, "type": kind}
        self.events[id].append({**event, "message": message, **more})

    async def list_events(self, request: Request) -> Response:
        return JSONResponse({"data": self.events[request.path_params["id"]][::-1]})

    async def list_metrics(self, request: Request) -> Response:
        return JSONResponse({"metrics": self.metrics[request.path_params["id"]] or None})

    async def cancel(self, request: Request) -> Response:
        job = self.jobs.get(request.path_params["id"])
        if job is None:
            return wrong("Job not found", 404)
        if job["status"] in ENDED:
            return wrong(f"Job is already {job['status']}")
        job["status"] = "cancelled"
        self._log(job["id"], "cancel_requested", "Cancelled by user")
        return JSONResponse(_shown(job))

    # Endpoints

    async def whoami(self, request: Request) -> Response:
        who = {"api_key": {"id": "key_1"}, "organization": {"id": "org_1", "name": "Emulated"}}
        if not self.of_project:
            return JSONResponse({"type": "org_api_key", **who})
        return JSONResponse({"type": "project_api_key", **who, "project": {"id": PROJECT, "name": "P", "slug": SLUG}})

    async def list_models(self, request: Request) -> Response:
        return JSONResponse({"data": list(self.models.values())})

    async def list_configs(self, request: Request) -> Response:
        reference = request.query_params.get("referenceModelId")
        known = reference == "ml_base"
        return JSONResponse({"data": [_config("cr_big", "8"), _config("cr_small", "1")] if known else []})

    async def create_endpoint(self, request: Request) -> Response:
        name = f"{SLUG}/{request.scope['seen'].json['name']}"
        if any(endpoint["name"] == name for endpoint in self.endpoints.values()):
            return wrong(f"Endpoint {name} exists", 409)
        id = f"ep_{len(self.endpoints) + 1}_{time.monotonic_ns()}"
        self.endpoints[id] = _endpoint(id, name)
        return JSONResponse(self.endpoints[id])

    async def list_endpoints(self, request: Request) -> Response:
        after, entries = int(request.query_params.get("after", 0)), list(self.endpoints.values())
        more = {"next_cursor": str(after + 1)} if after + 1 < len(entries) else {}
        return JSONResponse({"data": entries[after : after + 1], **more})

    async def retrieve_endpoint(self, request: Request) -> Response:
        return self._endpoint_or_404(request)

    async def update_endpoint(self, request: Request) -> Response:
        endpoint, body = self.endpoints.get(request.path_params["id"]), request.scope["seen"].json
        if endpoint is not None:
            if body.get("etag", endpoint["etag"]) != endpoint["etag"]:
                return wrong("etag does not match", 412)
            endpoint["trafficSplit"] = body["trafficSplit"]
            endpoint["etag"] += "+"
        return self._endpoint_or_404(request)

    async def delete_endpoint(self, request: Request) -> Response:
        endpoint = self.endpoints.get(request.path_params["id"])
        if endpoint is not None and endpoint["deployments"]:
            return wrong("Endpoint has deployments; delete them first")
        answer = self._endpoint_or_404(request)
        self.endpoints.pop(request.path_params["id"], None)
        return answer if endpoint is None else JSONResponse({})

    def _endpoint_or_404(self, request: Request) -> Response:
        endpoint = self.endpoints.get(request.path_params["id"])
        return wrong("Endpoint not found", 404) if endpoint is None else JSONResponse(endpoint)

    async def create_deployment(self, request: Request) -> Response:
        endpoint, body = self.endpoints[request.path_params["id"]], request.scope["seen"].json
        if body["model"].rpartition("/")[2] not in self.models or not body["config"].startswith("projects/"):
            return wrong("Unknown model or config")
        if not 30 <= body["inactiveTimeout"] <= 1440:
            return wrong("inactiveTimeout must be from 30 to 1440")
        summary = _deployment(f"dep_{endpoint['id']}", f"{endpoint['name']}/{body['name']}", body)
        endpoint["deployments"].append(summary)
        status = {"state": summary["state"], "message": "Provisioning"}
        return JSONResponse(_full(summary) | {"status": status, "endpointId": endpoint["id"], "config": body["config"]})

    async def update_deployment(self, request: Request) -> Response:
        summary = self._deployment(request)
        if summary is None:
            return wrong("Deployment not found", 404)
        summary["autoscaling"] = request.scope["seen"].json["autoscaling"]
        stopped = summary["autoscaling"]["maxReplicas"] == 0
        summary["state"] = "DEPLOYMENT_STATE_STOPPED" if stopped else "DEPLOYMENT_STATE_PROVISIONING"
        return JSONResponse(_full(summary))

    async def delete_deployment(self, request: Request) -> Response:
        endpoint, summary = self.endpoints.get(request.path_params["id"]), self._deployment(request)
        if endpoint is None or summary is None:
            return wrong("Deployment not found", 404)
        if summary["state"] != "DEPLOYMENT_STATE_STOPPED" or endpoint["trafficSplit"]:
            return wrong("Deployment has replicas or traffic")
        endpoint["deployments"].remove(summary)
        return JSONResponse({})

    def _deployment(self, request: Request) -> dict[str, Any] | None:
        endpoint = self.endpoints.get(request.path_params["id"], {"deployments": []})
        return next((d for d in endpoint["deployments"] if d["id"] == request.path_params["deployment"]), None)


def _form(seen: Seen) -> dict[str, str]:
    """The fields of a form, which the SDK sends in either encoding."""
    if b"form-data; name=" in seen.body:
        return {name: part.content.decode() for name, part in seen.parts().items()}
    return dict(parse_qsl(seen.body.decode()))


def _bad_lines(content: bytes) -> str:
    for line_at, line in enumerate(content.decode().splitlines(), 1):
        try:
            value = json.loads(line)
        except ValueError:
            value = None
        if not isinstance(value, dict) or "messages" not in value:
            return f"line {line_at} has no messages"
    return ""


def _file(id: str, form: Mapping[str, str]) -> dict[str, Any]:
    return {
        "id": id,
        "object": "file",
        "bytes": 0,
        "created_at": 1_760_000_000,
        "filename": form["file_name"],
        "FileType": form["file_type"],
        "purpose": form["purpose"],
        "processing_status": "PENDING",
    }


def _job(id: str, body: Mapping[str, Any]) -> dict[str, Any]:
    kept = ("model", "training_file", "validation_file", "n_epochs", "n_evals", "batch_size", "learning_rate", "suffix")
    name = f"{SLUG}/{body['model'].rpartition('/')[2]}-{body.get('suffix') or 'x'}-{id}"
    return {
        "id": id,
        "status": "pending",
        "created_at": at(int(id.removeprefix("ft-"))),
        "updated_at": at(0),
        "user_id": "user_1",
        "events": None,
        "token_count": None,
        "total_price": None,
        "adapter_output_name": None,
        "model_output_name": name,
        "training_type": body.get("training_type"),
        "training_method": body["training_method"],
        **{field_name: body.get(field_name) for field_name in kept},
        "batch_size": body["batch_size"] if body.get("batch_size") != "max" else None,
        "_polls": 0,
    }


def _model(id: str, name: str) -> dict[str, Any]:
    return {
        "id": id,
        "name": f"{SLUG}/{name}",
        "organizationId": "org_1",
        "projectId": PROJECT,
        "visibility": "VISIBILITY_PRIVATE",
        "weights": {"type": "WEIGHTS_TYPE_DEFAULT"},
        "baseModelId": "ml_base",
    }


def _config(id: str, gpus: str) -> dict[str, Any]:
    return {
        "id": id,
        "projectId": "proj_public",
        "referenceModel": "projects/proj_public/models/ml_base",
        "referenceModelId": "ml_base",
        "certifications": [],
        "selectors": [{"key": "gpu_type", "value": "h100"}, {"key": "gpu_count", "value": gpus}],
    }


def _endpoint(id: str, name: str) -> dict[str, Any]:
    return {
        "id": id,
        "createdAt": at(0),
        "updatedAt": at(0),
        "deployments": [],
        "endpointType": "ENDPOINT_TYPE_DEDICATED",
        "etag": "e",
        "name": name,
        "projectId": PROJECT,
        "trafficSplit": [],
        "visibility": "VISIBILITY_PRIVATE",
    }


def _deployment(id: str, name: str, body: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": id,
        "autoscaling": body["autoscaling"],
        "createdAt": at(0),
        "estimatedEffectiveTrafficShare": 0.0,
        "model": f"{body['model']}/revisions/rv_1",
        "modelId": body["model"].rpartition("/")[2],
        "name": name,
        "state": "DEPLOYMENT_STATE_PROVISIONING",
        "trafficMode": "TRAFFIC_MODE_LIVE",
    }


def _full(summary: Mapping[str, Any]) -> dict[str, Any]:
    """The deployment as its own routes show it."""
    more = {"configId": "", "modelRevisionId": "rv_1", "hardware": "1x h100", "etag": "e", "projectId": PROJECT}
    return {name: value for name, value in summary.items() if name != "state"} | more | {"updatedAt": at(0)}


def _shown(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if not name.startswith("_")}
