"""The commands that docs/import.md and docs/export.md show: each is run as it stands, on small files of these names."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from kiln_projects import small
from projects import APP, Project
from test_import_kiln import places

from touchstone.cli import main
from touchstone.golden import golden_of
from touchstone.labels import Item

DOCS = Path(__file__).parents[1] / "docs"
CONFIG = """\
prompts: ['Say {{word}}']
providers: [PROVIDER]
tests:
  - {vars: {word: hi}, assert: [{type: contains, value: hi}]}
"""
REGISTRY = "capitals.v0:\n  class: a.b:Match\n  args: {samples_jsonl: capitals/samples.jsonl}\n"
FILES = {
    "greeter/promptfooconfig.yaml": CONFIG.replace("PROVIDER", "openai:gpt-4.1-mini"),
    "other/promptfooconfig.yaml": CONFIG.replace("PROVIDER", "exec:./own.sh"),
    "questions.csv": "key,question,reply,area\nq1,Why?,So.,a b\n",
    "squad.json": json.dumps({"data": [{"question": "q", "text": "t", "answers": [{"text": "a"}]}]}),
    "chats.jsonl": json.dumps({"messages": [{"role": "user", "content": "hi"}]}) + "\n",
    "capitals/samples.jsonl": '{"input": "France?", "ideal": "Paris"}\n',
    "registry/evals/capitals.yaml": REGISTRY,
    "more.jsonl": '{"input": "Italy?", "ideal": ["Rome", "Roma"]}\n',
}


def commands(page: str) -> Iterator[list[str]]:
    """The lines of a page's blocks of bash, without `touchstone`."""
    for block in re.findall(r"^```bash\n(.*?)^```", (DOCS / page).read_text(encoding="utf-8"), re.M | re.S):
        for line in block.splitlines():
            name, *args = shlex.split(line, comments=True)
            assert name == "touchstone", line
            yield args


def run_all(page: str) -> list[str]:
    """Each command of a page; what they said."""
    said = []
    for args in commands(page):
        result = CliRunner().invoke(main, args)
        assert result.exit_code == 0, f"{' '.join(args)}\n{result.output}"
        said.append(result.output)
    return said


def saved(folder: Path) -> None:
    """A data set with two splits, as `save_to_disk` writes it."""
    arrow = pytest.importorskip("pyarrow")
    for split in ("train", "test"):
        (folder / split).mkdir(parents=True)
        table = arrow.table({"text": ["good"], "label": ["pos"]})
        with arrow.ipc.new_stream(str(folder / split / "data.arrow"), table.schema) as out:
            out.write_table(table)
        (folder / split / "state.json").write_text('{"_data_files": [{"filename": "data.arrow"}]}')
    (folder / "dataset_dict.json").write_text('{"splits": ["train", "test"]}')


def test_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in {**FILES, "pytest.ini": "[pytest]\npythonpath = .\n"}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    small(tmp_path / "my-project")
    saved(tmp_path / "saved")
    monkeypatch.chdir(tmp_path)
    assert len(run_all("import.md")) == 10
    made = {file.stem: len(file.read_text().splitlines()) for file in Path("datasets").rglob("*.jsonl")}
    assert {name: made.get(name) for name in ("chats", "questions", "reviews", "squad")} == dict.fromkeys(
        ("chats", "questions", "reviews", "squad"), 1
    )
    for folder in ("greeter-evals", "other-evals", "capitals-evals"):
        assert (tmp_path / folder / "evals/run_configs.yaml").is_file()


def test_export(pytester: pytest.Pytester) -> None:
    project = Project(pytester)
    project.write("pytest.ini", "[pytest]\npythonpath = .\n")
    project.write("app.py", APP)
    project.write("evals/prompts/ask.j2", "{{ input }}")
    project.write(
        "evals/run_configs.yaml",
        "run_configs:\n  - {name: main, model: python/app:echo, prompt: ask}\n"
        "  - {name: other, model: openai/gpt-4.1-mini, prompt: ask}\n",
    )
    asserts = [{"type": "contains", "value": "hi"}]
    project.dataset([{"id": "a", "input": "hi", "answer": "ho", "asserts": asserts}])
    project.eval(
        "import pytest\nfrom touchstone.asserts import AssertsRow, meets_asserts\n\n"
        '@pytest.mark.eval(dataset="words", row=AssertsRow, scorers=[meets_asserts])\n'
        'def test_words(sample):\n    sample.require("meets_asserts", sample.row.threshold)\n'
    )
    project.run("--calls", "live", "--run-config", "main")
    golden_of(places(project.root), "words").write([Item("a", "h", "hi", "hi", "main")])
    assert len(run_all("export.md")) == 6
    (test,) = yaml.safe_load((project.root / "promptfooconfig.yaml").read_text())["tests"]
    assert test["assert"] == asserts
