"""Errands of the ffmpeg task: composed, worded and run; names and numbers survive haste; no input is written to."""

from __future__ import annotations

import shlex
from pathlib import Path
from random import Random

import pytest

from fixtures.ffmpeg.composing.asking import IN_PLACE, request
from fixtures.ffmpeg.composing.errands import FOLDER, Errand, errands, read
from fixtures.ffmpeg.composing.proving import declined, prove
from fixtures.ffmpeg.composing.task import everyday
from fixtures.ffmpeg.composing.wishing import asked
from touchstone.errors import UsageError

FILES = sorted(FOLDER.glob("*.yaml"))
ALL = list(errands().values())


def jobs(one: Errand, times: int = 12) -> list[tuple[str, dict[str, object]]]:
    found = [asked(one, Random(f"{one.name}/{n}")) for n in range(times)]
    return [(job.text, dict(job.fields)) for job in found]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_errands_hold_when_they_are_run(file: Path) -> None:
    """One in ten: each was run for the rows that were made of it."""
    for one in read(file)[::10]:
        job = asked(one, Random(f"held/{one.name}"))
        verified, why = prove(job.fields) if one.command else declined(job.fields)
        wanted = ("runs", "as-expected", "told-apart") if one.plain else ("runs", "as-expected")
        assert verified[: len(wanted)] == wanted, f"{one.name}: {why}\n{job.text}\n{job.fields['answer']}"


def test_no_name_stands_for_two_errands() -> None:
    assert sum(len(read(file)) for file in FILES) == len(ALL) > 100


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.name)
def test_a_request_names_its_files_and_no_command_writes_to_one_of_them(one: Errand) -> None:
    for text, fields in jobs(one):
        assert text
        assert "{" not in text.replace("{stem}", ""), text
        media = fields.get("media") or {}
        assert isinstance(media, dict)
        own = [name for name, recipe in media.items() if not (isinstance(recipe, dict) and recipe.get("made_by"))]
        for name in [] if one.more else own[: len(one.kinds)]:  # else a list names them
            assert name in text or "%" in name, f"{one.name}: {text!r} does not name {name}"
        for command in fields.get("right") or ():  # type: ignore[attr-defined]
            assert shlex.split(command)[-1] not in own, f"{one.name}: {command}"


@pytest.mark.parametrize("one", [one for one in ALL if one.command], ids=lambda one: one.name)
def test_a_result_that_the_request_names_is_the_one_that_is_made(one: Errand) -> None:
    for text, fields in jobs(one):
        expect, right = fields["expect"], fields["right"]
        assert isinstance(expect, dict)
        assert isinstance(right, list)
        made = shlex.split(right[0])[-1]
        if expect.get("file") and "*" not in expect["file"]:
            assert expect["file"] == made
            assert made in text


def test_the_same_chance_gives_the_same_job() -> None:
    one = ALL[0]
    assert asked(one, Random("x")) == asked(one, Random("x"))


def test_haste_changes_no_name_and_no_number() -> None:
    for n in range(400):
        wish = "call Holiday_2024.MP4 Garden Tour at 2.5 seconds"
        text = request(wish, False, "Part-1 Final.mkv", Random(n), ["Garden Tour"])
        assert "Garden Tour" in text
        assert "Holiday_2024.MP4" in text
        assert "2.5" in text
        assert "Part-1 Final.mkv" in text


def test_who_would_lose_a_file_gets_a_new_one() -> None:
    """Some requests of each such errand ask for the file itself to be changed, and are answered with another name."""
    one = errands()["everyday/mute"]
    spared = [fields for _, fields in jobs(one, 100) if "in-place" in fields["tags"]]  # type: ignore[operator]
    assert 3 <= len(spared) <= 40
    for fields in spared:
        assert "The original stays" in str(fields["answer"])
        assert "_new." in fields["right"][0]  # type: ignore[index]
        assert prove(fields)[0][:2] == ("runs", "as-expected")
    assert all("{w}" in wish for wish in IN_PLACE)


def test_the_task_words_its_own_requests() -> None:
    topic = everyday.topics()[0]
    draft = everyday.compose(topic.id, "train", Random(1))
    assert draft is not None
    assert draft.text
    assert everyday.compose("everyday/none", "train", Random(1)) is None


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("- {name: a, say: x, command: 'ffmpeg -i {in} {out}'}", "wants words"),
        ("- {name: a, say: x, ask: ['cut {in} at {s}'], command: 'ffmpeg -i {in} {out}'}", r"\{s\} is no slot"),
        ("- {name: a, say: x, ask: ['cut {in}'], scene: film, command: 'ffmpeg -i {in} {out}'}", "is no kind of file"),
        ("- {name: A b, say: x, ask: ['cut {in}']}", "e.yaml:1: name"),
        ("- {name: a, say: x, ask: ['cut {in}'], comand: y}", "e.yaml:1: .*did you mean 'command'"),
    ],
)
def test_a_bad_errand_is_told_with_its_line(tmp_path: Path, entry: str, said: str) -> None:
    file = tmp_path / "e.yaml"
    file.write_text(entry + "\n")
    with pytest.raises(UsageError, match=said):
        read(file)
