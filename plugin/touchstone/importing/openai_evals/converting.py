"""Samples of OpenAI's evals as rows, an eval with its scorer or judges, and a prompt that puts a row as it was put."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ...errors import UsageError
from ...jsonl import bare
from ...records import RunConfig, digest
from ..imported import Imported
from ..names import Names, slug
from ..placed import Placed, lines_of, text_of
from ..templates import comment, literal
from ..turns import turns_of
from ..unplaced import Leftovers
from .grading import judge_file, judges_of
from .registry import GRADED, PLAIN, Entry, entry_of, spec_of

HERE = "imported/openai_evals"
_SCORERS = {"Match": "matches", "Includes": "includes", "FuzzyMatch": "fuzzy_matches", "JsonMatch": "json_matches"}
_PROMPT = "openai-evals"
_TURNS = "{% block system %}{% endblock %}\n"
"""The row's own messages are all that is said."""
_PLAIN = "{% block user %}\n{{ input }}\n{% endblock %}\n"


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants of it."""

    registry: Path | None = None
    eval: str | None = None
    """Of the registry's entries."""
    kind: str | None = None
    """A class of PLAIN, where there is no registry."""
    spec: Path | None = None
    """Of a model-graded eval."""
    model: str | None = None
    """Of the run-config that is made; none is, where the project has its own."""
    judge: str | None = None
    """The model that grades."""


def convert(samples: Path, wish: Wish) -> Imported:
    """All of it. Raises UsageError."""
    shown, left = str(samples), Leftovers()
    rows = _rows(samples, shown, left)
    entry = entry_of(wish.registry, samples, wish.eval) if wish.registry is not None else None
    words = entry.name if entry else f"{samples.resolve().parent.name} {samples.stem}"
    return _Conversion(rows, entry, wish, slug(words, "_") or "openai_evals", left).all(shown)


