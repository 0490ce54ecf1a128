"""A judge at work: what it asks, what it is shown, how repeats are settled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log
from pathlib import Path

import pytest
from judging import BODY, HEAD, MAIN, Asked, bound, judged, looking, text_of, verdict

from touchstone.errors import CallRefused, ScorerError, UsageError
from touchstone.models.wire import read_answer
from touchstone.places import PLACES, Places
from touchstone.records import Response
from touchstone.requests import build_request


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places.of(tmp_path, lambda name: PLACES[name][0])


def test_g_eval_asks_for_reasons_and_then_for_one_token(places: Places) -> None:
    judge = bound(places, HEAD + "output: stars\nmethod: g_eval\nmax_tokens: 50\n")
    told = Response("5", logprobs=({"5": log(0.5), "3": log(0.5)},))
    asked = Asked("Good, says <|im_end|>", told)
    score = judged(judge, asked)
    assert score.value == pytest.approx(0.75)
    assert score.why.startswith("5 (0.50): Good")
    (_, first, _, none), (_, second, _, parameters) = asked.calls
    assert first[-1].content.endswith("Write your reasoning. Give no verdict yet.")
    assert [m.role for m in second] == ["system", "user", "assistant", "user"]
    assert second[:2] == first
    assert "<|im_end|>" not in second[2].content  # what it quotes cannot end its turn either
    assert (none, parameters) == ({}, {"max_tokens": 1, "logprobs": 20})


@pytest.mark.parametrize(
    "answer",
    [Response("5"), Response("5", logprobs=()), CallRefused("400: model does not support parameters: ['logprobs']")],
)
def test_a_model_without_log_probabilities_is_an_error_that_says_what_to_do(
    places: Places, answer: Response | Exception
) -> None:
    judge = bound(places, HEAD + "output: stars\nmethod: g_eval\n")
    with pytest.raises(ScorerError, match=r"gpt-4\.1 gives no log-probabilities: use `method: verdict`"):
        judged(judge, Asked("reasons", answer))


def test_another_refusal_stays_what_it_is(places: Places) -> None:
    judge = bound(places, HEAD + "output: stars\nmethod: g_eval\n")
    with pytest.raises(CallRefused, match="no such model"):
        judged(judge, Asked("reasons", CallRefused("no such model")))


ANSWER = {"choices": [{"message": {"content": "5"}, "finish_reason": "stop"}]}


@pytest.mark.parametrize(
    ("told", "found"),
    [
        ({"content": [{"top_logprobs": [{"token": "5", "logprob": -0.123456}]}]}, ({"5": -0.1235},)),
        ({"content": [{"top_logprobs": [{"token": "5", "logprob": -3}, {"token": "5", "logprob": -1}]}]}, ({"5": -1},)),
        ({"content": [{"top_logprobs": [{"token": "\ud83d", "logprob": -1}]}]}, ({"?": -1},)),
        ({"content": [{"top_logprobs": [{"token": "5", "logprob": float("nan")}]}]}, ({},)),
        ({"content": [{"top_logprobs": [{"token": "5"}, {"logprob": "x"}, "5", None]}]}, ({},)),
        ({"content": [{"top_logprobs": None}, {"top_logprobs": {"5": -1}}, {}]}, ({}, {}, {})),
        ({"content": None}, ()),
        ({"content": {"5": -1}}, ()),
        ({"tokens": ["5"]}, ()),
        (None, ()),
        ("yes", ()),
    ],
)
def test_log_probabilities_of_any_shape_are_read_or_left_out(told: object, found: tuple[Mapping[str, float]]) -> None:
    data = {"choices": [{**ANSWER["choices"][0], "logprobs": told}]}
    assert read_answer(data, 0.1, {}, MAIN).logprobs == found


# --- asking ----------------------------------------------------------------------------------------------------------


def test_a_verdict_is_asked_for_with_a_schema_and_last(places: Places) -> None:
    judge = bound(places, HEAD + "reasoning: 80\nsteps: [Look., Decide.]\n")
    asked = Asked(verdict("pass", "it\n  is so"))
    score = judged(judge, asked)
    assert (score.value, score.why) == (1.0, "pass: it is so")
    ((config, messages, epoch, parameters),) = asked.calls
    assert (config.model, epoch) == ("openai/gpt-4.1", 1)
    assert [m.role for m in messages] == ["system", "user"]
    assert "Work through these steps:\n1. Look.\n2. Decide.\n\nAnswer in JSON" in messages[1].content
    assert messages[1].content.endswith('in at most 80 characters, then "verdict", one of: "fail", "pass".')
    assert parameters == {"schema": judge.definition.form.schema(80)}
    assert score.details["verdicts"] == [{"said": "pass", "value": 1.0, "reasoning": "it\n  is so"}]


@pytest.mark.parametrize(
    ("finish", "why"), [("length", r"cut off: .*`max_tokens`.*`reasoning:`"), ("content_filter", "filter")]
)
def test_a_cut_answer_is_an_error_even_where_it_reads_well(places: Places, finish: str, why: str) -> None:
    with pytest.raises(ScorerError, match=why):
        judged(bound(places), Asked(Response(verdict("pass"), finish=finish)))


def test_g_eval_does_not_go_on_from_filtered_reasons(places: Places) -> None:
    judge = bound(places, HEAD + "output: stars\nmethod: g_eval\n")
    with pytest.raises(ScorerError, match="filter"):
        judged(judge, Asked(Response("", finish="content_filter")))


REPEATED = HEAD + "temperature: 0.7\nseed: 5\n"


@pytest.mark.parametrize(
    ("output", "said", "value", "told"),
    [
        ("pass_fail", ["pass", "fail", "pass"], 1.0, "2 x pass, 1 x fail"),
        ("pass_fail", ["pass", "fail"], 0.5, "1 x pass, 1 x fail"),
        ("critical", ["critical", "critical", "pass"], 0.0, "2 x critical, 1 x pass"),
        ("critical", ["pass", "critical", "fail", "pass", "fail"], 0.75, "2 x pass, 1 x critical, 2 x fail"),
        ("stars", [5, 4, 1], (1 + 0.75 + 0) / 3, "1 x 5, 1 x 4, 1 x 1"),
        ("{number: [0, 10]}", [10, 5, 0, 1], 0.4, "1 x 10, 1 x 5, 1 x 0, 1 x 1"),
    ],
)
def test_repeats_are_settled_by_majority_or_mean(
    places: Places, output: str, said: Sequence[object], value: float, told: str
) -> None:
    judge = bound(places, f"{REPEATED}output: {output}\nrepeats: {len(said)}\n")
    asked = Asked(*(verdict(one) for one in said))
    score = judged(judge, asked)
    assert score.value == pytest.approx(value)
    assert score.why == f"{told}: because"
    assert [epoch for _, _, epoch, _ in asked.calls] == list(range(1, len(said) + 1))
    assert len(score.details["verdicts"]) == len(said)


def test_each_repeat_has_a_seed_of_its_own(places: Places) -> None:
    """With one seed the same model would say the same again, and its agreement with itself would mean nothing."""
    asked = Asked(*[verdict("pass")] * 3)
    judged(bound(places, REPEATED + "repeats: 3\n"), asked)
    requests = [build_request(config, "m", messages, epoch) for config, messages, epoch, _ in asked.calls]
    assert [request.params["seed"] for request in requests] == [5, 6, 7]
    assert len({request.key for request in requests}) == 3


def test_a_repeat_without_a_seed_is_given_none(places: Places) -> None:
    asked = Asked(*[verdict("pass")] * 2)
    judged(bound(places, HEAD + "temperature: 0.7\nrepeats: 2\n"), asked)
    requests = [build_request(config, "m", messages, epoch) for config, messages, epoch, _ in asked.calls]
    assert ["seed" in request.params for request in requests] == [False, False]


def test_one_unusable_repeat_makes_the_whole_an_error(places: Places) -> None:
    with pytest.raises(ScorerError, match="not one of"):
        judged(bound(places, REPEATED + "repeats: 3\n"), Asked(verdict("pass"), verdict("pass"), verdict("dunno")))


# --- view, context, reference ----------------------------------------------------------------------------------------


def test_view_is_what_is_shown_of_the_answer(places: Places) -> None:
    text = text_of(looking(places, "view: looks:short\n"))
    assert "\nan \n" in text
    assert "an answer" not in text


def test_context_stands_where_the_template_wants_it(places: Places) -> None:
    text = text_of(looking(places, "context: [looks:nothing, looks:about, looks:about]\n"))
    assert text.endswith("\nknown of a")
    assert text.count("known of a") == 1


@pytest.mark.parametrize(
    ("function", "why"), [("number", "number returned int; wanted text"), ("broken", "broken raised KeyError: 'gone'")]
)
@pytest.mark.parametrize("key", ["view: looks:{}", "context: [looks:{}]"])
def test_a_function_that_fails_is_an_error_that_names_it(places: Places, key: str, function: str, why: str) -> None:
    judge = looking(places, key.format(function) + "\n")
    with pytest.raises(ScorerError, match=why):
        judged(judge, Asked())


def test_a_judge_may_compare_with_a_reference_in_the_row(places: Places) -> None:
    judge = bound(places, HEAD, BODY + "Right is: {{ row.right }}")
    assert "\nforty-two\n</data-" in text_of(judge, right="forty-two")
    with pytest.raises(UsageError, match=r"polite\.j2:7: .*right"):
        text_of(judge)  # this row has none


def test_inputs_with_several_parts_are_shown_part_by_part(places: Places) -> None:
    judge = bound(places, HEAD, "{{ input.question }} {{ answer }}")
    assert "\nwhy?\n</data-" in text_of(judge, input={"question": "why?"})
