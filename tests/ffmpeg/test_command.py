"""Options belong where ffmpeg says they do."""

from __future__ import annotations

import subprocess

import pytest

from fixtures.ffmpeg.command import FLAGS, GLOBALS, Ffmpeg, parse, plain
from fixtures.ffmpeg.sandbox import ffmpeg


def read(line: str) -> Ffmpeg:
    return parse(line.split())


def test_options_belong_to_the_next_file() -> None:
    told = read("-y -ss 1 -i a.mp4 -t 2 -i b.mp4 -map 0:v -c:v copy out.mp4 -an second.mkv")
    assert [u.url for u in told.inputs] == ["a.mp4", "b.mp4"]
    assert [u.option("ss", "t") for u in told.inputs] == ["1", "2"]
    assert told.has("y")
    assert [u.url for u in told.outputs] == ["out.mp4", "second.mkv"]
    assert told.outputs[0].options[1].stream == "v"
    assert told.outputs[1].options[0].name == "an"


def test_options_after_the_last_output_are_trailing() -> None:
    told = read("-i a.mp4 out.mp4 -c copy")
    assert [o.name for o in told.trailing] == ["c"]
    assert told.all_options == ()


def test_the_last_of_several_counts() -> None:
    assert read("-i a -crf 20 -crf 30 out.mp4").outputs[0].option("crf") == "30"


@pytest.mark.parametrize("line", ["-i a -shortest out.mp4", "-nostdin -i a -vn out.mp4", "-i a -noautorotate out.mp4"])
def test_flags_take_no_value(line: str) -> None:
    assert [u.url for u in read(line).outputs] == ["out.mp4"]


def test_negative_values_are_values() -> None:
    told = read("-i a -map -0:a -itsoffset -1 out.mp4")
    assert [u.url for u in told.outputs] == ["out.mp4"]


@pytest.mark.parametrize("line", ["-version", "-h full", "-encoders"])
def test_information_makes_nothing(line: str) -> None:
    assert read(line).informs


@pytest.mark.parametrize("line", ["", "-", "-i", "-i a -c", "--", "-y", "-f lavfi -i"])
def test_half_a_command_is_read(line: str) -> None:
    read(line)


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("in.mp4", "in.mp4"),
        ("./in.mp4", "in.mp4"),
        ("a/../in.mp4", "in.mp4"),
        ("file:in.mp4", "in.mp4"),
        ("file:./in.mp4", "in.mp4"),
        ("-", ""),
        ("pipe:1", ""),
        ("/dev/null", ""),
        ("NUL", ""),
        ("http://host/a.mp4", ""),
        ("rtmp://host/a", ""),
        ("C:\\videos\\a.mp4", "C:\\videos\\a.mp4"),
        ("a b.mp4", "a b.mp4"),
    ],
)
def test_spellings_of_a_path(url: str, path: str) -> None:
    assert plain(url) == path


def test_written_files() -> None:
    assert read("-i a.mp4 -progress p.log ./b.mp4").written == ("b.mp4", "p.log")
    assert parse(["-i", "a.mp4", "-f", "tee", "[f=mp4]x.mp4|file:y.mkv"]).written == ("x.mp4", "y.mkv")
    assert read("-i a.mp4 -f null -").written == ()
    assert read("-f lavfi -i testsrc a.mp4").read == ()


def test_the_tables_name_options_of_the_pinned_ffmpeg() -> None:
    text = subprocess.run([ffmpeg(), "-hide_banner", "-h", "full"], capture_output=True, text=True, check=True).stdout
    known = {line.split()[0].lstrip("-").partition("[")[0] for line in text.splitlines() if line.startswith("-")}
    assert not FLAGS - known - {"hide_banner"}
    assert (
        not {g for g in GLOBALS if not g.startswith("no")} - known - {"filter_complex_script", "qsv_device", "vstats"}
    )
