"""Scorers that hold an answer to its row's `ideal`, a text or several of which one is enough. Pure.

`"ideal": ["Paris", "the city of Paris"]` in a row; `scorers=[includes]` in the eval. They mean what OpenAI's evals mean
by Match, Includes, FuzzyMatch and JsonMatch.
"""

from __future__ import annotations

import json
import re
import string
from collections.abc import Callable
from typing import Any

from .errors import ScorerError
from .records import Sample, Score

_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLES = re.compile(r"\b(?:a|an|the)\b")


def matches(sample: Sample) -> Score:
    """Whether the answer begins with an ideal one."""
    return _any(sample, sample.output.startswith, "begins with")


def includes(sample: Sample) -> Score:
    """Whether an ideal answer stands in it."""
    return _any(sample, lambda ideal: ideal in sample.output, "includes")


def includes_any_case(sample: Sample) -> Score:
    """The same, whatever is written large."""
    said = sample.output.lower()
    return _any(sample, lambda ideal: ideal.lower() in said, "includes, in any case,")


def fuzzy_matches(sample: Sample) -> Score:
    """Whether it stands in an ideal answer, or one in it, but for case, punctuation, articles and blanks."""
    said = _words(sample.output)

    def alike(ideal: str) -> bool:
        wanted = _words(ideal)
        return (wanted in said or said in wanted) if wanted and said else wanted == said

    return _any(sample, alike, "is nearly")


def json_matches(sample: Sample) -> Score:
    """Whether it is, as JSON, an ideal answer. A null is equal to nothing, as there."""
    try:
        said = json.loads(sample.output)
    except (ValueError, RecursionError):
        return Score(0.0, "the answer is no JSON")
    return _any(sample, lambda ideal: _same(said, _parsed(ideal)), "is, as JSON,")


def ideals_of(row: Any) -> list[str]:
    """The ideal answers of a row. Raises ScorerError where there is none."""
    found = getattr(row, "ideal", None)
    listed = found if isinstance(found, list | tuple) else [found]
    if not listed or not all(isinstance(one, str) for one in listed):
        raise ScorerError(f"the row {row.id!r} has no ideal: a text, or a list of texts")
    return list(listed)


def _any(sample: Sample, fits: Callable[[str], bool], verb: str) -> Score:
    ideals = ideals_of(sample.row)
    met = next((ideal for ideal in ideals if fits(ideal)), None)
    said = f"{verb} {met!r}" if met is not None else f"no ideal: it {verb} none of {ideals!r}"
    return Score(float(met is not None), said[:200])


def _words(text: str) -> str:
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def _parsed(ideal: str) -> Any:
    try:
        return json.loads(ideal)
    except (ValueError, RecursionError) as error:
        raise ScorerError(f"the ideal {ideal[:80]!r} is no JSON") from error


def _same(said: Any, ideal: Any) -> bool:
    if said is None or ideal is None:
        return False
    if isinstance(said, dict) and isinstance(ideal, dict):
        return all(_same(said.get(key), ideal.get(key)) for key in said.keys() | ideal.keys())
    if isinstance(said, list) and isinstance(ideal, list):
        return len(said) == len(ideal) and all(map(_same, said, ideal))
    return bool(said == ideal) and not isinstance(said, dict | list)
