"""For each key of the expectation language: commands that must pass and subtly wrong ones (exit 0) that must miss."""

from __future__ import annotations

from typing import Any

import cases_file
import cases_picture
import cases_sound
import cases_timeline
import cases_words
import pytest
from check_case import Case

from fixtures.ffmpeg.correctness import score_answer
from fixtures.ffmpeg.expect import Audio, Change, Expectation, Hls, Piece, Shot, Subtitles, Text, Tone, Video
from fixtures.ffmpeg.rows import FfmpegRow

CASES = tuple(
    one for module in (cases_timeline, cases_file, cases_picture, cases_sound, cases_words) for one in module.CASES
)
PROBES = [(c, command, True) for c in CASES for command in c.right]
PROBES += [(c, command, False) for c in CASES for command in c.wrong]


def row(one: Case) -> FfmpegRow:
    return FfmpegRow(id="row", input="", media=one.media, expect=one.expect)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "command", "right"),
    PROBES,
    ids=[f"{'right' if r else 'wrong'}: {c.name}: {cmd}"[:110] for c, cmd, r in PROBES],
)
def test_command(one: Case, command: str, right: bool) -> None:
    scores = score_answer(row(one), f"```bash\n{command}\n```")
    verdict = scores["meets_expectations"]
    assert bool(verdict.value) is right, verdict.why or "a wrong command passed"
    assert bool(verdict.why) is not right


def keys_in(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value) | {key for one in value.values() for key in keys_in(one)}
    return {key for one in value for key in keys_in(one)} if isinstance(value, list | tuple) else set()


def test_every_key_of_the_language_is_tried() -> None:
    tried = {key for one in CASES for key in keys_in(one.expect)}
    short = {"flip", "negate"}  # written as words: `hflip`, `negate`
    elsewhere = {"outcomes", "explains"}  # test_correctness_scorers.py
    models = (Expectation, Video, Audio, Subtitles, Piece, Change, Tone, Shot, Hls, Text)
    known = {key for model in models for key in model.model_fields}
    assert known - tried - short - elsewhere == set()


def test_the_reason_names_file_stream_wanted_and_found() -> None:
    one = next(c for c in CASES if c.name == "gain")
    why = score_answer(row(one), "```bash\nffmpeg -i in.wav -af volume=6dB out.wav\n```")["meets_expectations"].why
    assert all(word in why for word in ("out.wav", "audio", "gain", "-6 dB", "6.0 dB"))
