"""The JSON report's schema: it is what the code writes, no key more and no key less, and later keys are allowed."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator
from projects import Project
from test_report_against import record

from touchstone.cli import main
from touchstone.comparing.pairing import Compared, Comparison, LeftOut, Repeated
from touchstone.gates import Verdict
from touchstone.labels import Trust
from touchstone.records import Took
from touchstone.report import GateResult, RunInfo, as_json, json_schema, summarise
from touchstone.report.data import SCHEMA
from touchstone.report.judged import Judged
from touchstone.report.summary import Calls, Miss, Notice, Result
from touchstone.stats import Estimate, Interval
from touchstone.stats.corrected import Corrected
from touchstone.stats.paired import Effect, Paired
from touchstone.stats.repeats import Repeats

PUBLISHED: dict[str, Any] = json.loads(json_schema())
MADE_OF = {
    "interval": Interval,
    "estimate": Estimate,
    "calls": Calls,
    "miss": Miss,
    "result": Result,
    "judged": Judged,
    "corrected": Corrected,
    "notice": Notice,
    "took": Took,
    "effect": Effect,
    "paired": Paired,
    "compared": Compared,
    "left_out": LeftOut,
    "repeats": Repeats,
    "repeated": Repeated,
}
"""Definition -> the class whose fields are its keys."""

TWO_SCORES = """
import pytest

def good(sample):
    if sample.row.id == "b":
        raise RuntimeError("the scorer is on fire")
    return sample.output.startswith("good")

@pytest.mark.eval(dataset="words", scorers=[good], gates=["passed >= 0.1", "good >= 0.9", "p95 latency <= 3 s"])
def test_words(sample):
    sample.require("good")
