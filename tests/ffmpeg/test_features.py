"""What a command exercises is what the binary says that it does with it."""

from __future__ import annotations

import json
import re
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.ffmpeg import media, pages
from fixtures.ffmpeg.features import COMMANDS, every, exercised
from fixtures.ffmpeg.recipes import Recipe
from fixtures.ffmpeg.sandbox import ffmpeg

ROWS = Path(__file__).parents[2] / "datasets" / "correctness.jsonl"
KNOWN = {one.id: one.about for one in every()}


def rows() -> list[dict[str, Any]]:
    return [json.loads(line) for line in ROWS.read_text(encoding="utf-8").splitlines()]


def of(kind: str, command: str, files: Any = ()) -> set[str]:
    return {name.removeprefix(f"{kind}/") for name in exercised(command, files) if name.startswith(f"{kind}/")}


# --- every -----------------------------------------------------------------------------------------------------------


def test_every_name_of_the_binarys_lists_is_there_once() -> None:
    kinds = Counter(name.partition("/")[0] for name in KNOWN)
    assert len(every()) == len(KNOWN)
    for kind in ("filter", "encoder", "decoder", "muxer", "demuxer", "bsf"):
        assert kinds[kind] == len(pages.entries(kind)) > 40
    assert kinds["option"] > 100


@pytest.mark.parametrize(
    ("name", "about"),
    [
        ("filter/eq", "Adjust brightness"),
        ("filter/testsrc", "Generate test pattern"),
        ("encoder/libx264", "libx264 H.264"),
        ("decoder/vp9", "Google VP9"),
        ("muxer/matroska", "Matroska"),
        ("demuxer/flv", "FLV"),
        ("bsf/h264_metadata", "for h264"),
        ("bsf/null", "for any codec"),
        ("option/ss", "start transcoding at"),
        ("option/map", "set input stream mapping"),
        ("option/pix_fmt", "set pixel format"),
        ("option/sn", "disable subtitle"),
    ],
)
def test_features_say_what_they_are_in_the_binarys_words(name: str, about: str) -> None:
    assert KNOWN[name].startswith(about)


def test_every_feature_has_a_line_about_it() -> None:
    assert [name for name, about in KNOWN.items() if not about or "\n" in about] == []


@pytest.mark.parametrize("name", ["option/version", "option/encoders", "option/i", "option/crf", "filter/nosuch"])
def test_what_only_prints_and_what_belongs_to_a_coder_is_no_option(name: str) -> None:
    assert name not in KNOWN


# --- exercised -------------------------------------------------------------------------------------------------------

COMMANDS_AND_FEATURES: list[tuple[str, dict[str, Any], set[str]]] = [
    (
        "ffmpeg -y -ss 1 -i in.mp4 -vf scale=80:-2,hflip -an out.mkv",
        {"in.mp4": {}},
        {
            *("option/y", "option/ss", "option/vf", "option/filter", "option/an", "filter/scale", "filter/hflip"),
            *("demuxer/mp4", "muxer/matroska", "decoder/h264", "encoder/libx264"),
        },
    ),
    ("ffmpeg -i a.webm -c copy b.mkv", {"a.webm": {}}, {"option/c", "demuxer/webm", "muxer/matroska"}),
    (
        "ffmpeg -i a.mkv -c:v copy -acodec libopus -bsf:v h264_metadata=level=4,dump_extra b.mkv",
        {"a.mkv": {"audio": {"codec": "flac"}}},
        {
            *("option/c", "option/acodec", "option/bsf", "bsf/h264_metadata", "bsf/dump_extra"),
            *("demuxer/matroska", "muxer/matroska", "decoder/flac", "encoder/libopus"),
        },
    ),
    (
        "ffmpeg -nostdin -f lavfi -i color=red:d=1,format=yuv420p -f lavfi -i sine=d=1 x.avi",
        {},
        {
            *("option/stdin", "option/f", "filter/color", "filter/format", "filter/sine", "demuxer/lavfi"),
            *("muxer/avi", "encoder/mpeg4", "encoder/libmp3lame"),
        },
    ),
    (
        "ffmpeg -i a.mp3 -f segment -segment_time 2 b%03d.wav",
        {"a.mp3": {}},
        {
            *("option/f", "demuxer/mp3", "decoder/mp3float", "muxer/segment", "muxer/wav", "encoder/pcm_s16le"),
        },
    ),
    (
        "ffmpeg -i a.mkv -map 0:s:0 b.vtt",
        {"a.mkv": {"subtitles": {}}},
        {"option/map", "demuxer/matroska", "muxer/webvtt", "decoder/srt", "encoder/webvtt"},
    ),
    (
        "ffmpeg -i a.wav -filter_complex showwaves=s=80x45[v] -map [v] -map 0:a -c:a aac b.mp4",
        {"a.wav": {}},
        {
            *("option/filter_complex", "filter/showwaves", "option/map", "option/c", "demuxer/wav", "muxer/mp4"),
            *("decoder/pcm_s16le", "encoder/libx264", "encoder/aac"),
        },
    ),
]


