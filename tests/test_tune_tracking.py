"""Losses that go to wandb, TensorBoard and trackio besides: really sent by a short run, read back by each one's own."""

from __future__ import annotations

import json
import sqlite3
import struct
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from tune_local import TRACKERS, places_in, tracks, trained, write_examples
from tune_tiny import tiny

from touchstone.errors import CallRefused
from touchstone.models.weights import SMOLLM2
from touchstone_tuning.tune.local.desk import Desk, Work
from touchstone_tuning.tune.local.settings import Settings
from touchstone_tuning.tune.local.tracking import decided, environment, missing
from touchstone_tuning.tune.provider import Order, Standing
from touchstone_tuning.tune.providers.local import Local

SETTINGS = {
    **{"epochs": 4, "batch_size": 2, "rank": 2, "precision": "float32", "evaluations": 2, "learning_rate": 0.01},
    "report_to": list(TRACKERS),
}
SECRETS = ("WANDB_MODE", "WANDB_API_KEY", "WANDB_IDENTITY_TOKEN_FILE", "NETRC", "WANDB_CONFIG_DIR")


@pytest.fixture(scope="module")
def tracked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Desk, Standing, Path]:
    """A run that told all three, as a user without any account; with the home that it had."""
    root, home = tmp_path_factory.mktemp("tracked"), tmp_path_factory.mktemp("home")
    provider, file = Local(places_in(root)), write_examples(root / "train.jsonl")
    with pytest.MonkeyPatch.context() as patch:
        for name in (*SECRETS, "WANDB_DIR", "WANDB_PROJECT", "WANDB_NAME", "TRACKIO_DIR", "TENSORBOARD_LOGGING_DIR"):
            patch.delenv(name, raising=False)
        patch.setenv("HOME", str(home))
        patch.setenv("TRACKIO_SPACE_ID", "somebody/elsewhere")
        tiny(root / "models/tiny")
        order = Order("ts-000000000000000a", "models/tiny", SETTINGS, file, file, "small-rank2", "first_system")
        job = provider.submit(order, provider.upload(file, order.tag), provider.upload(file, order.tag))
        standing = trained(provider, job)
    return Desk(root / ".touchstone/tunes" / job), standing, home


def told(desk: Desk, which: str) -> dict[int, float]:
    """Step -> loss, as the job's own lines say."""
    return {int(one["step"]): one[which] for one in desk.told() if which in one}


@tracks
def test_tensorboard_reads_the_losses_of_the_job(tracked: tuple[Desk, Standing, Path]) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    desk, standing, _ = tracked
    assert (standing.state, standing.why) == ("succeeded", "")
    events = EventAccumulator(str(desk.folder / "tensorboard"))
    events.Reload()
    for tag, which in (("train/loss", "train"), ("eval/loss", "validation")):
        found = {event.step: event.value for event in events.Scalars(tag)}
        assert found == pytest.approx(told(desk, which), rel=1e-5)
        assert len(found) >= 2


@tracks
def test_wandb_has_run_offline_in_the_folder_of_the_job(tracked: tuple[Desk, Standing, Path]) -> None:
    desk, _, home = tracked
    (file,) = (desk.folder / "wandb").glob("offline-run-*/run-*.wandb")
    records = list(wandb_records(file))
    (run,) = [record.run for record in records if record.WhichOneof("record_type") == "run"]
    assert (run.project, run.display_name) == ("first_system", "small-rank2")
    rows = [row_of(record) for record in records if record.WhichOneof("record_type") == "history"]
    for name, which in (("train/loss", "train"), ("eval/loss", "validation")):
        found = {row["train/global_step"]: row[name] for row in rows if name in row}
        assert found == pytest.approx(told(desk, which))
    assert [path for path in home.rglob("*") if path.is_file()] == []  # no key, no setting, no log


