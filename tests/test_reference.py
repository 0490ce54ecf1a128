"""The reference: what its pages say is what the code says, and its schemas are those of files that are really there."""

from __future__ import annotations

import json
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

ROOT = Path(__file__).parents[1]
SCHEMAS = ROOT / "docs/reference/schemas"
SCRIPT = runpy.run_path(str(ROOT / ".ci/reference"))


def test_the_pages_are_what_the_code_says() -> None:
    SCRIPT["main"]("--check")


def test_an_option_without_words_is_told() -> None:
    book = SCRIPT["Book"]()
    book.words("--new", None)
    assert book.bare == ["--new"]


def test_a_page_that_differs_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SCRIPT["keep"].__globals__, "ROOT", tmp_path)
    (tmp_path / "pytest.md").write_text("old")
    with pytest.raises(SystemExit, match=r"pytest.md is not what the code says: run .ci/reference --write"):
        SCRIPT["keep"](tmp_path / "pytest.md", "new", "--check")


def lines(*patterns: str) -> Iterator[tuple[str, Any]]:
    """(place, value) of some lines of every file: the first and the last five."""
    for path in (path for pattern in patterns for path in sorted(ROOT.glob(pattern))):
        every = [line for line in path.read_text("utf-8").splitlines() if line]
        for number, line in enumerate([*every[:5], *every[-5:]], 1):
            yield f"{path}:{number}", json.loads(line)


def whole(*patterns: str) -> Iterator[tuple[str, Any]]:
    """(place, value) of every file, as YAML, of which JSON is a part."""
    for path in (path for pattern in patterns for path in sorted(ROOT.glob(pattern))):
        text = path.read_text("utf-8")
        yield str(path), json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)


def fronts() -> Iterator[tuple[str, Any]]:
    """Front matter of the judges."""
    for path in sorted((ROOT / "evals/judges").glob("*.j2")):
        yield str(path), yaml.safe_load(path.read_text("utf-8").split("---\n")[1])


def recorded(*, calls: bool) -> Iterator[tuple[str, Any]]:
    """Lines of recordings: of calls, or of prefixes."""
    found = lines("fixtures/recordings/*.jsonl", "tuning/recordings/*.jsonl")
    return ((place, value) for place, value in found if ("key" in value) is calls)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("rows", list(lines("datasets/*.jsonl", "datasets/synth/*.jsonl"))),
        ("run-configs", list(whole("evals/run_configs.yaml"))),
        ("judges", list(fronts())),
        ("sweeps", list(whole("tuning/sweeps/*.yaml"))),
        ("plans", [(place, value) for place, value in whole("tuning/synth/*.yaml") if "voices.yaml" not in place]),
        ("voices", list(whole("tuning/touchstone_tuning/synth/voices.yaml"))),
        ("recorded-calls", list(recorded(calls=True))),
        ("recorded-prefixes", list(recorded(calls=False))),
        ("golden-outputs", list(lines("datasets/golden/*.jsonl"))),
        ("certificates", list(whole("evals/judges/*.certificate.json"))),
        ("the-baseline", list(whole("evals/baseline.json"))),
        ("tuning-jobs", list(whole("tuning/jobs/*/*.json"))),
        ("losses", list(lines("tuning/jobs/*/*.losses.jsonl"))),
        ("proofs", list(lines("tuning/verdicts/*.jsonl"))),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_files_of_this_project_fit_their_schema(name: str, values: list[tuple[str, Any]]) -> None:
    schema = json.loads((SCHEMAS / f"{name}.schema.json").read_text())
    Draft202012Validator.check_schema(schema)
    check = Draft202012Validator(schema)
    assert values
    for place, value in values:
        assert not [f"{place}: {error.message}" for error in check.iter_errors(value)]


def test_a_sample_and_what_people_say_fit_their_schemas(tmp_path: Path) -> None:
    from pages import sample

    from touchstone.jsonl import encoded
    from touchstone.judges.imported import Verdict
    from touchstone.labels import Rating
    from touchstone.outputs import line
    from touchstone.records import Response
    from touchstone.store import RunWriter

    writer = RunWriter(tmp_path, "run")
    writer.append(sample("polite", "a", "ships", good=True))
    writer.close()
    rating = Rating("a", "0" * 16, "Ann", "pass", "2026-11-28T10:00:00Z", seconds=2.5)
    verdict = Verdict(row="a", run_config="ships", answer="0" * 16, value=1.0, said="pass")
    found = {
        "samples": (tmp_path / "run/samples-main.jsonl").read_bytes(),
        "ratings": encoded(rating.as_dict()),
        "imported-outputs": line("a", Response("text")),
        "imported-verdicts": verdict.line(),
    }
    for name, text in found.items():
        schema = json.loads((SCHEMAS / f"{name}.schema.json").read_text())
        Draft202012Validator(schema).validate(json.loads(text))
        assert [*Draft202012Validator(schema).iter_errors({})]
