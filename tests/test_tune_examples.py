"""From rows to conversations: strategies, prompts, rows that lack something, splits that hold and slices that nest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.errors import UsageError
from touchstone.prompts import Prompts
from touchstone.records import Message
from touchstone_tuning.tune.data.examples import (
    NOW,
    Example,
    Fields,
    Strategy,
    examples_of,
    input_alone,
    joined,
    parted,
    prompted,
    whole,
)
from touchstone_tuning.tune.data.splits import parts_of, slice_of

ROW = {"id": "cut", "input": "cut it", "answer": "ffmpeg -i a.mp4 b.mp4", "thinking": " It wants a cut. \n"}
ROWS = [{"id": f"row-{n}", "input": f"cut clip {n}", "answer": f"answer {n}"} for n in range(60)]


def turns(row: Mapping[str, Any], strategy: Strategy, fields: Fields | None = None) -> list[tuple[str, str]]:
    (example,) = examples_of([row], input_alone, strategy, fields or Fields())
    assert example.id == "cut"
    return [(one.role, one.content) for one in example.messages]


def test_final_is_the_answer_alone() -> None:
    assert turns(ROW, "final") == [("user", "cut it"), ("assistant", "ffmpeg -i a.mp4 b.mp4")]


def test_thinking_stands_before_the_answer() -> None:
    said = "<think>\nIt wants a cut.\n</think>\n\nffmpeg -i a.mp4 b.mp4"
    assert turns(ROW, "thinking") == [("user", "cut it"), ("assistant", said)]
    assert parted(said) == ("It wants a cut.", "ffmpeg -i a.mp4 b.mp4")


def test_two_messages_are_thinking_and_answer() -> None:
    said = turns(ROW, "two-message")
    assert said == [
        ("user", "cut it"),
        ("assistant", "It wants a cut."),
        ("user", NOW),
        ("assistant", "ffmpeg -i a.mp4 b.mp4"),
    ]


def test_the_answer_is_not_touched() -> None:
    assert turns({**ROW, "answer": "  a\n"}, "final")[-1] == ("assistant", "  a\n")


def test_fields_have_other_names_where_one_says_so() -> None:
    row = {"id": "cut", "input": "cut it", "command": "c", "why": "w"}
    assert turns(row, "two-message", Fields("command", "why"))[1::2] == [("assistant", "w"), ("assistant", "c")]


@pytest.mark.parametrize("strategy", ["thinking", "two-message"])
@pytest.mark.parametrize("lack", [{}, {"thinking": None}, {"thinking": "  \n"}, {"thinking": 5}, {"thinking": ["x"]}])
def test_a_row_without_thinking_is_told(strategy: Strategy, lack: dict[str, Any]) -> None:
    row = {key: value for key, value in ROW.items() if key != "thinking"} | lack
    with pytest.raises(UsageError, match="row cut: its 'thinking' is missing, or no text"):
        turns(row, strategy)
    assert turns(row, "final")[-1] == ("assistant", ROW["answer"])


def test_a_row_without_an_answer_is_told() -> None:
    with pytest.raises(UsageError, match="row cut: its 'answer' is missing"):
        turns({"id": "cut", "input": "cut it"}, "final")


def test_rows_that_lack_something_are_left_out_and_counted() -> None:
    rows = [ROW, {"id": "no-thinking", "input": "x", "answer": "y"}, {"id": "no-answer", "input": "x", "thinking": "y"}]
    assert whole(rows, "thinking") == ((ROW,), ("no-thinking", "no-answer"))
    having, lacking = whole(rows, "final")
    assert ([row["id"] for row in having], lacking) == (["cut", "no-thinking"], ("no-answer",))
    assert len(examples_of(having, input_alone, "final")) == 2


@pytest.mark.parametrize("mark", ["<think>", "</think>"])
@pytest.mark.parametrize("field", ["answer", "thinking"])
def test_text_that_would_end_the_thinking_is_refused(field: str, mark: str) -> None:
    with pytest.raises(UsageError, match=f"its '{field}' holds {mark}"):
        turns({**ROW, field: f"so {mark} ignore this"}, "thinking")


def test_errors_hold_nothing_that_a_terminal_obeys() -> None:
    with pytest.raises(UsageError) as caught:
        turns({"id": "\x1b[2Jcut\u202e", "input": "x"}, "final")
    assert "\x1b" not in str(caught.value)
    assert "\u202e" not in str(caught.value)


@pytest.mark.parametrize("given", [None, "", "  ", 5, {"text": "cut it"}])
def test_an_empty_prompt_wants_text(given: Any) -> None:
    with pytest.raises(UsageError, match="row cut: its input is no text"):
        turns({**ROW, "input": given}, "final")


@pytest.fixture
def prompts(tmp_path: Path) -> Prompts:
    text = "{% block system %}You cut.{% endblock %}{% block user %}Do: {{ input }} ({{ row.scene }}){% endblock %}"
    (tmp_path / "cut.j2").write_text(text)
    (tmp_path / "pair.j2").write_text("{{ old }} -> {{ new }}")
    return Prompts(tmp_path, "prompts")


def test_a_prompt_is_what_it_is_for_an_eval(prompts: Prompts) -> None:
    (example,) = examples_of([{**ROW, "scene": "sea"}], prompted(prompts, "cut"), "final")
    wanted = (Message("system", "You cut."), Message("user", "Do: cut it (sea)"), Message("assistant", ROW["answer"]))
    assert example == Example("cut", wanted)


def test_a_prompt_takes_an_input_of_several_parts(prompts: Prompts) -> None:
    (example,) = examples_of([{**ROW, "input": {"old": "{{ 7*7 }}", "new": "b"}}], prompted(prompts, "pair"), "final")
    assert example.messages[0] == Message("user", "{{ 7*7 }} -> b"), "a row's text is never a template"


def test_a_conversation_of_text_is_learnt_from_and_what_an_example_cannot_hold_is_told(tmp_path: Path) -> None:
    (tmp_path / "talk.j2").write_text("{% block system %}{% endblock %}")
    talk = prompted(Prompts(tmp_path, "prompts"), "talk")
    said = [("user", "hi"), ("assistant", "hello"), ("user", "cut it")]
    row = {**ROW, "input": {"messages": [{"role": role, "content": text} for role, text in said]}}
    (example,) = examples_of([row], talk, "final")
    assert [(one.role, one.content) for one in example.messages] == [*said, ("assistant", ROW["answer"])]
    with pytest.raises(UsageError, match="row cut: no example is made of later turns, tools or pictures"):
        examples_of([{**ROW, "input": {"turns": ["one", "two"]}}], talk, "final")


def test_no_prompt_is_the_input_alone(prompts: Prompts) -> None:
    assert examples_of([ROW], prompted(prompts, ""), "final") == examples_of([ROW], input_alone, "final")


def test_a_prompt_tells_which_row_it_cannot_take(prompts: Prompts) -> None:
    with pytest.raises(UsageError, match="there is no nix"):
        examples_of([ROW], prompted(prompts, "nix"), "final")
    with pytest.raises(UsageError, match="row a b: id: "):
        examples_of([{**ROW, "id": "a b"}], prompted(prompts, "pair"), "final")


THINKING = st.text().filter(lambda text: "</think>" not in text)


@given(THINKING, st.text())
def test_thinking_and_answer_come_apart_as_they_were(thinking: str, answer: str) -> None:
    assert parted(joined(thinking, answer)) == (thinking, answer)


@given(st.text())
def test_whatever_comes_apart_goes_together_again(text: str) -> None:
    thinking, answer = parted(text)
    assert (answer if thinking is None else joined(thinking, answer)) == text


@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 5), st.randoms())
def test_a_slice_begins_with_each_smaller_one(one: int, other: int, seed: int, chance: Any) -> None:
    few, many = sorted((one, other))
    turned = list(ROWS)
    chance.shuffle(turned)
    assert slice_of(turned, many, seed)[:few] == slice_of(ROWS, few, seed)


def test_a_slice_is_drawn_and_holds_no_row_twice() -> None:
    taken = slice_of(ROWS, 20, 1)
    assert len({row["id"] for row in taken}) == 20
    assert taken != tuple(ROWS[:20])
    assert taken != slice_of(ROWS, 20, 2)


def test_notes_about_a_row_do_not_move_it() -> None:
    noted = [{**row, "made": {"reviewed": True}} for row in ROWS]
    assert [row["id"] for row in slice_of(noted, 20)] == [row["id"] for row in slice_of(ROWS, 20)]


def test_rows_of_one_input_are_in_one_order() -> None:
    twins = [{"id": name, "input": "same", "answer": name} for name in "abcdef"]
    assert slice_of(twins, 3) == slice_of(twins[::-1], 3)


@pytest.mark.parametrize("count", [0, -1, 61])
def test_a_slice_of_more_than_there_is_is_refused(count: int) -> None:
    with pytest.raises(UsageError, match=f"rows: {count} cannot be taken of 60\n  rows: from 1 to 60"):
        slice_of(ROWS, count)


class Effects:
    """A task that knows effects, and nothing else."""

    def effect(self, row: Mapping[str, Any]) -> frozenset[str]:
        return frozenset({row["does"]}) if "does" in row else frozenset()


def test_parts_hold_every_row_once_and_stay_when_others_come() -> None:
    shares = {"train": 0.8, "val": 0.2}
    parts = parts_of(ROWS, shares)
    assert Counter(row["id"] for part in parts.values() for row in part) == Counter(row["id"] for row in ROWS)
    assert 2 <= len(parts["val"]) <= 25
    assert parts_of(ROWS[:30], shares)["val"] == tuple(row for row in parts["val"] if row in ROWS[:30])
    assert parts_of(ROWS, shares, seed=1) != parts


def test_rows_that_do_the_same_never_part() -> None:
    rows = [{**row, "does": str(n // 6)} for n, row in enumerate(ROWS)]
    parts = parts_of(rows, {"train": 0.5, "val": 0.5}, task=Effects())  # type: ignore[arg-type]
    assert not {row["does"] for row in parts["train"]} & {row["does"] for row in parts["val"]}
    assert all(parts.values())


def test_rows_that_say_the_same_never_part() -> None:
    rows = [{"id": str(n), "input": f"Cut{'!' * n} it", "made": {"topic": "cut"}} for n in range(20)]
    assert sorted(map(len, parts_of(rows, {"train": 0.5, "val": 0.5}).values())) == [0, 20]


def test_parts_take_inputs_of_several_parts() -> None:
    rows = [{"id": str(n), "input": {"a": n}} for n in range(40)]
    assert all(parts_of(rows, {"train": 0.5, "val": 0.5}).values())


def test_shares_that_are_none_are_told() -> None:
    with pytest.raises(UsageError, match=r"add up to 0\.9"):
        parts_of(ROWS, {"train": 0.8, "val": 0.1})
