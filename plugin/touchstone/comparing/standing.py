"""A run made the baseline. Reads the run, writes `evals/baseline.json`; judges nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..baseline import Baseline, read_baseline, take, write_baseline
from ..conclusion import Conclusion
from ..errors import UsageError
from ..gates.verdict import PASSED
from ..places import Places
from ..report.text import clean, plural
from ..store import find_run


def update(places: Places, run: str | None, run_configs: Sequence[str] = ()) -> list[str]:
    """Write the baseline from a run (the last one by default); returns what was done, in words.

    Only the run-config that ships is kept, or those named: the first of them is then what others are compared with,
    unless the one that ships is among them. Evals that the run does not have stay as they are. Raises UsageError.
    """
    source = Conclusion.read(find_run(places.state / "runs", run))
    if source.part is not None:
        message = f"the run {source.info.id} is shard {source.part.shard}, a part of a run"
        raise UsageError(message, hint="make one run of all shards: touchstone merge RUN...")
    ships = _ships(source, run_configs)
    if cut := sorted({eval_ for eval_, config in source.partial if config in ([*run_configs] or [ships])}):
        message = f"the run {source.info.id} looked at some rows alone of {', '.join(cut)}"
        raise UsageError(message, hint="a baseline wants them all: run it without -k and --rows")
    newer = take(source.info.id, ships, source.records, [*run_configs] or [ships], source.scorers)
    _check(source, newer, [*run_configs] or [ships])
    before = _before(places)
    after = before.updated(newer)
    write_baseline(places.baseline, after)
    return [*_told(newer, after, source), f"wrote {places.shown(places.baseline)}"]


def shown(baseline: Baseline) -> Iterator[str]:
    """A baseline in short: every eval and score with its mean, in per cent."""
    yield f"run {clean(baseline.run, 60)}; ships: {clean(baseline.ships, 60)}"
    for eval_, configs in sorted(baseline.evals.items()):
        for run_config, scores in sorted(configs.items()):
            for score, rows in sorted(scores.items()):
                mean = sum(value for _, value in rows.values()) / len(rows) if rows else 0.0
                whose = "" if run_config == baseline.ships else f" [{clean(run_config, 60)}]"
                yield f"{clean(eval_, 60)}{whose}: {clean(score, 60)} {mean:.2f} ({plural(len(rows), 'row')})"


def _ships(source: Conclusion, run_configs: Sequence[str]) -> str:
    ships = source.info.shipping
    if run_configs:
        return ships if ships in run_configs else run_configs[0]
    if not ships:
        known = ", ".join(sorted({record.run_config for record in source.records})) or "none"
        message = f"no run-config of the run {source.info.id} ships"
        raise UsageError(message, hint=f"name one with --run-config: {known}")
    return ships


def _check(source: Conclusion, newer: Baseline, run_configs: Sequence[str]) -> None:
    """A run-config that measured nothing must not become an empty baseline."""
    there = {name for configs in newer.evals.values() for name in configs}
    for name in run_configs:
        if name not in there:
            known = ", ".join(sorted(there)) or ", ".join(sorted({r.run_config for r in source.records})) or "none"
            message = f"the run {source.info.id} has no measured sample of {name!r}"
            raise UsageError(message, hint=f"its run-configs: {known}")


def _before(places: Places) -> Baseline:
    """What there is; nothing where it is missing or damaged, as it is written anew."""
    try:
        return read_baseline(places.baseline, places.shown(places.baseline))
    except UsageError:
        return Baseline()


def _told(newer: Baseline, after: Baseline, source: Conclusion) -> Iterator[str]:
    for eval_, configs in sorted(newer.evals.items()):
        for run_config, scores in configs.items():
            yield f"{clean(eval_, 60)}: {clean(run_config, 60)}, {plural(len(scores[PASSED]), 'row')}"
    kept = sorted(after.evals.keys() - newer.evals.keys())
    if kept:
        yield f"as before: {', '.join(clean(name, 60) for name in kept)}"
    names = {name for configs in newer.evals.values() for name in configs}
    lost = sum(r.run_config in names and r.outcome.kind not in ("pass", "miss") for r in source.records)
    if lost:
        yield f"left out: {plural(lost, 'sample')} without an answer"
