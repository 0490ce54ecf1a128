"""The rows that the repository's own plan made: they come out of the recordings again, and no split knows another."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from fixtures.ffmpeg.composing.task import task
from fixtures.ffmpeg.rows import FfmpegRow
from touchstone.cli.words import places
from touchstone_tuning.synth.alike import leaks
from touchstone_tuning.synth.plan import Purpose, load_plan
from touchstone_tuning.synth.rowfile import encoded
from touchstone_tuning.synth.running import Options, bench, make
from touchstone_tuning.synth.surveying import survey

ROOT = Path(__file__).parents[2]
SPLITS = ("golden", "eval", "val", "train")


def lines(split: str) -> dict[str, bytes]:
    """Row's id -> its line, as it is committed."""
    found = (ROOT / "datasets" / "synth" / f"{split}.jsonl").read_bytes().split(b"\n")
    return {json.loads(line)["id"]: line + b"\n" for line in found if line}


@pytest.mark.parametrize(("purpose", "splits"), [("eval", ("eval", "golden")), ("train", ("train", "val"))])
def test_the_first_rows_come_out_of_the_recordings_byte_for_byte(purpose: Purpose, splits: tuple[str, ...]) -> None:
    async def made() -> list[tuple[str, bytes]]:
        named = load_plan("assistant", places(ROOT))
        async with bench(named, places(ROOT), Options("replay", limit=8, write=False)) as on:
            rows = (await make(on, purpose, lambda *_: None)).rows
        return [(row["id"], encoded(row)) for split in splits for row in rows[split]]

    committed = {name: line for split in splits for name, line in lines(split).items()}
    found = asyncio.run(made())
    assert len(found) == 8
    assert [(name, committed.get(name)) for name, _ in found] == found


@pytest.mark.parametrize("split", SPLITS)
def test_every_row_is_one_of_the_assistants(split: str) -> None:
    for line in lines(split).values():
        row = FfmpegRow.model_validate_json(line)
        assert row.right
        assert {"runs", "as-expected", "asked"} <= set(json.loads(line)["made"]["verified"])


def test_no_row_is_alike_to_one_of_another_split_or_data_set() -> None:
    assert survey(load_plan("assistant", places(ROOT)), places(ROOT)).leaks == ()


def test_a_leak_would_be_found() -> None:
    stolen = json.loads(next(iter(lines("eval").values())))
    groups = {"eval": [("one", stolen["input"], task.effect(stolen))], "train": [("two", "", task.effect(stolen))]}
    assert [leak.how for leak in leaks(groups)] == ["effect"]
