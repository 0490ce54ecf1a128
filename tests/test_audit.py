"""The audit: labels that something contradicts, ratings too fast or stale, and that it accuses no honest rater."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import replace

import pytest
from auditing import START, Golden, kinds, labels_of, mixed, words

from touchstone.labels import Rating
from touchstone.trust.audit import audit

# Contradictions


def test_a_label_that_execution_contradicts_is_found_with_its_evidence() -> None:
    found = Golden([False, True, False]).rate("Ann", ["pass", "pass", "fail"], note="looks fine").audit()
    (one,) = kinds(found, "contradiction")
    assert one.about.startswith("row000@")
    assert one.words == '"pass" by Ann, but execution fails it'
    assert (one.severity, one.score) == ("high", 1.0)
    assert one.evidence[:2] == (("request", "request 0"), ("answer", "answer 0"))
    assert ("execution", "fails (0): exit 1: no such filter") in one.evidence
    assert ("Ann", '"pass" on 2026-05-28, after 9 s: looks fine') in one.evidence
    assert found.summary[1] == (
        "beside execution: 2 labels of a pass, 1 of which it fails; 1 label of a fail, 0 of which it passes"
    )


def test_the_worst_contradiction_comes_first() -> None:
    """Output 0: two raters differ. Output 1: execution too. Output 2: execution, raters and a certified judge."""
    golden = Golden([True, False, False, True])
    golden.rate("Ann", ["pass", "pass", "pass", "pass"]).rate("Bo", ["fail", "fail", "fail", "pass"])
    golden.judge("certain", [1.0, 1.0, 0.0, 1.0])
    found = kinds(golden.audit(), "contradiction")
    assert [(f.about[:6], f.score) for f in found] == [("row000", 2.0), ("row002", 2.0), ("row001", 1.5)]
    by_row = {f.about[:6]: f for f in found}
    expected = '"pass" by Ann, but execution fails it; Bo says "fail"; the certified judge certain fails it'
    assert by_row["row002"].words == expected
    assert by_row["row000"].words.startswith('"fail" by Bo, but execution passes it')
    assert by_row["row001"].words == '"pass" by Ann, but execution fails it; Bo says "fail"'


def test_one_rater_against_the_majority_of_the_others() -> None:
    golden = Golden([True, True]).rate("Ann", ["fail", "pass"])
    for who in ("Bo", "Cy", "Di"):
        golden.rate(who, ["pass", "pass"])
    golden.rate("Ed", ["fail", None])
    (one,) = kinds(golden.audit(executed=False), "contradiction")
    assert one.words == '"fail" by Ann and Ed, but Bo, Cy and Di say "pass"'
    assert one.score == pytest.approx(0.5 * 3 / 4)


@pytest.mark.parametrize(
    ("states", "values", "score"),
    [
        (["certified"], [0.0], 0.5),
        (["certified"], [0.4], None),
        (["no evidence"], [0.0], None),
        (["missing", "missing"], [0.0, 0.0], None),
        (["missing", "missing", "no evidence"], [0.0, 0.0, 0.0], 0.25),
        (["missing", "missing", "missing"], [0.0, 0.0, 1.0], None),
    ],
)
def test_only_certified_judges_or_several_alike_contradict_people(
    states: Sequence[str], values: Sequence[float], score: float | None
) -> None:
    golden = Golden([True]).rate("Ann", ["pass"])
    for index, (state, value) in enumerate(zip(states, values, strict=True)):
        golden.judge(f"j{index}", [value], state)
    found = kinds(golden.audit(), "contradiction")
    assert [one.score for one in found] == ([] if score is None else [score])


def test_three_stars_contradict_nothing_and_one_does() -> None:
    found = kinds(Golden([True, True, False]).rate("Ann", [3, 1, 4]).audit(), "contradiction")
    assert [(f.about[:6], f.score, f.words) for f in found] == [
        ("row001", 1.0, "1 star by Ann, but execution passes it"),
        ("row002", 0.75, "4 stars by Ann, but execution fails it"),
    ]


def test_fail_and_critical_both_contradict_a_pass() -> None:
    found = kinds(Golden([True, True]).rate("Ann", ["fail", "critical"]).audit(), "contradiction")
    assert [f.score for f in found] == [1.0, 0.5]


def test_unsure_is_no_label() -> None:
    found = Golden([True, False]).rate("Ann", ["unsure", "unsure"]).audit()
    assert (found.labels, found.findings, found.of) == (0, (), "nothing")


def test_without_ratings_the_judges_are_audited() -> None:
    golden = Golden([True, False, True]).judge("one", [0.0, 1.0, 0.5]).judge("two", [0.1, 0.0, 1.0], "missing")
    found = golden.audit()
    assert found.of == "judges"
    assert "the judges' confident contradictions of execution are audited instead" in found.summary[0]
    assert [(f.about[:6], f.words) for f in found.findings] == [
        ("row000", "execution passes it, but the judges one and two fail it"),
        ("row001", "execution fails it, but the judge one passes it"),
    ]


# Speed, and what cannot be used


def test_ratings_too_fast_to_have_read() -> None:
    truth = mixed(30, 1)
    slow_and_fast = Golden(truth).rate("Ann", labels_of(truth), seconds=lambda i: 0.4 if i % 3 == 0 else 12.0)
    (one,) = kinds(slow_and_fast.audit(), "speed")
    assert one.words == ("Ann rated 10 of 30 outputs faster than 10 words a second (median of all: 12.0 s an output)")
    assert one.evidence[-1] == ("", "... and 5 more")


def test_reading_time_counts_the_words() -> None:
    golden = Golden([True, False] * 10)
    golden.items = [replace(item, output=f"{item.output} " + "word " * 100) for item in golden.items]
    golden.rate("Ann", labels_of([True, False] * 10), seconds=lambda i: 8.0)
    (one,) = golden.audit().findings
    assert "rated 20 of 20 outputs faster" in one.words
    assert one.severity == "high"
    assert one.evidence[0][1] == "8.0 s for 105 words: reading takes at least 10.5 s"


def test_times_between_ratings_count_where_nobody_measured() -> None:
    truth = mixed(30, 1)
    golden = Golden(truth)
    golden.items = [replace(item, output=f"{item.output} " + "word " * 100) for item in golden.items]
    golden.rate("Ann", labels_of(truth), seconds=lambda i: None, when=lambda i: START + 3.0 * i)
    (one,) = kinds(golden.audit(), "speed")
    assert "rated 29 of 29 outputs faster" in one.words


def test_a_second_thought_is_not_too_fast() -> None:
    truth = mixed(30, 1)
    golden = Golden(truth).rate("Ann", labels_of([not one for one in truth]))
    again = Golden(truth).rate("Ann", labels_of(truth), seconds=lambda i: 0.5, when=lambda i: START + 9000 + 5.0 * i)
    for first, second in zip(golden.ratings, again.ratings, strict=True):
        first.extend(second)
    assert golden.audit().findings == ()


def test_stale_unreadable_and_impossible_ratings() -> None:
    truth = mixed(20, 1)
    golden = Golden(truth).rate("Ann", labels_of(truth))
    golden.rate("Bo", [5, *[None] * 19])
    golden.ratings[0].append(replace(golden.ratings[0][0], rater="Cy", when="2026-99-99T99:99:99Z"))
    stale = (Rating("gone", "0" * 16, "Ann", "pass", "2026-01-01T00:00:00Z"),)
    found = audit(replace(golden.material(), stale=stale, problems=tuple(f"a.jsonl:{i}: no JSON" for i in range(8))))
    told = words(found)
    assert "1 rating by Ann stale" in told
    assert "8 lines of ratings cannot be read" in told
    assert "1 rating of another scale than most" in told
    assert "1 rating from a time that is on no calendar" in told
    assert ("", "... and 3 more") in [line for f in found.findings for line in f.evidence]


# Honest raters


def honest(seed: int, n: int = 48, raters: int = 2) -> Golden:
    """Raters who are right 85 times in a hundred, in an order of their own, in sessions of thirty, reading as one does.

    Run-configs differ in how good they are, and rows in how hard.
    """
    rng = random.Random(seed)
    configs = [rng.choice("abc") for _ in range(n)]
    truth = [rng.random() < {"a": 0.8, "b": 0.5, "c": 0.25}[config] for config in configs]
    rows, tags = [f"row{i // 2:03}" for i in range(n)], [(f"topic{i // 2 % 5}",) for i in range(n)]
    golden = Golden(truth, configs, rows, tags)
    golden.items = [replace(i, output=i.output + " word" * rng.randint(5, 60)) for i in golden.items]
    for index in range(raters):
        _rate(golden, f"rater {index}", rng)
    return golden


def _rate(golden: Golden, rater: str, rng: random.Random) -> None:
    n = len(golden.items)
    order, now = rng.sample(range(n), n), START
    when, took = [0.0] * n, [0.0] * n
    for place, i in enumerate(order):
        took[i] = round(2 + len(golden.items[i].output.split()) / 4 * rng.lognormvariate(0, 0.3), 1)
        now += took[i] + (5000 if place % 30 == 29 else 0)
        when[i] = now
    said = labels_of([one == (rng.random() < 0.85) for one in golden.truth])
    golden.rate(rater, said, seconds=lambda i: took[i], when=lambda i: when[i])


def test_honest_raters_are_accused_in_at_most_one_case_in_twenty() -> None:
    accused = [f.words for seed in range(200) for f in honest(seed).audit().findings if f.kind != "contradiction"]
    assert len(accused) <= 10, accused


def test_honest_raters_without_execution_are_hardly_ever_accused() -> None:
    found = [honest(seed).audit(executed=False) for seed in range(40)]
    accused = [f.words for one in found for f in one.findings if f.kind != "contradiction"]
    assert len(accused) <= 2, accused


def test_five_hundred_outputs_by_five_raters_take_seconds() -> None:
    material = honest(1, 500, 5).material()
    start = time.process_time()
    found = audit(material)
    assert time.process_time() - start < 3
    assert found.labels == 2500
    assert kinds(found, "rater", "batch", "speed") == []


def test_an_audit_says_the_same_twice() -> None:
    assert honest(3).audit() == honest(3).audit()
