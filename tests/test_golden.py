"""The golden set: what is drawn, what is written, and what a damaged file says."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from touchstone.errors import UsageError
from touchstone.golden import draw, golden_of
from touchstone.labels import Item
from touchstone.places import PLACES, Places
from touchstone.records import Outcome, SampleRecord, Score


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places.of(tmp_path, lambda name: PLACES[name][0])


def item(row: str = "a", output: str = "yes", run_config: str = "main") -> Item:
    return Item(row, "0f" * 32, f"ask {row}", output, run_config)


def record(row: int, run_config: str, passed: bool | None, **other: object) -> SampleRecord:
    given: dict[str, object] = {"output": f"{row} by {run_config}", "outcome": Outcome("pass"), "epoch": 1, **other}
    scores = {} if passed is None else {"truth": Score(float(passed))}
    return SampleRecord("e", f"r{row:03}", run_config, scores=scores, input="?", row_hash="h", **given)  # type: ignore[arg-type]


def records(rows: int, configs: Sequence[str] = ("x", "y", "z"), missed: int = 4) -> list[SampleRecord]:
    """Every fourth row of each run-config misses, each at another place."""
    return [record(r, c, (r + i) % missed != 0) for r in range(rows) for i, c in enumerate(configs)]


def truth_of(items: Sequence[Item], all_records: Sequence[SampleRecord]) -> Counter[bool]:
    value = {(r.row, r.output): r.scores["truth"].value >= 1 for r in all_records}
    return Counter(value[i.row, i.output] for i in items)


def test_what_is_written_is_read_again(places: Places) -> None:
    odd = Item("b", "h", {"text": "two", "n": [1, None]}, "a\u202eb\ud800 é \u2028 😀\n{", "other")
    path = golden_of(places, "correctness").write([odd, item()])
    assert path == places.datasets / "golden/correctness.jsonl"
    assert golden_of(places, "correctness").read() == (item(), odd)


def test_the_file_is_readable_sorted_and_hides_nothing(places: Places) -> None:
    path = golden_of(places, "e").write([item("b", "é\u202e"), item("a"), item("a")])
    text = path.read_text(encoding="utf-8")
    assert [json.loads(line)["row"] for line in text.splitlines()] == ["a", "b"]
    assert text.startswith('{"v": 1, "row": "a"')
    assert "é\\u202e" in text


@pytest.mark.parametrize("name", ["folder/words", "words.v2", "a/b/c.d", "...", "-x"])
def test_names_may_hold_folders_and_dots(places: Places, name: str) -> None:
    path = golden_of(places, name).write([item()])
    assert path == places.golden / f"{name}.jsonl"
    assert golden_of(places, name).read() == (item(),)


@pytest.mark.parametrize("name", ["", "..", "../x", "a/../../x", "/etc/x", "a\\..\\x", "a\0"])
def test_no_name_leads_out_of_the_folder(places: Places, name: str) -> None:
    with pytest.raises(UsageError, match="no name of an eval"):
        golden_of(places, name)


def test_a_missing_set_says_how_to_make_one(places: Places) -> None:
    with pytest.raises(UsageError, match=r"datasets/golden/words\.jsonl: .*\n  touchstone golden words"):
        golden_of(places, "words").read()


GOOD = '{"v": 1, "row": "a", "row_hash": "h", "input": 1, "output": "x", "run_config": "m"}\n'


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("<<<<<<< HEAD\n", "conflict marker"),
        ("=======\n", "conflict marker"),
        (GOOD[:40] + "\n", "not a whole line"),
        (GOOD.rstrip()[:-3], "not a whole line"),
        ("[1]\n", "not a JSON object"),
        ("NaN\n", "not a whole line"),
        ("[" * 100_000 + "\n", "not a whole line"),
        ('{"row": "a"}\n', "version None"),
        (GOOD.replace("1,", "2,", 1), "version 2"),
        (GOOD.replace("1,", "true,", 1), "version True"),
        (GOOD.replace('"x"', "5"), "output: "),
        (GOOD.replace('"row_hash"', '"rowhash"'), "row_hash: "),
        (GOOD, "twice"),
    ],
)
def test_a_bad_line_is_named(places: Places, line: str, says: str) -> None:
    places.golden.mkdir(parents=True)
    (places.golden / "e.jsonl").write_text(GOOD + "\n" + line)
    with pytest.raises(UsageError, match=rf"datasets/golden/e\.jsonl:3: .*{says}"):
        golden_of(places, "e").read()


def test_many_bad_lines_are_counted(places: Places) -> None:
    places.golden.mkdir(parents=True)
    (places.golden / "e.jsonl").write_text("{\n" * 25)
    with pytest.raises(UsageError, match=r"e\.jsonl:10: (.|\n)*and 15 more"):
        golden_of(places, "e").read()


def test_bytes_that_are_no_text_and_a_folder_are_problems(places: Places) -> None:
    places.golden.mkdir(parents=True)
    (places.golden / "e.jsonl").write_bytes(b'{"v": 1, "row": "\xff"}\n')
    with pytest.raises(UsageError, match="not a whole line"):
        golden_of(places, "e").read()
    (places.golden / "f.jsonl").mkdir()
    with pytest.raises(UsageError, match="no golden set yet"):
        golden_of(places, "f").read()


def test_one_output_a_row_half_of_them_misses_and_run_configs_even() -> None:
    there = records(60)
    drawn = draw(there, 30, 0, "truth")
    assert len(drawn) == len({i.row for i in drawn}) == 30
    assert truth_of(drawn, there) == {True: 15, False: 15}
    assert sorted(Counter(i.run_config for i in drawn).values()) == [10, 10, 10]


def test_more_outputs_than_rows_take_each_row_before_any_twice() -> None:
    there = records(60)
    drawn = draw(there, 84, 0, "truth")
    times = Counter(i.row for i in drawn)
    assert (len(drawn), len(times), max(times.values())) == (84, 60, 2)
    assert truth_of(drawn, there) == {True: 42, False: 42}
    assert max(Counter(i.run_config for i in drawn).values()) <= 29


def test_rare_misses_are_all_taken() -> None:
    there = [record(r, c, r >= 3) for r in range(40) for c in "xy"]
    drawn = draw(there, 20, 1, "truth")
    assert truth_of(drawn, there) == {True: 14, False: 6}
    assert draw(there, 500, 1, "truth") == sorted(
        (Item(r.row, "h", "?", str(r.output), r.run_config) for r in there), key=lambda i: (i.row, i.answer)
    )


def test_without_a_truth_rows_and_run_configs_are_even() -> None:
    drawn = draw([record(r, c, None) for r in range(30) for c in "xyz"], 30, 0, None)
    assert len({i.row for i in drawn}) == 30
    assert Counter(i.run_config for i in drawn) == {"x": 10, "y": 10, "z": 10}


def test_outputs_without_the_score_come_last() -> None:
    there = [record(1, "x", True), record(2, "x", False), record(3, "x", None), record(4, "x", None)]
    assert {i.row for i in draw(there, 2, 0, "truth")} == {"r001", "r002"}
    assert len(draw(there, 3, 0, "truth")) == 3


def test_the_seed_decides_and_the_order_of_records_does_not() -> None:
    there = records(50)
    assert draw(there, 20, 3, "truth") == draw(there[::-1], 20, 3, "truth")
    assert draw(there, 20, 3, "truth") != draw(there, 20, 4, "truth")


@pytest.mark.parametrize("seed", range(5))
def test_new_rows_move_few_others(seed: int) -> None:
    before = {i.key for i in draw(records(100), 60, seed, "truth")}
    after = {i.key for i in draw(records(102), 60, seed, "truth")}
    assert len(before & after) >= 52


def test_an_output_that_two_run_configs_wrote_is_drawn_once() -> None:
    same = [record(r, c, True, output=f"the same {r}") for r in range(10) for c in "xy"]
    drawn = draw(same, 40, 0, None)
    assert len(drawn) == len({i.key for i in drawn}) == 10
    assert Counter(i.run_config for i in drawn) == {"x": 5, "y": 5}


def test_errors_skipped_and_empty_outputs_are_left_out() -> None:
    bad = [
        record(1, "x", True, outcome=Outcome("error")),
        record(2, "x", True, outcome=Outcome("skipped")),
        record(3, "x", True, output=" \n"),
        record(4, "x", True, output=None),
    ]
    assert draw([*bad, record(5, "x", True)], 9, 0, "truth")[0].row == "r005"
    assert draw(bad, 9, 0, "truth") == []


def test_a_sample_that_was_run_again_counts_the_last_time() -> None:
    drawn = draw([record(1, "x", True, output="first"), record(1, "x", True, output="second")], 9, 0, "truth")
    assert [i.output for i in drawn] == ["second"]


def test_a_truth_that_no_sample_has_is_told() -> None:
    with pytest.raises(UsageError, match="'thruth'"):
        draw(records(3), 3, 0, "thruth")


def test_what_is_kept_is_not_drawn_again_and_counts_for_rows_and_run_configs() -> None:
    there = [record(r, c, None) for r in range(10) for c in "xy"]
    kept = draw(there, 5, 0, None)
    more = draw(there, 5, 0, None, kept)
    both = [*kept, *more]
    assert len({i.row for i in both}) == 10
    assert Counter(i.run_config for i in both) == {"x": 5, "y": 5}
