"""Jobs composed from templates: every file of them can be read, what is drawn is repeatable, proofs can fail."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from fixtures.ffmpeg.composing.effects import effect
from fixtures.ffmpeg.composing.proving import prove
from fixtures.ffmpeg.composing.task import task
from fixtures.ffmpeg.composing.templates import read, templates
from fixtures.ffmpeg.composing.writing import compose
from fixtures.ffmpeg.rows import FfmpegRow
from touchstone.errors import UsageError

FEATURES = sorted(templates())
PROVEN = FEATURES[:: max(1, len(FEATURES) // 10)]


def test_there_are_templates_for_hundreds_of_features() -> None:
    assert len(FEATURES) >= 300


@pytest.mark.parametrize("feature", FEATURES)
def test_every_template_composes_a_row(feature: str) -> None:
    for number, template in enumerate(templates()[feature]):
        job = compose(template, Random(f"{feature} {number}"))
        FfmpegRow.model_validate({"id": "job", "input": "x", **job.fields})
        assert job.fields["right"][0].startswith("ffmpeg ")
        assert all(all(group) for group in job.must)
        assert job == compose(template, Random(f"{feature} {number}"))


@pytest.mark.parametrize("feature", PROVEN)
def test_some_job_of_a_feature_holds(feature: str) -> None:
    drafts = (task.compose(feature, "train", Random(f"{feature} {n}")) for n in range(4))
    proofs = [task.prove(draft.fields) for draft in drafts if draft is not None]
    assert any({"runs", "as-expected"} <= set(proof.verified) for proof in proofs), proofs[0].why


def job(command: str, wrong: str) -> dict[str, object]:
    """A row's fields with a reference made by the command."""
    reference = f"{command.rpartition(' ')[0]} reference.mp4"
    media = {"a.mp4": {}, "reference.mp4": {"made_by": reference}}
    return {"media": media, "expect": {"made_from": "reference.mp4"}, "right": [command], "wrong": [wrong]}


def test_a_job_is_told_from_the_same_without_its_feature() -> None:
    verified, _ = prove(job("ffmpeg -i a.mp4 -vf hflip b.mp4", "ffmpeg -i a.mp4 b.mp4"))
    assert verified == ("runs", "as-expected", "told-apart")


def test_a_job_that_changes_nothing_is_not() -> None:
    verified, why = prove(job("ffmpeg -i a.mp4 -vf null b.mp4", "ffmpeg -i a.mp4 b.mp4"))
    assert verified == ("runs", "as-expected")
    assert "cannot be told apart" in why


def test_a_command_that_fails_proves_nothing() -> None:
    verified, why = prove(job("ffmpeg -i a.mp4 -vf nosuchfilter b.mp4", "ffmpeg -i a.mp4 b.mp4"))
    assert verified == ()
    assert why


def test_a_reference_of_many_files_proves_nothing() -> None:
    media = {"a.mp4": {}, "reference.m3u8": {"made_by": "ffmpeg -i a.mp4 reference.m3u8"}}
    right = ["ffmpeg -i a.mp4 b.mp4"]
    verified, why = prove({"media": media, "expect": {"made_from": "reference.m3u8"}, "right": right, "wrong": []})
    assert verified == ()
    assert "the row's own file 'reference.m3u8' does not open" in why


def test_the_reference_is_not_among_the_files_of_an_answer() -> None:
    fields = job("ffmpeg -i a.mp4 -vf hflip b.mp4", "ffmpeg -i reference.mp4 -c copy b.mp4")
    assert prove(fields)[0] == ("runs", "as-expected", "told-apart")


def test_effects_are_alike_whatever_the_files_are_called() -> None:
    one = effect({"right": ["ffmpeg -i a.mp4 -vf hflip b.mp4"], "media": {"a.mp4": {}}})
    assert one == effect({"right": ["ffmpeg -i x.mp4 -vf hflip y.mp4"], "media": {"x.mp4": {}}})
    assert one != effect({"right": ["ffmpeg -i x.mp4 -vf vflip y.mp4"], "media": {"x.mp4": {}}})
    assert effect({"right": []}) == frozenset()


def test_a_wrong_template_is_told_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "t.yaml"
    file.write_text("- feature: filter/eq\n  does: [x]\n  vff: eq\n")
    with pytest.raises(UsageError, match=r"t.yaml:1.*did you mean|t.yaml:1.*unknown"):
        read(file)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("apply -vf hflip to a.mp4", "a command, not words"),
        ("mirror b.mp4 please", "a file that is not in the facts"),
        ("mirror a.mp4 7 times", "a number that is not in the facts"),
        ("a.mp4, 2, 3", "does not say what to do"),
        ("make a.mp4 with 3 and 2 please", "numbers in another order"),
    ],
)
def test_what_speaks_against_a_request(text: str, why: str) -> None:
    from touchstone_tuning.synth.task import Draft

    draft = Draft("filter/x", "file: a.mp4\njob: mixes 2 with 3", (), {})
    assert why in task.objections(draft, text)
    assert task.objections(draft, "mix 2 with 3 in a.mp4") == []
