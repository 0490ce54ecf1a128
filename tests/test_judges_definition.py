"""A judge's file: what is read, what is refused, what makes it another judge; and that the docs say so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from judging import BODY, CATALOGUE, HEAD, LOOKS, bound, load, looking, refused, sample, text_of, write

from touchstone.config import Catalogue
from touchstone.errors import UsageError
from touchstone.judges import BoundJudge, Judge, definition, identity_of, judges_of, load_judge
from touchstone.places import PLACES, Places


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places.of(tmp_path, lambda name: PLACES[name][0])


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


def test_a_judge_by_run_config_has_none_of_its_tools(places: Places) -> None:
    catalogue = Catalogue((CATALOGUE.run_configs[0].model_copy(update={"tools": ("x",), "tool_rounds": 2}),))
    write(places, "eval: words\nrun_config: main\n")
    plain, with_tools = (load_judge("polite", places, one) for one in (CATALOGUE, catalogue))
    assert with_tools.config.tools == ()
    assert with_tools.identity("m") == plain.identity("m"), "certificates stand"
    assert "unknown key 'tools'" in str(refused(places, f"---\n{HEAD}tools: x\n---\n{BODY}"))


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
