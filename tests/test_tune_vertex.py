"""Fine-tuning at Vertex AI: Google's own SDK and credentials, over HTTP, against an emulation of its APIs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from tests.tune_emulators.vertex_tuning import BUCKET, LOCATION, PROJECT, VertexTuning
from touchstone.errors import CallFailed, CallRefused, ModelUnavailable
from touchstone_tuning.tune.provider import ENDED, Order, Provider, Standing
from touchstone_tuning.tune.providers.vertex import Vertex

TAG = "ts-0123456789abcdef"
BASE = "gemini-2.5-flash"
JOBS = "POST */tuningJobs"
TOKEN = "ya29.a-token-of-the-tests"
OURS = ("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_LOCATION", "TOUCHSTONE_VERTEX_BUCKET")


@pytest.fixture(scope="module")
def secret() -> RSAPrivateKey:
    return generate_private_key(65537, 2048)


@pytest.fixture
def server(secret: RSAPrivateKey) -> Iterator[VertexTuning]:
    with VertexTuning(key=TOKEN, secret=secret).serving() as server:
        yield server


@pytest.fixture
def provider(server: VertexTuning, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Vertex:
    values = (str(server.credentials(tmp_path / "account.json")), PROJECT, LOCATION, BUCKET)
    for name, value in zip(OURS, values, strict=True):
        monkeypatch.setenv(name, value)
    for name in ("VERTEXAI_PROJECT", "VERTEXAI_LOCATION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GOOGLE_VERTEX_BASE_URL", server.url)
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
    return Vertex(wait_s=0)


@pytest.fixture
def train(tmp_path: Path) -> Path:
    return examples(tmp_path / "train.jsonl", ["cut it", "join them", "mute it"])


def examples(path: Path, asked: Sequence[str], last: str = "model") -> Path:
    def said(role: str, text: str) -> dict[str, Any]:
        return {"role": role, "parts": [{"text": text}]}

    lines = [{"contents": [said("user", a), said(last, f"ffmpeg {a}")]} for a in asked]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def order(train: Path, **parameters: Any) -> Order:
    return Order(TAG, BASE, parameters, train)


def submitted(provider: Vertex, train: Path, **parameters: Any) -> str:
    return provider.submit(order(train, **parameters), provider.upload(train, TAG), None)


def ended(provider: Vertex, job: str) -> Standing:
    for _ in range(10):
        standing = provider.standing(job)
        if standing.state in ENDED:
            return standing
    raise AssertionError("the job does not end")


def test_it_is_a_provider() -> None:
    provider: Provider = Vertex()
    assert (provider.name, provider.format, provider.deploys) == ("vertex", "vertex-gemini", False)


def test_a_job_from_file_to_model(provider: Vertex, server: VertexTuning, train: Path, tmp_path: Path) -> None:
    held = examples(tmp_path / "held.jsonl", ["turn it"])
    files = [provider.upload(train, TAG), provider.upload(held, TAG)]
    job = provider.submit(order(train, epoch_count=2), files[0], files[1])
    states = [provider.standing(job).state for _ in range(2)]
    standing = provider.standing(job)
    assert [*states, standing.state] == ["queued", "running", "succeeded"]
    assert standing.model == "vertex_ai/gemini/5000"
    assert (standing.tokens, standing.step, standing.steps) == (60, 6, 6)
    assert standing.events == [
        "created 2026-01-01T00:00:00+00:00",
        "started 2026-01-01T00:01:00+00:00",
        "ended 2026-01-01T01:00:00+00:00",
        "at TUNING_JOB_STATE_TUNING",
        f"losses are in projects/{PROJECT}/locations/{LOCATION}/metadataStores/default/contexts/tuning-experiment-1",
    ]


def test_what_is_asked_for_is_what_the_api_calls_it(
    provider: Vertex, server: VertexTuning, train: Path, tmp_path: Path
) -> None:
    files = [provider.upload(train, TAG), provider.upload(examples(tmp_path / "held.jsonl", ["turn it"]), TAG)]
    given: dict[str, Any] = {"epoch_count": 2, "learning_rate_multiplier": 0.5, "adapter_size": 4}
    provider.submit(order(train, **given, export_last_checkpoint_only=True), files[0], files[1])
    [seen] = server.saw(JOBS)
    hyper = {"epochCount": 2, "learningRateMultiplier": 0.5, "adapterSize": "ADAPTER_SIZE_FOUR"}
    assert seen.json == {
        "baseModel": BASE,
        "tunedModelDisplayName": TAG,
        "labels": {"touchstone": TAG},
        "supervisedTuningSpec": {
            "trainingDatasetUri": files[0],
            "validationDatasetUri": files[1],
            "hyperParameters": hyper,
            "exportLastCheckpointOnly": True,
        },
    }


def test_the_same_content_is_uploaded_once(provider: Vertex, server: VertexTuning, train: Path, tmp_path: Path) -> None:
    same = examples(tmp_path / "same.jsonl", ["cut it", "join them", "mute it"])
    other = examples(tmp_path / "other.jsonl", ["louder"])
    first = provider.upload(train, TAG)
    assert first == provider.upload(same, "ts-fedcba9876543210")
    assert first != provider.upload(other, TAG)
    assert len(server.saw("POST /upload/*")) == 2
    assert server.objects[first.removeprefix(f"gs://{BUCKET}/")] == train.read_bytes()


def test_two_uploads_at_once_leave_one_file(provider: Vertex, server: VertexTuning, train: Path) -> None:
    first = provider.upload(train, TAG)
    server.fail_next(404, on="GET /storage/*")
    assert provider.upload(train, TAG) == first


def test_an_upload_whose_answer_was_lost_is_there(provider: Vertex, server: VertexTuning, train: Path) -> None:
    server.drop_after_next(on="POST /upload/*")
    with pytest.raises(CallFailed, match="no answer from Vertex"):
        provider.upload(train, TAG)
    provider.upload(train, TAG)
    assert len(server.saw("POST /upload/*")) == 1
    assert list(server.objects.values()) == [train.read_bytes()]


def test_an_upload_that_is_refused_leaves_no_file(provider: Vertex, server: VertexTuning, train: Path) -> None:
    server.fail_next(401, {"error": {"code": 401, "message": "no"}}, on="POST /upload/*")
    with pytest.raises(CallRefused, match="401: no"):
        provider.upload(train, TAG)
    assert server.objects == {}, "a file that was read once must not be sent again as an empty one"


def test_an_unknown_bucket_is_refused(provider: Vertex, train: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOUCHSTONE_VERTEX_BUCKET", "no-such-bucket")
    with pytest.raises(CallRefused, match="404: The specified bucket does not exist"):
        provider.upload(train, TAG)


def test_an_unknown_base_is_refused(provider: Vertex, train: Path) -> None:
    with pytest.raises(CallRefused, match="400: Base model gpt-9 is not supported"):
        provider.submit(Order(TAG, "gpt-9", {}, train), provider.upload(train, TAG), None)


@pytest.mark.parametrize("bad", [{"epoch_count": 0}, {"learning_rate_multiplier": 0}, {"adapter_size": 3}, {"lora": 1}])
def test_a_bad_parameter_is_refused_before_any_request(
    provider: Vertex, server: VertexTuning, train: Path, bad: dict[str, Any]
) -> None:
    with pytest.raises(CallRefused, match=next(iter(bad))):
        provider.submit(order(train, **bad), f"gs://{BUCKET}/any.jsonl", None)
    assert server.seen == []


def test_over_quota_may_work_later(provider: Vertex, server: VertexTuning, train: Path) -> None:
    file = provider.upload(train, TAG)
    message = "Quota exceeded for aiplatform.googleapis.com/global_concurrent_tuning_jobs."
    body = {"error": {"code": 429, "message": message, "status": "RESOURCE_EXHAUSTED"}}
    server.fail_next(429, body, on=JOBS)
    with pytest.raises(CallFailed, match="429: Quota exceeded"):
        provider.submit(order(train), file, None)
    assert len(server.saw(JOBS)) == 1


def test_bad_examples_fail_the_job_which_says_why(provider: Vertex, tmp_path: Path) -> None:
    bad = examples(tmp_path / "bad.jsonl", ["cut it"], last="user")
    standing = ended(provider, submitted(provider, bad))
    assert (standing.state, standing.why) == ("failed", "Row 1 does not end with the model.")


def test_a_job_that_fails_has_no_model(provider: Vertex, server: VertexTuning, train: Path) -> None:
    server.fate = "Internal error\noccurred."
    standing = ended(provider, submitted(provider, train))
    assert (standing.state, standing.why, standing.model) == ("failed", "Internal error occurred.", "")


def test_a_lost_answer_leaves_one_job_that_is_found(provider: Vertex, server: VertexTuning, train: Path) -> None:
    file = provider.upload(train, TAG)
    assert provider.find(TAG) is None
    server.drop_after_next(on=JOBS)
    with pytest.raises(CallFailed, match="no answer from Vertex"):
        provider.submit(order(train), file, None)
    assert len(server.saw(JOBS)) == 1
    provider.submit(Order("ts-fedcba9876543210", BASE, {}, train), file, None)
    assert provider.find(TAG) == server.jobs["1000"]["name"]


def test_of_two_jobs_with_one_tag_the_newer_is_found(provider: Vertex, train: Path) -> None:
    provider.cancel(submitted(provider, train))
    again = submitted(provider, train)
    assert provider.find(TAG) == again


def test_expired_credentials_are_named_and_not_shown(provider: Vertex, server: VertexTuning, train: Path) -> None:
    server.revoked = True
    for ask in (lambda: provider.upload(train, TAG), lambda: provider.find(TAG)):
        with pytest.raises(CallRefused, match=r"GOOGLE_APPLICATION_CREDENTIALS.*key has expired") as refused:
            ask()
        assert "PRIVATE KEY" not in str(refused.value)


def test_a_refused_token_is_not_shown(provider: Vertex, server: VertexTuning, train: Path) -> None:
    file = provider.upload(train, TAG)
    body = {"error": {"code": 401, "message": "Request had invalid credentials.", "status": "UNAUTHENTICATED"}}
    server.fail_next(401, body, on=JOBS)
    with pytest.raises(CallRefused, match="GOOGLE_APPLICATION_CREDENTIALS") as refused:
        provider.submit(order(train), file, None)
    assert TOKEN not in str(refused.value)
    assert len(server.saw(JOBS)) == 1


def test_a_token_server_out_of_reach_may_be_back(provider: Vertex, server: VertexTuning, train: Path) -> None:
    server.drop_next(on="POST /token", times=9)
    with pytest.raises(CallFailed, match="no answer from Vertex"):
        provider.find(TAG)


@pytest.mark.parametrize("name", OURS)
def test_what_is_lacking_is_named(
    provider: Vertex, server: VertexTuning, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    assert provider.lacking() is None
    monkeypatch.delenv(name)
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    assert f"{name} is not set" in (provider.lacking() or "")
    with pytest.raises(ModelUnavailable, match=name):
        provider.find(TAG)
    assert server.seen == []


def test_a_file_of_credentials_that_is_not_there_is_named(provider: Vertex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "nowhere.json")
    with pytest.raises(ModelUnavailable, match="set GOOGLE_APPLICATION_CREDENTIALS"):
        provider.find(TAG)


def test_cancel_stops_a_job(provider: Vertex, train: Path) -> None:
    job = submitted(provider, train)
    provider.cancel(job)
    assert provider.standing(job).state == "cancelled"


def test_cancel_leaves_an_ended_job_as_it_is(provider: Vertex, server: VertexTuning, train: Path) -> None:
    job = submitted(provider, train)
    ended(provider, job)
    provider.cancel(job)
    assert server.saw("POST *:cancel") == []
    assert provider.standing(job).state == "succeeded"


def test_a_model_comes_with_an_endpoint_that_is_torn_down_once(
    provider: Vertex, server: VertexTuning, train: Path
) -> None:
    model = ended(provider, submitted(provider, train)).model
    server.endpoints["1"] = {"name": "projects/my-project/locations/us-central1/endpoints/1", "labels": {"other": "x"}}
    assert provider.deploy(model, TAG) == provider.deploy(model, TAG)
    [found] = provider.deployments()
    assert (found.id, found.model, found.tag, found.state) == ("5000", model, TAG, "deployed")
    for _ in range(2):
        provider.undeploy(found.id)
    assert list(server.endpoints) == ["1"]
    assert len(server.saw("DELETE *")) == 1
    assert provider.deployments() == []
    with pytest.raises(CallRefused, match="is gone"):
        provider.deploy(model, TAG)


def test_forgotten_endpoints_are_listed_over_all_pages(provider: Vertex, train: Path) -> None:
    for tag in (TAG, "ts-fedcba9876543210"):
        ended(provider, provider.submit(Order(tag, BASE, {}, train), provider.upload(train, tag), None))
    assert [d.tag for d in provider.deployments()] == [TAG, "ts-fedcba9876543210"]


def test_a_teardown_that_fails_says_why(provider: Vertex, server: VertexTuning, train: Path) -> None:
    model = ended(provider, submitted(provider, train)).model
    body = {"name": "operations/1", "done": True, "error": {"code": 9, "message": "the endpoint is in use"}}
    server.fail_next(200, body, on="POST *:undeployModel")
    with pytest.raises(CallRefused, match="the endpoint is in use"):
        provider.undeploy(provider.deploy(model, TAG).id)