def _rows(samples: Path, shown: str, left: Leftovers) -> list[dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = {}
    for one in lines_of(text_of(samples, shown), shown):
        row = _row(one, left)
        if row is None:
            continue
        if row["id"] in rows:
            left.add("sample", "", one.where, "is the same as one before it")
        rows.setdefault(row["id"], row)
    if not rows:
        raise UsageError(
            "holds no sample that can be a row here", where=shown, hint='{"input": ..., "ideal": ...} a line'
        )
    return list(rows.values())


def _row(one: Placed, left: Leftovers) -> dict[str, Any] | None:
    given = one.value.get("input") if isinstance(one.value, dict) else None
    turns = turns_of(given)
    if not isinstance(given, str) and turns is None:
        left.add("sample", "", one.where, "has no input that is text or messages", one.value)
        return None
    alone = turns is not None and len(turns) == 1 and turns[0].keys() == {"role", "content"}
    content = turns[0]["content"] if alone and turns else given
    made = content if isinstance(content, str) else {"messages": turns}
    rest = {key: value for key, value in one.value.items() if key not in ("input", "id", "tags")}
    left.fields_at("sample", [(key, one.where, one.value[key]) for key in ("id", "tags") if key in one.value])
    return {"id": f"row-{digest([made, rest])[:12]}", "input": made, **rest}


@dataclass
class _Conversion:
    """One eval on its way."""

    rows: list[dict[str, Any]]
    entry: Entry | None
    wish: Wish
    name: str
    left: Leftovers

    def all(self, shown: str) -> Imported:
        files: dict[str, bytes] = {}
        system = self._shared_system()
        self._as_messages()
        judges = self._judges(files)
        scorer = self._scorer() if not judges else ""
        if not judges and not scorer:
            kind = self.entry.kind if self.entry else ""
            hint = (
                f"known: {', '.join((*PLAIN, GRADED))}; without --registry, --class one of them takes the samples alone"
            )
            raise UsageError(
                f"nothing here scores as {kind or 'it'} does" + self._reason(),
                where=self.entry.where if self.entry else shown,
                hint=hint,
            )
        if scorer:
            self._check_ideals(shown)
        files[f"datasets/{self.name}.jsonl"] = b"".join(map(bare, self.rows))
        files[f"evals/test_{self.name}.py"] = _module(self.name, scorer, judges, self._told())
        files |= self._running(system)
        files[f"{HERE}/{self.name}.unplaced.jsonl"] = self.left.lines()
        made = {"rows": len(self.rows), "evals": 1, "judges": len(judges), "run-configs": int(bool(self.wish.model))}
        return Imported(files, {"samples": len(self.rows)}, made, self.left)

    def _reason(self) -> str:
        return "".join(f"\n  {one.where}: {one.what}: {one.why}" for one in self.left.found if one.of == "modelgraded")

    def _told(self) -> str:
        return comment(f"{self.entry.name} {self.entry.description}".strip()) if self.entry else ""

    def _scorer(self) -> str:
        kind = self.entry.kind if self.entry else self.wish.kind or PLAIN[0]
        if self.entry is None:
            return _SCORERS[kind]
        known = ("samples_jsonl", "modelgraded_spec", "modelgraded_spec_args", "eval_type")
        rest = [(key, one.where, one.value) for key, one in self.entry.args.items() if key not in known]
        cased = kind == "Includes" and self.entry.args.at("ignore_case").value is True
        rest = [one for one in rest if one[0] != "ignore_case" or kind != "Includes"]
        self.left.fields_at("eval.args", rest)
        return "includes_any_case" if cased else _SCORERS.get(kind, "")

    def _judges(self, files: dict[str, bytes]) -> list[str]:
        if self.entry is None or self.entry.kind != GRADED or self.wish.registry is None:
            return []
        spec = spec_of(self.entry, self.wish.registry, self.wish.spec)
        if spec is None:
            named = self.entry.args.at("modelgraded_spec")
            why = "the spec is not there: --spec FILE.yaml names it"
            self.left.add("modelgraded", "modelgraded_spec", named.where, why, named.value)
            return []
        names, made = Names(), []
        for words, template, labels in judges_of(spec, self.entry.args, self.left):
            name = f"{self.name}-{names.new(words or 'judge')}"
            files[f"evals/judges/{name}.j2"] = judge_file(self.name, self._grader(self.entry.where), template, labels)
            made.append(name)
        return made

    def _grader(self, where: str) -> dict[str, str]:
        """How judges run: registries do not say."""
        if self.wish.judge:
            return {"model": self.wish.judge}
        if not self.wish.model:
            raise UsageError("is graded by a model", where=where, hint="--judge-model NAME says by which")
        self.left.fields_at(
            "judge", [("model", where, _PROMPT)], "judges its own answers: --judge-model says otherwise"
        )
        return {"run_config": _PROMPT}

    def _check_ideals(self, shown: str) -> None:
        """A row without one would be an error in every run."""
        lost = [row for row in self.rows if not _texts(row.get("ideal"))]
        for row in lost:
            self.left.add("sample", "ideal", shown, "has no ideal answer that is text, so it is no row", row)
        self.rows = [row for row in self.rows if _texts(row.get("ideal"))]
        if not self.rows:
            raise UsageError("no sample has an ideal answer", where=shown)

    def _shared_system(self) -> str | None:
        """Where every row is a system's message, the same in all, and a user's: that message, the rest the input."""
        said = [row["input"].get("messages") if isinstance(row["input"], dict) else None for row in self.rows]
        if not self.wish.model or not all(_pair(turns) for turns in said):
            return None
        systems = {str(turns[0]["content"]) for turns in said if turns}
        if len(systems) != 1:
            return None
        for row, turns in zip(self.rows, said, strict=True):
            row["input"] = turns[1]["content"] if turns else ""
        return systems.pop()

    def _as_messages(self) -> None:
        """One prompt for all: where some rows are conversations, a text is one too."""
        if self.wish.model and any(isinstance(row["input"], dict) for row in self.rows):
            for row in self.rows:
                if isinstance(row["input"], str):
                    row["input"] = {"messages": [{"role": "user", "content": row["input"]}]}

    def _running(self, system: str | None) -> dict[str, bytes]:
        """A run-config and its prompt, where a model was named."""
        if not self.wish.model:
            return {}
        head = f"{{% block system %}}\n{literal(system)}\n{{% endblock %}}\n" if system else ""
        turns = any(isinstance(row["input"], dict) for row in self.rows)
        config = {"name": _PROMPT, "model": self.wish.model, "prompt": _PROMPT, "default": True, "temperature": 0}
        RunConfig.model_validate(config)
        text = yaml.safe_dump({"run_configs": [config]}, sort_keys=False, allow_unicode=True)
        return {
            "evals/run_configs.yaml": str(text).encode(),
            f"evals/prompts/{_PROMPT}.j2": (_TURNS if turns else head + _PLAIN).encode("utf-8"),
        }


def _pair(turns: Sequence[Mapping[str, Any]] | None) -> bool:
    """Whether they are a system's message and a user's, both text alone."""
    return (
        turns is not None
        and [one["role"] for one in turns] == ["system", "user"]
        and all(isinstance(one["content"], str) and one.keys() == {"role", "content"} for one in turns)
    )


def _texts(value: Any) -> bool:
    return isinstance(value, str) or (
        isinstance(value, list) and value != [] and all(isinstance(v, str) for v in value)
    )


def _module(name: str, scorer: str, judges: Sequence[str], told: str) -> bytes:
    given = [*([scorer] if scorer else []), *(f'Judge("{judge}")' for judge in judges)]
    gates = [f'"{one} >= 0"' for one in ([scorer] if scorer else judges)]
    own = ["from touchstone import Judge"] if judges else []
    own += [f"from touchstone.ideals import {scorer}"] if scorer else []
    body = "".join(f'    sample.require("{one}")\n' for one in ([scorer] if scorer else judges))
    return (
        f"# Imported from OpenAI's evals{f': {told}' if told else ''}.\n"
        "# Its gates ask for nothing yet: say what you want of it.\n\nimport pytest\n\n" + "\n".join(own) + "\n\n"
        f'pytestmark = pytest.mark.eval(\n    dataset="{name}",\n    scorers=[{", ".join(given)}],\n'
        f"    gates=[{', '.join(gates)}],\n)\n\n\ndef test_{name}(sample):\n{body}"
    ).encode()
