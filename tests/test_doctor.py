"""`touchstone doctor`: what is here, what can run, what is damaged, what to type; never a key, and never a change."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from projects import Project

from touchstone.cli import main
from touchstone.health.installed import installed
from touchstone.models.keys import VARIABLES

SECRET = "sk-do-not-show-0123456789"
HOSTED = """
run_configs:
  - {name: main, model: python/app:echo, prompt: ask, default: true}
  - {name: hosted, model: openai/gpt-4.1-nano, prompt: ask}
  - {name: own, model: openai-compatible/x, base_url: $MY_URL, key_env: MY_KEY, prompt: ask}
"""


@pytest.fixture(autouse=True)
def _without_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MY_KEY", "MY_URL", *(name for names in VARIABLES.values() for name in names)):
        monkeypatch.delenv(name, raising=False)


def doctor(project: Project, *args: str) -> Result:
    return CliRunner().invoke(main, ["--root", str(project.root), "doctor", *args])


def told(project: Project, code: int = 0) -> dict[str, Any]:
    result = doctor(project, "--json")
    assert result.exit_code == code, result.output
    data: dict[str, Any] = json.loads(result.output)
    assert data["broken"] == sum(one["state"] == "broken" for one in data["findings"])
    return data


def found(data: Mapping[str, Any], section: str, name: str) -> dict[str, str]:
    (one,) = [f for f in data["findings"] if (f["section"], f["name"]) == (section, name)]
    return dict(one)


def test_an_empty_folder_is_not_broken_and_has_one_next_step(pytester: pytest.Pytester) -> None:
    result = CliRunner().invoke(main, ["--root", str(pytester.path), "doctor"])
    assert result.exit_code == 0
    assert result.output.rstrip().endswith("next\n  touchstone init .")


def test_what_is_installed_and_what_an_extra_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    module = sys.modules[installed.__module__]
    here = module.version
    monkeypatch.setattr(module, "version", lambda name: "0.1" if name == "redis" else here(name))
    states = {one.name: one for one in installed()}
    assert states["python"].says == ".".join(map(str, sys.version_info[:3]))
    assert states["pytest-xdist"].state == "ok"
    assert states["extra redis"].state == "absent"
    assert states["extra redis"].says == "redis (0.1, wants >=5.2): pip install 'pytest-touchstone[redis]'"
    assert "extra dev" not in states


def test_keys_are_set_or_not_and_no_more_is_said(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write("evals/run_configs.yaml", HOSTED)
    before = found(told(project), "run-configs", "hosted")
    assert (before["state"], before["says"]) == ("absent", "cannot run: OPENAI_API_KEY is not set; not recorded")
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    monkeypatch.setenv("MY_KEY", SECRET + SECRET)
    for args in ([], ["--json"]):
        output = doctor(project, *args).output
        assert SECRET[:6] not in output
        assert not re.search(rf"\b{len(SECRET)}\b|\b{2 * len(SECRET)}\b", output)
    data = told(project)
    assert found(data, "keys", "OPENAI_API_KEY")["says"] == "openai: set"
    assert found(data, "keys", "MY_KEY")["says"] == "run-configs: set"
    assert found(data, "run-configs", "hosted")["state"] == "ok"
    assert found(data, "run-configs", "own")["says"].startswith("cannot run: MY_URL is not set")
    assert "export MY_URL=..." in data["next"]


def test_a_key_in_an_error_is_blotted_out(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    project.write("mine.py", "import os\ndef state():\n    raise ValueError(os.environ['OPENAI_API_KEY'])\n")
    declare(project)
    assert SECRET not in doctor(project).output
    assert "<OPENAI_API_KEY>" in doctor(project).output


def test_recordings_are_counted_for_each_run_config(project: Project) -> None:
    assert found(told(project), "run-configs", "main")["says"] == "can run; not recorded"
    project.run("--calls", "record")
    assert found(told(project), "run-configs", "main")["says"] == "can run; 3 of 3 calls recorded"
    project.rows("good a", "good b", "bad c", "good d")
    data = told(project)
    assert found(data, "run-configs", "main")["says"] == "can run; 3 of 4 calls recorded"
    assert "pytest evals/ --calls record --run-config main" in data["next"]


def test_a_damaged_recording_is_broken_with_its_line(project: Project) -> None:
    project.run("--calls", "record")
    (file,) = (project.root / "fixtures/recordings").glob("*.jsonl")
    file.write_text(file.read_text().replace("good b", "good B", 1) + "<<<<<<< ours\n")
    data = told(project, code=1)
    assert "2 damaged lines" in found(data, "kept", "recordings")["says"]
    damaged = [one["says"] for one in data["findings"] if one["name"] == "damaged"]
    assert all(re.match(r"fixtures/recordings/\S+\.jsonl:\d+: ", says) for says in damaged)
    assert data["next"][0] == "touchstone cache verify"


def test_the_cache_and_what_a_killed_process_left(project: Project) -> None:
    assert found(told(project), "kept", "cache")["says"] == "nothing yet"
    project.run()
    data = told(project)
    assert re.fullmatch(r"3 answers, 0 scores, \d+\.\d MiB", found(data, "kept", "cache")["says"])
    assert not [one for one in data["findings"] if one["name"] == "left behind"]
    left = project.write(".touchstone/journal/1-abc.jsonl", '{"key": "a", "value": {}}\n')
    data = told(project)
    assert "1 journal of processes that were killed" in found(data, "kept", "left behind")["says"]
    assert "pytest evals/" in data["next"]
    assert left.read_text() == '{"key": "a", "value": {}}\n'


def test_a_damaged_cache_is_broken(project: Project) -> None:
    project.run()
    (project.root / ".touchstone/cache/cache.db").write_bytes(b"no database")
    assert "rm -r" in found(told(project, code=1), "kept", "cache")["says"]


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        ("evals/run_configs.yaml", "run_configs: [", "is no YAML"),
        ("evals/test_words.py", "import nowhere_at_all\n", "nowhere_at_all"),
        ("datasets/words.jsonl", "{\n", "is no JSON"),
        ("evals/prompts/ask.j2", "{% if", "is no Jinja2 template"),
        ("evals/judges/bad.j2", "no front matter", "has no front matter"),
        ("evals/run_configs.yaml", "run_configs: [{name: x, model: 'python/gone:f', prompt: ask}]", "no such module"),
    ],
)
def test_what_is_broken_is_told_and_the_status_says_so(project: Project, file: str, text: str, says: str) -> None:
    project.write(file, text)
    result = doctor(project)
    assert result.exit_code == 1, result.output
    assert says in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)


def declare(project: Project) -> None:
    with (project.root / "pyproject.toml").open("a") as file:
        file.write('touchstone_doctor = "mine:state"\n')
    sys.modules.pop("mine", None)


@pytest.mark.parametrize(
    ("body", "code", "says"),
    [
        ('[{"name": "box", "state": "ok", "says": "works"}]', 0, "ok box  works"),
        ('[{"name": "box", "state": "absent", "then": "apt-get install box"}]', 0, "  apt-get install box"),
        ('[{"name": "box", "state": "broken", "says": "leaks\\x1b[31m"}]', 1, "!! box  leaks"),
        ('[{"name": "box"}]', 1, "wanted name, state"),
        ("[7]", 1, "gave 7"),
        ("1 / 0", 1, "ZeroDivisionError"),
        ("exit(0)", 1, "SystemExit"),
    ],
)
def test_a_project_says_what_it_needs_itself(project: Project, body: str, code: int, says: str) -> None:
    project.write("mine.py", f"def state():\n    return {body}\n")
    declare(project)
    result = doctor(project)
    assert result.exit_code == code
    assert says in result.output
    assert "\x1b" not in result.output


def test_a_declared_function_that_is_not_there_is_broken(project: Project) -> None:
    declare(project)
    assert "No module named 'mine'" in found(told(project, code=1), "project", "mine:state")["says"]


def test_the_next_steps_follow_the_walkthrough(project: Project) -> None:
    assert told(project)["next"] == ["pytest evals/"]
    project.run()
    steps = ["touchstone golden words", "touchstone add judge helpful --eval words", "touchstone baseline update"]
    assert told(project)["next"] == steps
    for command in (["golden", "words"], ["add", "judge", "helpful"], ["baseline", "update"]):
        assert CliRunner().invoke(main, ["--root", str(project.root), *command]).exit_code == 0
    assert told(project)["next"] == ["touchstone rate words", "touchstone agree words --certify helpful"]


def test_it_changes_nothing(project: Project) -> None:
    project.run("--calls", "record")
    before = {p: p.read_bytes() for p in project.root.rglob("*") if p.is_file() and "__pycache__" not in p.parts}
    doctor(project)
    after = {p: p.read_bytes() for p in project.root.rglob("*") if p.is_file() and "__pycache__" not in p.parts}
    assert {p: text for p, text in after.items() if "cache/" not in p.as_posix()} == {
        p: text for p, text in before.items() if "cache/" not in p.as_posix()
    }


def test_this_repository_is_whole() -> None:
    root = Path(__file__).parents[1]
    command = [Path(sys.executable).parent / "touchstone", "--root", root, "doctor", "--json"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    data = json.loads(ran.stdout)
    assert (ran.returncode, data["broken"]) == (0, 0), ran.stdout
    assert found(data, "run-configs", "coder-one-shot")["says"].endswith("438 of 438 calls recorded")
    assert found(data, "project", "ffmpeg")["state"] == "ok"