"""


def strict(schema: Any) -> Any:
    """The same schema, which allows no key that it does not name."""
    match schema:
        case dict():
            closed = {"additionalProperties": False} if isinstance(schema.get("properties"), dict) else {}
            return {key: strict(value) for key, value in schema.items()} | closed
        case list():
            return [strict(value) for value in schema]
    return schema


def wrong(data: Any, schema: dict[str, Any] | None = None) -> list[str]:
    """What a report does that the schema does not allow."""
    found = Draft202012Validator(strict(PUBLISHED) if schema is None else schema).iter_errors(
        json.loads(json.dumps(data))
    )
    return [f"{error.json_path}: {error.message[:200]}" for error in found]


def full() -> dict[str, Any]:
    """A report with everything that a run alone can have."""
    pairs = {f"golden{n}@x": (float(n % 2), float(n % 3 > 0), "c") for n in range(30)}
    judges = (Trust("polite", "certified", "measured", 0.5, pairs), Trust("kind", "missing", "never measured"))
    records = [record(str(n), n % 2, run_config="c", scores={"polite": n % 3 / 2, "kind": 1.0}) for n in range(9)]
    records += [record("e", 0, run_config="c", kind="error", why="boom", tokens=None)]
    records += [record("s", 0, run_config="d", kind="skipped", why="no key", tokens=None)]
    verdict = Verdict("passed >= 0.9", "cannot_tell", "w", 0.5, Interval(0.2, 0.8), 9, 1, 88)
    return as_json(summarise(records, [GateResult("e", "c", True, verdict)], RunInfo("r", judges=judges)))


def test_the_schema_is_one_of_the_version_that_reports_have() -> None:
    Draft202012Validator.check_schema(PUBLISHED)
    assert PUBLISHED["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert PUBLISHED["$id"].endswith(f":{SCHEMA}")
    assert PUBLISHED["properties"]["schema"] == {"const": SCHEMA}


@pytest.mark.parametrize("name", MADE_OF)
def test_a_definition_has_the_keys_of_its_class_and_all_are_there_always(name: str) -> None:
    keys = [field.name for field in fields(MADE_OF[name])]
    assert list(PUBLISHED["$defs"][name]["properties"]) == PUBLISHED["$defs"][name]["required"] == keys


def test_definitions_that_add_keys_to_a_class() -> None:
    keys = {name: set(one["properties"]) for name, one in PUBLISHED["$defs"].items()}
    assert keys["gate"] == {"eval", "run_config", "binding"} | {field.name for field in fields(Verdict)}
    assert keys["run"] == {"evals"} | {field.name for field in fields(RunInfo)}
    assert keys["beside"] == {"run_config", "took"} | {field.name for field in fields(Comparison)}
    assert keys["judge"] == {field.name for field in fields(Trust)} - {"pairs"}
    assert keys.keys() == MADE_OF.keys() | {"gate", "run", "beside", "judge", "comparison"}


@pytest.mark.parametrize(
    ("definition", "key", "owner"), [("gate", "kind", Verdict), ("judge", "state", Trust), ("paired", "test", Paired)]
)
def test_words_are_those_that_the_code_knows(definition: str, key: str, owner: type) -> None:
    hints = get_type_hints(owner)
    assert get_origin(hints[key]) is Literal
    assert PUBLISHED["$defs"][definition]["properties"][key]["enum"] == list(get_args(hints[key]))


def test_a_report_with_judges_errors_and_skipped_fits() -> None:
    data = full()
    assert wrong(data) == []
    (polite,) = [one for one in data["judged"] if one["judge"] == "polite"]
    assert None not in (polite["powered"], polite["solved"])
    assert data["errors"]
    assert data["skipped"]


def test_a_report_of_nothing_fits() -> None:
    assert wrong(as_json(summarise([]))) == []


def test_reports_of_real_runs_fit(project: Project) -> None:
    """With errors, a skipped run-config, repeats and gates; against a run; against a baseline; a shard."""
    project.rows("good a", "good b", "bad c", "boom d")
    project.eval(TWO_SCORES)
    project.write(
        "evals/run_configs.yaml",
        "run_configs:\n"
        "  - {name: main, model: python/app:echo, prompt: ask, default: true}\n"
        "  - {name: none, model: openai/none, prompt: ask}\n",
    )
    project.run("--epochs", "2")
    (first,) = project.runs
    assert CliRunner().invoke(main, ["--root", str(project.root), "baseline", "update"]).exit_code == 0
    project.rows("good a", "bad b", "good c", "boom d", "good e")
    project.run("--epochs", "2", "--baseline", "evals/baseline.json")
    project.run("--shard", "1/2")
    _, second, third = project.runs
    against = CliRunner().invoke(
        main, ["--root", str(project.root), "report", second.name, "--format", "json", "--against", first.name]
    )
    documents = [json.loads((run / "report.json").read_text()) for run in (first, second, third)]
    documents.append(json.loads(against.stdout))
    assert [wrong(one) for one in documents] == [[], [], [], []]
    plain, baseline, shard, run = documents
    assert (bool(plain["errors"]), bool(plain["skipped"]), bool(plain["gates"])) == (True, True, True)
    assert baseline["comparison"]["run_configs"][0]["took"]["now"]
    assert (shard["gates"], shard["run"]["shard"]) == ([], "1/2")
    assert run["comparison"]["run_configs"][0]["repeated"]


def test_a_key_that_the_schema_lacks_is_told() -> None:
    data, narrow = full(), json.loads(json_schema())
    del narrow["$defs"]["result"]["properties"]["worst"]
    assert "'worst' was unexpected" in wrong(data, strict(narrow))[0]
    assert wrong({**data, "later": 1}) != []


def test_the_published_schema_allows_later_keys_and_misses_none() -> None:
    data = full()
    assert wrong({**data, "later": 1, "run": {**data["run"], "later": 1}}, PUBLISHED) == []
    for key in PUBLISHED["required"]:
        assert wrong({name: value for name, value in data.items() if name != key}, PUBLISHED) != []
    assert wrong({**data, "verdict": "green"}, PUBLISHED) != []


def test_the_command_prints_it_wherever_it_is_called(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["--root", str(tmp_path), "report", "--schema"])
    assert (done.exit_code, json.loads(done.stdout)) == (0, PUBLISHED)
