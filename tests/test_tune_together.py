"""Fine-tuning at Together: the real SDK against an emulator of the API, over HTTP."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.tune_emulators.driving import examples, started, to_its_end
from tests.tune_emulators.together_tuning import BASE, BROKE, PROJECT, SLUG, TogetherTuning
from touchstone.errors import CallFailed, CallRefused, ModelUnavailable
from touchstone_tuning.tune.provider import Endpoint, Loss, Order
from touchstone_tuning.tune.providers.together import Together

TAG = "ts-0123456789abcdef"
JOBS = "POST /v1/fine-tunes"
ENDPOINTS = f"POST /v2/projects/{PROJECT}/endpoints"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[TogetherTuning]:
    for name in ("TOGETHERAI_API_KEY", "TOGETHER_AI_API_KEY", "TOGETHER_PROJECT_ID"):
        monkeypatch.delenv(name, raising=False)
    with TogetherTuning().serving() as emulator:
        monkeypatch.setenv("TOGETHER_API_KEY", emulator.key)
        monkeypatch.setenv("TOGETHER_BASE_URL", emulator.url)
        yield emulator


@pytest.fixture
def provider(server: TogetherTuning) -> Together:
    return Together()


def order(folder: Path, **parameters: Any) -> Order:
    return Order(TAG, BASE, parameters, examples(folder / "train.jsonl"), examples(folder / "validation.jsonl", 3))


def tuned(provider: Together, folder: Path) -> str:
    return to_its_end(provider, started(provider, order(folder)))[-1].model


def test_a_job_goes_from_files_to_a_model_with_its_losses(provider: Together, tmp_path: Path) -> None:
    seen = to_its_end(provider, started(provider, order(tmp_path, n_epochs=2)))
    assert [s.state for s in seen] == ["queued", "running", "running", "succeeded"]
    last = seen[-1]
    assert last.model == f"together_ai/{SLUG}/Qwen3-8B-{TAG}-ft-1"
    assert (last.tokens, last.step, last.steps, last.why) == (288, 4, 4, "")
    assert last.dollars == pytest.approx(480 * 288 / 1e9)
    assert last.events[0] == "Fine tune request created"
    assert last.events[-1] == "Training completed"
    assert last.losses[1] == Loss(2, train=1.0, validation=2.4)
    assert last.losses[3] == Loss(4, train=0.5, validation=1.2)
    assert seen[1].model == ""


def test_what_the_sweep_says_is_what_is_asked(provider: Together, server: TogetherTuning, tmp_path: Path) -> None:
    said = {
        "n_epochs": 3,
        "batch_size": 16,
        "learning_rate": 2e-5,
        "lr_scheduler_type": "linear",
        "min_lr_ratio": 0.1,
        "warmup_ratio": 0.05,
        "max_grad_norm": 2.0,
        "weight_decay": 0.01,
        "n_checkpoints": 2,
        "n_evals": 5,
        "lora_r": 16,
        "lora_alpha": 16,
        "lora_dropout": 0.1,
        "lora_trainable_modules": "q_proj,v_proj",
        "train_on_inputs": False,
        "random_seed": 3,
        "suffix": "cut",
    }
    job = started(provider, order(tmp_path, **said))
    (asked,) = server.saw(JOBS)
    assert asked.json == {
        "model": BASE,
        "training_file": "file-1",
        "validation_file": "file-2",
        "packing": True,
        "n_epochs": 3,
        "batch_size": 16,
        "learning_rate": 2e-5,
        "lr_scheduler": {"lr_scheduler_type": "linear", "lr_scheduler_args": {"min_lr_ratio": 0.1}},
        "warmup_ratio": 0.05,
        "max_grad_norm": 2.0,
        "weight_decay": 0.01,
        "n_checkpoints": 2,
        "n_evals": 5,
        "training_type": {
            "type": "Lora",
            "lora_r": 16,
            "lora_alpha": 16,
            "lora_dropout": 0.1,
            "lora_trainable_modules": "q_proj,v_proj",
        },
        "training_method": {"method": "sft", "train_on_inputs": False},
        "random_seed": 3,
        "suffix": f"cut-{TAG}",
    } | {name: asked.json[name] for name in ("early_stopping_enabled",) if name in asked.json}
    assert provider.find(TAG) == job


def test_a_validation_file_is_measured_on_once_an_epoch(
    provider: Together, server: TogetherTuning, tmp_path: Path
) -> None:
    started(provider, order(tmp_path, n_epochs=3))
    assert server.saw(JOBS)[0].json["n_evals"] == 3
    assert "training_type" not in server.saw(JOBS)[0].json


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"n_epochs": 0}, "n_epochs: greater than or equal to 1"),
        ({"batch_size": "least"}, "batch_size: 'max' or a valid integer"),
        ({"warmup_ratio": 1.1}, "warmup_ratio"),
        ({"lora_dropout": 1.0}, "lora_dropout"),
        ({"learning_rate_multiplier": 1}, "learning_rate_multiplier: there is none such; there are n_epochs, batch"),
        ({"lora": False, "lora_r": 8}, "lora is false, and yet"),
        ({"suffix": "x" * 20}, "suffix"),
    ],
)
def test_a_bad_parameter_is_refused_before_anything_is_asked(
    provider: Together, server: TogetherTuning, tmp_path: Path, parameters: dict[str, Any], words: str
) -> None:
    with pytest.raises(CallRefused, match=words):
        provider.submit(order(tmp_path, **parameters), "file-1", None)
    assert server.seen == []


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"batch_size": 64, "lora": True}, "Requested batch size of 64 is higher"),
        ({"lora": False}, "Full training is not supported"),
        ({"early_stopping_enabled": True}, "Early stopping requires n_evals"),
    ],
)
def test_what_the_model_does_not_take_is_refused_before_the_job(
    provider: Together, server: TogetherTuning, tmp_path: Path, parameters: dict[str, Any], words: str
) -> None:
    with pytest.raises(CallRefused, match=words):
        started(provider, order(tmp_path, **parameters))
    assert server.saw(JOBS) == []


def test_the_same_content_is_uploaded_once(provider: Together, server: TogetherTuning, tmp_path: Path) -> None:
    first = provider.upload(examples(tmp_path / "a.jsonl", 11), TAG)
    other = provider.upload(examples(tmp_path / "b.jsonl", 12), TAG)
    assert provider.upload(examples(tmp_path / "c.jsonl", 11), "ts-fedcba9876543210") == first != other
    assert len(server.saw("POST /v1/files")) == 2
    assert server.contents[first] == (tmp_path / "a.jsonl").read_bytes()


@pytest.mark.parametrize("lost", ["POST /v1/files", "PUT /upload/*", "POST /v1/files/*/preprocess"])
def test_an_upload_that_was_lost_on_the_way_is_made_good(
    provider: Together, server: TogetherTuning, tmp_path: Path, lost: str
) -> None:
    server.drop_after_next(on=lost)
    file = examples(tmp_path / "train.jsonl")
    with pytest.raises(CallFailed, match="no answer from Together"):
        provider.upload(file, TAG)
    assert server.contents[provider.upload(file, TAG)] == file.read_bytes()
    assert len(server.contents) == 1


def test_a_file_that_together_knows_already_is_taken_as_it_is(
    provider: Together, server: TogetherTuning, tmp_path: Path
) -> None:
    file = examples(tmp_path / "train.jsonl")
    first = provider.upload(file, TAG)
    server.files[first]["filename"] = "by-another-name.jsonl"
    assert provider.upload(file, TAG) == first


def test_a_file_that_is_none_is_refused_in_its_words(provider: Together, tmp_path: Path) -> None:
    bad = tmp_path / "train.jsonl"
    bad.write_text('{"messages": []}\n{"no": 1}\n')
    for _ in range(2):  # that it is there under its name does not make it good
        with pytest.raises(CallRefused, match=r"Together does not take .*train.jsonl: line 2 has no messages"):
            provider.upload(bad, TAG)


def test_a_file_of_another_kind_is_refused(provider: Together, tmp_path: Path) -> None:
    with pytest.raises(CallRefused, match=r"Unknown extension"):
        provider.upload(examples(tmp_path / "train.txt"), TAG)


def test_an_unknown_base_is_refused(provider: Together, server: TogetherTuning, tmp_path: Path) -> None:
    file = provider.upload(examples(tmp_path / "train.jsonl"), TAG)
    with pytest.raises(CallRefused, match="Together: 404: Model no/such is not supported"):
        provider.submit(Order(TAG, "no/such", {}, tmp_path / "train.jsonl"), file, None)
    assert server.saw(JOBS) == []


def test_a_job_that_fails_says_why_without_the_key(provider: Together, server: TogetherTuning, tmp_path: Path) -> None:
    server.will_fail = f"out of memory\nwith {server.key}"
    last = to_its_end(provider, started(provider, order(tmp_path)))[-1]
    assert (last.state, last.model) == ("failed", "")
    assert last.why == "out of memory with <TOGETHER_API_KEY>"
    assert last.events[-1] == "Refunded"


def test_no_money_will_not_be_better_tomorrow(provider: Together, server: TogetherTuning, tmp_path: Path) -> None:
    server.fail_next(402, BROKE, on=JOBS)
    with pytest.raises(CallRefused, match=r"Together has no money or quota left.*Insufficient credits"):
        started(provider, order(tmp_path))


@pytest.mark.parametrize("lost", ["fail", "drop"])
def test_a_creation_is_never_asked_twice(provider: Together, server: TogetherTuning, tmp_path: Path, lost: str) -> None:
    file = provider.upload(examples(tmp_path / "train.jsonl"), TAG)
    server.fail_next(503, {}, on=JOBS, times=2) if lost == "fail" else server.drop_next(on=JOBS, times=2)
    with pytest.raises(CallFailed):
        provider.submit(order(tmp_path), file, None)
    assert len(server.saw(JOBS)) == 1
    assert provider.find(TAG) is None


def test_a_job_whose_answer_was_lost_is_found(provider: Together, server: TogetherTuning, tmp_path: Path) -> None:
    server.drop_after_next(on=JOBS)
    with pytest.raises(CallFailed, match="what was taken is found"):
        started(provider, order(tmp_path))
    assert provider.find(TAG) == "ft-1"
    assert len(server.saw(JOBS)) == len(server.jobs) == 1


def test_a_job_is_found_by_its_model_s_name_where_no_suffix_is_given_back(
    provider: Together, server: TogetherTuning, tmp_path: Path
) -> None:
    started(provider, order(tmp_path))
    server.jobs["ft-1"]["suffix"] = None
    assert provider.find(TAG) == "ft-1"
    assert provider.find("ts-ffffffffffffffff") is None


def test_the_newest_of_two_is_found(provider: Together, server: TogetherTuning, tmp_path: Path) -> None:
    started(provider, order(tmp_path))
    assert started(provider, order(tmp_path)) == provider.find(TAG) == "ft-2"


def test_a_read_is_tried_again(provider: Together, server: TogetherTuning, tmp_path: Path) -> None:
    job = started(provider, order(tmp_path))
    server.drop_next(on=f"GET /v1/fine-tunes/{job}")
    assert provider.standing(job).state == "queued"


@pytest.mark.parametrize("ask", [lambda p, f: p.find(TAG), lambda p, f: p.upload(f, TAG)])
def test_an_expired_key_is_named_and_not_shown(
    provider: Together, server: TogetherTuning, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ask: Any
) -> None:
    monkeypatch.setenv("TOGETHER_API_KEY", "tgp_v1_expired-987654")
    with pytest.raises(CallRefused, match=r"does not take the key in TOGETHER_API_KEY \(401: Invalid") as told:
        ask(provider, examples(tmp_path / "train.jsonl"))
    assert "tgp_v1_expired" not in str(told.value)


def test_a_key_under_litellm_s_name_will_do(server: TogetherTuning, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOGETHER_API_KEY")
    assert "TOGETHER_API_KEY is not set" in str(Together().lacking())
    with pytest.raises(ModelUnavailable, match="TOGETHER_API_KEY"):
        Together().find(TAG)
    monkeypatch.setenv("TOGETHERAI_API_KEY", server.key)
    assert Together().find(TAG) is None
    assert Together(Endpoint(server.url, server.key)).lacking() is None


def test_a_job_is_cancelled_and_one_that_has_ended_is_left(provider: Together, tmp_path: Path) -> None:
    job = started(provider, order(tmp_path))
    provider.cancel(job)
    provider.cancel(job)
    assert provider.standing(job).state == "cancelled"


def test_a_succeeded_job_stays_so_when_cancelled(provider: Together, tmp_path: Path) -> None:
    job = started(provider, order(tmp_path))
    to_its_end(provider, job)
    provider.cancel(job)
    assert provider.standing(job).state == "succeeded"


def test_a_model_is_deployed_once_shown_and_torn_down(
    provider: Together, server: TogetherTuning, tmp_path: Path
) -> None:
    model = tuned(provider, tmp_path)
    first = provider.deploy(model, TAG)
    assert (first.model, first.tag) == (f"together_ai/{SLUG}/{TAG}", TAG)
    assert first.state == "DEPLOYMENT_STATE_PROVISIONING"
    assert provider.deploy(model, TAG) == first
    assert provider.deployments() == (first,)
    assert len(server.saw(ENDPOINTS)) == len(server.saw(f"{ENDPOINTS}/*/deployments")) == 1
    provider.undeploy(first.id)
    assert provider.deployments() == ()
    assert server.endpoints == {}
    provider.undeploy(first.id)


def test_a_deployment_is_of_the_tuned_model_on_the_fewest_gpus_and_ends_by_itself(
    provider: Together, server: TogetherTuning, tmp_path: Path
) -> None:
    deployed = provider.deploy(tuned(provider, tmp_path), TAG)
    (asked,) = server.saw(f"{ENDPOINTS}/*/deployments")
    assert asked.json["model"] == f"projects/{PROJECT}/models/ml_ft-1"
    assert asked.json["config"] == "projects/proj_public/configs/cr_small"
    assert asked.json["inactiveTimeout"] == 60
    assert [entry["weight"] for entry in server.endpoints[deployed.id]["trafficSplit"]] == [1.0]


@pytest.mark.parametrize("lost", [ENDPOINTS, f"{ENDPOINTS}/*/deployments", f"PATCH /v2/projects/{PROJECT}/endpoints/*"])
def test_a_deployment_whose_answer_was_lost_is_not_made_again(
    provider: Together, server: TogetherTuning, tmp_path: Path, lost: str
) -> None:
    model = tuned(provider, tmp_path)
    server.drop_after_next(on=lost)
    with pytest.raises(CallFailed):
        provider.deploy(model, TAG)
    deployed = provider.deploy(model, TAG)
    assert len(server.saw(ENDPOINTS)) == len(server.saw(f"{ENDPOINTS}/*/deployments")) == 1
    assert len(server.endpoints[deployed.id]["trafficSplit"]) == 1


def test_a_stopped_deployment_is_started_again(provider: Together, server: TogetherTuning, tmp_path: Path) -> None:
    model = tuned(provider, tmp_path)
    deployed = provider.deploy(model, TAG)
    server.endpoints[deployed.id]["deployments"][0]["state"] = "DEPLOYMENT_STATE_STOPPED"
    assert provider.deploy(model, TAG) == deployed
    assert len(server.saw(f"{ENDPOINTS}/*/deployments")) == 1


def test_only_this_project_s_deployments_are_shown(provider: Together, server: TogetherTuning, tmp_path: Path) -> None:
    model = tuned(provider, tmp_path)
    other = provider.deploy(model, "of-somebody-else")
    mine = provider.deploy(model, TAG)
    assert provider.deployments() == (mine,)
    assert other.tag == ""


def test_a_model_that_is_none_is_not_deployed(provider: Together) -> None:
    with pytest.raises(CallRefused, match=f"no model 'emulated/none' in the project {PROJECT}"):
        provider.deploy("together_ai/emulated/none", TAG)


def test_a_key_of_no_one_project_needs_one(
    provider: Together, server: TogetherTuning, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.of_project = False
    with pytest.raises(CallRefused, match="set TOGETHER_PROJECT_ID"):
        provider.deployments()
    monkeypatch.setenv("TOGETHER_PROJECT_ID", PROJECT)
    assert provider.deployments() == ()


def test_the_sdk_is_not_imported_with_the_module() -> None:
    code = "import sys, touchstone_tuning.tune.providers.together; print('together' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"
