"""Fine-tuning at OpenAI: the real SDK against an emulator of the API, over HTTP."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.tune_emulators.driving import examples, started, to_its_end
from tests.tune_emulators.openai_tuning import QUOTA, OpenAITuning
from touchstone.errors import CallFailed, CallRefused, ModelUnavailable
from touchstone_tuning.tune.provider import Endpoint, Loss, Order
from touchstone_tuning.tune.providers.openai import OpenAI

TAG = "ts-0123456789abcdef"
BASE = "gpt-4.1-mini-2025-04-14"
JOBS = "POST /v1/fine_tuning/jobs"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenAITuning]:
    with OpenAITuning().serving() as emulator:
        monkeypatch.setenv("OPENAI_API_KEY", emulator.key)
        monkeypatch.setenv("OPENAI_BASE_URL", f"{emulator.url}/v1")
        yield emulator


@pytest.fixture
def provider(server: OpenAITuning) -> OpenAI:
    return OpenAI()


def order(folder: Path, **parameters: Any) -> Order:
    return Order(TAG, BASE, parameters, examples(folder / "train.jsonl"), examples(folder / "validation.jsonl", 3))


def test_a_job_goes_from_files_to_a_model_with_its_losses(
    provider: OpenAI, server: OpenAITuning, tmp_path: Path
) -> None:
    seen = to_its_end(provider, started(provider, order(tmp_path, n_epochs=3)))
    assert [s.state for s in seen] == ["queued", "running", "running", "succeeded"]
    last = seen[-1]
    assert last.model == f"openai/ft:{BASE}:emulated:{TAG}:1"
    assert (last.tokens, last.step, last.steps, last.why) == (432, 4, 4, "")
    assert last.events[0] == "Created fine-tuning job: ftjob-1"
    assert last.events[-1] == "The job has successfully completed"
    assert last.losses[0] == Loss(1, train=2.0, validation=2.2)
    assert seen[1].losses == (Loss(1, 2.0, 2.2), Loss(2, 1.0, 1.1))


def test_the_loss_over_the_whole_validation_file_counts_for_more(provider: OpenAI, tmp_path: Path) -> None:
    last = to_its_end(provider, started(provider, order(tmp_path)))[-1]
    assert last.losses[-1] == Loss(4, train=0.5, validation=0.6)


def test_what_the_sweep_says_is_what_is_asked(provider: OpenAI, server: OpenAITuning, tmp_path: Path) -> None:
    started(
        provider,
        order(tmp_path, n_epochs=2, batch_size="auto", learning_rate_multiplier=0.5, seed=3, metadata={"a": "b"}),
    )
    (asked,) = server.saw(JOBS)
    assert asked.json == {
        "model": BASE,
        "training_file": "file-1",
        "validation_file": "file-2",
        "method": {
            "type": "supervised",
            "supervised": {"hyperparameters": {"n_epochs": 2, "batch_size": "auto", "learning_rate_multiplier": 0.5}},
        },
        "suffix": TAG,
        "seed": 3,
        "metadata": {"a": "b", "touchstone": TAG},
    }


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"n_epochs": 51}, "n_epochs"),
        ({"batch_size": 0}, "batch_size"),
        ({"learning_rate_multiplier": 0}, "learning_rate_multiplier"),
        ({"lora_r": 8}, "lora_r: there is none such; there are n_epochs, batch_size"),
        ({"suffix": "x" * 65}, "suffix"),
    ],
)
def test_a_bad_parameter_is_refused_before_anything_is_asked(
    provider: OpenAI, server: OpenAITuning, tmp_path: Path, parameters: dict[str, Any], words: str
) -> None:
    with pytest.raises(CallRefused, match=words):
        provider.submit(order(tmp_path, **parameters), "file-1", None)
    assert server.seen == []


def test_the_same_content_is_uploaded_once(provider: OpenAI, server: OpenAITuning, tmp_path: Path) -> None:
    server.page = 1  # so that the earlier file is on the second page
    first = provider.upload(examples(tmp_path / "a.jsonl", 11), TAG)
    other = provider.upload(examples(tmp_path / "b.jsonl", 12), TAG)
    assert provider.upload(examples(tmp_path / "c.jsonl", 11), "ts-fedcba9876543210") == first != other
    assert provider.upload(tmp_path / "b.jsonl", TAG) == other
    assert len(server.saw("POST /v1/files")) == 2


def test_a_file_that_arrived_and_whose_answer_was_lost_is_found(
    provider: OpenAI, server: OpenAITuning, tmp_path: Path
) -> None:
    server.drop_after_next(on="POST /v1/files")
    file = examples(tmp_path / "train.jsonl")
    with pytest.raises(CallFailed, match="no answer from OpenAI"):
        provider.upload(file, TAG)
    assert provider.upload(file, TAG) == "file-1"
    assert len(server.saw("POST /v1/files")) == 1


def test_a_file_that_is_none_is_refused_in_its_words(provider: OpenAI, tmp_path: Path) -> None:
    bad = tmp_path / "train.jsonl"
    bad.write_text('{"messages": []}\n["no"]\n')
    with pytest.raises(CallRefused, match=r"OpenAI: 400: Expected file to have JSONL format.* Line 2 is not"):
        provider.upload(bad, TAG)


def test_an_unknown_base_is_refused(provider: OpenAI, tmp_path: Path) -> None:
    file = provider.upload(examples(tmp_path / "train.jsonl"), TAG)
    with pytest.raises(CallRefused, match="gpt-9 is not available"):
        provider.submit(Order(TAG, "gpt-9", {}, tmp_path / "train.jsonl"), file, None)


def test_a_job_that_fails_says_why(provider: OpenAI, tmp_path: Path) -> None:
    few = Order(TAG, BASE, {}, examples(tmp_path / "few.jsonl", 3))
    last = to_its_end(provider, started(provider, few))[-1]
    assert last.state == "failed"
    assert last.why == "invalid_training_file: Training file must have at least 10 examples"


def test_why_a_job_failed_holds_no_key(provider: OpenAI, server: OpenAITuning, tmp_path: Path) -> None:
    server.will_fail = f"lost\nwith {server.key}"
    last = to_its_end(provider, started(provider, order(tmp_path)))[-1]
    assert (last.state, last.model) == ("failed", "")
    assert last.why == "server_error: lost with <OPENAI_API_KEY>"
    assert not any(server.key in line for line in last.events)


def test_no_quota_will_not_be_better_tomorrow(provider: OpenAI, server: OpenAITuning, tmp_path: Path) -> None:
    server.fail_next(429, QUOTA, on=JOBS)
    with pytest.raises(CallRefused, match=r"no money or quota left.*You exceeded your current quota"):
        started(provider, order(tmp_path))
    assert len(server.saw(JOBS)) == 1


def test_too_many_requests_may_pass(provider: OpenAI, server: OpenAITuning, tmp_path: Path) -> None:
    server.fail_next(
        429, {"error": {"message": "slow down", "code": "rate_limit_exceeded"}}, headers={"retry-after": "7"}
    )
    with pytest.raises(CallFailed, match="429: slow down; run the same command again") as told:
        provider.submit(order(tmp_path), "file-1", None)
    assert told.value.retry_after == 7
    assert len(server.saw(JOBS)) == 1


@pytest.mark.parametrize("lost", ["fail", "drop"])
def test_a_creation_is_never_asked_twice(provider: OpenAI, server: OpenAITuning, tmp_path: Path, lost: str) -> None:
    file = provider.upload(examples(tmp_path / "train.jsonl"), TAG)
    server.fail_next(500, {}, on=JOBS, times=2) if lost == "fail" else server.drop_next(on=JOBS, times=2)
    with pytest.raises(CallFailed):
        provider.submit(order(tmp_path), file, None)
    assert len(server.saw(JOBS)) == 1
    assert provider.find(TAG) is None


def test_a_job_whose_answer_was_lost_is_found(provider: OpenAI, server: OpenAITuning, tmp_path: Path) -> None:
    server.drop_after_next(on=JOBS)
    with pytest.raises(CallFailed, match="what was taken is found"):
        started(provider, order(tmp_path))
    assert provider.find(TAG) == "ftjob-1"
    assert len(server.saw(JOBS)) == len(server.jobs) == 1


@pytest.mark.parametrize("filters", [True, False])
def test_only_the_job_with_the_tag_is_found(
    provider: OpenAI, server: OpenAITuning, tmp_path: Path, filters: bool
) -> None:
    server.filters = filters
    started(provider, order(tmp_path))
    assert provider.find("ts-ffffffffffffffff") is None
    server.jobs["ftjob-2"] = {**server.jobs["ftjob-1"], "id": "ftjob-2", "metadata": None}
    assert provider.find(TAG) == "ftjob-1"
    assert server.seen[-1].query.startswith(f"limit=100&metadata%5Btouchstone%5D={TAG}")


def test_a_read_is_tried_again(provider: OpenAI, server: OpenAITuning, tmp_path: Path) -> None:
    job = started(provider, order(tmp_path))
    server.drop_next(on=f"GET /v1/fine_tuning/jobs/{job}")
    assert provider.standing(job).state == "queued"


def test_the_log_is_read_to_its_end(provider: OpenAI, server: OpenAITuning, tmp_path: Path) -> None:
    server.page = 2
    last = to_its_end(provider, started(provider, order(tmp_path)))[-1]
    assert len(last.events) == len(server.events["ftjob-1"]) == 8


def test_an_expired_key_is_named_and_not_shown(
    provider: OpenAI, server: OpenAITuning, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-expired-9876543210")
    with pytest.raises(CallRefused, match=r"does not take the key in OPENAI_API_KEY \(401: Incorrect") as told:
        provider.find(TAG)
    assert "sk-expired" not in str(told.value)


def test_a_key_of_the_endpoint_s_own_is_not_shown(server: OpenAITuning) -> None:
    with pytest.raises(CallRefused) as told:
        OpenAI(Endpoint(f"{server.url}/v1", "sk-of-my-own-123456")).find(TAG)
    assert "sk-of-my-own" not in f"{told.value!r} {told.value.__cause__!r}"


def test_without_a_key_the_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "")
    assert "OPENAI_API_KEY is not set" in str(OpenAI().lacking())
    with pytest.raises(ModelUnavailable, match="OPENAI_API_KEY"):
        OpenAI().find(TAG)
    assert OpenAI(Endpoint(key="sk-given")).lacking() is None


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-there-is-one")
    monkeypatch.setattr("touchstone_tuning.tune.providers.access.find_spec", lambda name: None)
    assert "pip install 'pytest-touchstone[tune]'" in str(OpenAI().lacking())


def test_a_job_is_cancelled_and_one_that_has_ended_is_left(
    provider: OpenAI, server: OpenAITuning, tmp_path: Path
) -> None:
    job = started(provider, order(tmp_path))
    provider.cancel(job)
    assert provider.standing(job).state == "cancelled"
    provider.cancel(job)
    assert provider.standing(job).state == "cancelled"


def test_a_succeeded_job_stays_so_when_cancelled(provider: OpenAI, tmp_path: Path) -> None:
    job = started(provider, order(tmp_path))
    to_its_end(provider, job)
    provider.cancel(job)
    assert provider.standing(job).state == "succeeded"


def test_a_job_that_is_none_cannot_be_cancelled(provider: OpenAI) -> None:
    with pytest.raises(CallRefused, match="404: Could not find"):
        provider.standing("ftjob-none")


def test_an_answer_that_is_no_json_may_pass(provider: OpenAI, server: OpenAITuning) -> None:
    server.fail_next(502, "<html>bad gateway</html>", on="GET *", times=3)
    with pytest.raises(CallFailed, match="502"):
        provider.standing("ftjob-1")


@pytest.mark.parametrize("body", ["<html>welcome</html>", [1]])
def test_an_answer_of_another_shape_may_pass(provider: OpenAI, server: OpenAITuning, body: Any) -> None:
    server.fail_next(200, body)
    with pytest.raises(CallFailed, match="cannot be read"):
        provider.find(TAG)


def test_a_creation_answered_without_an_id_is_found(provider: OpenAI, server: OpenAITuning, tmp_path: Path) -> None:
    server.fail_next(200, {}, on=JOBS)
    with pytest.raises(CallFailed, match="answered without an id; run the same command again"):
        started(provider, order(tmp_path))


def test_nothing_is_deployed(provider: OpenAI, server: OpenAITuning) -> None:
    deployed = provider.deploy("openai/ft:x", TAG)
    assert (deployed.model, provider.deployments()) == ("openai/ft:x", ())
    provider.undeploy(deployed.id)
    assert server.seen == []
    assert not provider.deploys


def test_the_price_is_the_listed_one(provider: OpenAI, tmp_path: Path) -> None:
    what = order(tmp_path)
    assert provider.price(what, 2_000_000) == 10.0
    assert provider.price(Order(TAG, "ft:gpt-4.1-nano-2025-04-14:org::1", {}, what.train), 2_000_000) == 3.0
    assert provider.price(Order(TAG, "gpt-9", {}, what.train), 1) is None


def test_the_sdk_is_not_imported_with_the_module() -> None:
    code = "import sys, touchstone_tuning.tune.providers.openai; print('openai' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"
