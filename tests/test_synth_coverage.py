"""What is counted is what the rows say; tables and pictures of it show hostile names as names."""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from touchstone.errors import UsageError
from touchstone_tuning.synth import picture, shown
from touchstone_tuning.synth.coverage import Balance, Coverage, Lengths, cover, in_order
from touchstone_tuning.synth.tally import Tally
from touchstone_tuning.synth.topic import Topic

TOPICS = [
    Topic("filter/eq", "brightness", True),
    Topic("filter/scale", "size", True),
    Topic("filter/yadif"),
    Topic("encoder/aac", composable=True),
    Topic("trim"),
]
HOSTILE = "::error::[x](http://evil.test) <b>|`$\\frac$`\x1b[31m\u202e@you www.evil.test"


def row(topic: str, text: str = "make it bright", uses: Sequence[str] = (), **made: Any) -> dict[str, Any]:
    return {"id": "a", "input": text, "uses": [topic, *uses], "made": {"topic": topic, **made}}


def uses(one: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(one.get("uses", ()))


ROWS = {
    "golden": [row("encoder/aac", "one two", voice="terse", reviewed={"by": "Ann", "verdict": "edit"})],
    "extra": [{"id": "hand", "input": "a hand-written row", "uses": ["filter/yadif", "filter/nosuch"]}],
    "train": [
        *(row("filter/eq", "w " * n, voice="terse", verified=["runs"]) for n in range(1, 11)),
        row("encoder/aac", "x", ["filter/eq"], voice="polite", verified=["runs", "told-apart"]),
    ],
    "val": [],
}


def counted(**more: Any) -> Coverage:
    return cover(ROWS, TOPICS, uses, **more)


# --- counting --------------------------------------------------------------------------------------------------------


def test_splits_stand_in_their_usual_order() -> None:
    assert in_order(["zoo", "golden", "eval", "train", "val", "abc"]) == [
        "train",
        "val",
        "eval",
        "golden",
        "abc",
        "zoo",
    ]
    assert list(counted().splits) == ["train", "val", "golden", "extra"]


def test_features_are_counted_by_kind_and_split() -> None:
    filters, encoders, plain = counted().kinds
    assert (filters.name, filters.known, filters.missing) == ("filter", 3, ("scale",))
    assert [filters.exercised(split) for split in ("train", "val", "golden", "extra")] == [1, 0, 0, 1]
    assert filters.uses["eq"] == {"train": 11}
    assert filters.lacking("train") == ("scale", "yadif")
    assert encoders.uses == {"aac": {"train": 1, "golden": 1}}
    assert (plain.name, plain.missing) == ("", ("trim",))


def test_a_feature_that_a_row_names_twice_counts_once() -> None:
    found = cover({"train": [row("trim")]}, TOPICS, lambda one: ["trim", "trim"])
    assert found.kinds[-1].uses["trim"] == {"train": 1}


def test_what_no_topic_stands_for_is_told_and_not_counted() -> None:
    found = counted()
    assert found.unlisted == ("filter/nosuch",)
    assert sum(kind.known for kind in found.kinds) == len(TOPICS)


def test_without_features_a_row_exercises_its_topic_alone() -> None:
    found = cover(ROWS, TOPICS)
    assert found.kinds[0].uses["eq"] == {"train": 10}
    assert found.unlisted == ()


def test_topics_with_a_template_and_no_row_are_named() -> None:
    found = counted()
    assert (found.composable, found.unmade) == (3, ("filter/scale",))


def test_balance_is_of_the_topics_that_rows_were_made_for() -> None:
    found = counted()
    assert found.splits["train"].balance == Balance(2, 1, 5.5, 10, (("filter/eq", 10), ("encoder/aac", 1)))
    assert found.splits["val"].balance is found.splits["extra"].balance is None


def test_lengths_are_words_by_nearest_rank() -> None:
    found = counted()
    assert found.splits["train"].lengths == Lengths(1, 1, 5, 9, 10)
    assert found.splits["val"].lengths is None


def test_voices_proofs_and_reviews() -> None:
    train, golden = counted().splits["train"], counted().splits["golden"]
    assert train.voices == {"terse": 10, "polite": 1}
    assert train.verified == {"runs": 11, "told-apart": 1}
    assert (train.reviewed, golden.reviewed, golden.rows) == (0, 1, 1)
    assert (train.made, counted().splits["extra"].made) == (11, 0)


def test_odd_rows_are_counted_as_rows() -> None:
    odd = [{}, {"made": "?"}, {"made": {"topic": ["x"], "verified": "runs", "voice": 3}}, {"input": None}]
    found = cover({"train": odd}, TOPICS)
    assert found.splits["train"].rows == 4
    assert found.splits["train"].verified == {}


def test_it_is_json_and_tells_of_every_missing_feature() -> None:
    tally = Tally(drafts=8, kept=2, calls=3, input_tokens=900, output_tokens=100, seconds=1.5)
    found = json.loads(json.dumps(counted(duplicates={"within train": 2}, tallies={"train": tally}).as_dict()))
    assert found["kinds"]["filter"]["missing"] == ["scale"]
    assert found["kinds"]["filter"]["rows"] == {"eq": {"train": 11}, "yadif": {"extra": 1}}
    assert found["splits"]["train"]["lengths"]["half"] == 5
    assert found["duplicates"] == {"within train": 2}
    assert found["yields"]["train"]["share"] == 0.25


# --- tables ----------------------------------------------------------------------------------------------------------


def test_the_terminals_tables_tell_what_was_counted() -> None:
    tally = Tally(drafts=8, kept=2, calls=3, input_tokens=900, output_tokens=100, seconds=1.5)
    tally.dropped["does the same as another row"] = 6
    text = shown.terminal(counted(duplicates={"within train": 2}, tallies={"train": tally}))
    for line in (
        r"^filters +3 +1 33 % +0 +0 +1 33 % +1$",
        r"^filters in no row: scale$",
        r"^not among the topics: filter/nosuch$",
        r"^in all +11 +0 +1 +1$",
        r"^median +5.5 +- +1 +-$",
        r"^half have at most +5 +- +2 +3$",
        r"^proof: told-apart +1 9 % +- +0 +0$",
        r"^reviewed by a person +0 +- +1 100 % +0$",
        r"^voice: terse +10 91 % +- +1 100 % +-$",
        r"^2 of 3 topics with a template have a row$",
        r"^most rows in train: filter/eq 10, encoder/aac 1$",
        r"^pairs alike: within train 2$",
        r"^kept +2 25 %$",
        r"^dropped: does the same as another +6$",
        r"^tokens a kept row +500$",
    ):
        assert re.search(line, text, re.M), line


def many() -> Coverage:
    """Hundreds of features in five splits."""
    topics = [Topic(f"{kind}/feature_number_{n}", composable=True) for kind in ("filter", "bsf") for n in range(300)]
    rows = {
        split: [row(topics[n].id, voice="v" * 50) for n in range(200)] for split in ("train", "val", "eval", "golden")
    }
    return cover({**rows, "a_split_with_a_long_name": []}, topics, uses)


def test_it_keeps_to_80_columns() -> None:
    assert max(map(len, shown.terminal(many(), 80).splitlines())) <= 80
    assert "and 88 more" in shown.terminal(many(), 80)
    assert "bitstream filters" in shown.terminal(many(), 80)


def test_colour_is_given_where_it_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[" in shown.terminal(counted(), color=True)
    assert "\x1b[" not in shown.terminal(counted())


def hostile() -> Coverage:
    rows = {HOSTILE: [row(HOSTILE, HOSTILE, ["odd" + HOSTILE], voice=HOSTILE, verified=[HOSTILE]), row("b")]}
    tally = Tally(drafts=2, kept=1)
    tally.dropped[HOSTILE] = 1
    topics = [Topic(HOSTILE, composable=True), Topic(f"{HOSTILE}/2"), Topic("b")]
    return cover(rows, topics, uses, duplicates={HOSTILE: 1}, tallies={HOSTILE: tally})


def test_hostile_names_give_a_terminal_nothing_to_obey() -> None:
    text = shown.terminal(hostile())
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202e]", text)
    assert not re.search(r"^\s*::", text, re.M)


def test_hostile_names_mean_nothing_to_markdown() -> None:
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(shown.markdown(hostile()))
    inline = [child for token in tokens for child in token.children or ()]
    assert {child.type for child in inline} <= {"text", "code_inline", "text_special"}
    said = " ".join(child.content for child in inline if child.type != "code_inline")
    assert not re.search(r"evil|@you|http|www", said)
    assert any("evil" in child.content for child in inline if child.type == "code_inline")


def test_markdown_has_the_tables() -> None:
    html = MarkdownIt("commonmark").enable("table").render(shown.markdown(counted()))
    assert html.count("<table>") == 2
    assert '<td style="text-align:right">1 33 %</td>' in html


def test_nothing_made_yet_is_shown_too() -> None:
    empty = cover({}, TOPICS)
    assert re.search(r"^filters +3 +3$", shown.terminal(empty), re.M)
    assert shown.markdown(empty).startswith("### Features")
    assert "Making" not in shown.terminal(empty)


# --- pictures --------------------------------------------------------------------------------------------------------


def pixels(data: bytes) -> Any:
    image = pytest.importorskip("PIL.Image").open(io.BytesIO(data))
    return image.convert("RGB")


def test_a_picture_is_a_png_of_1280_pixels() -> None:
    pytest.importorskip("matplotlib")
    image = pixels(picture.draw(counted()))
    assert image.width == picture.WIDTH == 1280
    assert image.height > 200


@pytest.mark.parametrize("form", ["png", "svg"])
def test_the_same_coverage_gives_the_same_bytes(form: picture.Form) -> None:
    pytest.importorskip("matplotlib")
    first = picture.draw(counted(), form)
    assert first == picture.draw(counted(), form)
    assert first != picture.draw(cover({}, TOPICS), form)
    assert not re.search(rb"20\d\d-\d\d-\d\d|Software", first)
    assert "matplotlib.pyplot" not in sys.modules


def test_more_rows_are_darker() -> None:
    pytest.importorskip("matplotlib")
    topics = [Topic(f"filter/f{n}") for n in range(3)]
    rows = [row(topics[at].id) for at, number in enumerate((1, 10, 100)) for _ in range(number)]
    image = pixels(picture.draw(cover({"train": rows}, topics, uses)))
    at = [picture.cells(cover({"train": rows}, topics, uses))[topic.id] for topic in topics]
    grey = [sum(image.getpixel((round(x + width - 3), round(y + 3)))) for x, y, width in at]
    assert 750 > grey[0] > grey[1] > grey[2]


def test_svg_keeps_names_as_text_and_mathematics_as_it_is() -> None:
    pytest.importorskip("matplotlib")
    rows = {"train": [row("filter/$\\frac$")], "eval": [row("filter/<b>")], "golden": [row("filter/字")]}
    topics = [Topic("filter/$\\frac$"), Topic("filter/<b>"), Topic("filter/字"), Topic("filter/pale"), Topic("filter/")]
    text = picture.draw(cover(rows, topics, uses), "svg").decode()
    for name in ("$\\frac$", "&lt;b&gt;", "字", "pale", "in a row of eval", "in a row of golden", "rows of train"):
        assert f">{name}<" in text
    assert picture.draw(hostile(), "svg")


def test_a_file_is_written_by_its_suffix(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    picture.save(counted(), tmp_path / "new" / "c.svg")
    assert (tmp_path / "new" / "c.svg").read_bytes() == picture.draw(counted(), "svg")
    picture.save(counted(), tmp_path / "c.PNG")
    assert (tmp_path / "c.PNG").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(UsageError, match=r"\.png or \.svg"):
        picture.save(counted(), tmp_path / "c.jpg")


def test_without_matplotlib_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(UsageError) as caught:
        picture.draw(counted())
    assert "pip install 'pytest-touchstone[synth]'" in str(caught.value)
    assert shown.terminal(counted())
