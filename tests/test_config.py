"""Run-configs: what a file gives, and which of them a pattern chooses."""

from __future__ import annotations

from pathlib import Path

import pytest

from touchstone.config import Catalogue, load_catalogue
from touchstone.errors import UsageError
from touchstone.places import Places


def places(root: Path) -> Places:
    return Places(root, root / "rc.yaml", root / "prompts", root / "datasets", root / "recordings", root / "state")


def load(root: Path, text: str) -> Catalogue:
    (root / "rc.yaml").write_text(text)
    return load_catalogue(places(root))


FULL = """
defaults: {temperature: 0, max_tokens: 100, prompt: ask}
run_configs:
  - name: a
    model: openai/gpt-4.1
    default: true
    stop: [END]
    output: {type: object}
    thinking: low
    extra: {logit_bias: {"1": 2}}
  - {name: b, model: python/app:answer, temperature: 1, prompt: other}
groups: {both: [a, b], second: ["[b-z]"]}
"""


def test_defaults_are_taken_where_nothing_else_is_said(tmp_path: Path) -> None:
    a, b = load(tmp_path, FULL).run_configs
    assert (a.temperature, a.max_tokens, a.prompt) == (0, 100, "ask")
    assert (b.temperature, b.max_tokens, b.prompt) == (1, 100, "other")
    assert (a.stop, a.output, a.thinking, a.extra) == (("END",), {"type": "object"}, "low", {"logit_bias": {"1": 2}})
    assert (b.stop, b.output, b.thinking, b.extra) == ((), "text", None, {})


def test_where_each_stands_is_known(tmp_path: Path) -> None:
    assert load(tmp_path, FULL).where == {"a": "rc.yaml:4", "b": "rc.yaml:11"}


@pytest.mark.parametrize(
    ("patterns", "names"),
    [
        ((), "ab"),
        (("a",), "a"),
        (("*",), "ab"),
        (("b", "a"), "ab"),
        (("both",), "ab"),
        (("second",), "b"),
        (("?",), "ab"),
        (("!a",), "b"),
        (("both", "!b"), "a"),
        (("!second", "*"), "a"),
    ],
)
def test_patterns_choose_in_file_order(tmp_path: Path, patterns: tuple[str, ...], names: str) -> None:
    assert [c.name for c in load(tmp_path, FULL).select(patterns)] == list(names)


@pytest.mark.parametrize("pattern", ["c", "A", "a*b", "bot", "!c", "!"])
def test_a_pattern_that_chooses_nothing_is_a_mistake(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(UsageError, match="no run-config is called"):
        load(tmp_path, FULL).select(("a", pattern))


def test_patterns_that_leave_nothing_are_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="leaves no run-config"):
        load(tmp_path, FULL).select(("a", "!both"))


def test_a_bad_default_is_told_at_its_own_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="temperature") as told:
        load(tmp_path, "defaults:\n  prompt: ask\n  temperature: 9\nrun_configs:\n  - {name: a, model: m}\n")
    assert told.value.where == "rc.yaml:3"


@pytest.mark.parametrize(
    ("text", "default"),
    [
        ("run_configs: [{name: a, model: m, prompt: p}]", "a"),
        ("run_configs: [{name: a, model: m, prompt: p}, {name: b, model: m, prompt: p}]", None),
        ("run_configs: [{name: a, model: m, prompt: p}, {name: b, model: m, prompt: p, default: true}]", "b"),
    ],
)
def test_what_ships(tmp_path: Path, text: str, default: str | None) -> None:
    found = load(tmp_path, text).default
    assert (found.name if found else None) == default
