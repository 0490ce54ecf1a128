"""Raters (and judges) whose labels carry no information: all alike, chance, or said after a look. Pure.

A rater is measured against each other source that is there: execution, the mean of all other raters, certified judges.
Labels are called empty where no source shows anything of them (the 95 % interval of Cohen's kappa, or of tau-b where
there are more than two values, reaches 0) and none comes above `SLIGHT`. Where one does, they are too few to tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ...report.text import clean, plural
from ...stats import association
from ...stats.figure import Figure
from .contradictions import constant_judges
from .finding import Finding, Severity, named
from .material import ENOUGH, Material, Said

SLIGHT = 0.2
"""Kappa up to here is "slight" agreement (Landis & Koch, Biometrics 33, 1977)."""
FAIR = 0.4
"""Kappa up to here is "fair" agreement at most (ibid.)."""
ALWAYS = 0.9
"""Share of labels given after a look at the evidence that counts as a habit."""


@dataclass(frozen=True, slots=True)
class _Source:
    """Something that a rater's labels can be laid beside."""

    words: str
    values: Mapping[str, float]
    """Item's key -> 0 to 1."""
    passes_at: float


@dataclass(frozen=True, slots=True)
class _Pair:
    """A rater beside a source, on the outputs of both."""

    source: _Source
    name: str
    """Of the figure."""
    figure: Figure
    rater_right: float
    """Share of outputs where both pass or both fail."""
    constant: str
    """The constant answer that is right more often, and how often."""
    constant_right: float
    n: int

    @property
    def tells(self) -> bool:
        """Whether the labels are shown to go with the source."""
        return self.figure.interval is not None and self.figure.interval.low > 0


def empty_labels(material: Material) -> Iterator[Finding | str]:
    """A finding for each rater whose labels carry no information; a line where they are too few to tell."""
    for rater, said in material.by_rater.items():
        if len(said) < ENOUGH:
            yield f"{named(rater)}: {plural(len(said), 'label')}, too few to tell anything of the rater"
        elif len({one.value for one in said}) == 1:
            yield from _alike(rater, said, material)
        else:
            yield from _uninformative(rater, said, material)


def empty_judges(material: Material) -> Iterator[Finding]:
    """Judges that say the same of every output."""
    for name, value, n in constant_judges(material):
        words = f"the judge {clean(name, 40)} says the same ({value:.2g}) of all {n} outputs: it tells nothing"
        yield Finding("rater", "medium", clean(name, 40), words, n, figures={"outputs": n, "value": value})


def peeking(material: Material) -> Iterator[Finding]:
    """Raters who mostly asked for the evidence of execution before they rated."""
    for rater, said in material.by_rater.items():
        looked = sum(one.rating.peeked for one in said)
        if len(said) >= ENOUGH and looked >= ALWAYS * len(said):
            words = (
                f"{named(rater)} looked at what execution saw before {looked} of {plural(len(said), 'label')}: "
                "they agree with it because they copy it"
            )
            figures = {"labels": len(said), "peeked": looked}
            yield Finding("rater", "medium", named(rater), words, looked / len(said), figures=figures)


def _alike(rater: str, said: Sequence[Said], material: Material) -> Iterator[Finding]:
    """All labels are one; no finding where execution, or everybody else, sees no difference either."""
    sources = _sources(rater, said, material)
    differing = [source for source in sources if len({v >= source.passes_at for v in source.values.values()}) > 1]
    if sources and not differing:
        return
    words = f'{named(rater)} says "{said[0].rating.value}" of all {len(said)} outputs: such labels carry no information'
    for source in differing[:1]:
        same = sum((v >= source.passes_at) == (said[0].value >= material.passes_at) for v in source.values.values())
        words += f"; {source.words} agrees on {same} of {len(source.values)}"
    severity: Severity = "high" if differing else "medium"
    yield Finding("rater", severity, named(rater), words, len(said), figures={"labels": len(said)})


