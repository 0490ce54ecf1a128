"""Imported judges, counted as their own tool does: plain means, and errors and correlations on raw scales.

Nothing of the other tool's files is read: what is counted stands in the project here. Sums are plain ones, as Kiln's
are, in the order of the rows' ids: an exact sum may differ in the last digit.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from math import isnan
from typing import Any

from ..config import load_catalogue
from ..errors import UsageError
from ..golden import golden_of
from ..judges.definition import Definition, load_judge, names_of_judges
from ..judges.imported import SUFFIX, Verdict, read
from ..labels import UNSURE, Scale
from ..places import Places
from ..ratings import ratings_of
from .kiln.scales import ENDS, number

FIGURES = ("n", "mae", "normalised_mae", "mse", "normalised_mse", "spearman", "pearson", "kendall")


def figures_of(places: Places) -> dict[str, Any]:
    """{"means": judge -> run-config -> [mean, outputs], "agreement": judge -> figure -> value}, JSON-ready."""
    catalogue = load_catalogue(places)
    names = [name for name in names_of_judges(places) if (places.judges / f"{name}{SUFFIX}").is_file()]
    if not names:
        raise UsageError("there is no imported judge here", where=places.shown(places.judges))
    means: dict[str, Any] = {}
    agreement: dict[str, Any] = {}
    for name in names:
        definition = load_judge(name, places, catalogue)
        path = places.judges / f"{name}{SUFFIX}"
        verdicts = read(path, places.shown(path))
        means[name] = _means(list(verdicts.values()))
        agreement[name] = _agreement(definition, verdicts, places)
    return {"means": means, "agreement": agreement}


def table(found: Mapping[str, Any]) -> Iterator[str]:
    """As lines."""
    for judge, by in found["means"].items():
        yield f"{judge}: mean of what it said"
        yield from (f"  {mean!s:<22} {count:>5}  {config}" for config, (mean, count) in by.items())
        beside = found["agreement"][judge]
        if beside["n"]:
            yield f"{judge}: beside people"
            yield from (f"  {name:<15} {'-' if beside[name] is None else beside[name]}" for name in FIGURES)
        yield ""


def _means(verdicts: Sequence[Verdict]) -> dict[str, tuple[float, int]]:
    """Run-config -> (mean on the judge's own scale, how many), the best first."""
    said: dict[str, list[float]] = defaultdict(list)
    for one in verdicts:
        said[one.run_config].append(float(one.said))
    found = {config: (sum(values) / len(values), len(values)) for config, values in said.items()}
    return dict(sorted(found.items(), key=lambda pair: (-pair[1][0], pair[0])))


def _agreement(
    definition: Definition, verdicts: Mapping[tuple[str, str, str], Verdict], places: Places
) -> dict[str, Any]:
    """Every golden output that both the judge and a person gave a number; several people's mean."""
    scale = definition.head.output
    assert isinstance(scale, str)  # noqa: S101  (what is imported has one of three scales)
    golden = golden_of(places, definition.head.eval)
    items = golden.read() if golden.path.is_file() else ()
    rated = ratings_of(places, definition.head.eval).current(items)
    pairs: list[tuple[float, float]] = []
    for item in items:
        people = [number(r.value, scale) for r in rated[item.key].values() if r.value != UNSURE]  # type: ignore[arg-type]
        one = verdicts.get((item.row, item.run_config, item.answer))
        if people and one is not None:
            pairs.append((float(one.said), sum(people) / len(people)))
    return _counted(pairs, scale)  # type: ignore[arg-type]


def _counted(pairs: Sequence[tuple[float, float]], scale: Scale) -> dict[str, Any]:
    if not pairs:
        return dict.fromkeys(FIGURES) | {"n": 0}
    low, high = ENDS[scale]
    errors = [abs(judge - person) for judge, person in pairs]
    span, n = high - low, len(pairs)
    found = {
        "n": n,
        "mae": sum(errors) / n,
        "normalised_mae": sum(e / span for e in errors) / n,
        "mse": sum(e * e for e in errors) / n,
        "normalised_mse": sum((e / span) ** 2 for e in errors) / n,
    }
    return found | _correlations([p[0] for p in pairs], [p[1] for p in pairs])


def _correlations(judge: Sequence[float], people: Sequence[float]) -> dict[str, float | None]:
    """None where a side says the same of everything."""
    if len(set(judge)) < 2 or len(set(people)) < 2:
        return {"spearman": None, "pearson": None, "kendall": None}
    from scipy import stats  # type: ignore[import-untyped,unused-ignore]

    found = {
        "spearman": stats.spearmanr(judge, people).statistic,
        "pearson": stats.pearsonr(judge, people).statistic,
        "kendall": stats.kendalltau(judge, people).statistic,
    }
    return {name: None if isnan(value) else float(value) for name, value in found.items()}
