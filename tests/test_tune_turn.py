"""One job at a time is trained in a checkout, whoever waits for it. No torch: what is started here only sleeps."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from touchstone.models.weights import SMOLLM2
from touchstone.places import PLACES, Places
from touchstone_tuning.tune.local.turn import take, taken
from touchstone_tuning.tune.provider import Order
from touchstone_tuning.tune.providers.local import ANOTHER, Local


def submitted(root: Path, *tags: str) -> tuple[Local, list[str]]:
    provider, file = Local(Places.of(root, lambda name: PLACES[name][0])), root / "train.jsonl"
    file.write_text("{}\n")
    return provider, [provider.submit(Order(tag, SMOLLM2, {}, file), str(file), None) for tag in tags]


@pytest.fixture
def sleeper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Local]]:
    """In place of the interpreter; the providers that are put into the list are stopped behind the test."""
    file = tmp_path / "sleeper"
    file.write_text("#!/bin/sh\nexec sleep 60\n")
    file.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(file))
    started: list[Local] = []
    yield started
    for process in (one for provider in started for one in provider._running.values()):
        process.kill()
        process.wait()


def test_a_second_one_waits_for_its_turn_and_says_so(tmp_path: Path, sleeper: list[Local]) -> None:
    first, jobs = submitted(tmp_path, "ts-00000000000000c1", "ts-00000000000000c2")
    second = Local(first.places)
    sleeper += [first, second]
    assert first.standing(jobs[0]).why == ""
    first.advance(jobs[0])
    second.advance(jobs[1])
    second.advance(jobs[0])
    assert second._running == {}
    assert (second.standing(jobs[1]).state, second.standing(jobs[1]).why) == ("queued", ANOTHER)
    assert second.standing(jobs[0]).state == first.standing(jobs[0]).state == "running"
    first._running[jobs[0]].kill()
    first._running[jobs[0]].wait()
    second.advance(jobs[1])
    assert second.standing(jobs[1]).state == "running"


def test_the_turn_is_kept_by_the_process_that_trains_and_not_by_who_started_it(
    tmp_path: Path, sleeper: list[Local]
) -> None:
    provider, (job,) = submitted(tmp_path, "ts-00000000000000c3")
    sleeper.append(provider)
    provider.advance(job)
    assert taken(provider._tunes) == job
    provider._running[job].kill()
    provider._running[job].wait()
    assert taken(provider._tunes) is None


def test_a_turn_is_given_once(tmp_path: Path) -> None:
    assert taken(tmp_path) is None
    with take(tmp_path, "a") as mine, take(tmp_path, "b") as theirs:
        assert mine is not None
        assert theirs is None
        assert taken(tmp_path) == "a"
    with take(tmp_path, "longer-than-a"), take(tmp_path, "c"):
        assert taken(tmp_path) == "longer-than-a"
    assert taken(tmp_path) is None
