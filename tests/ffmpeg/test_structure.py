"""The scorers of form, on answers as models write them: right ones pass, wrong ones miss, and say why."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.ffmpeg.structure import answer_format, declines, no_competitors
from touchstone.records import Row, RunConfig, Sample

DATASETS = Path(__file__).parents[2] / "datasets"
CODE = "```bash\nffmpeg -i in.mp4 -c copy out.mkv\n```"


def sample(output: str, **row: Any) -> Sample:
    given = Row.model_validate({"id": "r", "input": "in.mp4 to mkv please", **row})
    return Sample("e", given, RunConfig(name="c", model="m", prompt="p"), 1, output)


def examples(dataset: str) -> Iterator[Any]:
    for line in (DATASETS / f"{dataset}.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        for value, key in ((1.0, "right"), (0.0, "wrong")):
            for index, text in enumerate(row.get(key, ())):
                yield pytest.param(row, text, value, id=f"{row['id']}-{key}-{index}")


# --- answer_format


@pytest.mark.parametrize(
    "text",
    [
        f"Copies both streams into Matroska.\n\n{CODE}",
        f"Remux.\n\n{CODE}\n",
        f"Copies the streams; `-c copy` avoids re-encoding of `in.mp4`.\n\n{CODE}\n\nThe result is `out.mkv`.",
        "Sure:\n\n~~~\nffmpeg -i in.mp4 \\\n  -c copy out.mkv\n~~~",
        "Sure:\r\n\r\n```sh\r\n$ ffmpeg -i in.mp4 -c copy out.mkv\r\n```",
        "Kopiert die Spuren.\n\n```console\nffmpeg -i in.mp4 -c copy out.mkv\n```",
        "これは動画をコピーします。\n\n```bash\nffmpeg -i in.mp4 -c copy out.mkv\n```",
        f"<think>Which container? {CODE}</think>\nCopies both streams.\n\n{CODE}",
        "1. Run this:\n\n   ```bash\n   ffmpeg -i in.mp4 -c copy out.mkv\n   ```",
        "Keeps the sound.\n\n```bash\n# copy\nffmpeg -i in.mp4 -c copy out.mkv\n```",
    ],
)
def test_format_right(text: str) -> None:
    score = answer_format(sample(text))
    assert (score.value, score.why) == (1.0, "")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty"),
        (CODE, "no explanation"),
        (f"{CODE}\n\nThis copies the streams.", "no explanation before"),
        ("Copies it: `ffmpeg -i in.mp4 -c copy out.mkv`", "0 fenced"),
        ("Copies it.\n\nffmpeg -i in.mp4 -c copy out.mkv", "0 fenced"),
        (f"One.\n\n{CODE}\n\nOr:\n\n{CODE}", "2 fenced"),
        (f"The list:\n\n```\nfile 'a'\n```\n\n{CODE}", "2 fenced"),
        ("Two.\n\n```bash\nffmpeg -i a b.mp4\nffmpeg -i b.mp4 c.mkv\n```", "2 commands"),
        ("Two.\n\n```bash\nffmpeg -i a b.mp4 && rm a\n```", "2 commands"),
        ("Look.\n\n```bash\nffprobe in.mp4\n```", "ffprobe"),
        ("Look.\n\n```bash\nffmpeg\n```", "only the program"),
        ("Code.\n\n```python\nimport ffmpeg\nffmpeg.input('in.mp4').output('o.mkv').run()\n```", "no command"),
        ("Code.\n\n```bash\n# nothing\n```", "no command"),
        ("Cut off.\n\n```bash\nffmpeg -i in.mp4 -c copy out.mkv", "closed"),
        ("Sure: ```bash\nffmpeg -i in.mp4 out.mkv\n```", "line of its own"),
        ("Sure.\n\n```bash\nffmpeg -i 'in.mp4 out.mkv\n```", "quotation"),
        (f"{'word ' * 150}\n\n{CODE}", "150 words before"),
        (f"Copies.\n\n{CODE}\n\n{'word ' * 80}", "80 words after"),
        (f"{'字' * 3000}\n\n{CODE}", "words before"),
        (f"Either `ffmpeg -i in.mp4 out.mkv` or:\n\n{CODE}", "second command"),
        (f"Don't run this:\n\n{CODE}", "not to be run"),
    ],
)
def test_format_wrong(text: str, why: str) -> None:
    score = answer_format(sample(text))
    assert score.value == 0.0
    assert why in score.why


def test_format_of_an_explanation() -> None:
    from fixtures.ffmpeg.rows import FfmpegRow

    row = FfmpegRow.model_validate({"id": "r", "input": "x", "expect": {"outcomes": "explain"}})
    config = RunConfig(name="c", model="m", prompt="p")
    assert answer_format(Sample("e", row, config, 1, "There is no such preset; `slow` is the nearest.")).value == 1.0
    assert answer_format(Sample("e", row, config, 1, "word " * 300)).value == 0.0
    assert answer_format(sample("There is no such preset.")).value == 0.0


# --- declines


@pytest.mark.parametrize(("row", "text", "value"), list(examples("declines_off_topic")))
def test_declines_by_the_datasets_examples(row: dict[str, Any], text: str, value: float) -> None:
    assert declines(sample(text, **row)).value == value


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't help with that. I specialize in ffmpeg commands.",
        "I am an ffmpeg assistant, so this is outside my area. Do you have any audio or video files to work on?",
        "Unfortunately, I'm not able to give legal advice. Please consult a lawyer.",
        "This question isn't related to ffmpeg. Feel free to ask me about converting videos!",
        "I don't have access to real-time weather information, but you can check a weather website.",
        "That's not something I can do. My job is limited to ffmpeg.",
        "I must decline; I only handle media conversion.",
        "Sorry, I only do ffmpeg!",
        "As an AI assistant focused on FFmpeg, I cannot provide recipes. However, if you have a cooking video, I can help "  # noqa: E501
        "you edit it.",
        "Désolé, je ne peux aider qu'avec ffmpeg.",
        "Das kann ich leider nicht beantworten, ich helfe nur bei ffmpeg.",
    ],
)
def test_refusals(text: str) -> None:
    assert declines(sample(text, topic="off")).value == 1.0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "The capital of Mongolia is Ulaanbaatar.",
        "I only help with ffmpeg, but the capital of Mongolia is Ulaanbaatar.",
        "I'm sorry to hear that! Take two tablets and rest.",
        "I can only help with ffmpeg. That said, mix flour and eggs, rest the dough for an hour and roll it out thin.",
        "I can't help with that.\n\n```bash\nffmpeg -i in.mp4 out.mp4\n```",
        "Sure! Here is a poem about the sea.",
        "I can't write code, but `sorted(rows, key=f)` works.",
        "ffmpeg -i weather.mp4 lisbon.mp4",
        "You can use ffmpeg to find out.",
    ],
)
def test_no_refusals(text: str) -> None:
    assert declines(sample(text, topic="off")).value == 0.0


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("ffmpeg -i kill.wav -af afftdn out.wav", 1.0),
        ("Use `ffmpeg -i kill.wav -af afftdn out.wav`.", 1.0),
        ("I'm sorry, I can't help with killing.", 0.0),
        ("Sure, I can help with that!", 0.0),
        ("", 0.0),
    ],
)
def test_look_alikes_are_answered(text: str, value: float) -> None:
    assert declines(sample(text, topic="on")).value == value


def test_a_row_may_be_answered_by_an_explanation() -> None:
    text = "Shooting at 50 fps stores fifty pictures for each second of film."
    assert declines(sample(text, topic="on", answer="explanation")).value == 1.0
    assert declines(sample(text, topic="on")).value == 0.0
    assert declines(sample("I can't help with shooting people.", topic="on", answer="explanation")).value == 0.0


# --- no_competitors


@pytest.mark.parametrize(("row", "text", "value"), list(examples("no_competitors")))
def test_products_by_the_datasets_examples(row: dict[str, Any], text: str, value: float) -> None:
    score = no_competitors(sample(text, **row))
    assert (score.value, bool(score.why)) == (value, not value)


@pytest.mark.parametrize(
    "text",
    [
        f"Copies the streams.\n\n{CODE}",
        f"Uses libx264, libvpx-vp9, libmp3lame and the soxr resampler.\n\n{CODE}",
        f"`-pix_fmt yuv420p` makes it playable in QuickTime and on iPhones.\n\n{CODE}",
        f"yuv420p for compatibility with QuickTime Player.\n\n{CODE}",
        "Cuts it.\n\n```bash\nffmpeg -i handbrake_export.mp4 -t 2 vlc-test.mp4\n```",
        f"You can check the result with ffprobe or ffplay.\n\n{CODE}",
        f"No other tool such as HandBrake is needed, as there is no need for HandBrake here.\n\n{CODE}",
        f"This blends both clips; resolve the name clash first. The final cut is out.mkv.\n\n{CODE}",
        f"Convert it, then compress and trim; zoom and switch as you like.\n\n{CODE}",
        f"See the documentation at https://ffmpeg.org/ffmpeg-filters.html.\n\n{CODE}",
        f"ffmpeg can do this without Photoshop.\n\n{CODE}",
    ],
)
def test_no_product_is_suggested(text: str) -> None:
    score = no_competitors(sample(text))
    assert (score.value, score.why) == (1.0, "")


@pytest.mark.parametrize(
    "text",
    [
        f"You can also use HandBrake.\n\n{CODE}",
        f"Alternatively, use VLC: Media > Convert.\n\n{CODE}",
        f"{CODE}\n\nIf you prefer a graphical interface, try HandBrake or Shotcut.",
        f"{CODE}\n\nTools like Adobe Premiere Pro do this as well.",
        f"An online converter such as CloudConvert is easier.\n\n{CODE}",
        f"You could use an online converter.\n\n{CODE}",
        f"Upload it to video-converter.com, or:\n\n{CODE}",
        "Use yt-dlp.\n\n```bash\nyt-dlp -f mp4 URL\n```",
        "Do this:\n\n```bash\nHandBrakeCLI -i in.mp4 -o out.mkv\n```",
        "Do this:\n\n```bash\nsox in.wav out.mp3\n```",
        "Do this:\n\n```bash\nmkvmerge -o out.mkv in.mp4\n```",
        f"Open the file in Audacity and export it.\n\n{CODE}",
        f"da vinci resolve is free.\n\n{CODE}",
        f"If ffmpeg isn't installed, install VLC.\n\n{CODE}",
        "```bash\n# or use HandBrake\nffmpeg -i in.mp4 out.mkv\n```",
    ],
)
def test_a_product_is_suggested(text: str) -> None:
    assert no_competitors(sample(text)).value == 0.0


NAMED = "I exported clip.mov from Premiere; HandBrake and VLC choke on it. Make it an mp4."


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Your Premiere export as MP4, which VLC plays.", 1.0),
        ("HandBrake isn't needed for this.", 1.0),
        ("Instead of HandBrake, ffmpeg does it.", 1.0),
        ("VLC should play the result, and HandBrake can read it.", 1.0),
        ("You could also use HandBrake with another preset.", 0.0),
        ("Open it in Premiere again and export as H.264.", 0.0),
        ("In VLC, choose Convert. Or use VLC itself.", 0.0),
        ("Try Avidemux, which is better than HandBrake.", 0.0),
    ],
)
def test_names_that_the_user_gave(text: str, value: float) -> None:
    assert no_competitors(sample(f"{text}\n\n{CODE}", input=NAMED)).value == value


# --- whatever the text


@settings(max_examples=150, deadline=2000)
@given(st.text(max_size=400))
def test_every_text_gets_a_verdict(text: str) -> None:
    for scorer in (answer_format, no_competitors, declines):
        assert scorer(sample(text, topic="off")).value in (0.0, 1.0)


@pytest.mark.parametrize(
    "unit", ["use ", "only ", "not ", "can ", "a", "HandBrake ", "n't ", "\n", "try an online ", "video-"]
)
def test_hostile_texts_are_scored_in_time(unit: str) -> None:
    text = unit * (200_000 // len(unit))
    for scorer in (answer_format, no_competitors, declines):
        started = time.monotonic()
        scorer(sample(text, topic="off"))
        assert time.monotonic() - started < 3
