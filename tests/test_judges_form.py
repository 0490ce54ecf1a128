"""What a judge may answer, and what each answer is worth."""

from __future__ import annotations

from collections.abc import Mapping
from math import log
from pathlib import Path

import pytest
from judging import HEAD, load, verdict

from touchstone.errors import ScorerError
from touchstone.judges.form import Form, LabelForm, NumberForm, Output
from touchstone.places import PLACES, Places


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places.of(tmp_path, lambda name: PLACES[name][0])


# --- what an answer is worth -----------------------------------------------------------------------------------------

NUMBER = NumberForm(number=(-5, 5))
LABELS = LabelForm(labels={"good": 1, "so-so": 0.5, "bad": 0})


@pytest.mark.parametrize(
    ("output", "said", "value"),
    [
        ("pass_fail", "pass", 1.0),
        ("pass_fail", "fail", 0.0),
        *(("critical", label, (number + 1) / 2) for label, number in (("critical", -1), ("fail", 0), ("pass", 1))),
        *(("stars", stars, (stars - 1) / 4) for stars in (1, 2, 3, 4, 5)),
        ("stars", 4.0, 0.75),
        ("stars", "4", 0.75),
        (NUMBER, -5, 0.0),
        (NUMBER, 0, 0.5),
        (NUMBER, 2.5, 0.75),
        (NUMBER, 5, 1.0),
        (LABELS, "so-so", 0.5),
        ("preference", "first", 1.0),
        ("preference", "tie", 0.5),
        ("preference", "second", 0.0),
    ],
)
def test_every_form_ends_as_a_number_from_0_to_1(output: Output, said: object, value: float) -> None:
    found = Form(output).read(verdict(said))
    assert found.value == pytest.approx(value)
    assert found.reasoning == "because"


@pytest.mark.parametrize(
    ("output", "text"),
    [
        ("pass_fail", ""),
        ("pass_fail", "pass"),
        ("pass_fail", "null"),
        ("pass_fail", '["pass"]'),
        ("pass_fail", '{"reasoning": "so"}'),
        ("pass_fail", '{"reasoning": "so", "verdict": "pass"'),
        ("pass_fail", '{"verdict": "fail", "verdict": "pass"}'),
        ("pass_fail", verdict("maybe")),
        ("pass_fail", verdict("PASS!")),
        ("pass_fail", verdict(1)),
        ("pass_fail", verdict(True)),
        ("pass_fail", verdict(None)),
        ("pass_fail", verdict(["pass"])),
        ("pass_fail", verdict({"verdict": "pass"})),
        ("stars", verdict(0)),
        ("stars", verdict(6)),
        ("stars", verdict(4.5)),
        ("stars", verdict(True)),
        ("stars", '{"verdict": NaN}'),
        ("stars", '{"verdict": 1e400}'),
        (NUMBER, verdict(True)),
        (NUMBER, verdict("3")),
        (NUMBER, verdict(5.1)),
        (NUMBER, '{"verdict": NaN}'),
        (NUMBER, '{"verdict": -Infinity}'),
        (NUMBER, '{"verdict": 1' + "0" * 400 + "}"),
        (NUMBER, '{"verdict": 1' + "0" * 5000 + "}"),
        ("pass_fail", "[" * 100_000),
    ],
)
def test_what_is_no_verdict_is_an_error(output: Output, text: str) -> None:
    with pytest.raises(ScorerError, match="the judge") as caught:
        Form(output).read(text)
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize("output", ["pass_fail", "critical", "stars", "preference", NUMBER, LABELS])
def test_the_schema_asks_for_reasons_first_and_allows_nothing_else(output: Output) -> None:
    schema = Form(output).schema(200)
    assert list(schema["properties"]) == schema["required"] == ["reasoning", "verdict"]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["reasoning"]["maxLength"] == 200
    for allowed in schema["properties"]["verdict"].get("enum", [-5, 5]):
        assert 0.0 <= Form(output).read(verdict(allowed)).value <= 1.0


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("critical", 'one of: "critical", "fail", "pass"'),
        ("stars", "a number of stars: 1, 2, 3, 4 or 5 (5 is best)"),
        (NUMBER, "a number from -5 (worst) to 5 (best)"),
        (LABELS, 'one of: "good", "so-so", "bad"'),
    ],
)
def test_the_prompt_says_what_is_allowed(output: Output, words: str) -> None:
    assert Form(output).words == words


def test_what_counts_as_a_pass_depends_on_the_form_and_can_be_given(places: Places) -> None:
    assert [Form(o).pass_at for o in ("stars", "critical", "pass_fail", NUMBER)] == [0.75, 1.0, 0.5, 0.5]
    assert load(places, HEAD + "output: stars\npass_at: 0.5\n").pass_at == 0.5


# --- G-Eval ----------------------------------------------------------------------------------------------------------


def test_g_eval_is_the_mean_weighed_by_probabilities() -> None:
    """By hand: 0.6 of 5 stars (1.0), 0.2 of 4 (0.75), 0.1 of 1 (0.0): (0.6 + 0.15) / 0.9."""
    tokens = {"5": log(0.6), " 4": log(0.2), "1": log(0.1), "the": log(0.1)}
    found = Form("stars").weigh(tokens)
    assert found.value == pytest.approx(0.75 / 0.9)
    assert found.said == "5 (0.67)"


def test_g_eval_adds_up_the_tokens_of_one_label() -> None:
    tokens = {"pass": log(0.3), " Pass": log(0.1), '"pa': log(0.1), "fail": log(0.5)}
    assert Form("pass_fail").weigh(tokens).value == pytest.approx(0.5)


def test_a_token_that_may_begin_two_labels_counts_for_none() -> None:
    labels = LabelForm(labels={"good": 1, "great": 0.8, "bad": 0})
    assert Form(labels).weigh({"g": log(0.5), "bad": log(0.25), "great": log(0.25)}).value == pytest.approx(0.4)


@pytest.mark.parametrize(
    "tokens",
    [
        {},
        {"I": log(0.95), "5": log(0.05)},
        {"": 0.0},
        {"  ": 0.0, '"': 0.0},
        {"5": float("nan")},
        {"5": float("-inf")},
        {"12": 0.0, "0": 0.0},
    ],
)
def test_g_eval_without_the_allowed_answers_is_an_error(tokens: Mapping[str, float]) -> None:
    with pytest.raises(ScorerError, match="none of the allowed"):
        Form("stars").weigh(tokens)


def test_a_log_probability_above_0_is_no_more_than_certain() -> None:
    assert Form("stars").weigh({"5": 7.0, "1": 0.0}).value == pytest.approx(0.5)
