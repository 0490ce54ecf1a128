"""The project's run-configs. Reads `run_configs.yaml`; never a dataset, a prompt or a key."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from pydantic import ValidationError

from .errors import UsageError
from .places import Places
from .records import RunConfig
from .yamlfile import YamlFile, read_yaml

_SECTIONS = ("defaults", "run_configs", "groups")


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All run-configs that a project names, in file order."""

    run_configs: tuple[RunConfig, ...]
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    where: Mapping[str, str] = field(default_factory=dict)
    """Run-config's name -> "path:line"."""

    @property
    def default(self) -> RunConfig | None:
        """The run-config that ships: the one with `default: true`, or the only one."""
        marked = [c for c in self.run_configs if c.default]
        return marked[0] if marked else (self.run_configs[0] if len(self.run_configs) == 1 else None)

    def select(self, patterns: Sequence[str]) -> tuple[RunConfig, ...]:
        """Those whose name matches any of the names, globs or groups; all where there are none.

        A pattern after `!` leaves out what it matches. Raises UsageError for a pattern that matches nothing,
        and where nothing is left.
        """
        left_out = {c.name for p in patterns if p.startswith("!") for c in self._matching(p[1:])}
        wanted = [p for p in patterns if not p.startswith("!")]
        chosen = {c.name for p in wanted for c in self._matching(p)} if wanted else {c.name for c in self.run_configs}
        if not chosen - left_out:
            raise UsageError(
                "leaves no run-config", where=f"--run-config {' '.join(patterns)}", hint="drop one of the `!`"
            )
        return tuple(c for c in self.run_configs if c.name in chosen - left_out)

    def _matching(self, pattern: str) -> list[RunConfig]:
        globs = self.groups.get(pattern, (pattern,))
        found = [c for c in self.run_configs if any(fnmatchcase(c.name, g) for g in globs)]
        if not found:
            known = [c.name for c in self.run_configs] + list(self.groups)
            close = difflib.get_close_matches(pattern, known, 1)
            hint = f"did you mean {close[0]}?" if close else f"there are: {', '.join(known)}"
            raise UsageError(f"no run-config is called {pattern!r}", where="--run-config", hint=hint)
        return found


def load_catalogue(places: Places) -> Catalogue:
    """Read and check `run_configs.yaml`. Raises UsageError with file and line."""
    path, shown = places.run_configs, places.shown(places.run_configs)
    if not path.is_file():
        hint = "write one with at least: run_configs: [{name: ..., model: ..., prompt: ...}]"
        raise UsageError("there is no such file", where=shown, hint=hint)
    file = read_yaml(path, shown)
    _check_shape(file)
    defaults = file.data.get("defaults") or {}
    configs = tuple(_run_config(file, i, defaults) for i in range(len(file.data["run_configs"])))
    where = {c.name: file.where("run_configs", i) for i, c in enumerate(configs)}
    _check_names(file, configs)
    return Catalogue(configs, _groups(file, configs), where)


def _check_shape(file: YamlFile) -> None:
    configs = file.data.get("run_configs") if isinstance(file.data, dict) else None
    if not isinstance(configs, list) or not configs:
        raise UsageError("wants a list under `run_configs:`", where=file.where("run_configs"))
    for section in file.data:
        if section not in _SECTIONS:
            hint = f"a run-config file has: {', '.join(_SECTIONS)}"
            raise UsageError(f"unknown section {section!r}", where=file.where(section), hint=hint)
    for section in ("defaults", "groups"):
        if not isinstance(file.data.get(section) or {}, dict):
            raise UsageError(f"`{section}:` wants a mapping", where=file.where(section))


def _run_config(file: YamlFile, index: int, defaults: Mapping[str, Any]) -> RunConfig:
    entry = file.data["run_configs"][index]
    if not isinstance(entry, dict):
        raise UsageError("a run-config is a mapping", where=file.where("run_configs", index))
    try:
        return RunConfig.model_validate({**defaults, **entry})
    except ValidationError as error:
        # An unknown key first: the one that is missing may be it, misspelt.
        first = min(error.errors(), key=lambda one: one["type"] != "extra_forbidden")
        place = first["loc"][0] if first["loc"] else ""
        section = ("run_configs", index) if place in entry or place not in defaults else ("defaults",)
        raise UsageError(_explain(first, entry.get("name")), where=file.where(*section, place)) from error


def _explain(error: Any, name: Any) -> str:
    loc = ".".join(map(str, error["loc"]))
    if error["type"] == "extra_forbidden":
        close = difflib.get_close_matches(loc, RunConfig.model_fields, 1)
        hint = f"; did you mean {close[0]!r}?" if close else "; provider parameters go under `extra:`"
        return f"run-config {name!r}: unknown key {loc!r}{hint}"
    return f"run-config {name!r}: {loc}: {error['msg']}"


def _check_names(file: YamlFile, configs: Sequence[RunConfig]) -> None:
    first: dict[str, int] = {}
    for i, config in enumerate(configs):
        if config.name in first:
            before = file.where("run_configs", first[config.name])
            message = f"the run-config {config.name!r} stands twice; first at {before}"
            raise UsageError(message, where=file.where("run_configs", i))
        first[config.name] = i
    marked = [i for i, c in enumerate(configs) if c.default]
    if len(marked) > 1:
        message = f"two run-configs have `default: true`: {configs[marked[0]].name} and {configs[marked[1]].name}"
        raise UsageError(message, where=file.where("run_configs", marked[1]), hint="only one of them ships")


def _groups(file: YamlFile, configs: Sequence[RunConfig]) -> dict[str, tuple[str, ...]]:
    groups = file.data.get("groups") or {}
    for name, globs in groups.items():
        if not isinstance(globs, list) or not all(isinstance(g, str) for g in globs):
            raise UsageError(f"the group {name!r} wants a list of names", where=file.where("groups", name))
        for glob in globs:
            if not any(fnmatchcase(c.name, glob) for c in configs):
                message = f"the group {name!r} names {glob!r}: there is no such run-config"
                raise UsageError(message, where=file.where("groups", name))
    return {str(name): tuple(globs) for name, globs in groups.items()}
