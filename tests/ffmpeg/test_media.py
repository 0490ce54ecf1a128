"""Media for rows: what a recipe says is what is made, once, by any number of processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from fixtures.ffmpeg.media import MediaError, files, make
from fixtures.ffmpeg.probe import Facts, probe
from fixtures.ffmpeg.recipes import AUDIO_SUFFIXES, IMAGE_SUFFIXES, SILENT_SUFFIXES, VIDEO_SUFFIXES, Recipe

ROOT = Path(__file__).parents[2]


def made(name: str, **recipe: Any) -> Facts:
    facts = probe(make(Recipe.model_validate(recipe), name))
    assert not facts.problem
    return facts


@pytest.mark.parametrize("suffix", sorted(VIDEO_SUFFIXES))
def test_an_empty_recipe_is_a_video_for_its_suffix(suffix: str) -> None:
    facts = made(f"a{suffix}")
    video, audio = facts.of("video"), facts.of("audio")
    assert [t.codec for t in video + audio] == [*VIDEO_SUFFIXES[suffix]]
    assert video[0].displayed == (160, 90)
    assert abs((facts.duration or 0) - 3) < 0.1


@pytest.mark.parametrize("suffix", sorted(AUDIO_SUFFIXES))
def test_an_empty_recipe_is_sound_for_its_suffix(suffix: str) -> None:
    facts = made(f"a{suffix}")
    assert [t.codec for t in facts.tracks] == [AUDIO_SUFFIXES[suffix]]


@pytest.mark.parametrize("suffix", sorted({**IMAGE_SUFFIXES, **SILENT_SUFFIXES}))
def test_an_empty_recipe_is_pictures_for_its_suffix(suffix: str) -> None:
    facts = made(f"a{suffix}")
    assert [t.kind for t in facts.tracks] == ["video"]
    assert (len(facts.tracks[0].times) > 1) == (suffix in SILENT_SUFFIXES)


def test_everything_at_once() -> None:
    facts = made(
        "full.mkv",
        audio=[{"language": "eng", "title": "Main"}, {"language": "fre", "channels": 6}],
        subtitles=[{"language": "eng"}, {"codec": "ass", "language": "ger"}],
        chapters=[{"start": 0, "title": "One"}, {"start": 1, "title": "Two"}],
        attachments=["f.ttf"],
        cover=True,
        metadata={"title": "Trip"},
    )
    assert [t.kind for t in facts.tracks] == ["video", "audio", "audio", "subtitle", "subtitle", "attachment", "cover"]
    assert [t.language for t in facts.of("audio")] == ["eng", "fre"]
    assert facts.of("audio")[1].channels == 6
    assert facts.metadata["title"] == "Trip"
    assert facts.chapters == [(0.0, 1.0, "One"), (1.0, 3.0, "Two")]
    assert [c.text for c in facts.of("subtitle")[1].cues] == ["Good morning", "How are you?", "See you tomorrow"]


@pytest.mark.parametrize(
    ("name", "recipe", "wanted"),
    [
        ("a.mp4", {"video": {"rotation": 90}}, {"rotation": 90, "displayed": (90, 160)}),
        ("a.mp4", {"video": {"sar": "4:3"}}, {"displayed": (213, 90)}),
        ("a.mp4", {"video": {"fps": 50, "gop": 10}}, {"longest_gop": 10, "nominal_fps": 50}),
        ("a.mp4", {"video": {"bframes": 2}}, {"bframes": True}),
        ("a.mp4", {"video": {"codec": "hevc", "pix_fmt": "yuv420p10le"}}, {"codec": "hevc", "bit_depth": 10}),
        ("a.mkv", {"video": {"codec": "av1"}, "audio": False}, {"codec": "av1"}),
        ("a.mpg", {"video": {"interlaced": True}}, {"interlaced": True}),
        ("a.png", {"video": {"pix_fmt": "rgba", "size": "40x30"}}, {"alpha": True, "displayed": (40, 30)}),
    ],
)
def test_a_video_track_is_as_written(name: str, recipe: dict[str, Any], wanted: dict[str, Any]) -> None:
    track = made(name, **recipe).of("video")[0]
    assert {key: getattr(track, key) for key in wanted} == wanted


def test_suffixes_may_lie_and_names_may_hold_folders_and_blanks() -> None:
    facts = made("my films/day 1.mp4", container="matroska")
    assert facts.container == "mkv"
    assert list(files(Recipe(), "my films/day 1.mp4")) == ["my films/day 1.mp4"]


def test_a_sequence_is_many_files() -> None:
    names = list(files(Recipe(images=3, first=5), "shots/p%03d.png"))
    assert names == ["shots/p005.png", "shots/p006.png", "shots/p007.png"]


def test_text_is_written_as_it_is() -> None:
    assert make(Recipe(text="file 'a.mp4'\n"), "list.txt").read_text() == "file 'a.mp4'\n"


def test_every_name_looks_and_sounds_different_unless_the_seed_is_the_same() -> None:
    import numpy as np

    one, two = (made(n).of("video")[0].pictures.picture(10).astype(float) for n in ("one.mp4", "two.mp4"))
    same = made("three.mp4", seed="one.mp4").of("video")[0].pictures.picture(10).astype(float)
    assert np.abs(one - two).mean() > 20
    assert np.abs(one - same).mean() < 2


def test_the_same_recipe_is_built_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOUCHSTONE_MEDIA_CACHE", str(tmp_path))
    first = make(Recipe(seconds=1), "a.wav")
    stamp = first.stat().st_mtime_ns
    assert make(Recipe(seconds=1), "a.wav") == first
    assert first.stat().st_mtime_ns == stamp
    assert make(Recipe(seconds=2), "a.wav") != first
    assert not list(tmp_path.glob(".building-*"))


def test_the_same_recipe_gives_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = set()
    for folder in ("one", "two"):
        monkeypatch.setenv("TOUCHSTONE_MEDIA_CACHE", str(tmp_path / folder))
        found.add(make(Recipe(seconds=1, subtitles=({},)), "a.mkv").read_bytes())  # type: ignore[arg-type]
    assert len(found) == 1


def test_processes_may_build_at_once(tmp_path: Path) -> None:
    code = (
        "from fixtures.ffmpeg.media import make; from fixtures.ffmpeg.recipes import Recipe;"
        "print(make(Recipe(seconds=1), 'a.mp4'))"
    )
    env = {**os.environ, "TOUCHSTONE_MEDIA_CACHE": str(tmp_path), "PYTHONPATH": str(ROOT)}
    running = [subprocess.Popen([sys.executable, "-c", code], env=env, stdout=subprocess.PIPE) for _ in range(4)]
    paths = {process.communicate(timeout=120)[0].decode().strip() for process in running}
    assert [process.returncode for process in running] == [0, 0, 0, 0]
    assert len(paths) == 1
    assert [entry.name for entry in tmp_path.iterdir()] == [Path(paths.pop()).parent.name]


def test_what_cannot_be_made_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOUCHSTONE_MEDIA_CACHE", str(tmp_path))
    with pytest.raises(MediaError, match=r"cannot make 'a.webm' from its recipe: .*WebM"):
        make(Recipe.model_validate({"video": {"codec": "h264"}}), "a.webm")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        ({"second": 3}, "did you mean 'seconds'"),
        ({"video": {"codecs": "h264"}}, "did you mean 'codec'"),
        ({"seconds": 0}, "greater than 0"),
        ({"video": {"rotation": 45}}, "0, 90, 180 or 270"),
        ({"subtitles": {"cues": [{"start": 2, "end": 1, "text": "x"}]}}, "must end after it starts"),
    ],
)
def test_a_recipe_with_a_mistake_says_which(recipe: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Recipe.model_validate(recipe)
