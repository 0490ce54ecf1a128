"""The expectation language: short spellings, defaults, and mistakes that name the nearest key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from fixtures.ffmpeg.expect import Audio, Expectation, FileExpectation, Hls, Piece, Shot, Subtitles, Text, Video
from fixtures.ffmpeg.recipes import AudioTrack, Recipe, SubtitleTrack, VideoTrack
from fixtures.ffmpeg.rows import FfmpegRow
from fixtures.ffmpeg.timeline import at_time, lay_out, total
from fixtures.ffmpeg.words import Span, fits

DOCS = Path(__file__).parents[2] / "docs" / "expectations.md"


@pytest.mark.parametrize(
    ("expect", "words"),
    [
        ({"contaner": "mp4"}, "unknown key 'contaner'; did you mean 'container'?"),
        ({"video": {"witdh": 3}}, "unknown key 'witdh'; did you mean 'width'?"),
        ({"audio": [{"channel": 2}]}, "did you mean 'channels'?"),
        ({"made_from": {"begin": 1}}, "unknown key 'begin'"),
        ({"shows": {"at": 1, "colour": "red", "diffres": True}}, "did you mean 'differs'?"),
        ({"any_of": [{"vidoe": 1}]}, "did you mean 'video'?"),
        ({"duration": {"mn": 3}}, "did you mean 'min'?"),
        ({"duration": {"about": 3, "min": 2}}, "write {min, max}"),
        ({"duration": {"within": 3, "min": 2}}, "`within` needs `about`"),
        ({"duration": {}}, "write {min, max}"),
        ({"video": {"picture": "flip"}}, "unknown change 'flip'; write one of hflip"),
        ({"video": {"picture": {"rotate": 45}}}, "90, 180 or 270"),
        ({"video": {"picture": {"rotate": 90, "crop": [0, 0, 1, 1]}}}, "one change a list item"),
        ({"outcomes": "refuse"}, "'file' or 'explain'"),
        ({"outcomes": []}, "write file, explain, or both"),
    ],
)
def test_mistakes_are_named(expect: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError) as problem:
        Expectation.model_validate(expect)
    assert words in str(problem.value)


def test_short_spellings() -> None:
    wish = Expectation.model_validate(
        {
            "made_from": "a.mp4",
            "video": {"picture": "hflip"},
            "audio": False,
            "outcomes": "explain",
            "shows": {"at": 1},
        }
    )
    assert wish.made_from == (Piece(file="a.mp4"),)
    assert isinstance(wish.video, tuple)
    assert wish.video[0].picture
    assert wish.audio is False
    assert wish.outcomes == ("explain",)
    assert wish.shows == (Shot(at=1),)
    assert Expectation.model_validate({"subtitles": True, "audio": 2}).audio == 2


def test_alternatives_keep_what_stands_beside_them() -> None:
    wish = Expectation.model_validate(
        {"container": "mp4", "duration": 3, "any_of": [{"duration": 2}, {"audio": False}]}
    )
    first, second = wish.alternatives()
    assert (first.container, first.duration) == ("mp4", 2)
    assert (second.container, second.duration, second.audio) == ("mp4", 3, False)


@pytest.mark.parametrize(
    ("found", "wanted", "tolerance", "right"),
    [
        (3.1, 3.0, 0.15, True),
        (3.2, 3.0, 0.15, False),
        (3.4, Span(about=3, within=0.5), 0.0, True),
        (3.1, Span(about=3), 0.15, True),
        (2.0, Span(min=2), 0.0, True),
        (1.9, Span(min=2, max=3), 1.0, False),
        (5.0, (3.0, Span(min=4)), 0.0, True),
        (3.5, (3.0, Span(min=4)), 0.0, False),
        (None, 3.0, 100.0, False),
    ],
)
def test_amounts(found: float | None, wanted: Any, tolerance: float, right: bool) -> None:
    assert fits(found, wanted, tolerance) is right


def test_pieces_are_laid_one_after_the_other() -> None:
    pieces = (Piece(end=1), Piece(start=-1, speed=2), Piece(start=1, end=2, reverse=True, times=2))
    laid = lay_out(pieces, 0, lambda *_: 4.0)
    assert [(one.at, one.length) for one in laid] == [(0, 1), (1, 0.5), (1.5, 1), (2.5, 1)]
    assert total(laid) == 3.5
    middle, backwards = at_time(laid, 1.25), at_time(laid, 1.75)
    assert middle is not None
    assert middle.source_time(1.25) == 3.5
    assert backwards is not None
    assert backwards.source_time(1.75) == 1.75
    assert at_time(laid, 9) is None


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"expects": {}}, "unknown key 'expects'; did you mean 'expect'?"),
        ({"media": {"/tmp/a.mp4": {}}}, "must be a file name"),
        ({"media": {"../a.mp4": {}}}, "must be a file name"),
        ({"media": {"in.mp4": {}}, "expect": {"made_from": "im.mp4"}}, "did you mean 'in.mp4'?"),
        ({"media": {"in.mp4": {}}, "expect": {"shows": {"at": 1, "file": "logo.png"}}}, "'logo.png' is none of"),
        ({"media": {"in.mp4": {}}, "expect": {"audio": {"mix": "song.mp3"}}}, "'song.mp3' is none of"),
        ({"media": {"in.mp4": {}}, "copies": "vidoe"}, "neither video, audio nor subtitles"),
    ],
)
def test_rows_name_their_mistakes(row: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError) as problem:
        FfmpegRow.model_validate({"id": "a", "input": "x", **row})
    assert words in str(problem.value)


def test_keys_that_other_scorers_need_are_kept() -> None:
    row = FfmpegRow.model_validate({"id": "a", "input": "x", "topic": "off", "container": "mkv"})
    assert row.topic == "off"  # type: ignore[attr-defined]
    assert row.container == ("mkv",)


MODELS: tuple[type[Any], ...] = (Recipe, VideoTrack, AudioTrack, SubtitleTrack, FileExpectation, Expectation)
MODELS += (Video, Audio, Subtitles, Piece, Shot, Hls, Text)


@pytest.mark.parametrize("model", MODELS)
def test_the_page_names_every_key(model: type[Any]) -> None:
    page = DOCS.read_text("utf-8")
    assert [key for key in model.model_fields if key not in page] == []
