"""Vertex AI's tuning, Cloud Storage and Google's token server, emulated behind one address.

A service account's signed assertion is verified and gives a token, which all else asks for. A job goes one state on
whenever it is looked at; a tuned model comes with an endpoint, whose teardown is an operation that takes a look.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from google.auth import jwt
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from tests.tune_emulators.emulator import Emulator, Seen

PROJECT, LOCATION, BUCKET = "my-project", "us-central1", "my-bucket"
PARENT = f"projects/{PROJECT}/locations/{LOCATION}"
ACCOUNT = "tuner@my-project.iam.example"
AUDIENCE = "https://oauth2.googleapis.com/token"
"""As google-auth writes it into an assertion, wherever it is sent to."""
BASES = frozenset({"gemini-2.5-flash", "gemini-2.5-flash-lite"})
WAY = ("JOB_STATE_PENDING", "JOB_STATE_RUNNING", "JOB_STATE_SUCCEEDED")
ENDED = frozenset({"JOB_STATE_SUCCEEDED", "JOB_STATE_FAILED", "JOB_STATE_CANCELLED"})
HYPER = frozenset({"epochCount", "learningRateMultiplier", "adapterSize"})
STATUSES = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 404: "NOT_FOUND", 412: "CONDITION_NOT_MET"}


@dataclass
class VertexTuning(Emulator):
    """One project with one bucket."""

    secret: RSAPrivateKey = field(default_factory=lambda: generate_private_key(65537, 2048), repr=False)
    """The private key of the service account."""
    revoked: bool = False
    """Whether the account's key has been taken back."""
    objects: dict[str, bytes] = field(default_factory=dict)
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    endpoints: dict[str, dict[str, Any]] = field(default_factory=dict)
    operations: dict[str, dict[str, Any]] = field(default_factory=dict)
    fate: str = ""
    """Why the next jobs fail once they run; empty for those that succeed."""

    def routes(self) -> list[BaseRoute]:
        tuning, serving = f"/v1beta1/{PARENT}/tuningJobs", f"/v1/{PARENT}/endpoints"
        return [
            Route("/token", self.token, methods=["POST"]),
            Route("/storage/v1/b/{bucket}/o/{name:path}", self.get_object),
            Route("/upload/storage/v1/b/{bucket}/o", self.put_object, methods=["POST"]),
            Route(tuning, self.list_jobs, methods=["GET"]),
            Route(tuning, self.create_job, methods=["POST"]),
            Route(f"{tuning}/{{id}}:cancel", self.cancel_job, methods=["POST"]),
            Route(f"{tuning}/{{id}}", self.get_job),
            Route(serving, self.list_endpoints),
            Route(f"{serving}/{{id}}:undeployModel", self.undeploy, methods=["POST"]),
            Route(f"{serving}/{{id}}", self.get_endpoint, methods=["GET"]),
            Route(f"{serving}/{{id}}", self.delete_endpoint, methods=["DELETE"]),
            Route(f"/v1/{PARENT}/operations/{{id}}", self.get_operation),
        ]

    def credentials(self, path: Path) -> Path:
        """A service account's file, as Google hands it out, whose tokens come from here."""
        encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        pem = self.secret.private_bytes(encoding, form, serialization.NoEncryption()).decode()
        account = {"type": "service_account", "project_id": PROJECT, "private_key_id": "1", "private_key": pem}
        more = {"client_email": ACCOUNT, "client_id": "1", "token_uri": f"{self.url}/token"}
        path.write_text(json.dumps({**account, **more}))
        return path

    def refused(self) -> Response:
        return wrong(401, "Request had invalid authentication credentials.")

    def taken(self, request: Request) -> bool:
        return request.url.path == "/token" or super().taken(request)

    async def token(self, request: Request) -> Response:
        if self.revoked:
            return JSONResponse({"error": "invalid_grant", "error_description": "The key has expired."}, 400)
        form = parse_qs(asked(request).body.decode())
        public = self.secret.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        claims = jwt.decode(form["assertion"][0], certs=public, audience=AUDIENCE)
        assert claims["iss"] == ACCOUNT
        return JSONResponse({"access_token": self.key, "expires_in": 3600, "token_type": "Bearer"})

    async def get_object(self, request: Request) -> Response:
        bucket, name = request.path_params["bucket"], request.path_params["name"]
        if bucket != BUCKET or name not in self.objects:
            return wrong(404, f"No such object: {bucket}/{name}")
        return JSONResponse({"kind": "storage#object", "bucket": bucket, "name": name})

    async def put_object(self, request: Request) -> Response:
        bucket, query = request.path_params["bucket"], request.query_params
        if bucket != BUCKET:
            return wrong(404, "The specified bucket does not exist.")
        if query.get("ifGenerationMatch") == "0" and query["name"] in self.objects:
            return wrong(412, "At least one of the pre-conditions you specified did not hold.")
        self.objects[query["name"]] = asked(request).body
        return JSONResponse({"kind": "storage#object", "bucket": bucket, "name": query["name"]})

    async def create_job(self, request: Request) -> Response:
        body = asked(request).json
        if bad := fault_in_job(body):
            return wrong(400, bad)
        id = str(1000 + len(self.jobs))
        body["supervisedTuningSpec"].setdefault("hyperParameters", {}).setdefault("epochCount", "3")
        times = {"createTime": f"2026-01-01T00:00:{len(self.jobs):02}Z", "updateTime": "2026-01-01T00:00:00Z"}
        job = {"name": f"{PARENT}/tuningJobs/{id}", "state": WAY[0], **times, **body, "_why": self.fate}
        self.jobs[id] = job
        return JSONResponse(shown(job))

    async def list_jobs(self, request: Request) -> Response:
        """One on a page, the newest first, so that a reader of one page only misses some."""
        start, jobs = int(request.query_params.get("pageToken", 0)), list(self.jobs.values())[::-1]
        more = {"nextPageToken": str(start + 1)} if len(jobs) > start + 1 else {}
        return JSONResponse({"tuningJobs": [shown(j) for j in jobs[start : start + 1]], **more})

    async def get_job(self, request: Request) -> Response:
        job = self.jobs.get(request.path_params["id"])
        if job is None:
            return wrong(404, "The TuningJob does not exist.")
        answer = JSONResponse(shown(job))
        self.advance(job)
        return answer

    def advance(self, job: dict[str, Any]) -> None:
        """One state on; what it has by then comes with it."""
        if job["state"] in ENDED:
            return
        job["state"] = WAY[WAY.index(job["state"]) + 1]
        if job["state"] == "JOB_STATE_RUNNING":
            job |= {"startTime": "2026-01-01T00:01:00Z", "tuningJobState": "TUNING_JOB_STATE_TUNING"}
            job["experiment"] = f"{PARENT}/metadataStores/default/contexts/tuning-experiment-1"
            self.look_at_data(job)
        elif job["state"] == "JOB_STATE_SUCCEEDED":
            self.end(job)

    def look_at_data(self, job: dict[str, Any]) -> None:
        """Count the examples; a job on bad ones fails."""
        examples = self.objects.get(job["supervisedTuningSpec"]["trainingDatasetUri"].removeprefix(f"gs://{BUCKET}/"))
        if bad := job["_why"] or fault_in(examples):
            job |= {"state": "JOB_STATE_FAILED", "error": {"code": 3, "message": bad}}
            return
        count = len((examples or b"").splitlines())
        stats = {"tuningDatasetExampleCount": str(count), "totalBillableTokenCount": str(10 * count)}
        job["tuningDataStats"] = {"supervisedTuningDataStats": {**stats, "tuningStepCount": "6"}}

    def end(self, job: dict[str, Any]) -> None:
        id = str(int(job["name"].rpartition("/")[2]) + 4_000)
        job["endTime"] = "2026-01-01T01:00:00Z"
        job["tunedModel"] = {"model": f"{PARENT}/models/{id}@1", "endpoint": f"{PARENT}/endpoints/{id}"}
        self.endpoints[id] = {
            "name": f"{PARENT}/endpoints/{id}",
            "displayName": job["tunedModelDisplayName"],
            "labels": job["labels"],
            "deployedModels": [{"id": "77", "model": f"{PARENT}/models/{id}@1"}],
        }

    async def cancel_job(self, request: Request) -> Response:
        job = self.jobs[request.path_params["id"]]
        if job["state"] in ENDED:
            return wrong(400, "The TuningJob is in a terminal state.")
        job["state"] = "JOB_STATE_CANCELLED"
        return JSONResponse({})

    async def list_endpoints(self, request: Request) -> Response:
        """One on a page, of those that have the label of the filter."""
        start, label = int(request.query_params.get("pageToken", 0)), request.query_params["filter"]
        label = label.removeprefix("labels.").removesuffix(":*")
        fitting = [e for e in self.endpoints.values() if label in e.get("labels", {})]
        more = {"nextPageToken": str(start + 1)} if len(fitting) > start + 1 else {}
        return JSONResponse({"endpoints": fitting[start : start + 1], **more})

    async def get_endpoint(self, request: Request) -> Response:
        found = self.endpoints.get(request.path_params["id"])
        return JSONResponse(found) if found else wrong(404, "The Endpoint does not exist.")

    async def undeploy(self, request: Request) -> Response:
        endpoint, id = self.endpoints[request.path_params["id"]], asked(request).json["deployedModelId"]
        endpoint["deployedModels"] = [m for m in endpoint["deployedModels"] if m["id"] != id]
        return self.operation()

    async def delete_endpoint(self, request: Request) -> Response:
        if self.endpoints[request.path_params["id"]]["deployedModels"]:
            return wrong(400, "The Endpoint has deployed models.")
        del self.endpoints[request.path_params["id"]]
        return self.operation()

    def operation(self) -> Response:
        name = f"{PARENT}/operations/{len(self.operations)}"
        self.operations[name] = {"name": name, "done": True, "response": {}}
        return JSONResponse({"name": name})

    async def get_operation(self, request: Request) -> Response:
        return JSONResponse(self.operations[f"{PARENT}/operations/{request.path_params['id']}"])