@pytest.mark.parametrize(("command", "files", "expected"), COMMANDS_AND_FEATURES)
def test_a_command_exercises(command: str, files: dict[str, Any], expected: set[str]) -> None:
    assert exercised(command, files) == expected


def test_with_names_alone_decoders_are_left_out() -> None:
    command = "ffmpeg -i a.mkv b.mp4"
    assert of("decoder", command, ["a.mkv"]) == of("decoder", command) == set()
    assert of("decoder", command, {"a.mkv": {"video": {"codec": "av1"}, "audio": False}}) == {"libdav1d"}
    assert of("decoder", "ffmpeg -c:v vp9 -i a.mkv b.mp4", ["a.mkv"]) == {"vp9"}


def test_a_stream_that_is_not_there_is_not_encoded() -> None:
    assert of("encoder", "ffmpeg -i a.mp4 b.mp4", {"a.mp4": {"audio": False}}) == {"libx264"}
    assert of("encoder", "ffmpeg -i a.mp3 b.mp4", {"a.mp3": {}}) == {"aac"}
    assert of("encoder", "ffmpeg -i a.mp4 b.mp3", {"a.mp4": {}}) == {"libmp3lame"}
    assert of("encoder", "ffmpeg -i a.mp4 -map 0 -map -0:a b.mp4", {"a.mp4": {}}) == {"libx264"}


def test_options_for_one_stream_leave_the_default_for_the_others() -> None:
    assert of("encoder", "ffmpeg -i a.mkv -map 0:a -c:a:1 flac b.mka") == {"libvorbis", "flac"}
    assert of("encoder", "ffmpeg -i a.mkv -map 0:a -c:a copy -c:a:1 flac b.mka") == {"flac"}


READERS = (
    "mp4:mp4 mov:mov m4v:mov m4a:m4a mkv:matroska webm:webm ts:mpegts vob:mpeg opus:ogg ogv:ogg png:png_pipe "
    "jpg:image2 tif:tiff_pipe vtt:webvtt srt:srt wma:asf gif:gif y4m:yuv4mpegpipe 264:h264"
)


@pytest.mark.parametrize(("suffix", "demuxer"), [one.split(":") for one in READERS.split()])
def test_what_reads_a_file_goes_by_its_suffix(suffix: str, demuxer: str) -> None:
    assert of("demuxer", f"ffmpeg -i a.{suffix} -c copy b.mkv") == {demuxer}


def test_pictures_in_a_row_and_told_formats() -> None:
    assert of("demuxer", "ffmpeg -i a%03d.png b.mp4") == {"image2"}
    assert of("demuxer", "ffmpeg -f concat -i list.txt -c copy b.mp4") == {"concat"}
    assert of("demuxer", "ffmpeg -i a.dat b.wav", {"a.dat": {"container": "wav"}}) == {"wav"}
    assert of("muxer", "ffmpeg -i a.mp4 -map 0 -f tee '[f=mp4]x.mp4|y.mkv'") == {"tee", "mp4", "matroska"}


def test_several_commands_and_an_answer_in_markdown() -> None:
    both = "ffmpeg -i a.mp4 -pass 1 -f null - && ffmpeg -i a.mp4 -pass 2 b.webm"
    assert of("muxer", both) == {"null", "webm"}
    assert of("filter", "Negate it:\n```bash\nffmpeg -i a.mp4 -vf negate b.mp4\n```\n") == {"negate"}
    assert exercised("There is no H.267 encoder in ffmpeg yet.") == frozenset()


