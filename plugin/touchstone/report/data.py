"""The report for other programs: a summary as JSON-ready values. Owns the document's shape and its version.

The shape is in `report.schema.json`, a JSON Schema (2020-12), which tests hold against these values and the classes
that they are made of.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from ..labels import Trust
from .beside import Beside
from .summary import GateResult, Summary
from .text import clean

SCHEMA = 1
"""Version of this document's shape."""
LONGEST = 2000
"""Characters of a text or a name."""
_MOST = 100
_SHAPE = Path(__file__).with_name("report.schema.json")


def json_schema() -> str:
    """The document's shape as a JSON Schema. It allows keys that a later touchstone may add."""
    return _SHAPE.read_text(encoding="utf-8")


def as_json(summary: Summary, beside: Beside | None = None) -> dict[str, Any]:
    """The summary as dicts, lists, numbers and text. Texts are cleaned and at most 2,000 characters long."""
    data = {
        "schema": SCHEMA,
        "run": asdict(replace(summary.run, judges=())) | {"run_configs": summary.run_configs, "evals": summary.evals},
        "judges": [_judge(trust) for trust in summary.run.judges],
        "judged": [asdict(one) for one in summary.judged],
        "verdict": _verdict(summary),
        "calls": asdict(summary.calls),
        "results": [asdict(result) for result in summary.results.values()],
        "gates": [_gate(gate) for gate in summary.gates],
        "errors": [asdict(notice) for notice in summary.errors[:_MOST]],
        "skipped": [asdict(notice) for notice in summary.skipped[:_MOST]],
    }
    data |= {"comparison": beside.data} if beside else {}
    return {key: _cleaned(value) for key, value in data.items()}


def _verdict(summary: Summary) -> str:
    if summary.failing:
        return "fail"
    return "pass" if any(gate.verdict.kind == "pass" for gate in summary.binding) else "not_judged"


def _gate(gate: GateResult) -> dict[str, Any]:
    return {"eval": gate.eval, "run_config": gate.run_config, "binding": gate.binding} | asdict(gate.verdict)


def _judge(trust: Trust) -> dict[str, Any]:
    return {"judge": trust.judge, "state": trust.state, "words": trust.words, "threshold": trust.threshold}


def _cleaned(value: Any) -> Any:
    """The same value with every text in it fit to be shown and stored: model text is everywhere."""
    match value:
        case str():
            return clean(value, LONGEST)
        case dict():
            return {clean(str(key), LONGEST): _cleaned(item) for key, item in value.items()}
        case list() | tuple():
            return [_cleaned(item) for item in value]
        case other:
            return other
