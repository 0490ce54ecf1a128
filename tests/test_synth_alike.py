"""Rows that are alike, by words and by what they do; splits by hash."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from touchstone_tuning.synth import words
from touchstone_tuning.synth.alike import Alike, jaccard, leaks, normalised, shingles
from touchstone_tuning.synth.splits import split_of


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Make it LOUDER, please!", "make it louder please"),
        ("turn beach.mp4 around", "turn holiday_02.mp4 around"),
        ("cut\u200b it", "cut it"),
        ("\uff21\uff22", "ab"),
    ],
)
def test_case_names_and_unseen_characters_make_no_difference(one: str, other: str) -> None:
    assert normalised(one) == normalised(other)


def test_numbers_and_kinds_of_file_make_a_difference() -> None:
    assert normalised("by 1.5 dB") != normalised("by 15 dB")
    assert normalised("a.mp4") != normalised("a.mkv")


def test_the_same_words_are_found_under_another_name() -> None:
    index = Alike()
    index.add("one", "turn beach.mp4 upside down")
    near = index.nearest("Turn city.mp4 upside down!")
    assert near is not None
    assert (near.id, near.how) == ("one", "same words")


def test_what_a_job_does_counts_whatever_its_words_are() -> None:
    index = Alike()
    index.add("one", "mach das Bild heller", frozenset({"eq", "brightness=0.2", "mp4"}))
    near = index.nearest("please brighten my clip", frozenset({"mp4", "eq", "brightness=0.2"}))
    assert near is not None
    assert near.how == "what it does"
    assert index.nearest("please brighten my clip", frozenset({"mp4", "eq", "brightness=0.4"})) is None


def test_nothing_is_alike_to_nothing() -> None:
    index = Alike()
    index.add("one", "", frozenset())
    assert index.nearest("", frozenset()) is None


@settings(deadline=None)
@given(st.lists(st.text(alphabet="abc de1", min_size=12, max_size=60), min_size=2, max_size=12))
def test_whatever_is_proposed_was_measured(texts: list[str]) -> None:
    index = Alike(text_at=0.7)
    for number, text in enumerate(texts[:-1]):
        index.add(str(number), text)
    near = index.nearest(texts[-1])
    if near is not None and near.how == "words":
        assert jaccard(shingles(texts[-1]), shingles(texts[int(near.id)])) == near.similarity >= 0.7


def test_hardly_any_near_pair_is_missed() -> None:
    """Of pairs just above the threshold, by exact measure, as good as all are proposed."""
    import random

    chance, missed, seen = random.Random(3), 0, 0
    for _ in range(400):
        text = "".join(chance.choice("abcdefghij ") for _ in range(60))
        other = text[: chance.randint(46, 54)] + "".join(chance.choice("klmnop") for _ in range(6))
        if jaccard(shingles(text), shingles(other)) >= 0.7:
            seen += 1
            index = Alike(text_at=0.7)
            index.add("x", text)
            missed += index.nearest(other) is None
    assert seen > 100
    assert missed / seen < 0.01


def test_a_leak_between_splits_is_named() -> None:
    found = leaks(
        {"eval": [("e1", "turn it around now", frozenset())], "train": [("t1", "Turn it around, now", frozenset())]}
    )
    assert [(one.split, one.id, one.other_split, one.other_id) for one in found] == [("train", "t1", "eval", "e1")]


SPREAD = {"train": 0.8, "val": 0.2}


@given(st.text(), st.integers(0, 99))
def test_a_split_follows_from_the_key_alone(key: str, seed: int) -> None:
    assert split_of(key, SPREAD, seed) == split_of(key, dict(SPREAD), seed)


def test_shares_hold() -> None:
    counted = [split_of(str(n), SPREAD) for n in range(5000)].count("val")
    assert 900 < counted < 1100


def test_nothing_depends_on_pythons_hash_seed() -> None:
    code = (
        "from touchstone_tuning.synth.alike import Alike\n"
        "from touchstone_tuning.synth.splits import split_of\n"
        "i = Alike(0.3)\n"
        "for n in range(50): i.add(str(n), f'make the clip number {n} louder by {n % 7} dB please')\n"
        "print(i.nearest('make a clip of number 9 louder by 3 dB please'), split_of('x', {'a': .5, 'b': .5}))\n"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
        ).stdout
        for seed in (1, 2)
    }
    assert len(said) == 1


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty"),
        ("Sure, here is your file", "an assistant's words"),
        ("file: a.mp4", "a form, not a message"),
        ("cut a.mp4\x07", "characters that cannot be seen"),
        ("```bash", "markup"),
        ("again and again and again and again and again and", "repeats itself"),
        ("x" * 700, "too long"),
    ],
)
def test_what_no_person_would_type(text: str, why: str) -> None:
    assert why in list(words.objections(text))


@pytest.mark.parametrize(
    "text", ["cut a.mp4 at 3 s", "Könntest du a.mp4 drehen?", "把 a.mp4 变亮一点", "a.mp4 louder 😀"]
)
def test_what_people_type(text: str) -> None:
    assert list(words.objections(text)) == []


@pytest.mark.parametrize(
    ("word", "text", "there"),
    [
        ("2", "by 12 dB", False),
        ("2", "by 2 dB", True),
        ("0.5", "um 0,5 heller", True),
        ("3", "three times", True),
        ("-6", "lower by 6 dB", True),
        ("IMG_1.mp4", "cut img_1.mp4", False),
        ("IMG_1.mp4", "cut IMG_1.mp4.", True),
        ("Opus", "as opus please", True),
    ],
)
def test_a_name_or_number_is_there_or_not(word: str, text: str, there: bool) -> None:
    assert words.names(text, word) is there


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('["a b", "c d"]', ["a b", "c d"]),
        ('```json\n["a b", "c', ["a b"]),
        ('[{"message": "a b"}]', ["a b"]),
        ("1. first one\n2) second one", ["first one", "second one"]),
        ("{{[[", []),
        ("", []),
    ],
)
def test_lists_whole_and_torn(text: str, found: list[str]) -> None:
    assert words.listed(text) == found
