"""What is kept: recordings, cache, what a killed process left, runs. Reads; mends nothing."""

from __future__ import annotations

from collections.abc import Iterator

from ..caches import open_stores
from ..errors import UsageError
from ..journal import abandoned
from ..places import Places
from ..recordings import Recordings
from .finding import Finding

_SHOWN = 5
_SECTION = "kept"


def stores(places: Places, recordings: Recordings) -> list[Finding]:
    """Recordings with their damaged lines, the cache, journals that were left, runs."""
    return [*_recordings(places, recordings), *_cache(places), *_left(places), *_runs(places)]


def _recordings(places: Places, recordings: Recordings) -> Iterator[Finding]:
    try:
        count, problems = sum(1 for _ in recordings.entries()), recordings.problems
    except UsageError as error:
        yield Finding(_SECTION, "recordings", "broken", str(error))
        return
    where = places.shown(places.recordings)
    state = "broken" if problems else "ok" if count else "absent"
    says = f"{count} calls in {where}" if count else f"none in {where}"
    wrong = f", {len(problems)} damaged lines" if problems else ""
    yield Finding(_SECTION, "recordings", state, says + wrong, "touchstone cache verify" if problems else "")  # type: ignore[arg-type]
    for problem in problems[:_SHOWN]:
        yield Finding(_SECTION, "damaged", "broken", problem.removeprefix(f"{places.root}/"))


def _cache(places: Places) -> Iterator[Finding]:
    try:
        cache = open_stores(places.cache, places.state).cache
        if not cache.is_there:
            yield Finding(_SECTION, "cache", "absent", "nothing yet")
            return
        held = cache.stats()
        cache.close()
    except UsageError as error:
        yield Finding(_SECTION, "cache", "broken", str(error))
        return
    says = f"{held['response']} answers, {held['score']} scores, {_size(held['bytes'])}"
    yield Finding(_SECTION, "cache", "ok", says)


def _left(places: Places) -> Iterator[Finding]:
    if left := abandoned(places.state / "journal"):
        what = f"{left} journal{'s' if left > 1 else ''}"
        says = f"{what} of processes that were killed: the next run takes in their answers"
        then = f"pytest {places.shown(places.run_configs.parent)}/"
        yield Finding(_SECTION, "left behind", "absent", says, then)


def _runs(places: Places) -> Iterator[Finding]:
    runs = places.state / "runs"
    count = sum(1 for path in runs.iterdir() if path.is_dir()) if runs.is_dir() else 0
    yield Finding(_SECTION, "runs", "ok" if count else "absent", f"{count or 'none yet'}")


def _size(count: int) -> str:
    return f"{count / 2**20:.1f} MiB"
