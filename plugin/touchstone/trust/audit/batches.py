"""Labels that follow the batch they came in: runs of one label, sessions all alike, run-configs, tags. Pure.

Every test is conditional on what execution saw (`chance`), or, without it, on what other raters said. Each rater has
three: the longest run, the session least likely to be all alike (times the number of sessions), and the grouping that
explains most. All of one audit are held together at `LEVEL` (Holm): of a hundred audits of honest raters, one at most
raises a false alarm.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ...labels import Rating
from ...report.text import clean, plural
from ...stats.paired import holm
from . import chance
from .finding import Finding, named
from .material import ENOUGH, Material, Said, at_once, moment, sessions

LEVEL = 0.01
SESSION = 5
"""Fewer ratings than this are no batch."""
NEARLY_ALL = 0.9
"""Share of the labels that a batch must explain where no execution tells how good the batches are."""
_SHOWN = 8


@dataclass(frozen=True, slots=True)
class _Test:
    """One test, and what it would say."""

    p: float
    finding: Finding | None
    """None where there is nothing to say whatever p is; the test still counts as one."""


@dataclass(frozen=True, slots=True)
class _Labels:
    """One rater's labels, in time."""

    rater: str
    said: tuple[Said, ...]
    sitting: tuple[str, ...]
    """The session (or sheet) of each; empty for one without a usable time."""
    strata: tuple[object, ...]

    @property
    def values(self) -> list[float]:
        """0 to 1."""
        return [one.value for one in self.said]


def batched(material: Material) -> list[Finding]:
    """What labels owe to their batch."""
    tests = [test for rater in material.by_rater for test in _tests(rater, material)]
    levels = holm([test.p for test in tests])
    return [
        replace(test.finding, score=1 - p, words=f"{test.finding.words} (p {_p(p)})", figures={"p": p})
        for test, p in zip(tests, levels, strict=True)
        if test.finding is not None and p <= LEVEL
    ]


def _tests(rater: str, material: Material) -> Iterator[_Test]:
    labels = _labels(rater, material)
    if len(labels.said) < ENOUGH or len(set(labels.values)) == 1:
        return
    orders = chance.shuffled(labels.values, labels.strata)
    yield from _runs(labels, orders)
    yield from _sittings(labels)
    yield from _groups(labels, orders, material)


def _labels(rater: str, material: Material) -> _Labels:
    said = material.by_rater[rater]
    ratings = [one.rating for one in said]
    sitting = _sitting_of(ratings)
    return _Labels(
        rater, said, tuple(sitting.get(r, "") for r in ratings), tuple(_stratum(one, rater, material) for one in said)
    )


def _sitting_of(ratings: Sequence[Rating]) -> dict[Rating, str]:
    """Rating -> the session that it was given in, or the sheet that it came with."""
    sheet = at_once(ratings)
    found = {rating: f"the sheet of {_time(rating.when)}" for rating in sheet}
    for session in sessions(rating for rating in ratings if rating not in sheet):
        name = f"the session of {_time(session[0].when)}"
        found |= dict.fromkeys(session, name)
    return found


def _stratum(said: Said, rater: str, material: Material) -> object:
    """Whether execution (or everybody else) passes the output; labels are shuffled among those alike."""
    if (seen := material.seen(said.case)) is not None:
        return "execution", seen >= 1
    if (others := material.others(said.case, rater)) is not None:
        return "others", others >= material.passes_at
    return None


def _runs(labels: _Labels, orders: chance.Array) -> Iterator[_Test]:
    """The longest run of one label in time. The order of a sheet is nobody's."""
    sheet = at_once([one.rating for one in labels.said])
    timed = [i for i, one in enumerate(labels.said) if one.rating not in sheet and moment(one.rating) is not None]
    if len(timed) < ENOUGH:
        return
    said = [labels.said[i] for i in timed]
    start, length, p = chance.longest_run(orders[:, timed])
    first, last = said[start].rating, said[start + length - 1].rating
    words = f"{named(labels.rater)} said {_quoted(first)} {length} times in a row"
    evidence = (
        ("from", f"{_time(first.when)} (rating {start + 1} of {len(said)} in time)"),
        ("to", f"{_time(last.when)} (rating {start + length})"),
        ("all labels", _counts(said)),
    )
    yield _Test(p, Finding("batch", "medium", named(labels.rater), words, evidence=evidence))


