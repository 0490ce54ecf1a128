"""Which run-configs can be asked here, and what of them is recorded. Renders prompts; makes no call."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..calls import unable
from ..config import Catalogue
from ..errors import TouchstoneError, UsageError
from ..evals import Job, Suite
from ..judges.definition import load_judge, names_of_judges
from ..models import identity
from ..models.keys import VARIABLES
from ..places import Places
from ..recordings import Recordings
from ..records import RunConfig
from ..requests import build_request
from ..toolbox import open_toolbox
from .finding import Finding

_PIP = re.compile(r"pip install .*")
_UNSET = re.compile(r"(\w+) is not set")


@dataclass(frozen=True, slots=True)
class Counted:
    """Requests of one run-config over all evals."""

    asked: int = 0
    recorded: int = 0


def keys(catalogue: Catalogue | None) -> list[Finding]:
    """Each provider's variable, and those that run-configs name: set or not, and nothing more."""
    named = [c.key_env for c in catalogue.run_configs if c.key_env] if catalogue else []
    found = [_key(provider, names) for provider, names in VARIABLES.items()]
    return found + [_key("run-configs", (name,)) for name in dict.fromkeys(named)]


def _key(whose: str, names: Sequence[str]) -> Finding:
    there = next((name for name in names if os.environ.get(name)), None)
    return Finding("keys", there or names[0], "ok" if there else "absent", f"{whose}: {'set' if there else 'not set'}")


def judges(catalogue: Catalogue, places: Places) -> list[Finding]:
    """Each judge's file that cannot be used, and how many can."""
    wrong, names = [], names_of_judges(places)
    for name in names:
        try:
            load_judge(name, places, catalogue)
        except UsageError as error:
            wrong.append(Finding("evals", f"judge {name}", "broken", str(error)))
    sound = len(names) - len(wrong)
    return wrong + ([Finding("evals", f"{sound} judges", "ok")] if sound else [])


def counted(suite: Suite, jobs: Iterable[Job], recordings: Recordings) -> Mapping[str, Counted]:
    """By run-config, how many calls the evals want, and how many are recorded. Those that cannot be told are absent."""
    seen: dict[str, set[str]] = {}
    known: dict[str, str] = {}
    unknown: set[str] = set()
    for job in jobs:
        config = job.run_config
        if config.name not in unknown:
            try:
                model = known.setdefault(config.name, "") or identity(config, suite.places.root)
                known[config.name] = model
                messages = suite.prompts.render(config.prompt, job.row)
                tools = open_toolbox(config, suite.places).definitions if config.tools else ()
            except TouchstoneError:
                unknown.add(config.name)
                continue
            seen.setdefault(config.name, set()).add(build_request(config, model, messages, job.epoch, tools).key)
    return {
        name: Counted(len(asked), sum(recordings.get(key) is not None for key in asked))
        for name, asked in seen.items()
        if name not in unknown
    }


def run_configs(catalogue: Catalogue, counts: Mapping[str, Counted] | None, places: Places) -> list[Finding]:
    """Each run-config: whether it can run here, why not, and what of it is recorded."""
    found = [_run_config(one, counts, places) for one in catalogue.run_configs]
    return found if catalogue.default else [*found, _nothing_ships(places)]


def _nothing_ships(places: Places) -> Finding:
    says = "no run-config has `default: true`, so no gate can fail a run"
    then = f"write `default: true` on the run-config that ships, in {places.shown(places.run_configs)}"
    return Finding("run-configs", "what ships", "absent", says, then)


def _run_config(config: RunConfig, counts: Mapping[str, Counted] | None, places: Places) -> Finding:
    try:
        why = unable(config, places.root)
        identity(config, places.root)
    except TouchstoneError as error:
        return Finding("run-configs", config.name, "broken", str(error))
    count = (counts or {}).get(config.name)
    recorded = _recorded(count) if counts is not None else "recordings not counted"
    if why is None:
        return Finding("run-configs", config.name, "ok", f"can run; {recorded}", _record(config, count, places))
    whole = count is not None and 0 < count.asked == count.recorded
    says = f"{'replays only' if whole else 'cannot run'}: {why}; {recorded}"
    return Finding("run-configs", config.name, "ok" if whole else "absent", says, "" if whole else _then(why))


def _recorded(count: Counted | None) -> str:
    if count is None or not count.asked:
        return "no eval asks it"
    if not count.recorded:
        return "not recorded"
    return f"{count.recorded} of {count.asked} calls recorded"


def _record(config: RunConfig, count: Counted | None, places: Places) -> str:
    """What records the rest, where a part is recorded: someone wanted it to be."""
    if count is None or not 0 < count.recorded < count.asked:
        return ""
    return f"pytest {places.shown(places.run_configs.parent)}/ --calls record --run-config {config.name}"


def _then(why: str) -> str:
    if found := _PIP.search(why):
        return found[0]
    found = _UNSET.search(why)
    return f"export {found[1]}=..." if found else ""
