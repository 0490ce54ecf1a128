"""Every command of the documentation is run, or at least taken apart by the real parser; the rest stands on a list.

The pages share one project, whose evals, judges and run-configs have the names that pages use. Its models are
functions, so that nothing is asked of anybody.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner
from doc_commands import OURS, ROOT, Command, apart, commands, fault, pages, reason
from projects import ALONE, Project
from repositories import Repository

from touchstone.cli import main
from touchstone.fingerprint import fingerprint

APP = '''
"""What stands for every model: an answer that passes, and a verdict of the first kind that is allowed."""
import json


def answer(request):
    verdict = request.params.get("schema", {}).get("properties", {}).get("verdict")
    return json.dumps({"reasoning": "so I think", "verdict": verdict["enum"][0]}) if verdict else "Paris, Lima"
'''
EVALS = ("capitals", "correctness", "words")
RUN_CONFIGS = ("main", "other", "base", "tuned", "mine", "local", "smollm2", "coder-one-shot", "coder-safe")
"""What pages name. A page that names another wants it here, or an example project of its own."""
CHOSEN = ("--run-config=main", "--run-config=other", "--run-config=coder-*")
EVAL = """
import pytest
from touchstone import Judge

def right(sample):
    return sample.row.answer in sample.output

@pytest.mark.eval(dataset="{name}", scorers=[right, Judge("{name}-polite")], truth="right", gates=["right >= 0.1"],
    run_configs={run_configs})
def test_{name}(sample):
    sample.require("right")
"""
JUDGE = "---\neval: {name}\nmodel: python/app:answer\noutput: {output}\n---\n{{{{ input }}}}\n{shown}\n"
ANSWERS = {"france": "Paris", "peru": "Lima", "chad": "?"}
ROWS = [{"id": name, "input": f"The capital of {name}?", "answer": said} for name, said in ANSWERS.items()]
FOLLOWED = ("docs/tutorial.md", "\n## A real task")
"""A page that tests/test_tutorial.py does step by step in a project of its own, up to this heading."""
PLACEHOLDERS = {"EVAL": "words", "$PART/$PARTS": "1/2", "merged": "", "RUN": ""}
"""Words that stand for a name, and what is put in their place: nothing, where the last run will do."""


@pytest.fixture
def world(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The project; its models are one function."""
    for name in ("CI", "PYTEST_ADDOPTS", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"GIT_AUTHOR_NAME": "Ada", "GIT_CONFIG_GLOBAL": os.devnull, "USER": "ada"}.items():
        monkeypatch.setenv(name, value)
    made = Project(pytester)
    made.write("pyproject.toml", '[tool.pytest.ini_options]\npythonpath = ["."]\n')
    made.write("app.py", APP)
    configs = [{"name": name, "model": "python/app:answer", "prompt": "ask"} for name in RUN_CONFIGS]
    lines = [json.dumps({**one, "default": one is configs[0]}) for one in configs]
    made.write("evals/run_configs.yaml", "run_configs:\n" + "".join(f"  - {line}\n" for line in lines))
    made.write("evals/prompts/ask.j2", "{{ input }}\n")
    for name in EVALS:
        made.dataset(ROWS, name)
        asked = RUN_CONFIGS if name == EVALS[0] else ("main", "other", "coder-*")
        made.eval(EVAL.format(name=name, run_configs=[*asked]), name)
        made.write(f"evals/judges/{name}-polite.j2", judge(name))
    return made


def judge(name: str, output: str = "pass_fail", shown: str = "{{ answer }}") -> str:
    """A judge's file."""
    return JUDGE.format(name=name, output=output, shown=shown)


