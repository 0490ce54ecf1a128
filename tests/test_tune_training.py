"""LoRA on this machine, really run: SmolLM2 learns four answers by heart, and the embedded runtime gives them."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tune_local import ANSWERS, places_in, trained, trains, write_examples

from touchstone.models import identity, open_model
from touchstone.models.weights import SMOLLM2, packaged
from touchstone.records import Message, Request, RunConfig
from touchstone_tuning.tune.local.desk import Desk, Work
from touchstone_tuning.tune.local.settings import Settings
from touchstone_tuning.tune.provider import Order, Standing
from touchstone_tuning.tune.providers.local import Local

pytestmark = trains
SETTINGS = {"epochs": 30, "batch_size": 4, "rank": 8, "learning_rate": 3e-3, "evaluations": 5, "precision": "float32"}


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Local, str, Standing]:
    """Trained in two goes: killed once it has a checkpoint, and gone on with."""
    root = tmp_path_factory.mktemp("tuned")
    provider = Local(places_in(root))
    file = write_examples(root / "train.jsonl")
    order = Order("ts-0000000000000001", SMOLLM2, SETTINGS, file, file)
    job = provider.submit(order, provider.upload(file, order.tag), None)
    _kill_after_a_checkpoint(provider, job)
    again = Local(provider.places)
    assert again.standing(job).state == "queued"
    return again, job, trained(again, job)


def _kill_after_a_checkpoint(provider: Local, job: str) -> None:
    desk = Desk(provider.places.state / "tunes" / job)
    provider.advance(job)
    until = time.monotonic() + 300
    while not list(desk.checkpoints.glob("checkpoint-*/trainer_state.json")) and time.monotonic() < until:
        time.sleep(0.1)
    process = provider._running[job]
    process.send_signal(signal.SIGKILL)
    process.wait()


def ask(config: RunConfig, root: Path, text: str) -> str:
    async def main() -> str:
        model = open_model(config, root)
        request = Request(identity(config, root), (Message("user", text),), {"max_tokens": 12})
        return (await model.complete(request)).text.strip()

    return asyncio.run(main())


def run_config(**more: Any) -> RunConfig:
    return RunConfig.model_validate({"name": "tuned", "model": SMOLLM2, "prompt": "p", **more})


def test_the_embedded_runtime_gives_what_was_learnt(tuned: tuple[Local, str, Standing]) -> None:
    provider, _, standing = tuned
    assert (standing.state, standing.why) == ("succeeded", "")
    config = run_config(adapter=standing.model)
    said = {asked: ask(config, provider.places.root, asked) for asked in ANSWERS}
    assert said == ANSWERS
    base = run_config()
    assert not any(ask(base, provider.places.root, asked) == right for asked, right in ANSWERS.items())


def test_losses_are_kept_by_step_and_fall(tuned: tuple[Local, str, Standing]) -> None:
    losses = [one.train for one in tuned[2].losses if one.train is not None]
    assert len(losses) > 5
    assert losses[-1] < losses[0] / 10
    assert tuned[2].step == tuned[2].steps == 30
    assert (tuned[2].tokens or 0) > 1000


def test_the_adapter_is_kept_as_peft_saves_it_too(tuned: tuple[Local, str, Standing]) -> None:
    folder = Path(tuned[2].model).parent / "adapter"
    config = json.loads((folder / "adapter_config.json").read_text())
    assert (config["base_model_name_or_path"], config["r"]) == ("HuggingFaceTB/SmolLM2-135M-Instruct", 8)
    assert (folder / "adapter_model.safetensors").stat().st_size > 1_000_000


def test_a_finished_job_is_not_trained_again(tuned: tuple[Local, str, Standing]) -> None:
    provider, job, standing = tuned
    before = Path(standing.model).stat().st_mtime_ns
    Local(provider.places).advance(job)
    assert Local(provider.places).standing(job) == standing
    assert Path(standing.model).stat().st_mtime_ns == before


def test_the_adapter_weighs_as_peft_says(tmp_path: Path) -> None:
    """The same next-token probabilities from transformers with peft and from llama.cpp with the file."""
    script = Path(__file__).with_name("tune_weighing.py")
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "random.gguf")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    theirs = json.loads(done.stdout.splitlines()[-1])
    config = run_config(adapter=str(tmp_path / "random.gguf"))

    async def main() -> dict[str, float]:
        model = open_model(config, tmp_path)
        request = Request(
            identity(config, tmp_path), (Message("user", theirs["asked"]),), {"max_tokens": 1, "logprobs": 10}
        )
        found = (await model.complete(request)).logprobs
        assert found
        return dict(found[0])

    ours = asyncio.run(main())
    shared = [token for token in theirs["with"] if token in ours]
    assert len(shared) >= 5
    moved = max(abs(theirs["with"][token] - theirs["without"][token]) for token in shared)
    off = max(abs(theirs["with"][token] - ours[token]) for token in shared)
    assert moved > 1
    assert off < moved / 4, (theirs, ours)


def test_a_run_that_was_killed_goes_on_from_its_checkpoint(tuned: tuple[Local, str, Standing]) -> None:
    provider, job, standing = tuned
    assert standing.state == "succeeded"
    seen = [int(one["step"]) for one in Desk(provider.places.state / "tunes" / job).told() if "train" in one]
    assert seen[-1] == SETTINGS["epochs"]
    assert seen.count(1) == 1, f"it began anew: {seen}"


def test_weights_that_are_not_there_are_refused_before_anything_starts(tmp_path: Path) -> None:
    from touchstone.errors import CallRefused

    provider = Local(places_in(tmp_path))
    file = write_examples(tmp_path / "train.jsonl")
    with pytest.raises(CallRefused, match=r"weights not found: gguf/none\.gguf"):
        provider.submit(Order("ts-0000000000000003", "gguf/none.gguf", {}, file), str(file), None)


def test_a_file_that_is_no_examples_fails_in_words(tmp_path: Path) -> None:
    provider = Local(places_in(tmp_path))
    bad = tmp_path / "bad.jsonl"
    bad.write_text("no json\n")
    order = Order("ts-0000000000000004", SMOLLM2, {}, bad)
    job = provider.submit(order, provider.upload(bad, order.tag), None)
    standing = trained(provider, job)
    assert standing.state == "failed"
    assert standing.why
    assert "Traceback" not in standing.why


def test_a_cancelled_job_is_not_begun(tmp_path: Path) -> None:
    provider = Local(places_in(tmp_path))
    file = write_examples(tmp_path / "train.jsonl")
    order = Order("ts-0000000000000005", SMOLLM2, SETTINGS, file)
    job = provider.submit(order, provider.upload(file, order.tag), None)
    provider.cancel(job)
    provider.advance(job)
    assert provider.standing(job).state == "cancelled"
    assert job not in provider._running


def test_a_process_that_dies_is_told_and_not_begun_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    provider = Local(places_in(tmp_path))
    file = write_examples(tmp_path / "train.jsonl")
    order = Order("ts-0000000000000008", SMOLLM2, SETTINGS, file)
    job = provider.submit(order, provider.upload(file, order.tag), None)
    standing = trained(provider, job, limit=30)
    assert standing.state == "failed"
    assert "see log.txt" in standing.why


@pytest.mark.parametrize(("given", "told"), [(None, "passive"), ("active", "active")])
def test_its_threads_sleep_where_they_wait_unless_the_user_says_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str | None, told: str
) -> None:
    """The process is one that prints its environment, into the job's log, and dies."""
    printing = tmp_path / "printing"
    printing.write_text("#!/bin/sh\nenv\nexit 1\n")
    printing.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(printing))
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    if given:
        monkeypatch.setenv("OMP_WAIT_POLICY", given)
    provider = Local(places_in(tmp_path))
    file = write_examples(tmp_path / "train.jsonl")
    order = Order("ts-0000000000000010", SMOLLM2, SETTINGS, file)
    job = provider.submit(order, provider.upload(file, order.tag), None)
    assert trained(provider, job, limit=30).state == "failed"
    log = (provider.places.state / "tunes" / job / "log.txt").read_text()
    assert f"OMP_WAIT_POLICY={told}" in log.splitlines()


