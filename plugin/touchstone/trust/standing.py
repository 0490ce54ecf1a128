"""How each judge stands today: its certificate beside what judge and golden set are now. Asks nobody."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from ..config import Catalogue
from ..errors import UsageError
from ..evals import Eval
from ..golden import golden_of
from ..judges import Definition, identity_of, load_judge, names_of_judges
from ..labels import Trust
from ..places import Places
from ..ratings import ratings_of
from .certificates import Certificate, golden_hash, read


def trusts(evals: Iterable[Eval], places: Places, catalogue: Catalogue) -> tuple[Trust, ...]:
    """Every judge that these evals use, or that is written for one of them."""
    known = list(evals)
    used = {judge.definition.name for one in known for judge in one.judges}
    names = {one.name for one in known}
    found = (_trust(name, name in used, names, places, catalogue) for name in names_of_judges(places))
    return tuple(trust for trust in found if trust is not None)


def _trust(name: str, used: bool, evals: Collection[str], places: Places, catalogue: Catalogue) -> Trust | None:
    try:
        definition = load_judge(name, places, catalogue)
        if definition.head.compares or (not used and definition.head.eval not in evals):
            return None
        return trust_of(definition, places)
    except UsageError as error:  # of a judge that no eval asks: the others still stand
        return Trust(name, "missing", f"cannot be read: {str(error).splitlines()[0]}")


def trust_of(definition: Definition, places: Places) -> Trust:
    """How one judge stands. Raises UsageError where its certificate or its model cannot be told."""
    name, home = definition.name, definition.head.eval
    found, command = read(name, places), f"touchstone agree {home} --certify {name}"
    if found is None:
        return Trust(name, "missing", f"no certificate: {command}", definition.pass_at)
    if found.identity != identity_of(definition, places.root):
        return Trust(name, "out of date", f"it has changed since it was certified: {command}", found.threshold)
    if found.golden != _golden_now(found, places):
        return Trust(name, "out of date", f"its golden set has changed since: {command}", found.threshold)
    lacking = f"; {found.errors} more without a usable verdict" if found.errors else ""
    told = f"{found.words} ({found.against}, {found.items} outputs of {found.eval}{lacking})"
    return Trust(name, "certified" if found.better else "no evidence", told, found.threshold, found.pairs)


def _golden_now(found: Certificate, places: Places) -> str:
    try:
        items = golden_of(places, found.eval).read()
    except UsageError:  # no golden set any more, or a broken one: not the one that was measured
        return ""
    people = ratings_of(places, found.eval).current(items) if found.against == "people" else None
    return golden_hash(items, people)
