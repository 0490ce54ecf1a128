"""The scorers `execution`, `prefers_mp4`, `copies_streams`: what counts, what a miss says, what is hostile."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from fixtures.ffmpeg import stills
from fixtures.ffmpeg.containers import prefers_mp4
from fixtures.ffmpeg.copies import copies_streams
from fixtures.ffmpeg.correctness import execution
from fixtures.ffmpeg.probe import Facts, Track
from fixtures.ffmpeg.rows import FfmpegRow
from touchstone.records import RunConfig, Sample, Score
from touchstone.scorers import identity_of, traits

CLIP: dict[str, Any] = {"in.mp4": {"seconds": 1}}
EXPLAIN = {"outcomes": "explain", "explains": ["no audio", "no sound"]}
COPY = "ffmpeg -i in.mp4 -c copy out.mp4"


def sample(output: str, **row: Any) -> Sample:
    made = FfmpegRow.model_validate({"id": "a", "input": "x", "media": CLIP, **row})
    return Sample("correctness", made, RunConfig(name="c", model="m", prompt="p"), 1, output)


def fenced(*commands: str) -> str:
    return "Here.\n\n```bash\n" + "\n".join(commands) + "\n```\n"


def both(output: str, **row: Any) -> tuple[float, float]:
    scores = execution(sample(output, **row))
    return scores["executes"].value, scores["meets_expectations"].value


def test_right_runs_and_meets() -> None:
    assert both(fenced(COPY)) == (1, 1)


@pytest.mark.parametrize(
    ("output", "executes", "why"),
    [
        (fenced("ffmpeg -i in.mp4 -t 0.5 out.mp4"), 1, "duration: wanted 1"),
        (fenced("ffmpeg -i nope.mp4 out.mp4"), 0, "No such file"),
        (fenced("ffmpeg -i in.mp4 -c:v h266 out.mp4"), 0, "nknown encoder"),
        ("I cannot do that.", 0, "no ffmpeg command"),
        ("", 0, "no ffmpeg command"),
        (fenced("ffmpeg -i in.mp4 -f null -"), 0, "no new file"),
        (fenced(COPY, "rm in.mp4"), 0, "rm"),
        (fenced(COPY, "ffmpeg -i gone.mp4 last.mp4"), 0, "No such file"),
        ("\x00\ud800```bash\nffmpeg -i 'in.mp4 out.mp4\n```", 0, ""),
        ("```bash\nffmpeg -i in.mp4 " + "-an " * 30_000 + "out.mp4\n```", 0, ""),
    ],
)
def test_misses_say_why(output: str, executes: float, why: str) -> None:
    scores = execution(sample(output))
    assert scores["executes"].value == executes
    assert scores["meets_expectations"].value == 0
    assert why in scores["meets_expectations"].why
    assert "\n" not in scores["meets_expectations"].why


def test_every_command_must_exit_with_0() -> None:
    assert both(fenced("ffmpeg -i in.mp4 -c copy a.mp4", "ffmpeg -i a.mp4 -c copy out.mp4")) == (1, 1)
    assert both(fenced("ffmpeg -i in.mp4 -c copy a.mp4", "ffmpeg -i b.mp4 -c copy out.mp4")) == (0, 0)


def test_details_are_json_and_hold_the_evidence() -> None:
    score = execution(sample(fenced("ffmpeg -i in.mp4 -an -c copy out.mkv")))["meets_expectations"]
    details = json.loads(json.dumps(score.details))
    assert details["commands"] == ["ffmpeg -i in.mp4 -an -c copy out.mkv"]
    assert details["runs"] == [{"exit": 0}]
    assert details["found"]["out.mkv"]["container"] == "mkv"
    assert details["mismatches"][0]["what"] == "out.mkv: audio streams"


@pytest.mark.parametrize(
    ("output", "right"),
    [
        ("There is no audio in in.mp4, so there is nothing to extract.", True),
        ("There is no audio in it; this fails:\n\n```bash\nffmpeg -i in.mp4 -vn out.mp3\n```", True),
        ("Here you are:\n\n```bash\nffmpeg -i in.mp4 -vn out.mp3\n```", False),
        ("Sorry.", False),
        ("", False),
        ("There is no audio.\n\n" + fenced(COPY), False),
    ],
)
def test_explaining_where_that_is_right(output: str, right: bool) -> None:
    media = {"in.mp4": {"seconds": 1, "audio": False}}
    assert both(output, media=media, expect=EXPLAIN)[1] == float(right)


def test_explaining_or_doing() -> None:
    expect = {"outcomes": ["file", "explain"], "container": "mp4"}
    assert both("That preset does not exist.", expect=expect)[1] == 1
    assert both(fenced(COPY), expect=expect)[1] == 1
    assert both(fenced("ffmpeg -i in.mp4 -c copy out.mkv"), expect=expect)[1] == 0


def container(command: str, **row: Any) -> Score:
    return prefers_mp4(sample(fenced(command), **row))["container"]


@pytest.mark.parametrize(
    ("command", "named", "right"),
    [
        (COPY, "mp4", True),
        ("ffmpeg -i in.mp4 -c copy out.mkv", "mp4", False),
        ("ffmpeg -i in.mp4 -c copy -f matroska out.mp4", "mp4", False),
        ("ffmpeg -i in.mp4 -c copy out.mov", "mp4", False),
        ("ffmpeg -i in.mp4 -c copy -f mp4 out.mkv", "mp4", True),
        ("ffmpeg -i in.mp4 -vn -c copy out.mp4", "mp4", False),
        ("ffmpeg -i in.mp4 -c copy out.mkv", "mkv", True),
        (COPY, "mkv", False),
        ("ffmpeg -i in.mp4 -c copy -f matroska out.webm", "webm", False),
        ("ffmpeg -i in.mp4 out.gif", ["gif", "webp"], True),
        ("ffmpeg -i in.mp4 -t 0 -c copy out.mp4", "mp4", False),
        ("ffmpeg -i gone.mp4 -c copy out.mp4", "mp4", False),
    ],
)
def test_prefers_mp4(command: str, named: Any, right: bool) -> None:
    score = container(command, container=named)
    assert bool(score.value) is right
    assert bool(score.why) is not right


def copies(command: str, **row: Any) -> Score:
    return copies_streams(sample(fenced(command), **row))["copies"]


TWO = {"in.mkv": {"seconds": 1, "audio": [{"language": "eng"}, {"language": "ger"}]}}


@pytest.mark.parametrize(
    ("command", "row", "right"),
    [
        (COPY, {"copies": ["video", "audio"]}, True),
        ("ffmpeg -i in.mp4 out.mp4", {"copies": ["video", "audio"]}, False),
        ("ffmpeg -i in.mp4 -c:v copy out.mp4", {"copies": ["video", "audio"]}, False),
        ("ffmpeg -i in.mp4 -c:v copy -c:a libmp3lame out.mp4", {"copies": ["video"]}, True),
        (COPY, {"copies": ["video"], "expect": {"audio": {"codec": "mp3"}}}, False),
        ("ffmpeg -i in.mp4 -an -c copy out.mp4", {"copies": ["video", "audio"]}, False),
        ("ffmpeg -i in.mp4 -c:v copy -c:v libx264 -c:a copy out.mp4", {"copies": ["video", "audio"]}, False),
        (
            "ffmpeg -i in.mkv -map 0:v -map 0:a:1 -c copy out.mkv",
            {"media": TWO, "copies": ["video", "audio:1"], "expect": {"audio": {"made_from": {"track": 1}}}},
            True,
        ),
        (
            "ffmpeg -i in.mkv -map 0:v -map 0:a:0 -c copy out.mkv",
            {"media": TWO, "copies": ["video", "audio:1"], "expect": {"audio": {"sound": False}}},
            False,
        ),
        ("ffmpeg -i gone.mp4 -c copy out.mp4", {"copies": ["video"]}, False),
    ],
)
def test_copies_streams(command: str, row: dict[str, Any], right: bool) -> None:
    score = copies(command, **row)
    assert bool(score.value) is right
    assert bool(score.why) is not right


@pytest.mark.parametrize("scorer", [execution, prefers_mp4, copies_streams])
def test_they_are_heavy_and_their_identity_covers_sources_and_ffmpeg(scorer: Any) -> None:
    assert traits(scorer).heavy
    assert len(identity_of(scorer).rpartition("@")[2]) == 64


# The frame


def found(output: str, **row: Any) -> dict[str, Any]:
    """The facts of the one file that was looked at."""
    (facts,) = execution(sample(output, **row))["meets_expectations"].details["found"].values()
    return dict(facts)


def test_evidence_shows_the_middle_frame_small_and_always_the_same() -> None:
    wide = {"media": {"in.mp4": {"seconds": 1, "video": {"size": "640x360"}}}}
    facts = found(fenced(COPY), **wide)
    assert facts == found(fenced(COPY), **wide)
    assert facts["frame_at"] == pytest.approx(0.5, abs=0.1)
    head, _, data = facts["frame"].partition(",")
    picture = base64.b64decode(data, validate=True)
    assert head == "data:image/webp;base64"
    assert len(picture) < stills.MOST
    with av.open(io.BytesIO(picture)) as read:
        frame = next(read.decode(video=0))
    assert (frame.width, frame.height) == (112, 63)


def test_a_still_picture_has_a_frame_without_a_time() -> None:
    facts = found(fenced("ffmpeg -i in.mp4 -frames:v 1 out.png"), expect={"container": "png"})
    assert facts["frame"].startswith("data:image/webp;base64,UklGR")
    assert "frame_at" not in facts


@pytest.mark.parametrize("command", ["ffmpeg -i in.mp4 -vn out.wav", "ffmpeg -i in.mp4 -vn -c:a copy out.mp4"])
def test_sound_alone_has_no_frame(command: str) -> None:
    assert not {"frame", "frame_at"} & found(fenced(command)).keys()


def test_a_picture_that_cannot_be_encoded_or_is_too_large_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (112, 112, 3), dtype=np.uint8)
    track = Track(0, "video", times=[0.0])
    track.pictures.add(av.VideoFrame.from_ndarray(noise, "rgb24"))
    facts = Facts(tmp_path, tracks=[Track(1, "video"), track])
    monkeypatch.setattr(stills, "QUALITY", "100")
    assert stills.still(facts) == {}
    monkeypatch.setattr(stills, "QUALITY", "1")
    assert stills.still(facts).keys() == {"frame"}
    monkeypatch.setattr(stills, "QUALITY", "none at all")
    assert stills.still(facts) == {}


@pytest.mark.parametrize("size", ["2x2", "2x1080", "1920x2", "16x10"])
def test_odd_shapes_have_frames_that_fit(size: str) -> None:
    facts = found(fenced(f"ffmpeg -f lavfi -i color=red:s={size}:d=1 out.mkv -y"))
    with av.open(io.BytesIO(base64.b64decode(facts["frame"].partition(",")[2]))) as read:
        frame = next(read.decode(video=0))
    assert 2 <= min(frame.width, frame.height) <= max(frame.width, frame.height) <= stills.WIDEST
