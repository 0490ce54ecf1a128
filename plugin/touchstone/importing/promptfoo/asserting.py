"""Asserts of promptfoo as ones that rows here carry, and as rubrics for a judge. What is neither is listed."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...asserts import KINDS, fault
from ..placed import Folder, Placed, parsed
from ..unplaced import Leftovers
from .nunjucks import filled, open_in
from .providers import hushed

RUBRICS = ("llm-rubric", "model-graded-closedqa", "g-eval")
_OTHERS: Mapping[str, str] = {
    "javascript": "code of JavaScript's: write a scorer that does the same",
    "python": "code: make a scorer of it, a function of the sample",
    "ruby": "code: write a scorer that does the same",
    "webhook": "asks a server: write a scorer that does",
    "similar": "wants embeddings: no scorer here has any",
    "factuality": "wants a judge of its own: touchstone add judge",
    "model-graded-factuality": "wants a judge of its own: touchstone add judge",
    "answer-relevance": "wants embeddings and a judge",
    "classifier": "wants a classifier",
    "moderation": "wants a moderation service",
    "select-best": "compares answers: touchstone prefer",
    "rouge-n": "no such score here",
    "bleu": "no such score here",
}
TYPES = frozenset((*KINDS, *RUBRICS, *_OTHERS, "word-count", "is-xml", "contains-xml", "is-sql", "contains-sql"))
"""Those that a cell of a table may mean."""
_LEVENSHTEIN = 5.0
"""What promptfoo takes where an assert says nothing."""
_GROUP = re.compile(r"\(\?<(?=[A-Za-z_])")


@dataclass
class Asserted:
    """What becomes of a row's asserts."""

    asserts: list[dict[str, Any]] = field(default_factory=list)
    rubrics: list[str] = field(default_factory=list)
    grader: Placed | None = None
    """Who grades, where an assert says so."""


@dataclass
class Asserting:
    """Asserts with a row's variables in them."""

    folder: Folder
    left: Leftovers
    templates: Placed
    """`assertionTemplates` of the config."""
    _said: set[tuple[str, str, str]] = field(default_factory=set)

    def of(self, given: tuple[Placed, ...], known: Mapping[str, Any]) -> Asserted:
        """Those of one row."""
        found = Asserted()
        for one in given:
            self._one(one, known, found)
        return found

    def _one(self, one: Placed, known: Mapping[str, Any], found: Asserted) -> None:
        named = one.at("$ref").value
        if isinstance(named, str):
            one = self.templates.at(named.rpartition("/")[2])
        kind = one.at("type").value
        if kind == "assert-set":
            self._set(one, known, found)
        elif not isinstance(kind, str):
            self._leave("", one, "is no assert")
        elif kind in RUBRICS:
            self._rubric(kind, one, known, found)
        elif kind.removeprefix("not-") in KINDS:
            self._plain(kind, one, known, found)
        else:
            self._leave(kind, one, _OTHERS.get(kind.removeprefix("not-"), "no such assert here"))

    def _set(self, one: Placed, known: Mapping[str, Any], found: Asserted) -> None:
        if one.at("threshold").value is not None or one.at("weight").value not in (None, 1):
            self._leave("assert-set", one, "a set with a threshold or weight of its own")
            return
        for inner in one.at("assert").each():
            self._one(inner, known, found)

    def _rubric(self, kind: str, one: Placed, known: Mapping[str, Any], found: Asserted) -> None:
        given = self._value(one)
        value = filled(given, known)
        texts = value if isinstance(value, list) else [value]
        if open_in(given, known) or not all(isinstance(text, str) and text.strip() for text in texts):
            self._leave(kind, one, "is no text that a judge could be shown")
            return
        if kind != RUBRICS[0]:
            self._leave(kind, one, "is judged as an llm-rubric, with the words of the judge here", keep=False)
        for key in ("threshold", "weight", "rubricPrompt", "metric", "transform"):
            if one.at(key).value is not None:
                self._leave(kind, one.at(key), f"{key}: a rubric passes or fails here, by the judge's own prompt")
        found.rubrics += texts
        found.grader = one.at("provider") if one.at("provider").value is not None else found.grader

    def _plain(self, kind: str, one: Placed, known: Mapping[str, Any], found: Asserted) -> None:
        given = self._value(one)
        value = filled(given, known)
        made: dict[str, Any] = {"type": kind}
        if open_in(given, known) and "regex" not in kind:
            self._leave(kind, one, "a template that the row's variables do not fill in")
            return
        if one.at("transform").value is not None:
            self._leave(kind, one, "is of a transformed answer: write a scorer that transforms it")
            return
        plain = kind.removeprefix("not-")
        if plain == "regex" and isinstance(value, str):
            value = _GROUP.sub("(?P<", value)
        if plain.endswith(("-any", "-all")) and isinstance(value, str):
            value = [part.strip() for part in value.split(",")]
        if plain not in ("latency", "cost") and value is not None:
            made["value"] = value
        if (threshold := self._threshold(plain, one)) is not None:
            made["threshold"] = threshold
        if (weight := one.at("weight").value) is not None and weight != 1:
            made["weight"] = weight
        if problem := _faulty(made):
            self._leave(kind, one, problem)
            return
        for key, rest in one.items():
            if key not in ("type", "value", "threshold", "weight"):
                self._leave(kind, rest, f"{key}: no such thing here")
        found.asserts.append(made)

    def _threshold(self, plain: str, one: Placed) -> Any:
        said = one.at("threshold").value
        if plain == "levenshtein" and said is None:
            return _LEVENSHTEIN
        return said if plain in ("levenshtein", "latency", "cost") else None

    def _value(self, one: Placed) -> Any:
        value, at = one.at("value").value, one.at("value")
        if isinstance(value, str) and value.startswith("file://"):
            path = Path(value.removeprefix("file://"))
            if path.suffix.lower() in (".json", ".yaml", ".yml", ".txt", ".md"):
                (read, *_) = self.folder.files(str(path), at.where)
                text = self.folder.text(read)
                is_text = path.suffix.lower() in (".txt", ".md")
                value = text.strip() if is_text else parsed(read, text, self.folder.shown(read)).value
        if (
            isinstance(value, str)
            and value.strip()
            and one.at("type").value in ("is-json", "contains-json", "not-is-json", "not-contains-json")
        ):
            value = parsed(Path("schema.yaml"), value, at.where).value
        return value

    def _leave(self, kind: str, one: Placed, why: str, *, keep: bool = True) -> None:
        """Once for each place: a default test's assert is met with every row."""
        seen = (kind, one.where, why)
        if seen not in self._said:
            self._said.add(seen)
            self.left.add("assert", kind, one.where, why, hushed("", one.value) if keep else None)


def _faulty(made: Mapping[str, Any]) -> str:
    weight, threshold = made.get("weight", 1), made.get("threshold", 0)
    for name, number in (("weight", weight), ("threshold", threshold)):
        if isinstance(number, bool) or not isinstance(number, int | float) or not 0 <= number < math.inf:
            return f"its {name} is no number from 0 up"
    return fault(made["type"], made.get("value"), made.get("threshold"))