def _uninformative(rater: str, said: Sequence[Said], material: Material) -> Iterator[Finding | str]:
    pairs: list[_Pair] = []
    for source in _sources(rater, said, material):
        if (pair := _pair(said, source, material)) is not None:
            if pair.tells:
                return
            pairs.append(pair)
    if not pairs:
        return
    shown = max(pairs, key=lambda pair: pair.figure.value or 0.0)
    if (shown.figure.value or 0.0) > SLIGHT:
        yield f"{named(rater)}: too few labels to tell whether they go with {shown.source.words} ({_figure(shown)})"
        return
    first = pairs[0]
    words = (
        f"labels by {named(rater)} {_verdict(first)} {first.source.words}: {_figure(first)}; {_beside(rater, first)}"
    )
    evidence = tuple((pair.source.words, _figure(pair)) for pair in pairs[1:])
    yield Finding("rater", "high", named(rater), words, len(said), evidence, _figures(first))


def _verdict(pair: _Pair) -> str:
    """No more than the interval says: that there is none, or that none is seen."""
    high = pair.figure.interval.high if pair.figure.interval else 1.0
    if high < 0:
        return "are the wrong way round for"
    return "carry no information about" if high <= FAIR else "are not shown to carry information about"


def _sources(rater: str, said: Sequence[Said], material: Material) -> list[_Source]:
    """What knows at least ten of the rater's outputs."""
    cases = [one.case for one in said]
    seen = {case.item.key: v for case in cases if (v := material.seen(case)) is not None}
    others = {case.item.key: v for case in cases if (v := material.others(case, rater)) is not None}
    found = [
        _Source("what execution saw", seen, 1.0),
        _Source("what other raters said", others, material.passes_at),
    ]
    for judge in material.judges:
        if judge.trusted:
            values = {c.item.key: c.scores[judge.judge].value for c in cases if judge.judge in c.scores}
            found.append(_Source(f"the certified judge {clean(judge.judge, 40)}", values, judge.threshold))
    return [source for source in found if len(source.values) >= ENOUGH]


def _pair(said: Sequence[Said], source: _Source, material: Material) -> _Pair | None:
    """None where one side is constant on the outputs of both, so that nothing can be seen."""
    both = [one for one in said if one.case.item.key in source.values]
    theirs, rows = [source.values[one.case.item.key] for one in both], [one.case.item.row for one in both]
    labels = [one.value for one in both]
    says, is_so = [v >= material.passes_at for v in labels], [v >= source.passes_at for v in theirs]
    name, figure = _association(labels, theirs, rows)
    if figure.value is None:
        return None
    passing = sum(is_so) / len(is_so)
    constant = ("pass", passing) if passing >= 0.5 else ("fail", 1 - passing)
    right = sum(a == b for a, b in zip(says, is_so, strict=True)) / len(both)
    return _Pair(source, name, figure, right, *constant, len(both))


def _association(labels: Sequence[float], theirs: Sequence[float], rows: Sequence[str]) -> tuple[str, Figure]:
    """Cohen's kappa of two sides that only pass and fail; Kendall's tau-b of all else."""
    cells = association.cells(labels, theirs, rows)
    if set(labels) | set(theirs) <= {0.0, 1.0}:
        return "kappa", association.kappa(cells, 0)
    return "tau-b", association.tau_b(cells, 0)


def _figure(pair: _Pair) -> str:
    span = pair.figure.interval
    interval = f" [{span.low:.2f}, {span.high:.2f}]" if span else ""
    return f"{pair.name} {pair.figure.value:.2f}{interval}, {plural(pair.n, 'output')}"


def _beside(rater: str, pair: _Pair) -> str:
    """Whether a constant answer would do as well."""
    return (
        f'always saying "{pair.constant}" would agree on {100 * pair.constant_right:.0f} %, '
        f"{named(rater)} does on {100 * pair.rater_right:.0f} %"
    )


def _figures(pair: _Pair) -> dict[str, float]:
    span = pair.figure.interval
    ends = {"low": span.low, "high": span.high} if span else {}
    shares = {"agreement": pair.rater_right, "constant_agreement": pair.constant_right, "outputs": pair.n}
    return {pair.name: pair.figure.value or 0.0, **ends, **shares}
