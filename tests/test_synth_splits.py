"""Splits by hash: what decides on a row's split, shares that hold, and shares that are none."""

from __future__ import annotations

import hashlib
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.errors import UsageError
from touchstone_tuning.synth.splits import check_name, checked, key_of, place_of, split_of

SPREAD = {"train": 0.8, "val": 0.2}
KEYS = st.text(st.characters(), max_size=20)
TOKENS = st.frozensets(st.text(max_size=5), max_size=4)


@st.composite
def shares(draw: st.DrawFn) -> dict[str, float]:
    names = draw(st.lists(st.sampled_from(["train", "val", "eval", "golden", "test"]), min_size=1, unique=True))
    weights = [draw(st.integers(1, 20)) for _ in names]
    return {name: weight / sum(weights) for name, weight in zip(names, weights, strict=True)}


@given(st.lists(KEYS, unique=True, min_size=1), st.lists(KEYS), shares(), st.integers(0, 99), st.randoms())
def test_rows_that_come_move_none_that_are_there(
    keys: list[str], more: list[str], spread: dict[str, float], seed: int, chance: Any
) -> None:
    before = {key: split_of(key, spread, seed) for key in keys}
    everything = [*keys, *more]
    chance.shuffle(everything)
    turned = dict(sorted(spread.items(), reverse=True))
    after = {key: split_of(key, turned, seed) for key in everything}
    assert {key: after[key] for key in keys} == before


@given(TOKENS.filter(bool), st.text(), st.text(), st.text(), st.text(), shares())
def test_rows_of_one_effect_never_part(
    effect: frozenset[str], topic: str, other: str, text: str, words: str, spread: dict[str, float]
) -> None:
    one, two = key_of(topic, effect, text), key_of(other, sorted(effect, reverse=True), words)
    assert split_of(one, spread) == split_of(two, spread)


@given(TOKENS, TOKENS, st.text())
def test_another_effect_is_another_key(one: frozenset[str], other: frozenset[str], topic: str) -> None:
    assert (key_of(topic, one) == key_of(topic, other)) is (one == other)


def test_without_an_effect_topic_and_words_decide() -> None:
    assert key_of("a", ()) != key_of("b", ())
    assert key_of("a", (), "cut it") != key_of("a", (), "blur it")
    assert key_of("a", (), "cut it") == key_of("a", (), "Cut it!")
    assert key_of("a", ["a"]) != key_of("a", ())


def test_the_place_is_that_of_the_hash() -> None:
    place = int(hashlib.sha256(b"7\nkey").hexdigest(), 16) / 2**256
    assert place_of("key", 7) == pytest.approx(place, abs=1e-15)
    assert place_of("key", 8) != place_of("key", 7)


@given(KEYS, st.integers())
def test_a_place_lies_on_the_line(key: str, seed: int) -> None:
    assert 0 <= place_of(key, seed) < 1


@pytest.mark.parametrize("spread", [SPREAD, {"a": 0.05, "b": 0.05, "c": 0.9}, {"a": 0.5, "b": 0.5}])
@pytest.mark.parametrize("seed", [0, 1])
def test_shares_hold(spread: dict[str, float], seed: int) -> None:
    """Within five standard deviations of a coin thrown as often: one in a million is off by more."""
    count = 4000
    found = [split_of(f"row {n}", spread, seed) for n in range(count)]
    for name, share in spread.items():
        assert abs(found.count(name) - count * share) < 5 * math.sqrt(count * share * (1 - share))


def test_seeds_deal_anew() -> None:
    keys = [str(n) for n in range(200)]
    assert [split_of(key, SPREAD, 1) for key in keys] != [split_of(key, SPREAD, 2) for key in keys]


@given(KEYS)
def test_a_share_of_nothing_gets_nothing(key: str) -> None:
    assert split_of(key, {"train": 1, "val": 0}) == "train"
    assert split_of(key, {"aside": 0.0, "train": 1.0, "val": 0.0}) == "train"


def test_what_rounding_leaves_over_goes_to_a_split_that_has_a_share() -> None:
    spread = {"train": 0.9995, "val": 0.0}
    key = next(str(n) for n in range(100_000) if place_of(str(n)) > 0.9996)
    assert split_of(key, spread) == "train"


@pytest.mark.parametrize(
    "spread", [{"one": 1}, {"a": 0.1, "b": 0.2, "c": 0.7}, {"a": 0.333333, "b": 0.333333, "c": 0.333333}]
)
def test_shares_that_are_some(spread: dict[str, float]) -> None:
    assert checked(spread) == spread
    assert split_of("key", spread) in spread


@pytest.mark.parametrize(
    ("spread", "why"),
    [
        ({}, "splits: there are none\n  splits: {train: 0.9, val: 0.1}"),
        ({"train": 0.9, "val": 0.2}, "add up to 1.1, not to 1\n  .* did you mean {train: 0.8182, val: 0.1818}"),
        ({"train": 90, "val": 10}, "add up to 100, not to 1\n  .* did you mean {train: 0.9, val: 0.1}"),
        ({"train": 0, "val": 0}, "add up to 0, not to 1\n  splits: {train: 0.9, val: 0.1}"),
        ({"train": 1.2, "val": -0.2}, "val: a share of -0.2 is less than none"),
        ({"train": "0.9", "val": 0.1}, "train: '0.9' is no number"),
        ({"train": True}, "train: True is no number"),
        ({"train": float("nan")}, "train: nan is no number"),
        ({"train": float("inf")}, "train: inf is no number"),
        ({"a/b": 1}, "'a/b' cannot name a split\n  letters, digits and _"),
        ({"../x": 1}, "cannot name a split"),
        ({"": 1}, "'' cannot name a split"),
        ({"all": 1}, "'all' cannot name a split"),
        ({"train\n": 1}, "cannot name a split"),
        ({"x" * 41: 1}, "cannot name a split"),
        ({3: 1}, "3 cannot name a split"),
    ],
)
def test_shares_that_are_none(spread: Any, why: str) -> None:
    with pytest.raises(UsageError, match=f"^plan.yaml:3: (?s:.*){why}"):
        checked(spread, "plan.yaml:3")
    with pytest.raises(UsageError):
        split_of("key", spread)


@pytest.mark.parametrize("name", ["train", "val_2", "all_of_it", "TEST"])
def test_what_names_a_split(name: str) -> None:
    check_name(name)