def test_what_failed_is_not_found_and_can_be_submitted_again(tmp_path: Path) -> None:
    provider = Local(places_in(tmp_path))
    file = write_examples(tmp_path / "train.jsonl")
    order = Order("ts-0000000000000009", SMOLLM2, SETTINGS, file)
    job = provider.submit(order, provider.upload(file, order.tag), None)
    assert provider.find(order.tag) == job
    provider.cancel(job)
    assert provider.find(order.tag) is None
    provider.submit(order, provider.upload(file, order.tag), None)
    assert provider.standing(job).state == "queued"


def test_a_job_of_another_machine_is_told_and_not_waited_for(tmp_path: Path) -> None:
    from touchstone.errors import CallRefused

    provider = Local(places_in(tmp_path))
    provider.advance("ts-0000000000000007")
    with pytest.raises(CallRefused, match="was submitted on another machine"):
        provider.standing("ts-0000000000000007")


def test_what_it_is_told_is_what_the_order_says(tmp_path: Path) -> None:
    provider = Local(places_in(tmp_path))
    file = write_examples(tmp_path / "train.jsonl")
    order = Order("ts-0000000000000006", SMOLLM2, SETTINGS, file)
    provider.submit(order, provider.upload(file, order.tag), None)
    work = Desk(provider.places.state / "tunes" / order.tag).work()
    assert isinstance(work, Work)
    assert work.settings == Settings.model_validate(SETTINGS)
    assert packaged() is not None
