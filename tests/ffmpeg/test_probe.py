"""Facts of files: the real container, packets, tones, what does not decode. The files are made here."""

from __future__ import annotations

import math
import subprocess
from pathlib import Path

import pytest

from fixtures.ffmpeg import boxes, pictures, sounds
from fixtures.ffmpeg.expect import Change
from fixtures.ffmpeg.media import make
from fixtures.ffmpeg.packets import Normaliser, copied_share, plain_text
from fixtures.ffmpeg.probe import MOST_FRAMES, probe
from fixtures.ffmpeg.recipes import Recipe
from fixtures.ffmpeg.sandbox import ffmpeg


def build(folder: Path, *words: str) -> Path:
    subprocess.run([ffmpeg(), "-v", "error", "-y", *words], cwd=folder, check=True)
    return folder / words[-1]


def clip(folder: Path) -> str:
    return str(make(Recipe(seconds=1), "clip.mp4"))


@pytest.mark.parametrize(
    ("words", "name", "container"),
    [
        (("-c", "copy", "-f", "matroska"), "lies.mp4", "mkv"),
        (("-c", "copy", "-f", "mov"), "lies.mkv", "mov"),
        (("-c", "copy", "-f", "mp4"), "lies.webm", "mp4"),
        (("-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libopus", "-f", "webm"), "lies.mkv", "webm"),
        (("-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libopus"), "real.mkv", "mkv"),
        (("-vn", "-c", "copy"), "sound.m4a", "m4a"),
        (("-vn", "-c", "copy"), "sound.mp4", "m4a"),
        (("-c", "copy"), "a.ts", "mpegts"),
        (("-frames:v", "1", "-update", "1", "-f", "image2", "-c:v", "png"), "lies.jpg", "png"),
        (("-an",), "a.gif", "gif"),
        (("-vn", "-f", "wav"), "lies.mp3", "wav"),
    ],
)
def test_the_container_is_what_the_bytes_say(tmp_path: Path, words: tuple[str, ...], name: str, container: str) -> None:
    assert probe(build(tmp_path, "-i", clip(tmp_path), *words, name)).container == container


def test_usual_names_of_containers() -> None:
    assert [boxes.canonical(name) for name in ("matroska", ".TS", "jpeg", "m4v", "webm")] == [
        "mkv",
        "mpegts",
        "jpg",
        "mp4",
        "webm",
    ]


def test_faststart_and_fragments(tmp_path: Path) -> None:
    source = clip(tmp_path)
    plain = build(tmp_path, "-i", source, "-c", "copy", "plain.mp4")
    fast = build(tmp_path, "-i", source, "-c", "copy", "-movflags", "+faststart", "fast.mp4")
    pieces = build(tmp_path, "-i", source, "-c", "copy", "-movflags", "frag_keyframe+empty_moov", "pieces.mp4")
    assert [boxes.mp4_index(p).faststart for p in (plain, fast)] == [False, True]
    assert [boxes.mp4_index(p).fragmented for p in (plain, pieces)] == [False, True]


@pytest.mark.parametrize(("loop", "found"), [("0", 0), ("-1", -1), ("4", 4)])
def test_gif_repetitions(tmp_path: Path, loop: str, found: int) -> None:
    assert boxes.gif_loop(build(tmp_path, "-i", clip(tmp_path), "-loop", loop, "a.gif")) == found


