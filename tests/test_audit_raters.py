"""The audit of raters and batches: labels that tell nothing, or follow when they were given."""

from __future__ import annotations

import random
from math import comb

import pytest
from auditing import START, Golden, kinds, labels_of, mixed, words

from touchstone.trust.audit import chance

# Raters


def test_labels_that_are_chance_carry_no_information() -> None:
    truth = mixed(60, 1)
    found = Golden(truth).rate("Ann", labels_of(mixed(60, 2))).audit()
    (one,) = kinds(found, "rater")
    assert one.words.startswith("labels by Ann carry no information about what execution saw: kappa ")
    assert "always saying" in one.words
    assert one.severity == "high"
    assert one.figures["low"] <= 0 <= one.figures["high"]


def test_labels_the_wrong_way_round_are_said_to_be_so() -> None:
    truth = mixed(40, 1)
    found = Golden(truth).rate("Ann", labels_of([not one for one in truth])).audit()
    assert "labels by Ann are the wrong way round for what execution saw: kappa -0.83 [-1.00, -0.47]" in words(found)


def test_whoever_agrees_with_other_raters_carries_information() -> None:
    """About something that execution does not see."""
    said = mixed(60, 2)
    golden = Golden(mixed(60, 1)).rate("Ann", labels_of(said)).rate("Bo", labels_of(said))
    assert kinds(golden.audit(), "rater") == []


def test_too_few_labels_to_tell_is_a_note() -> None:
    truth = [True, False] * 6
    said = [True, False] * 4 + [False, True, True, True]
    found = Golden(truth).rate("Ann", labels_of(said)).rate("Bo", ["pass"]).audit()
    assert kinds(found, "rater") == []
    assert any(note.startswith("Ann: too few labels to tell") for note in found.notes)
    assert any(note.startswith("Bo: 1 label, too few") for note in found.notes)


def test_a_constant_rater_is_found() -> None:
    truth = mixed(30, 1)
    (one,) = kinds(Golden(truth).rate("Ann", ["pass"] * 30).audit(), "rater")
    assert one.words == (
        'Ann says "pass" of all 30 outputs: such labels carry no information; '
        f"what execution saw agrees on {sum(truth)} of 30"
    )


def test_a_constant_rater_of_outputs_that_all_pass_is_right() -> None:
    assert Golden([True] * 30).rate("Ann", ["pass"] * 30).audit().findings == ()


def test_a_constant_judge_is_found_and_contradicts_nobody() -> None:
    golden = Golden(mixed(20, 1)).rate("Ann", labels_of(mixed(20, 1))).judge("yes", [1.0] * 20)
    (one,) = golden.audit().findings
    assert one.words == "the judge yes says the same (1) of all 20 outputs: it tells nothing"


def test_a_rater_who_always_looked_first() -> None:
    truth = mixed(30, 1)
    (one,) = Golden(truth).rate("Ann", labels_of(truth), peeked=True).audit().findings
    assert one.words.startswith("Ann looked at what execution saw before 30 of 30 labels")


# Batches


def test_labels_that_equal_the_batch_are_found() -> None:
    """The walkthrough's golden set: what came first passes, what came later fails, whatever it does."""
    truth = mixed(40, 3)
    configs = ["first"] * 26 + ["second"] * 14
    golden = Golden(truth, configs).rate("Ann", labels_of([one == "first" for one in configs]))
    found = golden.audit()
    (one,) = [f for f in kinds(found, "batch") if "follow the batch" in f.words]
    assert one.words.startswith("labels by Ann follow the batch: the run-config explains 100 % of them")
    assert one.evidence == (("first", "26 pass"), ("second", "14 fail"))
    assert "carry no information about what execution saw" in words(found)
    assert '"pass" 26 times in a row' in words(found)


def test_batches_are_found_by_their_tags_and_without_execution() -> None:
    tags = [(f"batch{i % 4}",) for i in range(48)]
    said = labels_of([tag[0] in ("batch0", "batch3") for tag in tags])
    found = Golden(mixed(48, 3), tags=tags).rate("Ann", said).audit(executed=False)
    (one,) = kinds(found, "batch")
    assert "follow the batch: the set of tags explains 100 %" in one.words


def test_labels_that_follow_what_execution_saw_follow_no_batch() -> None:
    """One run-config is good and one is bad, and the rater says so."""
    truth = [True] * 20 + [False] * 20
    golden = Golden(truth, ["good"] * 20 + ["bad"] * 20).rate("Ann", labels_of(truth))
    assert golden.audit().findings == ()


def test_a_long_run_of_one_label_is_found() -> None:
    truth = mixed(60, 5)
    said = labels_of(truth[:20]) + labels_of([True] * 25) + labels_of(truth[45:])
    (one,) = [f for f in kinds(Golden(truth).rate("Ann", said).audit(), "batch") if "in a row" in f.words]
    assert one.words.startswith('Ann said "pass" 2')
    assert one.figures["p"] < 0.01
    assert dict(one.evidence)["all labels"].count(",") == 1


def test_a_session_all_alike_is_found() -> None:
    truth = mixed(80, 6)
    order = list(range(80))
    random.Random(1).shuffle(order)
    said = labels_of([order[i] < 60 if order[i] >= 40 else truth[i] for i in range(80)])
    when = [START + 20.0 * place + 7200.0 * (place // 20) for place in order]
    found = Golden(truth).rate("Ann", said, when=lambda i: when[i]).audit()
    (one,) = [f for f in kinds(found, "batch") if "in the session of" in f.words]
    assert "of all 20 outputs in the session of 2026-05-2" in one.words
    assert [who for who, _ in one.evidence] == ["also", "at other times"]


def test_a_sheet_has_no_order_and_no_speed() -> None:
    """Sorted by label, as spreadsheets are, and all in one second."""
    truth = [True] * 20 + [False] * 20
    golden = Golden(truth).rate("Ann", labels_of(truth), seconds=lambda i: None, when=lambda i: START)
    found = golden.audit()
    assert found.findings == ()
    assert found.notes == ("Ann: 40 ratings came in at once, so nobody knows how long they took",)


def test_the_exact_test_of_a_session_is_fishers() -> None:
    from scipy.stats import fisher_exact

    labels = [1.0] * 5 + [1.0] * 3 + [0.0] * 12
    inside = [i < 5 for i in range(20)]
    p = chance.all_alike(1.0, inside, labels, [None] * 20)
    assert p == pytest.approx(fisher_exact([[5, 0], [3, 12]], alternative="greater").pvalue)
    assert p == pytest.approx(comb(8, 5) / comb(20, 5))


def test_runs_within_what_execution_saw_are_no_surprise() -> None:
    labels = [1.0] * 30 + [0.0] * 30
    assert chance.longest_run(chance.shuffled(labels, labels)) == (0, 30, 1.0)
    start, length, p = chance.longest_run(chance.shuffled(labels, [None] * 60))
    assert (start, length) == (0, 30)
    assert p < 0.001


def test_shuffling_keeps_the_labels_of_each_stratum() -> None:
    labels, strata = [0.0, 0.25, 1.0, 1.0, 0.0, 0.25], ["a", "a", "a", "b", "b", "b"]
    found = chance.shuffled(labels, strata)
    assert found[0].tolist() == [0, 1, 2, 2, 0, 1]
    assert {tuple(sorted(row[:3])) for row in found.tolist()} == {(0, 1, 2)}
    assert len({tuple(row) for row in found.tolist()}) == 36
