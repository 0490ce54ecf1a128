"""Entries of OpenAI's registry of evals: which class scores which samples, and how a model grades. Makes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ...errors import UsageError
from ..placed import Placed, parsed, text_of

GRADED = "ModelBasedClassify"
PLAIN = ("Match", "Includes", "FuzzyMatch", "JsonMatch")


@dataclass(frozen=True, slots=True)
class Entry:
    """One eval."""

    name: str
    kind: str
    """Its class, without its module."""
    args: Placed
    description: str
    where: str


def entry_of(registry: Path, samples: Path, name: str | None) -> Entry:
    """The entry of that name, or the only one with these samples. Raises UsageError."""
    shown = str(registry)
    found = parsed(registry, text_of(registry, shown), shown)
    entries = {key: one for key, one in found.items() if isinstance(one.at("class").value, str)}
    heads = {str(one.at("id").value): one for _, one in found.items() if one.at("id").value is not None}
    near = {key: _nearness(one, samples) for key, one in entries.items()}
    best = max(near.values(), default=0)
    chosen = {key: one for key, one in entries.items() if best and near[key] == best}
    if name is not None:
        wanted = found.at(name).at("id").value or name
        chosen = {key: one for key, one in entries.items() if key == wanted}
    if len(chosen) != 1:
        hint = f"--eval one of: {', '.join(chosen or entries) or 'none'}"
        what = "several evals have these samples" if chosen else "no eval of that name, or with these samples"
        raise UsageError(what, where=shown, hint=hint)
    ((key, one),) = chosen.items()
    head = heads.get(key, one)
    return Entry(
        key,
        str(one.value["class"]).rpartition(":")[2],
        one.at("args"),
        str(head.at("description").value or ""),
        one.where,
    )


def _nearness(entry: Placed, samples: Path) -> int:
    """Parts of its samples' name that are these samples': registries name them from a folder that we do not know."""
    named = entry.at("args").at("samples_jsonl").value
    parts = PurePosixPath(named).parts if isinstance(named, str) else ()
    pairs = list(zip(reversed(parts), reversed(samples.resolve().parts), strict=False))
    return next((number for number, (one, other) in enumerate(pairs) if one != other), len(pairs))


def spec_of(entry: Entry, registry: Path, given: Path | None) -> Placed | None:
    """The model-graded spec that it names: as given, or where registries keep it. None where it is not there."""
    named = entry.args.at("modelgraded_spec").value
    plain = isinstance(named, str) and PurePosixPath(named).name == named
    file = given or (registry.resolve().parent.parent / "modelgraded" / f"{named}.yaml" if plain else None)
    if file is None or not file.is_file():
        if given is not None:
            raise UsageError("there is no such file", where=str(given))
        return None
    found = parsed(file, text_of(file, str(file)), str(file))
    inner = found.at(named) if isinstance(named, str) else found
    return inner if isinstance(inner.value, dict) else found