@tracks
def test_trackio_has_kept_them_on_this_machine(tracked: tuple[Desk, Standing, Path]) -> None:
    desk, _, _ = tracked
    (file,) = (desk.folder.parent / "trackio").glob("*.db")
    with sqlite3.connect(file) as database:
        found = database.execute("select run_name, metrics from metrics order by id").fetchall()
    assert {name for name, _ in found} == {"small-rank2"}
    rows = [json.loads(metrics) for _, metrics in found]
    losses = {row["train/global_step"]: row["train/loss"] for row in rows if "train/loss" in row}
    assert losses == pytest.approx(told(desk, "train"))


def wandb_records(file: Path) -> Iterator[Any]:
    """The records of a run's file: chunks in blocks of 32 KiB, as LevelDB's log has them, behind a head of 7 bytes."""
    from wandb.proto.wandb_internal_pb2 import Record

    data, at, parts = file.read_bytes(), 7, b""
    while at + 7 <= len(data):
        if 32768 - at % 32768 < 7:
            at += 32768 - at % 32768
            continue
        _, length, kind = struct.unpack_from("<IHB", data, at)
        parts += data[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):  # whole, or the last part
            yield Record.FromString(parts)
            parts = b""


def row_of(record: Any) -> dict[str, Any]:
    return {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in record.history.item}


def work(tag: str = "ts-1") -> Work:
    return Work(tag=tag, base=SMOLLM2, settings=Settings(), train="t.jsonl", root="/")


def variables(tmp_path: Path, given: Mapping[str, str]) -> dict[str, str]:
    return environment(Desk(tmp_path / "tunes/ts-1"), work(), {"HOME": str(tmp_path), **given})


def test_without_an_account_wandb_runs_offline(tmp_path: Path) -> None:
    found = variables(tmp_path, {"WANDB_API_KEY": ""})
    assert found["WANDB_MODE"] == "offline"
    assert found["WANDB_DIR"] == str(tmp_path / "tunes/ts-1")
    assert (found["WANDB_PROJECT"], found["WANDB_NAME"]) == ("touchstone", "ts-1")


def test_what_the_user_set_stays(tmp_path: Path) -> None:
    theirs = {"WANDB_API_KEY": "k" * 40, "WANDB_PROJECT": "ours", "WANDB_DIR": "/there", "TRACKIO_DIR": "/here"}
    found = variables(tmp_path, theirs)
    assert {name: found[name] for name in theirs} == theirs
    assert "WANDB_MODE" not in found
    assert variables(tmp_path, {"WANDB_MODE": "disabled"})["WANDB_MODE"] == "disabled"


def test_trackio_is_sent_nowhere(tmp_path: Path) -> None:
    assert "TRACKIO_SPACE_ID" not in variables(tmp_path, {"TRACKIO_SPACE_ID": "me/space"})


@pytest.mark.parametrize(
    ("file", "text", "yes"),
    [
        (".netrc", "machine api.wandb.ai login user password k\n", True),
        ("_netrc", "machine api.wandb.ai login user password k\n", True),
        (".netrc", "machine elsewhere.org login user password k\n", False),
        (".netrc", "this is \x00 no netrc", False),
        (".config/wandb/settings", "[default]\nmode = disabled\n", True),
        (".config/wandb/settings", "[default]\nentity = me\n", False),
        (".config/wandb/settings", "no settings", False),
    ],
)
def test_a_login_or_a_mode_in_wandbs_own_files_is_the_users_word(
    tmp_path: Path, file: str, text: str, yes: bool
) -> None:
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    assert decided({"HOME": str(tmp_path)}) is yes


def test_a_package_that_is_not_there_is_told_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("wandb", "trackio"):
        monkeypatch.setitem(sys.modules, name, None)  # as if it were not installed
    assert missing(()) is None
    words = "report_to needs wandb and trackio, not installed here: pip install 'pytest-touchstone[wandb,trackio]'"
    assert missing(("wandb", "trackio")) == words
    provider, file = Local(places_in(tmp_path)), write_examples(tmp_path / "train.jsonl")
    order = Order("ts-000000000000000b", SMOLLM2, {"report_to": ["wandb", "trackio"]}, file)
    assert provider.lacking_for(order) == words
    with pytest.raises(CallRefused, match="pip install"):
        provider.submit(order, str(file), None)