@dataclass
class Shell:
    """What a reader's shell would do with a command, in this process."""

    project: Project
    page: str = ""
    """Which one is read."""
    ships: bool = True
    """The last run has the run-config that ships."""

    def start(self) -> None:
        """What pages take for granted: recordings, a run, golden sets, a judge that compares, a baseline in git."""
        assert self.run("pytest", "evals/", "--calls", "record") == 0
        for name in EVALS:
            assert self.run("touchstone", "golden", name) == 0
        self.project.write("evals/judges/which.j2", judge("words", "preference", "{{ first }} {{ second }}"))
        assert self.run("touchstone", "baseline", "update") == 0
        repository = Repository.at(self.project.root)
        repository.git("config", "user.name", "Ada")
        repository.git("add", "evals")
        repository.git("commit", "--quiet", "-m", "A baseline")

    def run(self, *words: str) -> int:
        """The exit status; what was said stands in `said`."""
        if words[0] == "pytest":
            fingerprint.cache_clear()
            self.ships = not any("--run-config" in word for word in words) or "main" in " ".join(words)
            result = self.project.pytester.runpytest_inprocess(*ALONE, "-q", *words[1:])
            self.said = "\n".join([*result.outlines, *result.errlines])
            return int(result.ret)
        if "--certify" in words:  # a page's own judge, of the eval that the page speaks of
            self.project.write(f"evals/judges/{words[-1]}.j2", judge(words[2]))
        done = CliRunner().invoke(main, list(words[1:]))
        self.said = done.output
        return done.exit_code


def followed(command: Command) -> bool:
    """Whether tests/test_tutorial.py types it."""
    page, end = FOLLOWED
    return command.page == page and command.line < (ROOT / page).read_text(encoding="utf-8").partition(end)[0].count(
        "\n"
    )


def typed(command: Command) -> list[str]:
    """The words as a reader types them."""
    filled = [PLACEHOLDERS.get(word, word) for word in command.words]
    return [word for word in filled if word]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("touchstone reprot", "touchstone has no command reprot"),
        ("touchstone report --formt json", "report has no --formt"),
        ("touchstone tune plan", "Missing argument 'SWEEP'."),
        ("touchstone report [--formt json]", "report has no --formt"),
        ("pytest evals/ --run-confg main", "pytest has no --run-confg"),
        ("make evls", "there is no target evls"),
        (".venv/bin/python -m benchmarks clals", "there is no benchmark clals"),
        (".ci/rnu", "there is no .ci/rnu"),
    ],
)
def test_a_command_with_a_mistake_is_told(text: str, told: str) -> None:
    [found] = [*apart("docs/x.md", 1, text)]
    assert fault(found) == told


def test_commands_are_found_wherever_they_stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("doc_commands.ROOT", tmp_path)
    page = tmp_path / "page.md"
    page.write_text(
        "Say `touchstone report`.\n\n"
        "```sh\nA=1 touchstone log > x   # words\n$ pytest evals/ && git add .\nsaid\n```\n\n"
        "```yaml\n- run: touchstone doctor\n```\n\n```python\ntouchstone = 1\n```\n"
    )
    assert [(one.line, one.text) for one in commands(page)] == [
        (1, "touchstone report"),
        (4, "touchstone log"),
        (5, "pytest evals/"),
        (5, "git add ."),
        (10, "touchstone doctor"),
    ]


def test_every_command_can_be_typed() -> None:
    """Those that are not run: each is known, has a reason, and names nothing that is not there."""
    wrong = []
    for command in (command for page in pages() for command in commands(page)):
        why = reason(command)
        if why is not None and (found := fault(command) or ("" if why else "has no reason not to be run")):
            wrong.append(f"{command.where}\n  {found}")
    assert not wrong, "\n".join(wrong)


def test_every_command_that_can_be_run_here_runs(world: Project) -> None:
    shell, wrong = Shell(world), list[str]()
    shell.start()
    every = [command for page in pages() for command in commands(page)]
    run = [command for command in every if reason(command) is None]
    once = {command.text: command for command in reversed(run) if not followed(command)}
    for command in reversed(once.values()):
        if command.page != shell.page and not shell.ships:  # each page finds a run of what ships
            assert shell.run("pytest", "evals/", *CHOSEN) == 0
        shell.page = command.page
        if (status := shell.run(*typed(command))) or "Traceback" in shell.said:
            wrong.append(f"{command.where}\n  exit status {status}: {shell.said[-800:]}")
    ours = sum(command.program in OURS for command in every)
    print(f"{len(every)} commands: {len(run)} run, {ours - len(run)} parsed, {len(every) - ours} listed")
    assert not wrong, "\n".join(wrong)
    assert len(run) >= 35