def test_what_is_no_media_file_has_a_problem(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "noise.mp4").write_bytes(bytes(range(256)) * 50)
    whole = Path(clip(tmp_path)).read_bytes()
    (tmp_path / "half.mp4").write_bytes(whole[: len(whole) // 2])
    for name in ("empty.mp4", "noise.mp4", "half.mp4", "gone.mp4"):
        assert probe(tmp_path / name).problem


def test_a_file_that_is_too_long_is_not_read_to_its_end(tmp_path: Path) -> None:
    path = build(tmp_path, "-f", "lavfi", "-i", f"color=s=16x16:r=100:d={MOST_FRAMES / 50}", "-c:v", "ffv1", "a.mkv")
    facts = probe(path)
    assert "too long" in facts.problem
    assert len(facts.tracks[0].times) <= MOST_FRAMES


def test_a_list_in_disguise_fetches_nothing(tmp_path: Path) -> None:
    lists = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n"
    (tmp_path / "a.m3u8").write_text(lists)
    assert probe(tmp_path / "a.m3u8").problem


@pytest.mark.parametrize("form", ["mp4", "mkv", "ts", "avi", "flv", "mov", "h264"])
def test_copies_have_the_same_packets_in_any_container(tmp_path: Path, form: str) -> None:
    source = probe(Path(clip(tmp_path))).of("video")[0]
    copy = probe(build(tmp_path, "-i", clip(tmp_path), "-c", "copy", f"copy.{form}")).of("video")[0]
    again = probe(build(tmp_path, "-i", clip(tmp_path), "-c:v", "libx264", f"again.{form}")).of("video")[0]
    assert copied_share(copy.hashes, source.hashes) == 1
    assert copied_share(again.hashes, source.hashes) < 0.1


@pytest.mark.parametrize("form", ["aac", "mkv", "ts", "m4a"])
def test_copied_sound_has_the_same_packets(tmp_path: Path, form: str) -> None:
    source = probe(Path(clip(tmp_path))).of("audio")[0]
    copy = probe(build(tmp_path, "-i", clip(tmp_path), "-vn", "-c", "copy", f"copy.{form}")).of("audio")[0]
    assert copied_share(copy.hashes, source.hashes) > 0.98
    assert copied_share([], source.hashes) == 0


def test_pcm_is_cut_into_packets_of_its_own() -> None:
    class Stream:
        codec_context = None

    one, two = Normaliser("pcm_s16le", Stream()), Normaliser("pcm_s16le", Stream())
    data = bytes(range(256)) * 4
    assert one.digests(data) == two.digests(data[:300]) + two.digests(data[300:])


@pytest.mark.parametrize(
    ("codec", "data", "text"),
    [
        ("subrip", b"<i>Hi</i>\r\nyou", "Hi\nyou"),
        ("ass", rb"0,0,Default,,0,0,0,,{\b1}Hi\Nyou, all", "Hi\nyou, all"),
        ("mov_text", b"\x00\x02Hi\x00\x00\x00\x0cstyl", "Hi"),
        ("webvtt", b"Hi \xff", "Hi \ufffd"),
    ],
)
def test_subtitles_without_markup(codec: str, data: bytes, text: str) -> None:
    assert plain_text(codec, data) == text


@pytest.mark.parametrize("level", [-16, -23, -40])
def test_loudness_is_what_ebur128_says(tmp_path: Path, level: float) -> None:
    path = make(Recipe.model_validate({"audio": {"level": level, "tone": 997, "glide": 0}}), "a.wav")
    track = probe(path).of("audio")[0]
    done = subprocess.run(
        [ffmpeg(), "-i", str(path), "-af", "ebur128", "-f", "null", "-"], capture_output=True, text=True, check=True
    )
    said = float(done.stderr.split("Integrated loudness:")[1].split("I:")[1].split()[0])
    assert sounds.loudness(track.sound, track.rate) == pytest.approx(said, abs=0.2)


def test_tones_are_told_by_pitch_and_level() -> None:
    import numpy as np

    time = np.arange(8820) / 44100
    sound = 0.2 * np.sin(2 * math.pi * 440 * time) + 0.05 * np.sin(2 * math.pi * 700 * time)
    loud, soft = sounds.voices(sound, 44100)
    assert (loud.hz, soft.hz) == (pytest.approx(440, abs=1), pytest.approx(700, abs=1))
    assert sounds.decibels(loud.rms) - sounds.decibels(soft.rms) == pytest.approx(12, abs=0.3)
    assert sounds.voices(sound * 0.0001, 44100) == []


def test_areas_are_averaged_exactly() -> None:
    import numpy as np

    picture = np.zeros((1, 10, 10, 3), dtype=np.uint8)
    picture[:, :, 5:] = 200
    assert pictures.shrink(picture, None, (2, 1))[0, 0, :, 0].tolist() == [0, 200]
    assert pictures.shrink(picture, (0.25, 0, 0.5, 1), (1, 1))[0, 0, 0, 0] == pytest.approx(100)
    assert pictures.shrink(picture, None, (3, 1))[0, 0, 1, 0] == pytest.approx(100, abs=0.1)


def test_changes_follow_each_other_in_displayed_pixels() -> None:
    import numpy as np

    picture = np.zeros((1, 90, 160, 3), dtype=np.uint8)
    picture[:, :45, :80] = 255
    changes = tuple(Change.model_validate(one) for one in ("hflip", {"crop": [160, 0, 160, 90]}, {"rotate": 90}))
    images, where = pictures.changed(picture, (320, 180), changes)
    assert images.shape[1:3] == (80, 45)
    assert images.min() == 255
    assert where == (0, 0, 1, 1)
    assert pictures.changed(picture, (160, 90), (Change(pad=(320, 180, 80, 90)),))[1] == (0.25, 0.5, 0.5, 0.5)