def _sittings(labels: _Labels) -> Iterator[_Test]:
    """Sessions and sheets with one label only, while others have several: the least likely, and those beside it."""
    sat = Counter(name for name in labels.sitting if name)
    tried = [name for name, number in sat.items() if SESSION <= number < len(labels.said)]
    alike = {name: p * len(tried) for name in tried if (p := _alike(labels, name)) is not None}
    if not alike:
        yield from ([_Test(1.0, None)] if tried else [])
        return
    worst = min(alike, key=lambda name: alike[name])
    mine = _inside(labels, worst)
    words = f"{named(labels.rater)} said {_quoted(mine[0].rating)} of all {len(mine)} outputs in {worst}"
    also = [name for name, p in alike.items() if p <= LEVEL and name != worst]
    evidence = [("also", f"{_counts(_inside(labels, name))} in {name}") for name in also[:_SHOWN]]
    if len(also) > _SHOWN:
        evidence.append(("", f"... and {len(also) - _SHOWN} more"))
    rest = [one for one, name in zip(labels.said, labels.sitting, strict=True) if name not in (worst, *also)]
    evidence.append(("at other times", _counts(rest) or "nothing"))
    finding = Finding("batch", "medium", named(labels.rater), words, evidence=tuple(evidence))
    yield _Test(min(1.0, alike[worst]), finding)


def _alike(labels: _Labels, sitting: str) -> float | None:
    """The chance that all labels of that session are one; None where they are not."""
    mine = _inside(labels, sitting)
    if len({one.value for one in mine}) > 1:
        return None
    inside = [name == sitting for name in labels.sitting]
    return chance.all_alike(mine[0].value, inside, labels.values, labels.strata)


def _inside(labels: _Labels, sitting: str) -> list[Said]:
    return [one for one, name in zip(labels.said, labels.sitting, strict=True) if name == sitting]


def _groups(labels: _Labels, orders: chance.Array, material: Material) -> Iterator[_Test]:
    """Whether any way of grouping the outputs says more of the labels than what execution saw does."""
    groupings = _groupings(labels)
    heights, p = chance.strongest(orders, groupings)
    if not heights:
        return
    executed = all(material.seen(one.case) is not None for one in labels.said)
    name = max(heights, key=lambda one: heights[one])
    share = chance.explained(labels.values, groupings[name])
    truth = chance.explained(labels.values, [material.seen(one.case) for one in labels.said]) if executed else None
    telling = share > truth if truth is not None else share >= NEARLY_ALL
    yield _Test(p, _followed(labels, name, groupings[name], share, truth) if telling else None)


def _groupings(labels: _Labels) -> dict[str, Sequence[object]]:
    """Name -> the group of each label; only what makes at least two groups, of three or more on average."""
    cases = [one.case for one in labels.said]
    every: dict[str, Sequence[object]] = {
        "the session": labels.sitting,
        "the run-config": [case.item.run_config for case in cases],
        "the set of tags": [", ".join(sorted(case.tags)) for case in cases],
    }
    for tag in sorted({tag for case in cases for tag in case.tags}):
        having = [tag in case.tags for case in cases]
        if min(sum(having), len(having) - sum(having)) >= SESSION:
            every[f"the tag {clean(tag, 40)}"] = ["with it" if here else "without" for here in having]
    return {name: groups for name, groups in every.items() if 2 <= len(set(groups)) <= len(groups) / 3}


def _followed(labels: _Labels, name: str, groups: Sequence[object], share: float, truth: float | None) -> Finding:
    beside = "" if truth is None else f", what execution saw {_percent(truth)}"
    words = f"labels by {named(labels.rater)} follow the batch: {name} explains {_percent(share)} of them{beside}"
    return Finding("batch", "high", named(labels.rater), words, evidence=tuple(_by_group(labels, groups)))


def _by_group(labels: _Labels, groups: Sequence[object]) -> Iterator[tuple[str, str]]:
    """What was said in each group, the largest first."""
    inside: dict[str, list[Said]] = {}
    for one, group in zip(labels.said, groups, strict=True):
        inside.setdefault(clean(str(group), 60) or "(none)", []).append(one)
    order = sorted(inside, key=lambda group: (-len(inside[group]), group))
    yield from ((group, _counts(inside[group])) for group in order[:_SHOWN])
    if len(order) > _SHOWN:
        yield "", f"... and {plural(len(order) - _SHOWN, 'more group')}"


def _counts(said: Sequence[Said]) -> str:
    """`12 pass, 3 fail`, the most frequent first."""
    counts: Mapping[str, int] = {
        str(one.rating.value): sum(o.value == one.value for o in said) for one in sorted(said, key=lambda s: -s.value)
    }
    return ", ".join(f"{counts[label]} {label}" for label in sorted(counts, key=lambda label: -counts[label]))


def _quoted(rating: Rating) -> str:
    return f'"{rating.value}"' if isinstance(rating.value, str) else f"{rating.value} stars"


def _time(when: str) -> str:
    return f"{when[:10]} {when[11:16]}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _p(p: float) -> str:
    return f"{p:.1g}" if p >= 1e-4 else "< 0.0001"
