"""A model-graded spec as judges: one for each of its criteria. Pure."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..frontmatter import front_matter
from ..placed import Placed
from ..templates import literal
from ..unplaced import Leftovers

_FIELD = re.compile(r"\{\{|\}\}|\{(\w+)\}")
_OURS: Mapping[str, str] = {"input": "{{ input }}", "completion": "{{ answer }}"}
_KNOWN = ("prompt", "choice_strings", "choice_scores", "args", "input_outputs", "eval_type", "output_template")


def judges_of(spec: Placed, args: Placed, left: Leftovers) -> Iterator[tuple[str, str, Mapping[str, float]]]:
    """(words for its name, template, label -> worth) of each judge; nothing where it can be none."""
    prompt = spec.at("prompt").value
    labels = _labels(spec, left)
    if not isinstance(prompt, str) or not labels:
        if not isinstance(prompt, str):
            left.add("modelgraded", "prompt", spec.where, "is no text that a judge could be shown", prompt)
        return
    if "{completion}" not in prompt:
        left.add("modelgraded", "prompt", spec.at("prompt").where, "compares several answers, or shows none", prompt)
        return
    for key, one in spec.items():
        if key not in _KNOWN:
            left.fields_at("modelgraded", [(key, one.where, one.value)])
    given = {key: one.value for key, one in args.at("modelgraded_spec_args").items()}
    choices = {
        key: one.value for key, one in spec.at("args").items() if isinstance(one.value, dict) and key not in given
    }
    for chosen in itertools.product(*(one.items() for one in choices.values())):
        known = given | dict(zip(choices, (value for _, value in chosen), strict=True))
        yield " ".join(str(name) for name, _ in chosen), _template(prompt, known), labels


def judge_file(evaluation: str, runs: Mapping[str, Any], template: str, labels: Mapping[str, float]) -> bytes:
    """The judge's file."""
    head = front_matter({"eval": evaluation, **runs, "output": {"labels": dict(labels)}})
    told = f"# An opinion until it is measured: touchstone agree {evaluation}\n"
    return f"---\n{told}{head}---\n{template}\n".encode()


def _labels(spec: Placed, left: Leftovers) -> dict[str, float]:
    """Choice -> worth, from 0 to 1; none where the spec does not say."""
    said = spec.at("choice_strings").value
    choices = [str(one) for one in said] if isinstance(said, str | list) else []
    given = spec.at("choice_scores").value
    try:
        scores = {one: float(one if given == "from_strings" else given[one]) for one in choices}
    except (TypeError, ValueError, KeyError):
        scores = {}
    if len(scores) < 2 or not all(map(math.isfinite, scores.values())):
        where, why = spec.at("choice_scores").where, "does not say what each choice is worth: write a judge that does"
        left.add("modelgraded", "choice_scores", where, why, given if given is not None else choices)
        return {}
    low, high = min(scores.values()), max(scores.values())
    if low >= 0 and high <= 1:
        return scores
    why = f"scores from {low:g} to {high:g} are from 0 to 1 here"
    left.add("modelgraded", "choice_scores", spec.at("choice_scores").where, why, given)
    return {one: (value - low) / (high - low or 1) for one, value in scores.items()}


def _template(prompt: str, known: Mapping[str, Any]) -> str:
    """The prompt, `{name}` in our words and all else as text."""
    made, at = "", 0
    for match in _FIELD.finditer(prompt):
        made += literal(prompt[at : match.start()] + "\0").removesuffix("\0") + _said(match, known)
        at = match.end()
    return made + literal(prompt[at:])


def _said(match: re.Match[str], known: Mapping[str, Any]) -> str:
    name = match[1]
    if name is None:
        return "{{ '{' }}" if match[0] == "{{" else "}"
    if name in known:
        return literal(f"{known[name]}\n").removesuffix("\n")
    return _OURS.get(name, f"{{{{ row.{name} }}}}")
