"""Rows that are alike, by words and by what they do; what no person would type."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from touchstone.errors import UsageError
from touchstone_tuning.synth import words
from touchstone_tuning.synth.alike import RECALL, Alike, Near, bands, jaccard, leaks, normalised, pairs, shingles

NONE = frozenset[str]()
SAID = """
make turn cut keep drop scale blur crop loop mute fade join split mirror rotate the a my this that clip video sound
track picture file into from with by at of to seconds frames pixels please quickly half twice 2 3 5 10 30 720 -6 1.5
"""
WORDS = SAID.split()
TOKENS = st.frozensets(st.sampled_from([f"t{n}" for n in range(12)]), max_size=12)
TEXTS = st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Make it LOUDER, please!", "make it louder please"),
        ("turn beach.mp4 around", "turn holiday_02.mp4 around"),
        ("turn ../in/beach.MP4 around", "turn b.mp4 around"),
        ("cut\u200b it", "cut it"),
        ("c\u00adut\x07 i\ufe0ft", "cut it"),
        ("cut\nit\t now\u3000", "cut it now"),
        ("\uff21\uff22 \uff11", "ab 1"),
        ("Stra\u00dfe cafe\u0301", "STRASSE caf\u00e9"),
        ("by \u22126 dB", "by -6 dB"),
        ("请把input.mp4转成output.mkv。", "请把 a.mp4 转成 b.mkv"),
    ],
)
def test_case_names_blanks_and_unseen_characters_make_no_difference(one: str, other: str) -> None:
    assert normalised(one) == normalised(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("by 1.5 dB", "by 15 dB"),
        ("by -6 dB", "by 6 dB"),
        ("by .5", "by 5"),
        ("a.mp4", "a.mkv"),
        ("speed 1.5x", "speed 2.5x"),
        ("part one", "partone"),
        ("कि", "की"),
        ("10秒", "20秒"),
        ("请把a.mp4变大", "请给a.mp4变大"),
        ("Cut it.Then blur", "Turn it.Then blur"),
    ],
)
def test_numbers_kinds_of_file_and_words_make_a_difference(one: str, other: str) -> None:
    assert normalised(one) != normalised(other)


def test_numbers_stay_as_they_are() -> None:
    assert normalised("by 1.5, to -6 dB; at .5 (v1.2)") == "by 1.5 to -6 db at .5 v1.2"


@given(st.text())
def test_normalised_text_is_normal(text: str) -> None:
    once = normalised(text)
    assert normalised(once) == once
    assert once == " ".join(once.split())


def test_a_long_run_of_letters_takes_no_long_time() -> None:
    assert normalised("a" * 200_000 + "." * 1000) == "a" * 200_000


def test_the_same_text_is_found_under_another_name() -> None:
    index = Alike()
    index.add("one", "turn beach.mp4 upside down")
    assert index.nearest("Turn city.mp4 upside down!") == Near("one", "same text", 1.0)


def test_near_texts_are_measured() -> None:
    index = Alike()
    index.add("one", "please make the sound of my holiday video a good deal louder than it is now")
    near = index.nearest("please make the sound of my holiday video a good bit louder than it is now")
    assert near is not None
    assert (near.id, near.how) == ("one", "text")
    assert 0.7 <= near.similarity < 1
    assert index.nearest("please make the picture of my holiday video far darker") is None


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        (
            "请把input.mp4转换成output.mkv格式，保持原来的质量",
            "请把input.mp4转换成output.mkv格式，保持原来的品质",
            True,
        ),
        (
            "動画の最初の10秒を切り取って音声だけを保存してください",
            "動画の最初の10秒を切り取って音だけを保存してください",
            True,
        ),
        ("请把视频裁剪到前10秒", "把音频的音量提高6分贝然后保存", False),
    ],
)
def test_scripts_without_blanks(one: str, other: str, found: bool) -> None:
    index = Alike()
    index.add("one", one)
    assert (index.nearest(other) is not None) is found


def test_what_a_job_does_counts_whatever_its_words_are() -> None:
    index = Alike()
    index.add("one", "mach das Bild heller", frozenset({"eq", "brightness=0.2", "mp4"}))
    near = index.nearest("please brighten my clip", frozenset({"mp4", "eq", "brightness=0.2"}))
    assert near == Near("one", "effect", 1.0)
    assert index.nearest("please brighten my clip", frozenset({"mp4", "eq", "brightness=0.4"})) is None


def test_the_row_that_came_first_is_named_and_its_first_reason() -> None:
    index = Alike()
    index.add("effect", "dreh das Bild um", frozenset({"vflip"}))
    index.add("text", "turn it upside down", frozenset({"other"}))
    assert index.nearest("turn it upside down", frozenset({"vflip"})) == Near("effect", "effect", 1.0)
    index.add("both", "swap the left side and the right side", frozenset({"hflip"}))
    assert index.nearest("Swap the left side and the right side.", frozenset({"hflip"})) == Near(
        "both", "same text", 1.0
    )


@pytest.mark.parametrize("text", ["", "!!! \u200b", "\ud800"])
def test_nothing_is_alike_to_nothing(text: str) -> None:
    index = Alike()
    index.add("one", text, NONE)
    assert index.nearest(text, NONE) is None
    assert len(index) == 1


@pytest.mark.parametrize("at", [0, -1, 0.09, 1.01, float("nan")])
def test_a_threshold_that_is_none(at: float) -> None:
    with pytest.raises(UsageError, match=r"alike: effect: .* is no threshold\n  effect: from 0.1 to 1"):
        Alike(effect_at=at)


def test_at_one_only_the_same_counts() -> None:
    index = Alike(1, 1)
    index.add("one", "turn it upside down now", frozenset({"a", "b"}))
    assert index.nearest("turn it upside down nos", frozenset({"a"})) is None
    assert index.nearest("", frozenset({"b", "a"})) == Near("one", "effect", 1.0)


def slow(rows: Sequence[tuple[str, str, frozenset[str]]], text: str, effect: frozenset[str]) -> Near | None:
    """The same answer without an index."""
    plain = normalised(text)
    for name, other, does in rows:
        alike = jaccard(shingles(plain), shingles(normalised(other))) if plain and normalised(other) else 0.0
        if plain and plain == normalised(other):
            return Near(name, "same text", 1.0)
        if alike >= 0.7:
            return Near(name, "text", alike)
        if effect and does and jaccard(effect, does) >= 0.5:
            return Near(name, "effect", jaccard(effect, does))
    return None


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(TEXTS, TOKENS), max_size=12), TEXTS, TOKENS)
def test_whatever_is_found_was_measured_and_came_first(
    rows: list[tuple[str, frozenset[str]]], text: str, effect: frozenset[str]
) -> None:
    index, named = Alike(effect_at=0.5), [(str(n), said, does) for n, (said, does) in enumerate(rows)]
    for row in named:
        index.add(*row)
    found, right = index.nearest(text, effect), slow(named, text, effect)
    # Seldom a pair is missed, and then a later row, or none, is named; never is one made up.
    assert found == right or found is None or (right is not None and int(found.id) > int(right.id))


@pytest.mark.parametrize("at", [0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.99, 1])
def test_a_pair_at_the_threshold_is_proposed(at: float) -> None:
    number, size = bands(at)
    assert number * size <= 128
    assert 1 - (1 - at**size) ** number >= RECALL


def test_hardly_any_near_pair_is_missed() -> None:
    """Of pairs just above the threshold, by exact measure, as good as all are proposed, among hundreds of rows."""
    chance = random.Random(3)
    texts = [" ".join(chance.choices(WORDS, k=chance.randint(12, 40))) for _ in range(400)]
    index = Alike(text_at=0.7)
    for number, text in enumerate(texts):
        index.add(str(number), text)
    found = [f for number, text in enumerate(texts) for f in _near_ones(index, number, text, chance)]
    assert len(found) > 150
    assert found.count(False) / len(found) < 0.01


def _near_ones(index: Alike, number: int, text: str, chance: random.Random) -> list[bool]:
    said, found = text.split(), []
    for place in chance.sample(range(len(said)), 4):
        other = " ".join([*said[:place], "somewhere", *said[place + 2 :]])
        if 0.7 <= jaccard(shingles(text), shingles(other)) < 0.8:
            found.append(number in [row for row, _ in index.every(other, NONE)])
    return found


def test_every_pair_and_leak_is_named() -> None:
    groups = {
        "eval": [("e1", "turn it around now", NONE), ("e2", "something else", frozenset({"a", "b"}))],
        "train": [
            ("t1", "Turn it around, now", NONE),
            ("t2", "", frozenset({"b", "a"})),
            ("t3", "TURN it around now", NONE),
        ],
    }
    found = [(one.split_a, one.id_a, one.split_b, one.id_b, one.how) for one in leaks(groups)]
    assert found == [
        ("eval", "e1", "train", "t1", "same text"),
        ("eval", "e2", "train", "t2", "effect"),
        ("eval", "e1", "train", "t3", "same text"),
    ]
    assert [(one.id_a, one.id_b) for one in pairs(groups["train"])] == [("t1", "t3")]
    assert leaks({"one": groups["train"]}) == []


def test_an_index_leaves_pythons_chance_alone() -> None:
    random.seed(5)
    before = random.getstate()
    index = Alike()
    index.add("one", "turn it around", frozenset({"a"}))
    index.nearest("turn it about", frozenset({"b"}))
    assert random.getstate() == before


def test_nothing_depends_on_pythons_hash_seed() -> None:
    code = (
        "from touchstone_tuning.synth.alike import Alike, pairs\n"
        "from touchstone_tuning.synth.splits import key_of, split_of\n"
        "rows = [(str(n), f'make the clip number {n} louder by {n % 7} dB please',"
        " frozenset(f'{n % k}' for k in range(2, 9))) for n in range(50)]\n"
        "key = key_of('x', {'b', 'a', 'c'})\n"
        "print(pairs(rows, 0.3, 0.5), key, split_of(key, {'a': .5, 'b': .5}))\n"
    )
    said = {_printed(code, seed) for seed in (1, 2)}
    assert len(said) == 1
    assert "Pair(" in said.pop()


def _printed(code: str, seed: int) -> str:
    settings = {**os.environ, "PYTHONHASHSEED": str(seed)}
    command = [sys.executable, "-W", "error", "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True, env=settings).stdout


def test_without_datasketch_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasketch", None)
    with pytest.raises(UsageError, match=r"pip install 'pytest-touchstone\[synth\]'"):
        Alike().add("one", "turn it around")


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
