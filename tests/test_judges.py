"""A judge's file and its answers: what is read, what is refused, what each answer is worth."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from math import log
from pathlib import Path
from typing import Any

import pytest

from touchstone.config import Catalogue
from touchstone.errors import CallRefused, ScorerError, UsageError
from touchstone.judges import BoundJudge, Definition, Judge, definition, identity_of, judges_of, load_judge
from touchstone.judges.form import Form, LabelForm, NumberForm, Output
from touchstone.models.wire import read_answer
from touchstone.places import PLACES, Places
from touchstone.records import Message, Response, Row, RunConfig, Sample

HEAD = "eval: words\nmodel: openai/gpt-4.1\n"
BODY = "Asked: {{ input }}\nAnswered: {{ answer }}\n"
MAIN = RunConfig(name="main", model="python/app:echo", prompt="ask", temperature=0.5, seed=3, max_tokens=99)
CATALOGUE = Catalogue((MAIN, RunConfig(name="other", model="openai/gpt-4.1-mini", prompt="ask")))


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places.of(tmp_path, lambda name: PLACES[name][0])


def write(places: Places, head: str = HEAD, body: str = BODY, name: str = "polite") -> None:
    places.judges.mkdir(parents=True, exist_ok=True)
    (places.judges / f"{name}.j2").write_text(f"---\n{head}---\n{body}")


def load(places: Places, head: str = HEAD, body: str = BODY) -> Definition:
    write(places, head, body)
    return load_judge("polite", places, CATALOGUE)


def bound(places: Places, head: str = HEAD, body: str = BODY) -> BoundJudge:
    return BoundJudge.of(load(places, head, body), places.root)


def refused(places: Places, text: str) -> UsageError:
    places.judges.mkdir(parents=True, exist_ok=True)
    (places.judges / "polite.j2").write_text(text)
    with pytest.raises(UsageError) as caught:
        BoundJudge.of(load_judge("polite", places, CATALOGUE), places.root)
    return caught.value


class Asked:
    """Stands for the door: answers in turn, and remembers."""

    def __init__(self, *answers: str | Response | Exception) -> None:
        self.answers = list(answers)
        self.calls: list[tuple[RunConfig, tuple[Message, ...], int, Mapping[str, Any]]] = []

    async def __call__(
        self, config: RunConfig, messages: tuple[Message, ...], epoch: int, parameters: Mapping[str, Any]
    ) -> Response:
        self.calls.append((config, messages, epoch, parameters))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return Response(answer) if isinstance(answer, str) else answer


def verdict(said: object, reasoning: str = "because") -> str:
    return json.dumps({"reasoning": reasoning, "verdict": said})


def sample(output: str = "an answer", **row: object) -> Sample:
    return Sample("words", Row.model_validate({"id": "a", "input": "a question", **row}), MAIN, 1, output)


def judged(judge: BoundJudge, asked: Asked, output: str = "an answer") -> Any:
    return asyncio.run(judge(sample(output), asked))


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
    assert [parameters.get("seed") for _, _, _, parameters in asked.calls] == [None, 6, 7]  # the first has its own: 5
    asked = Asked(*[verdict("pass")] * 2)
    judged(bound(places, HEAD + "temperature: 0.7\nrepeats: 2\n"), asked)
    assert ["seed" in parameters for _, _, _, parameters in asked.calls] == [False, False]


def test_one_unusable_repeat_makes_the_whole_an_error(places: Places) -> None:
    with pytest.raises(ScorerError, match="not one of"):
        judged(bound(places, REPEATED + "repeats: 3\n"), Asked(verdict("pass"), verdict("pass"), verdict("dunno")))


# --- view, context, reference ----------------------------------------------------------------------------------------

LOOKS = """
def short(sample): return sample.output[:3]
def about(sample): return f"known of {sample.row.id}"
def nothing(sample): return ""
def number(sample): return 7
def broken(sample): raise KeyError("gone")
constant = 3
"""


def looking(places: Places, head: str, body: str = BODY + "{{ context }}", name: str = "looks_a") -> BoundJudge:
    (places.root / f"{name}.py").write_text(LOOKS)
    return bound(places, HEAD + head.replace("looks", name), body)


def text_of(judge: BoundJudge, output: str = "an answer", **row: object) -> str:
    return judge.messages(sample(output, **row))[1].content


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


# --- the file --------------------------------------------------------------------------------------------------------


def test_a_judge_by_its_own_model(places: Places) -> None:
    config = load(places, HEAD + "temperature: 0\nmax_tokens: 7\nbase_url: http://x.test\n").config
    assert (config.name, config.model, config.temperature, config.max_tokens) == (
        "judge polite",
        "openai/gpt-4.1",
        0.0,
        7,
    )
    assert config.base_url == "http://x.test"


def test_a_judge_by_run_config_takes_its_parameters_but_for_those_given(places: Places) -> None:
    config = load(places, "eval: words\nrun_config: main\nmax_tokens: 11\n").config
    assert (config.model, config.temperature, config.seed, config.max_tokens) == ("python/app:echo", 0.5, 3, 11)
    assert not config.default


@pytest.mark.parametrize(
    ("text", "where", "says", "hint"),
    [
        ("Just a prompt {{ answer }}", 1, "no front matter", "begin with ---"),
        ("---\neval: words\n", 1, "no front matter", "begin with ---"),
        ("", 1, "no front matter", "begin with ---"),
        ("---\n---\n{{ answer }}", 2, "at least `eval:`", ""),
        (f"---\n{HEAD}---\n \n", 4, "no prompt below", ""),
        ("---\neval: [\n---\n{{ answer }}", 3, "is no YAML", ""),
        ("---\nmodel: m\n---\n{{ answer }}", 2, "wants `eval:`", "for example eval: correctness"),
        ("---\neval: words\n---\n{{ answer }}", 2, "wants `model:`", "run_config: NAME"),
        (f"---\n{HEAD}otput: stars\n---\n{{{{ answer }}}}", 4, "unknown key 'otput'", "did you mean 'output'?"),
        (
            f"---\n{HEAD}tempratur: 1\n---\n{{{{ answer }}}}",
            4,
            "unknown key 'tempratur'",
            "did you mean 'temperature'?",
        ),
        (f"---\n{HEAD}zzz: 1\n---\n{{{{ answer }}}}", 4, "unknown key 'zzz'", "a judge knows: eval, run_config"),
        (f"---\n{HEAD}output: five\n---\n{{{{ answer }}}}", 4, "output: ", "output: is pass_fail, critical"),
        (f"---\n{HEAD}output: {{number: [9, 1]}}\n---\nx", 4, "the lower one first", ""),
        (f"---\n{HEAD}output: {{number: [.nan, 1]}}\n---\nx", 4, "the lower one first", ""),
        (f"---\n{HEAD}output: {{labels: {{a: 2, b: 0}}}}\n---\nx", 4, "from 0 to 1", ""),
        (f"---\n{HEAD}output: {{labels: {{a: 1}}}}\n---\nx", 4, "at least 2", ""),
        (f"---\n{HEAD}output: {{labels: {{yes: 1, no: 0}}}}\n---\nx", 4, "valid string", "put labels in quotes"),
        (f"---\n{HEAD}repeats: 3\n---\n{{{{ answer }}}}", 4, "repeats want a temperature", "for example 0.7"),
        (f"---\n{HEAD}temperature: 0\nrepeats: 3\n---\nx", 5, "repeats at temperature 0", "for example 0.7"),
        (f"---\n{HEAD}repeats: 0\n---\nx", 4, "repeats: ", ""),
        (f"---\n{HEAD}temperature: hot\n---\nx", 4, "temperature: ", ""),
        (f"---\n{HEAD}method: g_eval\noutput: {{number: [0, 1]}}\n---\nx", 2, "g_eval wants", ""),
        (f"---\n{HEAD}method: g_eval\nrepeats: 2\n---\nx", 2, "needs no repeats", ""),
        ("---\neval: words\nrun_config: mian\n---\nx", 3, "no run-config 'mian'", "did you mean 'main'?"),
        ("---\neval: words\nrun_config: zzz\n---\nx", 3, "no run-config 'zzz'", "there are: main, other"),
        (f"---\n{HEAD}run_config: main\n---\nx", 3, "both name the model", "keep one"),
        (f"---\n{HEAD}view: no_such:thing\n---\n{{{{ answer }}}}", 4, "cannot find 'no_such:thing'", "module:function"),
        (f"---\n{HEAD}context:\n  - json\n---\n{{{{ answer }}}}", 5, "cannot find 'json'", "module:function"),
        (f"---\n{HEAD}context: [json:nope]\n---\n{{{{ answer }}}}", 4, "cannot find 'json:nope'", "module:function"),
        (f"---\n{HEAD}view: math:pi\n---\n{{{{ answer }}}}", 4, "'math:pi' is no function", "module:function"),
        (f"---\n{HEAD}---\n{{{{ answer }}}}\n{{% if %}}\n", 6, "is no Jinja2 template", ""),
        (f"---\n{HEAD}---\nx\ny\n{{{{ anwser }}}}\n", 7, "'anwser', which there is not", "did you mean 'answer'?"),
        (f"---\n{HEAD}---\n{{{{ answer }}}}\n{{{{ first }}}}", 6, "'first', which there is not", "it knows: input"),
        (f"---\n{HEAD}---\n\nIs it good?\n", 6, "never shows {{ answer }}", ""),
        (f"---\n{HEAD}output: preference\n---\n{{{{ first }}}}\n", 6, "never shows {{ second }}", ""),
        (f"---\n{HEAD}eval: again\n---\nx", 4, "stands here twice", ""),
    ],
)
def test_a_mistake_says_where_what_and_what_to_type(
    places: Places, text: str, where: int, says: str, hint: str
) -> None:
    error = refused(places, text)
    assert error.where == f"evals/judges/polite.j2:{where}"
    assert says in error.message
    assert hint in error.hint


def test_a_template_that_fails_at_a_row_names_its_line(places: Places) -> None:
    judge = bound(places, HEAD, "{{ answer }}\n\n{{ input.question.text }}\n")
    with pytest.raises(UsageError, match=r"polite\.j2:7: "):
        text_of(judge)


def test_loops_macros_and_own_variables_are_fine(places: Places) -> None:
    body = "{% macro f(x) %}{{ x }}{% endmacro %}{% set n = 3 %}{% for i in range(n) %}{{ loop.index }}{% endfor %}"
    assert "123" in text_of(bound(places, HEAD, body + "{{ f(1) }}{{ answer }}"))


def test_a_judge_that_is_not_there_is_named_with_those_that_are(places: Places) -> None:
    write(places)
    with pytest.raises(UsageError, match=r"evals/judges: there is no judge 'polit'\n  did you mean 'polite'\?"):
        load_judge("polit", places, CATALOGUE)
    (places.root / "evals/secret.j2").write_text("---\n---\n")
    with pytest.raises(UsageError, match="there is no judge"):
        load_judge("../secret", places, CATALOGUE)


def test_the_judges_of_an_eval_are_those_that_score_its_answers(places: Places) -> None:
    write(places)
    write(places, HEAD.replace("words", "other"), name="elsewhere")
    write(places, HEAD + "output: preference\n", "{{ first }}{{ second }}", name="which")
    assert [one.name for one in judges_of("words", places, CATALOGUE)] == ["polite"]


def test_a_judge_of_two_answers_is_no_scorer(places: Places) -> None:
    write(places, HEAD + "output: preference\n", "{{ first }}{{ second }}", name="which")
    with pytest.raises(UsageError, match="touchstone prefer words A B --judge which"):
        Judge("which").bound(places, CATALOGUE)


# --- identity --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("head", "body", "same"),
    [
        (HEAD, BODY, True),
        (HEAD + "key_env: MY_KEY\ninput_cost: 3\n", BODY, True),
        ("# a remark\n" + HEAD, BODY, True),
        (HEAD.replace("words", "other"), BODY, True),
        (HEAD + "temperature: 0\n", BODY, False),
        (HEAD + "output: stars\n", BODY, False),
        (HEAD + "steps: [Think.]\n", BODY, False),
        (HEAD + "pass_at: 0.4\n", BODY, False),
        (HEAD.replace("4.1", "4.1-mini"), BODY, False),
        (HEAD, BODY + "Be kind.", False),
    ],
)
def test_identity_is_all_that_can_change_a_verdict(places: Places, head: str, body: str, same: bool) -> None:
    before = identity_of(load(places), places.root)
    assert (identity_of(load(places, head, body), places.root) == before) is same


def test_the_code_of_a_view_is_part_of_the_identity(places: Places) -> None:
    from touchstone.fingerprint import fingerprint

    judge = looking(places, "view: looks:short\n", name="looks_b")
    before = judge.identity
    (places.root / "looks_b.py").write_text(LOOKS.replace("[:3]", "[:4]"))
    fingerprint.cache_clear()
    assert identity_of(judge.definition, places.root) != before


# --- the page --------------------------------------------------------------------------------------------------------

PAGE = (Path(__file__).parents[1] / "docs/judges.md").read_text()


@pytest.mark.parametrize("text", re.findall(r"```jinja\n(.*?)```", PAGE, re.S))
def test_every_judge_on_the_page_can_be_used(places: Places, text: str) -> None:
    places.judges.mkdir(parents=True)
    (places.judges / "polite.j2").write_text(text)
    judge = BoundJudge.of(load_judge("polite", places, CATALOGUE), places.root)
    one = sample(reference="right")
    put = judge.comparison(one, one) if judge.definition.head.compares else judge.messages(one)
    assert "an answer" in put[1].content


def test_the_page_names_every_key_and_no_other() -> None:
    table = re.findall(r"^\| `(\w+)` \|", PAGE.partition("## The front matter")[2].partition("Instead of")[0], re.M)
    assert sorted(table) == sorted(definition._OWN)
    told = PAGE.partition("a run-config's own parameters:")[2].partition("\n\n")[0]
    assert sorted([*re.findall(r"`(\w+)`", told), "model"]) == sorted(definition._MODEL)


@pytest.mark.parametrize("said", re.findall(r"^\| `([^`]+)` \| .* \| (\S+) \|$", PAGE, re.M))
def test_the_page_says_from_where_on_each_form_passes(places: Places, said: tuple[str, str]) -> None:
    assert load(places, f"{HEAD}output: '{said[0]}'\n".replace("'{", "{").replace("}'", "}")).pass_at == float(said[1])
