"""What a run is made of, in words and digests: rows, run-configs, prompts, judges, scorers, code. Compares nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from .evals import Eval, row_hash
from .fingerprint import fingerprint
from .judges import BoundJudge
from .places import Places
from .records import RunConfig, digest
from .scorers import identity_of, name_of
from .toolbox import SUFFIXES


def origin(places: Places, evals: Mapping[str, Eval]) -> dict[str, str]:
    """Words -> digest, of evals by their tests' node ids. Answers (recordings, the cache) are no part of it."""
    found = {"touchstone": _version()}
    for one in evals.values():
        found[f"the rows of {one.name}"] = digest([[row.id, row_hash(row)] for row in one.dataset.rows])
        found.update(_scorers(one))
        found.update(pair for config in one.run_configs for pair in _run_config(config))
    modules = (places.root / nodeid.partition("::")[0] for nodeid in evals)
    words = {*places.prompts.rglob("*.j2"), *(one for one in places.tools.glob("*") if one.suffix in SUFFIXES)}
    files = {*words, *(file for module in modules for file in _with_conftests(module, places))}
    return found | {places.shown(file): _sha256(file) for file in sorted(files) if file.is_file()}


def _scorers(evaluation: Eval) -> Iterator[tuple[str, str]]:
    for one in evaluation.scorers:
        if isinstance(one, BoundJudge):
            yield f"the judge {one.definition.name}", one.identity
        else:
            yield f"the scorer {name_of(one)} of {evaluation.name}", digest(identity_of(one))


def _run_config(config: RunConfig) -> Iterator[tuple[str, str]]:
    yield f"the run-config {config.name}", digest(config.model_dump(mode="json"))
    for module in sorted({name.partition(":")[0] for name in config.tools if ":" in name}):
        yield f"the module {module}", fingerprint(module)
    kind, _, rest = config.model.partition("/")
    if kind == "python":
        module = rest.partition(":")[0]
        yield f"the module {module}", fingerprint(module)


def _with_conftests(module: Path, places: Places) -> Iterable[Path]:
    """The module, and what pytest loads before it."""
    above = [folder for folder in module.parents if folder.is_relative_to(places.root)]
    return [module, *(folder / "conftest.py" for folder in above)]


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _version() -> str:
    try:
        return version("pytest-touchstone")
    except PackageNotFoundError:
        return "unknown"
