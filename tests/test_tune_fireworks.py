"""Fine-tuning at Fireworks: its own SDK, spoken to over HTTP, against an emulation of its API."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.tune_emulators.fireworks_tuning import FireworksTuning
from touchstone.errors import CallFailed, CallRefused, ModelUnavailable
from touchstone_tuning.tune.provider import Endpoint, Loss, Order, Provider, Standing
from touchstone_tuning.tune.providers.fireworks import Fireworks

TAG = "ts-0123456789abcdef"
BASE = "accounts/fireworks/models/llama-v3p1-8b-instruct"
MODEL = f"fireworks_ai/accounts/alice/models/{TAG}"
JOBS = "POST */supervisedFineTuningJobs"
KEY = "fw-secret-key-of-the-tests"


@pytest.fixture
def server() -> Iterator[FireworksTuning]:
    with FireworksTuning(key=KEY).serving() as server:
        yield server


@pytest.fixture
def provider(server: FireworksTuning, monkeypatch: pytest.MonkeyPatch) -> Fireworks:
    monkeypatch.setenv("FIREWORKS_API_KEY", KEY)
    monkeypatch.setenv("FIREWORKS_ACCOUNT_ID", "alice")
    monkeypatch.setenv("FIREWORKS_BASE_URL", server.url)
    return Fireworks(wait_s=0)


@pytest.fixture
def train(tmp_path: Path) -> Path:
    return examples(tmp_path / "train.jsonl", ["cut it", "join them", "mute it"])


def examples(path: Path, asked: Sequence[str], last: str = "assistant") -> Path:
    lines = [{"messages": [{"role": "user", "content": a}, {"role": last, "content": f"ffmpeg {a}"}]} for a in asked]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def order(train: Path, **parameters: Any) -> Order:
    return Order(TAG, BASE, parameters, train)


def submitted(provider: Fireworks, train: Path, **parameters: Any) -> str:
    return provider.submit(order(train, **parameters), provider.upload(train, TAG), None)


def ended(provider: Provider, job: str) -> Standing:
    for _ in range(10):
        standing = provider.standing(job)
        if standing.state in ("succeeded", "failed", "cancelled"):
            return standing
    raise AssertionError("the job does not end")


def test_it_is_a_provider() -> None:
    provider: Provider = Fireworks()
    assert (provider.name, provider.format, provider.deploys) == ("fireworks", "openai-chat", True)


def test_a_job_from_file_to_model(provider: Fireworks, server: FireworksTuning, train: Path, tmp_path: Path) -> None:
    server.logs = True
    held = examples(tmp_path / "held.jsonl", ["turn it", "slow it", "loop it"])
    datasets = [provider.upload(train, TAG), provider.upload(held, TAG)]
    job = provider.submit(order(train, epochs=2, learning_rate=1e-4, lora_rank=8), datasets[0], datasets[1])
    states = [provider.standing(job).state for _ in range(3)]
    standing = provider.standing(job)
    assert states == ["queued", "queued", "running"]
    assert (standing.state, standing.model, standing.dollars) == ("succeeded", MODEL, 1.25)
    assert list(standing.losses) == [Loss(1, 2.5), Loss(2, 1.25, 1.5)]
    assert standing.events == ["loading the base model", "training", "epoch 1, 40 %"]
    assert standing.step == 2


def test_what_is_asked_for_is_what_the_api_calls_it(provider: Fireworks, server: FireworksTuning, train: Path) -> None:
    given: dict[str, Any] = {"epochs": 2, "learning_rate": 1e-4, "lora_rank": 8, "early_stop": True, "batch_size": 4096}
    submitted(provider, train, **given, learning_rate_warmup_steps=5, gradient_accumulation_steps=2)
    [seen] = server.saw(JOBS)
    assert seen.query == f"supervisedFineTuningJobId={TAG}"
    assert seen.json == {
        "baseModel": BASE,
        "dataset": f"accounts/alice/datasets/{next(iter(server.datasets))}",
        "displayName": TAG,
        "epochs": 2,
        "learningRate": 1e-4,
        "loraRank": 8,
        "earlyStop": True,
        "batchSize": 4096,
        "learningRateWarmupSteps": 5,
        "gradientAccumulationSteps": 2,
    }


def test_without_losses_and_logs_a_job_stands_as_well(
    provider: Fireworks, server: FireworksTuning, train: Path
) -> None:
    job = submitted(provider, train)
    server.fail_next(404, on="GET /signed/*", times=9)
    standing = ended(provider, job)
    assert (standing.state, list(standing.losses), standing.step) == ("succeeded", [], None)


def test_the_same_content_is_uploaded_once(
    provider: Fireworks, server: FireworksTuning, train: Path, tmp_path: Path
) -> None:
    same = examples(tmp_path / "same.jsonl", ["cut it", "join them", "mute it"])
    other = examples(tmp_path / "other.jsonl", ["cut it", "join them", "louder"])
    assert provider.upload(train, TAG) == provider.upload(same, "ts-fedcba9876543210")
    assert provider.upload(other, TAG) != provider.upload(train, TAG)
    assert len(server.saw("POST *:upload")) == 2
    assert train.read_bytes() in server.files.values()


def test_an_upload_that_broke_off_is_finished(provider: Fireworks, server: FireworksTuning, train: Path) -> None:
    server.drop_next(on="POST *:upload")
    with pytest.raises(CallFailed, match="no answer from Fireworks"):
        provider.upload(train, TAG)
    provider.upload(train, TAG)
    assert len(server.saw("POST */datasets")) == 1
    assert [d["state"] for d in server.datasets.values()] == ["READY"]


def test_a_bad_file_is_refused_with_its_line(provider: Fireworks, tmp_path: Path) -> None:
    with pytest.raises(CallRefused, match="line 1 does not end with the assistant"):
        provider.upload(examples(tmp_path / "bad.jsonl", ["cut it"], last="user"), TAG)


def test_an_unknown_base_is_refused(provider: Fireworks, train: Path) -> None:
    with pytest.raises(CallRefused, match="400: model gpt-9 not found or not tunable"):
        provider.submit(Order(TAG, "gpt-9", {}, train), provider.upload(train, TAG), None)


@pytest.mark.parametrize("bad", [{"epochs": 0}, {"learning_rate": 2}, {"lora_rank": 0}, {"learning-rate": 1e-4}])
def test_a_bad_parameter_is_refused_before_any_request(
    provider: Fireworks, server: FireworksTuning, train: Path, bad: dict[str, Any]
) -> None:
    with pytest.raises(CallRefused, match=next(iter(bad))):
        provider.submit(order(train, **bad), "accounts/alice/datasets/any", None)
    assert server.seen == []


def test_over_quota_may_work_later(provider: Fireworks, server: FireworksTuning, train: Path) -> None:
    dataset = provider.upload(train, TAG)
    body = {"code": 8, "message": "too many running jobs", "details": []}
    server.fail_next(429, body, on=JOBS, headers={"retry-after": "7"})
    with pytest.raises(CallFailed, match="429: too many running jobs") as failed:
        provider.submit(order(train), dataset, None)
    assert failed.value.retry_after == 7
    assert len(server.saw(JOBS)) == 1


def test_a_job_that_fails_says_why(provider: Fireworks, server: FireworksTuning, train: Path) -> None:
    server.fate = "out of memory\nat step 3"
    standing = ended(provider, submitted(provider, train))
    assert (standing.state, standing.why, standing.model) == ("failed", "out of memory at step 3", "")


def test_a_lost_answer_leaves_one_job_that_is_found(provider: Fireworks, server: FireworksTuning, train: Path) -> None:
    dataset = provider.upload(train, TAG)
    assert provider.find(TAG) is None
    server.drop_after_next(on=JOBS)
    with pytest.raises(CallFailed, match="no answer from Fireworks"):
        provider.submit(order(train), dataset, None)
    assert len(server.saw(JOBS)) == 1
    assert provider.find(TAG) == TAG
    assert list(server.jobs) == [TAG]


def test_a_second_asking_is_the_same_job(provider: Fireworks, server: FireworksTuning, train: Path) -> None:
    assert submitted(provider, train) == submitted(provider, train)
    assert list(server.jobs) == [TAG]


def test_a_read_is_tried_again(provider: Fireworks, server: FireworksTuning, train: Path) -> None:
    job = submitted(provider, train)
    server.fail_next(503, on="GET */supervisedFineTuningJobs/*", headers={"retry-after-ms": "1"})
    assert provider.standing(job).state == "queued"


def test_a_refused_key_is_named_and_not_shown(
    provider: Fireworks, server: FireworksTuning, train: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIREWORKS_API_KEY", "fw-expired-key-of-the-tests")
    with pytest.raises(CallRefused, match="FIREWORKS_API_KEY") as refused:
        provider.upload(train, TAG)
    assert "fw-expired" not in str(refused.value)
    server.fail_next(401, {"code": 16, "message": "key fw-expired-key-of-the-tests has expired"})
    with pytest.raises(CallRefused, match="<FIREWORKS_API_KEY> has expired"):
        provider.find(TAG)


def test_a_key_that_is_given_is_not_shown_either(server: FireworksTuning, provider: Fireworks) -> None:
    server.fail_next(401, {"code": 16, "message": "key given-by-hand is bad"})
    with pytest.raises(CallRefused) as refused:
        Fireworks(Endpoint(server.url, "given-by-hand")).find(TAG)
    assert "given-by-hand" not in str(refused.value)


@pytest.mark.parametrize("name", ["FIREWORKS_API_KEY", "FIREWORKS_ACCOUNT_ID"])
def test_what_is_lacking_is_named(
    provider: Fireworks, server: FireworksTuning, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    assert provider.lacking() is None
    monkeypatch.delenv(name)
    assert f"{name} is not set" in (provider.lacking() or "")
    with pytest.raises(ModelUnavailable, match=name):
        provider.find(TAG)
    assert server.seen == []


def test_cancel_stops_a_job(provider: Fireworks, train: Path) -> None:
    job = submitted(provider, train)
    provider.cancel(job)
    assert provider.standing(job).state == "cancelled"


def test_cancel_leaves_an_ended_job_as_it_is(provider: Fireworks, server: FireworksTuning, train: Path) -> None:
    job = submitted(provider, train)
    ended(provider, job)
    provider.cancel(job)
    assert server.saw("POST *:cancel") == []
    assert provider.standing(job).state == "succeeded"


def tuned(provider: Fireworks, train: Path) -> str:
    return ended(provider, submitted(provider, train)).model


def test_a_model_is_deployed_once_and_torn_down_once(provider: Fireworks, server: FireworksTuning, train: Path) -> None:
    model = tuned(provider, train)
    first, second = provider.deploy(model, TAG), provider.deploy(model, TAG)
    assert (first.id, first.tag, first.state) == (TAG, TAG, "CREATING")
    assert first.model == f"{MODEL}#accounts/alice/deployments/{TAG}"
    assert first.id == second.id
    [made] = server.saw("POST */deployments")
    assert made.json["minReplicaCount"] == 0, "a deployment that nobody asks costs nothing"
    for _ in range(2):
        provider.undeploy(first.id)
    assert len(server.saw("DELETE *")) == 1
    assert provider.deployments() == []
    provider.undeploy("ts-ffffffffffffffff")


def test_a_deployment_whose_answer_was_lost_is_taken(provider: Fireworks, server: FireworksTuning, train: Path) -> None:
    model = tuned(provider, train)
    server.drop_after_next(on="POST */deployments")
    with pytest.raises(CallFailed):
        provider.deploy(model, TAG)
    assert provider.deploy(model, TAG).id == TAG
    assert len(server.saw("POST */deployments")) == 1


def test_a_torn_down_deployment_is_brought_back(provider: Fireworks, train: Path) -> None:
    model = tuned(provider, train)
    provider.undeploy(provider.deploy(model, TAG).id)
    provider.deploy(model, TAG)
    assert [d.id for d in provider.deployments()] == [TAG]


def test_forgotten_deployments_are_listed_over_all_pages(
    provider: Fireworks, server: FireworksTuning, train: Path
) -> None:
    model = tuned(provider, train)
    provider.deploy(model, TAG)
    own = {"baseModel": BASE, "state": "READY"}
    server.deployments |= {
        n: {**own, "name": f"accounts/alice/deployments/{n}"} for n in ("theirs", "ts-1111111111111111")
    }
    server.deployments["by-hand"] = {
        "baseModel": f"accounts/alice/models/{TAG}",
        "name": "accounts/alice/deployments/by-hand",
        "state": "READY",
    }
    server.deployments["going"] = server.deployments["by-hand"] | {"name": "going", "state": "DELETING"}
    found = {d.id: d.tag for d in provider.deployments()}
    assert found == {TAG: TAG, "ts-1111111111111111": "ts-1111111111111111", "by-hand": TAG}


@pytest.mark.parametrize(
    ("base", "dollars"),
    [
        (BASE, 0.5),
        ("accounts/fireworks/models/qwen2p5-72b-instruct", 3),
        ("accounts/fireworks/models/mixtral-8x7b", None),
    ],
)
def test_the_price_follows_the_size(base: str, dollars: float | None, train: Path) -> None:
    assert Fireworks().price(Order(TAG, base, {}, train), 1_000_000) == dollars


def test_a_metrics_file_in_another_form_has_no_losses(
    provider: Fireworks, server: FireworksTuning, train: Path
) -> None:
    server.metrics_file = '<html>no</html>\n[1]\n{}\n{"step": 1}\n{"step": "x", "loss": 1}\n{"step": 2, "loss": NaN}'
    assert list(ended(provider, submitted(provider, train)).losses) == []
