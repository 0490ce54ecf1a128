"""OpenAI's files and batches, emulated in the shapes of its API reference, with chat completions beside them.

A batch goes one step on at each look at it: validating, in_progress, then what `ends` says.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from tests.openai_server import completion
from tests.tune_emulators.emulator import Emulator, Seen
from tests.tune_emulators.openai_tuning import wrong

Line = dict[str, Any]


def answered(line: Mapping[str, Any]) -> Line:
    """A line of an output file: the echo of what was asked."""
    body = completion(f"good {line['body']['messages'][-1]['content'].strip()}", line["body"])
    response = {"status_code": 200, "request_id": "r", "body": body}
    return {"id": "batch_req_1", "custom_id": line["custom_id"], "response": response, "error": None}


def refused(line: Mapping[str, Any], status: int = 400, message: str = "context too long") -> Line:
    """A line of an error file."""
    response = {"status_code": status, "request_id": "r", "body": {"error": {"message": message}}}
    return {"id": "batch_req_1", "custom_id": line["custom_id"], "response": response, "error": None}


def expired(line: Mapping[str, Any]) -> Line:
    """A line of the error file of a batch that ran out of time."""
    error = {"code": "batch_expired", "message": "This request could not be executed before the completion window."}
    return {"id": "batch_req_1", "custom_id": line["custom_id"], "response": None, "error": error}


@dataclass
class BatchServer(Emulator):
    """The state of one project at the provider."""

    key: str = "sk-proj-emulated-0123456789abcdef"
    files: dict[str, bytes] = field(default_factory=dict)
    batches: dict[str, dict[str, Any]] = field(default_factory=dict)
    live: list[dict[str, Any]] = field(default_factory=list)
    """Bodies of calls that were not batched."""
    steps: int = 0
    """Looks at a batch until it is done."""
    ends: str = "completed"
    answer: Callable[[Line], Line] = answered
    """A line of a result; one that has no answer with 200 goes into the error file."""
    more: bytes = b""
    """Further bytes of each output file."""
    errors: Any = None
    """What is wrong with batches as a whole."""
    begun: Callable[[], None] = lambda: None
    """Called when a batch was created, before that is answered."""

    def routes(self) -> Sequence[BaseRoute]:
        return [
            Route("/v1/files", self.upload, methods=["POST"]),
            Route("/v1/files/{id}/content", self.content),
            Route("/v1/batches", self.create, methods=["POST"]),
            Route("/v1/batches", self.list),
            Route("/v1/batches/{id}", self.retrieve),
            Route("/v1/batches/{id}/cancel", self.cancel, methods=["POST"]),
            Route("/v1/chat/completions", self.complete, methods=["POST"]),
        ]

    def refused(self) -> Response:
        given = self.seen[-1].headers.get("authorization", "").removeprefix("Bearer ")
        return wrong(f"Incorrect API key provided: {given}.", code="invalid_api_key", status=401)

    @property
    def asked(self) -> list[Line]:
        """The lines of all batches."""
        return [line for batch in self.batches.values() for line in self.lines(batch)]

    def lines(self, batch: Mapping[str, Any]) -> list[Line]:
        return [json.loads(line) for line in self.files[batch["input_file_id"]].splitlines()]

    async def upload(self, request: Request) -> Response:
        seen: Seen = request.scope["seen"]
        parts = seen.parts()
        if parts["purpose"].content != b"batch":
            return wrong("Invalid value for 'purpose'.", param="purpose")
        id = self._kept(parts["file"].content)
        told = {"id": id, "object": "file", "bytes": 1, "created_at": 1, "purpose": "batch", "status": "processed"}
        return JSONResponse({**told, "filename": parts["file"].filename})

    def _kept(self, data: bytes) -> str:
        id = f"file-{len(self.files) + 1}"
        self.files[id] = data
        return id

    async def create(self, request: Request) -> Response:
        body = request.scope["seen"].json
        if body["endpoint"] != "/v1/chat/completions" or body["completion_window"] != "24h":
            return wrong("Invalid endpoint.")
        if body["input_file_id"] not in self.files:
            return wrong("No such file.", status=404)
        id = f"batch_{len(self.batches) + 1}"
        self.batches[id] = {
            "id": id,
            "object": "batch",
            "endpoint": body["endpoint"],
            "input_file_id": body["input_file_id"],
            "completion_window": "24h",
            "status": "validating",
            "created_at": 4_000_000_000,
            "output_file_id": None,
            "error_file_id": None,
            "errors": self.errors,
            "metadata": body.get("metadata"),
            "request_counts": {"total": len(self.lines(body)), "completed": 0, "failed": 0},
            "_looks": 0,
        }
        self.begun()
        return JSONResponse(self.batches[id])

    async def list(self, request: Request) -> Response:
        """Two a page, the newest first."""
        known = list(self.batches)[::-1]
        after = request.query_params.get("after")
        rest = known[known.index(after) + 1 :] if after else known
        data = [self.batches[id] for id in rest[:2]]
        last = data[-1]["id"] if data else None
        return JSONResponse({"object": "list", "data": data, "has_more": len(rest) > 2, "last_id": last})

    async def retrieve(self, request: Request) -> Response:
        batch = self.batches.get(request.path_params["id"])
        if batch is None:
            return wrong("No such batch.", status=404)
        if batch["status"] in ("validating", "in_progress"):
            batch["_looks"] += 1
            if batch["_looks"] > self.steps:
                self._end(batch)
            else:
                batch["status"] = "in_progress"
        return JSONResponse(batch)

    def _end(self, batch: dict[str, Any]) -> None:
        batch["status"] = self.ends
        if self.ends == "failed":
            return
        results = [self.answer(line) for line in self.lines(batch)]
        good = [one for one in results if '"status_code": 200' in json.dumps(one)]
        bad = [one for one in results if one not in good]
        if good or self.more:
            batch["output_file_id"] = self._kept(_jsonl(good) + self.more)
        if bad:
            batch["error_file_id"] = self._kept(_jsonl(bad))

    async def cancel(self, request: Request) -> Response:
        batch = self.batches[request.path_params["id"]]
        batch["status"] = "cancelled"
        return JSONResponse(batch)

    async def content(self, request: Request) -> Response:
        return Response(self.files[request.path_params["id"]], media_type="application/octet-stream")

    async def complete(self, request: Request) -> Response:
        body = request.scope["seen"].json
        self.live.append(body)
        return JSONResponse(completion(f"good {body['messages'][-1]['content']}", body))


def _jsonl(lines: Sequence[Line]) -> bytes:
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()
