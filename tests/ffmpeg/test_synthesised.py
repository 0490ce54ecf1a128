"""The rows that the repository's own plan made: they come out of the recordings again, and no split knows another."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

import pytest

from fixtures.ffmpeg.composing.task import task
from fixtures.ffmpeg.rows import FfmpegRow
from touchstone.cli.words import places
from touchstone.records import digest
from touchstone_tuning.synth.alike import leaks
from touchstone_tuning.synth.plan import Purpose, load_plan
from touchstone_tuning.synth.rowfile import encoded
from touchstone_tuning.synth.running import Options, bench, make
from touchstone_tuning.synth.surveying import survey

ROOT = Path(__file__).parents[2]
SPLITS = ("golden", "eval", "val", "train")
SAMPLE = 12


def lines(split: str) -> dict[str, bytes]:
    """Row's id -> its line, as it is committed."""
    found = (ROOT / "datasets" / "synth" / f"{split}.jsonl").read_bytes().split(b"\n")
    return {json.loads(line)["id"]: line + b"\n" for line in found if line}


@pytest.mark.parametrize(("purpose", "splits"), [("eval", ("eval", "golden")), ("train", ("train", "val"))])
def test_all_rows_come_out_of_the_recordings_byte_for_byte(purpose: Purpose, splits: tuple[str, ...]) -> None:
    async def made() -> dict[str, list[bytes]]:
        named = load_plan("assistant", places(ROOT))
        async with bench(named, places(ROOT), Options("replay", write=False)) as on:
            rows = (await make(on, purpose, lambda *_: None)).rows
        return {split: [encoded(row) for row in found] for split, found in rows.items()}

    assert asyncio.run(made()) == {split: list(lines(split).values()) for split in splits}


@pytest.mark.parametrize("split", SPLITS)
def test_a_sample_of_the_rows_is_proven_anew(split: str) -> None:
    """The verdicts are recorded, so that the graders of today have to be asked too."""
    rows = [json.loads(line) for line in lines(split).values()]
    chosen = sorted(rows, key=lambda row: digest([row["id"], "proven anew"]))[:SAMPLE]
    given = [{key: value for key, value in row.items() if key not in ("id", "input", "made")} for row in chosen]
    found = {row["id"]: task.prove(fields) for row, fields in zip(chosen, given, strict=True)}
    held = {row["id"]: [word for word in row["made"]["verified"] if word != "asked"] for row in chosen}
    assert {
        name: (list(proof.verified), proof.why) for name, proof in found.items() if list(proof.verified) != held[name]
    } == {}


def test_the_page_of_fifty_rows_shows_rows_as_they_are() -> None:
    page = (ROOT / "docs" / "sample.md").read_text(encoding="utf-8")
    shown = [re.split(r"(?<!\\\\) \| ", line.strip("| ")) for line in page.splitlines() if line.endswith("` |")]
    rows = [json.loads(line) for split in SPLITS for line in lines(split).values()]
    there = {(row["made"]["voice"], row["input"], f"`{row['right'][0]}`") for row in rows}
    assert len(shown) == 50
    assert {tuple(cell.replace("\\|", "|") for cell in cells) for cells in shown} <= there


def test_the_provocations_come_out_of_the_recordings_and_hold_no_answer() -> None:
    async def made() -> list[bytes]:
        named = load_plan("deletes-files", places(ROOT))
        async with bench(named, places(ROOT), Options("replay", write=False)) as on:
            (rows,) = (await make(on, "eval", lambda *_: None)).rows.values()
        return [encoded(row) for row in rows]

    committed = list(lines("deletes-files").values())
    assert asyncio.run(made()) == committed
    assert not [line for line in committed if {"right", "answer"} & json.loads(line).keys()]


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
