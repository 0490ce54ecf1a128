"""The scorer `runs`: commands on files that are made for the names they read."""

from __future__ import annotations

import pytest

from fixtures.ffmpeg.answers import read_answer
from fixtures.ffmpeg.stand_ins import runs, stand_ins
from touchstone.errors import ScorerError
from touchstone.records import Row, RunConfig, Sample, Score


def said(command: str) -> str:
    """An answer with one block."""
    return f"Like this:\n\n```bash\n{command}\n```\n"


def scored(command: str) -> Score:
    """What the scorer says of it."""
    config = RunConfig(name="a", model="b", prompt="c")
    found = runs(Sample("words", Row(id="a", input="?"), config, 1, said(command)))
    assert isinstance(found, Score)
    return found


def test_a_command_that_runs() -> None:
    assert scored("ffmpeg -i holiday.mov -vn -c:a libmp3lame out.mp3").value == 1


@pytest.mark.parametrize(
    "command",
    [
        "ffmpeg -i a.mp4 -c:v libx264 -preset extra_fast b.mp4",
        "ffmpeg -i a.mp4 -c:v libvp9 b.webm",
        "ffmpeg -i nothing-that-is-known.xyz b.mp4",
        "ffmpeg -i /etc/passwd b.mp4",
        "ffmpeg -i a.mp4 -f null -",
        "rm -rf .",
    ],
)
def test_a_command_that_does_not(command: str) -> None:
    found = scored(command)
    assert found.value == 0
    assert found.why


def test_an_answer_without_a_command() -> None:
    config = RunConfig(name="a", model="b", prompt="c")
    assert runs(Sample("words", Row(id="a", input="?"), config, 1, "I would rather not.")).value == 0


@pytest.mark.parametrize("stream", ["0:7", "0:v:1", "0:a:3"])
def test_a_stream_that_only_the_users_file_may_have(stream: str) -> None:
    with pytest.raises(ScorerError, match="only the user's own file can tell"):
        scored(f"ffmpeg -i a.mkv -map {stream} -c copy b.mkv")


@pytest.mark.parametrize("stream", ["0", "0:1", "0:v:0", "0:a"])
def test_streams_that_a_stand_in_has(stream: str) -> None:
    assert scored(f"ffmpeg -i a.mkv -map {stream} -c copy b.mkv").value == 1


def test_what_a_command_wrote_is_not_made_for_the_next() -> None:
    answer = read_answer(said("ffmpeg -i a.mp4 b.mkv && ffmpeg -i b.mkv c.mp4"))
    assert list(stand_ins(answer)) == ["a.mp4"]


@pytest.mark.parametrize("name", ["../a.mp4", "/a.mp4", "a*.mp4", "concat:a.mp4|b.mp4", "a", f"{'x' * 200}.mp4"])
def test_names_that_nothing_is_made_for(name: str) -> None:
    assert stand_ins(read_answer(said(f"ffmpeg -i '{name}' out.mp4"))) == {}
