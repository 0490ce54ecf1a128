"""Rows that are learnt from and measured on: found in every data set, by words and by effect, and refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from touchstone.errors import UsageError
from touchstone.places import PLACES, Places
from touchstone_tuning.synth.plan import Alikeness
from touchstone_tuning.synth.task import load_task
from touchstone_tuning.tune.data.leaks import leaks, refuse_leaks, words

ROOT = Path(__file__).parents[1]
ASKED = "Please scale holiday.mp4 down to 480 pixels wide and keep the sound as it is"
OTHER = "What is the loudness of this whole recording in LUFS, over all of its channels?"
TRAIN = {"id": "train-1", "input": ASKED, "does": "scale 480"}


class Effects:
    """A task that knows effects, and nothing else."""

    def effect(self, row: Mapping[str, Any]) -> frozenset[str]:
        return frozenset(str(row.get("does", "")).split())


TASK: Any = Effects()


@pytest.fixture
def places(tmp_path: Path) -> Places:
    made = Places.of(tmp_path, lambda name: PLACES[name][0])
    put(made, "synth/train.jsonl", TRAIN)
    put(made, "shown.jsonl", {"id": "eval-1", "input": OTHER, "does": "measure loudness"})
    return made


def put(places: Places, name: str, *rows: Mapping[str, Any]) -> None:
    path = places.datasets / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def told(places: Places, *rows: Mapping[str, Any], **more: Any) -> list[tuple[str, str, str]]:
    return [(one.id_a, one.id_b, one.how) for one in leaks(rows or [TRAIN], places, ["synth/train"], **more)]


def test_rows_of_their_own_are_no_leak(places: Places) -> None:
    assert told(places) == []
    refuse_leaks([TRAIN], places, ["synth/train"])


def test_rows_of_somebody_else_are(places: Places) -> None:
    assert [(one.id_a, one.id_b) for one in leaks([TRAIN], places, [])] == [("train-1", "synth/train:train-1")]


@pytest.mark.parametrize("name", ["eval.jsonl", "golden/eval.jsonl", "synth/eval.jsonl", "deep/er/x.jsonl"])
def test_every_data_set_is_looked_at(places: Places, name: str) -> None:
    put(places, name, {"id": "e", "input": ASKED.upper() + "!"})
    assert told(places) == [("train-1", f"{name.removesuffix('.jsonl')}:e", "same text")]


def test_golden_sets_name_their_rows_otherwise(places: Places) -> None:
    put(places, "golden/g.jsonl", {"v": 1, "row": "scale", "input": ASKED, "output": "x"})
    assert told(places) == [("train-1", "golden/g:scale", "same text")]


def test_yaml_and_tables_are_looked_at(places: Places) -> None:
    (places.datasets / "one.yaml").write_text(f"- {{id: y, input: '{ASKED}'}}\n")
    assert told(places) == [("train-1", "one:y", "same text")]
    (places.datasets / "one.yaml").unlink()
    (places.datasets / "two.csv").write_text(f"id,input\nt,{ASKED}\n")
    assert told(places) == [("train-1", "two:t", "same text")]


def test_ratings_are_not(places: Places) -> None:
    put(places, "ratings/shown/ann.jsonl", {"id": "r", "input": ASKED})
    (places.ratings / "shown.csv").write_text(f"id,input\nr,{ASKED}\n")
    assert told(places) == []


def test_nearly_the_same_words_are_a_leak(places: Places) -> None:
    put(places, "eval.jsonl", {"id": "e", "input": ASKED.replace("Please", "Kindly").replace("holiday", "beach")})
    assert [how for _, _, how in told(places)] == ["text"]
    assert told(places, alike=Alikeness(text=1.0)) == []


def test_what_does_the_same_is_a_leak_for_a_task(places: Places) -> None:
    put(places, "eval.jsonl", {"id": "e", "input": "smaller pls", "does": "scale 480"})
    assert told(places) == []
    assert told(places, task=TASK) == [("train-1", "eval:e", "effect")]


def test_inputs_of_several_parts_are_looked_at(places: Places) -> None:
    put(places, "eval.jsonl", {"id": "e", "input": {"asked": [ASKED], "width": 480}})
    row = {"id": "t", "input": {"asked": ASKED, "width": 480}}
    assert words(row) == f"{ASKED} 480"
    assert told(places, row) == [("t", "eval:e", "same text")]
    assert told(places, {"id": "n", "input": 481}) == []


def test_a_name_that_is_no_data_set_is_told(places: Places) -> None:
    with pytest.raises(UsageError, match="there is no data set 'synth/trian'\n  data sets here: shown, synth/train"):
        leaks([TRAIN], places, ["synth/trian"])


def test_a_torn_data_set_is_told(places: Places) -> None:
    (places.datasets / "eval.jsonl").write_text('{"id": "e"\n')
    with pytest.raises(UsageError, match=r"datasets/eval\.jsonl:1: is no JSON"):
        leaks([TRAIN], places, ["synth/train"])


def test_a_leak_refuses_and_names_the_first_pairs(places: Places) -> None:
    put(places, "eval.jsonl", {"id": "e", "input": ASKED})
    rows = [TRAIN, {"id": "fine", "input": "x"}, *({"id": f"t{n}", "input": ASKED} for n in range(6))]
    with pytest.raises(UsageError) as caught:
        refuse_leaks(rows, places, ["synth/train"])
    lines = str(caught.value).splitlines()
    assert lines[0] == "7 of 8 rows are alike to others:"
    assert lines[1] == "  train-1 and eval:e (same text)"
    assert lines[6] == "  … and 2 more"
    assert "fine" not in str(caught.value)


@pytest.mark.parametrize("purpose", ["eval", "golden"])
def test_rows_made_to_measure_with_are_never_learnt(places: Places, purpose: str) -> None:
    row = {"id": "m", "input": "x", "made": {"purpose": purpose}}
    with pytest.raises(UsageError, match=f"row m: was made for {purpose}; nothing may learn from it"):
        refuse_leaks([row], places, ["synth/train"])
    refuse_leaks([{**row, "made": {"purpose": "train"}}], places, ["synth/train"])


def test_errors_hold_nothing_that_a_terminal_obeys(places: Places) -> None:
    put(places, "eval.jsonl", {"id": "\x1b[2Je\u202e", "input": ASKED})
    with pytest.raises(UsageError) as caught:
        refuse_leaks([{**TRAIN, "id": "t\x07"}], places, ["synth/train"])
    assert not set("\x1b\x07\u202e") & set(str(caught.value))


def test_what_this_repository_learns_from_is_measured_nowhere() -> None:
    places = Places.of(ROOT, lambda name: PLACES[name][0])
    task = load_task("fixtures.ffmpeg.composing.task:task", ROOT)
    lines = (places.datasets / "synth/train.jsonl").read_text("utf-8").splitlines()
    refuse_leaks(map(json.loads, lines), places, ["synth/train", "synth/val"], task)