def asked(request: Request) -> Seen:
    seen = request.scope["seen"]
    assert isinstance(seen, Seen)
    return seen


def shown(job: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in job.items() if not k.startswith("_")}


def wrong(status: int, message: str) -> Response:
    """An error in the form of Google's APIs."""
    return JSONResponse({"error": {"code": status, "message": message, "status": STATUSES[status]}}, status)


def fault_in_job(body: dict[str, Any]) -> str:
    """Why the job would not be taken; empty for a good one."""
    spec = body.get("supervisedTuningSpec", {})
    if body.get("baseModel") not in BASES:
        return f"Base model {body.get('baseModel')} is not supported."
    if unknown := set(spec.get("hyperParameters", {})) - HYPER:
        return f"Unknown name {sorted(unknown)} at 'tuning_job.supervised_tuning_spec.hyper_parameters'"
    return "" if spec.get("trainingDatasetUri", "").startswith("gs://") else "The training dataset is no gs:// URI."


def fault_in(examples: bytes | None) -> str:
    """What is wrong with a file of examples; empty for a good one."""
    if examples is None:
        return "The training dataset does not exist."
    for number, line in enumerate(examples.splitlines(), 1):
        try:
            said = json.loads(line)["contents"]
        except (ValueError, KeyError, TypeError):
            return f"Row {number} has no contents."
        if said[-1]["role"] != "model":
            return f"Row {number} does not end with the model."
    return ""
