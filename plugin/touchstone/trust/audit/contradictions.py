"""Golden labels that execution, other raters or confident judges contradict, worst first. Pure.

A label is contradicted by a source on the other side of the pass mark that is far from it: `FAR`. Each such source adds
its distance from the label (0 to 1) times its weight, and the sum is the score of the label:

* execution: 1. It ran the output.
* other raters: 0.5 times the share of them who contradict, where that is more than half of them.
* each judge whose certificate is valid and shows that it tells something: 0.5.
* at least three judges without one, all of them alike: 0.25 together.

An output that several raters labelled is one finding: of its labels, the one with the highest score.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from ...labels import Label, Rating, Trust
from ...report.text import clean
from .finding import Finding, Severity, named, worst_first
from .material import ENOUGH, Case, Material

FAR: Mapping[str, float] = {"pass_fail": 0.5, "critical": 0.5, "stars": 0.75}
"""How far apart a label and what contradicts it must be: three stars are no contradiction of anything."""
EXECUTION, PEOPLE, CERTIFIED, SEVERAL = 1.0, 0.5, 0.5, 0.25
SURE = 0.25
"""A judge is confident where it is at least so far from the middle of its scale."""
_JUDGES = 3
_ANSWER_LINES, _LINE = 4, 120
_WHY = 200


@dataclass(frozen=True, slots=True)
class _Against:
    """A source that contradicts a label."""

    who: str
    weight: float
    distance: float


def contradictions(material: Material) -> list[Finding]:
    """People's labels that something contradicts; where nobody has rated, judges' verdicts that execution does."""
    judges = _telling(material)
    of = _of_labels if material.labels else _of_judges
    return worst_first([found for case in material.cases if (found := of(case, material, judges)) is not None])


def constant_judges(material: Material) -> Iterator[tuple[str, float, int]]:
    """(name, value, outputs) of each judge that says the same of every output, be they ten or more."""
    for judge in material.judges:
        values = [case.scores[judge.judge].value for case in material.cases if judge.judge in case.scores]
        if len(values) >= ENOUGH and len(set(values)) == 1:
            yield judge.judge, values[0], len(values)


def _telling(material: Material) -> tuple[Trust, ...]:
    """The judges that do not say the same of everything."""
    constant = {name for name, _, _ in constant_judges(material)}
    return tuple(judge for judge in material.judges if judge.judge not in constant)


def _of_labels(case: Case, material: Material, judges: Sequence[Trust]) -> Finding | None:
    """The worst contradicted label of an output."""
    labels: dict[Label, list[str]] = {}
    for rater, rating in sorted(case.said.items()):
        if material.value(rating) is not None:
            labels.setdefault(rating.value, []).append(rater)
    found = [(label, raters, _all_against(case, raters, material, judges)) for label, raters in labels.items()]
    label, raters, against = max(found, key=lambda one: _score(one[2]), default=("", [], []))
    if not against:
        return None
    words = f"{_quoted(label)} by {_some(named(r) for r in raters)}, but {'; '.join(a.who for a in against)}"
    return _finding(case, material, judges, against, words)


def _all_against(case: Case, raters: Sequence[str], material: Material, judges: Sequence[Trust]) -> list[_Against]:
    value = material.value(case.said[raters[0]])
    assert value is not None  # noqa: S101  (only labels that are a number come here)
    return [
        *_execution_against(case, value, material),
        *_raters_against(case, raters[0], value, material),
        *_judges_against(case, value, value >= material.passes_at, FAR[material.scale], judges),
    ]


def _execution_against(case: Case, value: float, material: Material) -> Iterator[_Against]:
    seen = material.seen(case)
    if seen is None or (seen >= 1) == (value >= material.passes_at):
        return
    if (distance := abs(seen - value)) >= FAR[material.scale]:
        yield _Against(f"execution {'passes' if seen >= 1 else 'fails'} it", EXECUTION, distance)


def _raters_against(case: Case, rater: str, value: float, material: Material) -> Iterator[_Against]:
    others = {who: v for who, r in case.said.items() if who != rater and (v := material.value(r)) is not None}
    side, far = value >= material.passes_at, FAR[material.scale]
    far_off = {w: v for w, v in others.items() if (v >= material.passes_at) != side and abs(v - value) >= far}
    if 2 * len(far_off) > len(others):
        yield _Against(
            _saying(case, sorted(far_off)), PEOPLE * len(far_off) / len(others), abs(fmean(far_off.values()) - value)
        )


def _saying(case: Case, raters: Sequence[str]) -> str:
    """`Ann and Bo say "pass"`, or the labels apart where they are several."""
    labels = list(dict.fromkeys(case.said[who].value for who in raters))
    by_label = [(label, [named(who) for who in raters if case.said[who].value == label]) for label in labels]
    return " and ".join(
        f"{_some(who)} {'says' if len(who) == 1 else 'say'} {_quoted(label)}" for label, who in by_label
    )


def _judges_against(case: Case, value: float, side: bool, far: float, judges: Sequence[Trust]) -> Iterator[_Against]:
    """`side`: whether the value is a pass."""
    spoke = [judge for judge in judges if judge.judge in case.scores]
    against = [judge for judge in spoke if _contradicts(case.scores[judge.judge].value, judge, value, side, far)]
    for judge in against:
        if judge.trusted:
            distance = abs(case.scores[judge.judge].value - value)
            yield _Against(f"the certified judge {clean(judge.judge, 40)} {_does(side)} it", CERTIFIED, distance)
    plain = [judge for judge in spoke if not judge.trusted]
    if len(plain) >= _JUDGES and all(judge in against for judge in plain):
        distance = abs(fmean(case.scores[judge.judge].value for judge in plain) - value)
        yield _Against(f"all {len(plain)} uncertified judges {_do(side)} it", SEVERAL, distance)


def _contradicts(says: float, judge: Trust, value: float, side: bool, far: float) -> bool:
    return (says >= judge.threshold) != side and abs(says - 0.5) >= SURE and abs(says - value) >= far


def _of_judges(case: Case, material: Material, judges: Sequence[Trust]) -> Finding | None:
    """Confident judges that are on the other side of what execution saw, each with its weight."""
    seen = material.seen(case)
    if seen is None:
        return None
    against = [
        _Against(clean(judge.judge, 40), CERTIFIED if judge.trusted else SEVERAL, abs(said.value - seen))
        for judge in judges
        if (said := case.scores.get(judge.judge)) and _contradicts(said.value, judge, seen, seen >= 1, 0.5)
    ]
    if not against:
        return None
    who = _some(one.who for one in against)
    others = f"the judge {who} {_does(seen >= 1)}" if len(against) == 1 else f"the judges {who} {_do(seen >= 1)}"
    words = f"execution {'passes' if seen >= 1 else 'fails'} it, but {others} it"
    return _finding(case, material, judges, against, words)


def _finding(
    case: Case, material: Material, judges: Sequence[Trust], against: Sequence[_Against], words: str
) -> Finding:
    score = _score(against)
    severity: Severity = "high" if score >= 1 else "medium" if score >= 0.5 else "low"
    lines = tuple(_evidence(case, material, judges))
    return Finding("contradiction", severity, case.item.key, words, round(score, 3), lines)


def _score(against: Iterable[_Against]) -> float:
    return sum(one.weight * one.distance for one in against)


def _evidence(case: Case, material: Material, judges: Sequence[Trust]) -> Iterator[tuple[str, str]]:
    """Request, answer, and what each source said and why."""
    yield "request", next(_lines(_text(case.item.input)), "")
    answer = list(_lines(case.item.output))
    yield from (("answer" if not index else "", line) for index, line in enumerate(answer[:_ANSWER_LINES]))
    if len(answer) > _ANSWER_LINES:
        yield "", f"... and {len(answer) - _ANSWER_LINES} more lines"
    seen = material.seen(case)
    if seen is not None:
        why = clean(case.scores[material.truth].why, _WHY)
        yield "execution", f"{'passes' if seen >= 1 else 'fails'} ({seen:g})" + (f": {why}" if why else "")
    yield from ((named(rater), _said(rating)) for rater, rating in sorted(case.said.items()))
    for judge in judges:
        if judge.judge in case.scores:
            score = case.scores[judge.judge]
            yield clean(judge.judge, 40), f"{score.value:.2g} ({judge.state}): {clean(score.why, _WHY)}"


def _said(rating: Rating) -> str:
    took = f", after {rating.seconds:.0f} s" if rating.seconds is not None else ""
    peeked = ", knowing what execution saw" if rating.peeked else ""
    note = f": {clean(rating.note, _WHY)}" if rating.note.strip() else ""
    return f"{_quoted(rating.value)} on {rating.when[:10]}{took}{peeked}{note}"


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _lines(text: str) -> Iterator[str]:
    """The lines that say something, made harmless."""
    return (line for raw in text.splitlines() if (line := clean(raw, _LINE)))


def _quoted(label: Label) -> str:
    return f'"{label}"' if isinstance(label, str) else f"{label} star{'s' * (label != 1)}"


def _some(names: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b, c and 2 more`."""
    known = list(names)
    if len(known) > 4:
        return f"{', '.join(known[:3])} and {len(known) - 3} more"
    return " and ".join([", ".join(known[:-1]), known[-1]] if len(known) > 1 else known)


def _does(side: bool) -> str:
    """What one on the other side does."""
    return "fails" if side else "passes"


def _do(side: bool) -> str:
    return "fail" if side else "pass"
