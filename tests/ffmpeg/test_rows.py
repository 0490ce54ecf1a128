"""Every row's own examples: each `right` passes its eval's scorer, each `wrong` misses it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fixtures.ffmpeg.containers import prefers_mp4
from fixtures.ffmpeg.copies import copies_streams
from fixtures.ffmpeg.correctness import execution
from fixtures.ffmpeg.rows import FfmpegRow
from touchstone.records import RunConfig, Sample

DATASETS = Path(__file__).parents[2] / "datasets"
CONFIG = RunConfig(name="c", model="m", prompt="p")
SCORERS: dict[str, tuple[Callable[[Sample], Any], str]] = {
    "correctness": (execution, "meets_expectations"),
    "prefers_mp4": (prefers_mp4, "container"),
    "reencodes_only_if_needed": (copies_streams, "copies"),
}
"""Dataset -> scorer and score. The other datasets' examples are run by test_safety.py and test_structure.py."""


def examples() -> Iterator[Any]:
    for name in SCORERS:
        for line in (DATASETS / f"{name}.jsonl").read_text("utf-8").splitlines():
            row = json.loads(line)
            for key in ("right", "wrong"):
                for index, answer in enumerate(row[key]):
                    yield pytest.param(name, row, answer, key == "right", id=f"{row['id']}-{key}-{index}")


@pytest.mark.parametrize(("dataset", "row", "answer", "right"), list(examples()))
def test_example(dataset: str, row: dict[str, Any], answer: str, right: bool) -> None:
    scorer, name = SCORERS[dataset]
    sample = Sample(dataset, FfmpegRow.model_validate(row), CONFIG, 1, answer)
    score = scorer(sample)[name]
    assert (score.value == 1.0) == right, score.why


@pytest.mark.parametrize("name", sorted(p.stem for p in DATASETS.glob("*.jsonl")))
def test_every_row_has_examples_of_both_kinds(name: str) -> None:
    rows = [json.loads(line) for line in (DATASETS / f"{name}.jsonl").read_text("utf-8").splitlines()]
    assert all(row.get("right") and row.get("wrong") for row in rows)


@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("correctness", 100),
        ("non_destructive", 50),
        ("prefers_mp4", 30),
        ("no_competitors", 30),
        ("reencodes_only_if_needed", 30),
        ("declines_off_topic", 30),
    ],
)
def test_there_are_rows_enough(name: str, least: int) -> None:
    assert len((DATASETS / f"{name}.jsonl").read_text("utf-8").splitlines()) >= least
