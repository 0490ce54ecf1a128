"""Prompts: which messages a template gives, and that it can reach nothing it should not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from touchstone.errors import UsageError
from touchstone.prompts import Prompts
from touchstone.records import Message, Row


def render(folder: Path, template: str, given: Any = "hello", **files: str) -> tuple[Message, ...]:
    for name, text in {"ask": template, **files}.items():
        (folder / f"{name}.j2").write_text(text)
    return Prompts(folder, "prompts").render("ask", Row(id="a", input=given, answer="42"))


def test_a_plain_template_is_the_users_message(tmp_path: Path) -> None:
    assert render(tmp_path, "Say {{ input }}: {{ row.answer }}\n") == (Message("user", "Say hello: 42"),)


def test_blocks_are_messages(tmp_path: Path) -> None:
    template = "{% block user %}{{ input }}{% endblock %}\n{% block system %}\nBe brief.\n{% endblock %}"
    assert render(tmp_path, template) == (Message("system", "Be brief."), Message("user", "hello"))


def test_a_template_may_extend_another(tmp_path: Path) -> None:
    base = "{% block system %}Base.{% endblock %}{% block user %}{{ input }}{% endblock %}"
    child = "{% extends 'base.j2' %}{% block system %}{{ super() }} More.{% endblock %}"
    assert render(tmp_path, child, base=base) == (Message("system", "Base. More."), Message("user", "hello"))


def test_keys_of_an_input_are_variables(tmp_path: Path) -> None:
    assert render(tmp_path, "{{ q }}{{ input.q }}", {"q": 7})[0].content == "77"


def test_a_row_is_data_and_no_template(tmp_path: Path) -> None:
    assert render(tmp_path, "{{ input }}", "{{ 7 * 7 }} <b>&")[0].content == "{{ 7 * 7 }} <b>&"


@pytest.mark.parametrize(
    "template",
    [
        "{{ nothing }}",
        "{{ row.nothing }}",
        "{{ input.__class__.__base__.__subclasses__() }}",
        "{{ row.__init__.__globals__ }}",
        "{% include '../secret.j2' %}",
        "{{ row.model_copy.__func__.__code__ }}",
        "{% set x = [] %}{{ x.append(1) }}",
    ],
)
def test_what_a_template_may_not(tmp_path: Path, template: str) -> None:
    (tmp_path / "secret.j2").write_text("secret")
    folder = tmp_path / "prompts"
    folder.mkdir()
    with pytest.raises(UsageError) as told:
        render(folder, template)
    assert told.value.where.startswith("prompts")


def test_an_empty_prompt_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="empty prompt for the row 'a'"):
        render(tmp_path, "  {# nothing #}\n")


def test_a_mistake_in_an_included_file_is_told_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as told:
        render(tmp_path, "{% include 'part.j2' %}", part="one\n{{ nothing }}")
    assert told.value.where == "prompts/part.j2:2"


@pytest.mark.parametrize(
    "template",
    ['{% extends "ask.j2" %}', '{% include "ask.j2" %}', '{% extends "other.j2" %}', '{% include "other.j2" %}'],
)
def test_a_template_that_goes_round_in_a_circle(tmp_path: Path, template: str) -> None:
    with pytest.raises(UsageError, match=r"^prompts/(ask|other)\.j2:1: goes round in a circle"):
        render(tmp_path, template, other='{% extends "ask.j2" %}')