# --- the binary's word for it ----------------------------------------------------------------------------------------


def told(command: str, files: dict[str, Any], folder: Path) -> dict[str, set[str]]:
    """What ffmpeg itself says that it opens, maps and encodes."""
    for name, recipe in files.items():
        for made, path in media.files(Recipe.model_validate(recipe), name).items():
            (folder / made).write_bytes(path.read_bytes())
    words = [ffmpeg(), "-nostdin", *command.split()[1:]]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=60, check=True)
    maps = re.findall(r"\((\S+) \((\S+)\) -> (\S+) \((\S+)\)\)", done.stderr)
    return {
        "decoder": {codec if name == "native" else name for codec, name, _, _ in maps},
        "encoder": {codec if name == "native" else name for _, _, codec, name in maps},
        "muxer": set(re.findall(r"^Output #\d+, (\w+),", done.stderr, re.M)),
    }


@pytest.mark.parametrize(
    ("command", "names"),
    [
        ("ffmpeg -i a.mp4 b.mkv", ["a.mp4"]),
        ("ffmpeg -i a.webm -t 0.1 b.ts", ["a.webm"]),
        ("ffmpeg -i a.wav b.opus", ["a.wav"]),
        ("ffmpeg -i a.mp4 b.mp3", ["a.mp4"]),
        ("ffmpeg -i a.mp4 -c:a copy -frames:v 2 b.mov", ["a.mp4"]),
        ("ffmpeg -i a.mp4 b.ogg", ["a.mp4"]),
        ("ffmpeg -i a.srt b.ass", ["a.srt"]),
        ("ffmpeg -i a.png b.tga", ["a.png"]),
        ("ffmpeg -i a.png b.jp2", ["a.png"]),
        ("ffmpeg -i a.bmp b.ras", ["a.bmp"]),
        ("ffmpeg -i a.png b.webp", ["a.png"]),
    ],
)
def test_it_is_what_the_binary_does(command: str, names: list[str], tmp_path: Path) -> None:
    files = {name: {"seconds": 0.2} if not name.endswith("srt") else {} for name in names}
    assert {kind: of(kind, command, files) for kind in ("decoder", "encoder", "muxer")} == told(
        command, files, tmp_path
    )


# --- real rows, hostile text -----------------------------------------------------------------------------------------


def test_right_commands_of_the_dataset() -> None:
    seen = Counter[str]()
    for row in rows():
        for command in row.get("right", ()):
            found = exercised(command, row.get("media") or {})
            assert found <= KNOWN.keys()
            seen.update(found)
            if command.startswith("ffmpeg -"):
                assert {name.partition("/")[0] for name in found} >= {"muxer"}, command
    assert seen["encoder/libx264"] > 50
    assert seen["filter/scale"] > 10
    assert seen.keys() >= {"bsf/h264_mp4toannexb", "filter/xfade", "demuxer/concat", "muxer/hls", "option/stream_loop"}


_BITS = re.findall(
    r"\S+",
    "ffmpeg -i a.mp4 [0:v] -map -filter_complex [ ' \\ -c:v 0:99 -vf \udc80 \0 tee -f | && ``` ; = "
    "concat=v=9:a=x[a] -0:v [x][y] 999999999999 %03d -bsf",
)


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.text(), st.lists(st.sampled_from(_BITS), max_size=14).map(" ".join).map("ffmpeg ".__add__)))
def test_no_text_raises(text: str) -> None:
    assert exercised(text, {"a.mp4": {"video": "\udc80"}, "b": None, text: {}}) <= KNOWN.keys()


def test_long_texts_end() -> None:
    assert "filter/null" in exercised("ffmpeg -i a.mp4 -filter_complex " + "[0:v]null," * 20_000)
    assert "muxer/mp4" in exercised(f"ffmpeg {'-i a.mp4 ' * 3000} b.mp4")
    assert exercised("ffmpeg -i a.mp4 b.mp4;" * 900) == exercised("ffmpeg -i a.mp4 b.mp4;" * COMMANDS)
