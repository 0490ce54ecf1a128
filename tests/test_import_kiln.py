"""`touchstone import kiln`, as somebody types it: a project of Kiln's becomes one that replays, whatever is in it."""

from __future__ import annotations

import json
import os
import tarfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from kiln_projects import HOSTILE, TASK, Kiln, small
from projects import Project

from touchstone.cli import main
from touchstone.config import load_catalogue
from touchstone.datasets import load_dataset
from touchstone.importing import placing
from touchstone.importing.kiln import reading
from touchstone.importing.names import Names
from touchstone.places import Places
from touchstone.prompts import Prompts
from touchstone.records import Row

DEMO = Path(__file__).parents[2] / "shared/kiln-demo/end_to_end_project_demo.tar.xz"


def run(*args: str | Path, root: Path | None = None) -> Result:
    """The command."""
    return CliRunner().invoke(main, [*(["--root", str(root)] if root else []), *map(str, args)])


def imported(kiln: Kiln, target: Path, *more: str) -> str:
    """What the import says."""
    result = run("import", "kiln", kiln.root, "--into", target, *more)
    assert result.exit_code == 0, result.output
    return result.output


def lines(file: Path) -> list[dict[str, Any]]:
    """The objects of a file."""
    return [json.loads(line) for line in file.read_text().splitlines()]


def places(root: Path) -> Places:
    """Of an imported project, which has no settings of its own."""
    return Places.of(
        root,
        lambda name: {
            "touchstone_run_configs": "evals/run_configs.yaml",
            "touchstone_prompts": "evals/prompts",
            "touchstone_datasets": "datasets",
            "touchstone_recordings": "fixtures/recordings",
            "touchstone_state": ".touchstone",
        }.get(name, ""),
    )


@pytest.fixture
def kiln(tmp_path: Path) -> Kiln:
    """A small project of Kiln's."""
    return small(tmp_path / "kiln")


@pytest.fixture
def project(pytester: pytest.Pytester, kiln: Kiln) -> Project:
    """That project, imported into an empty folder that pytest runs in."""
    imported(kiln, pytester.path)
    return Project(pytester)


def test_says_what_was_read_and_written(kiln: Kiln, tmp_path: Path) -> None:
    said = imported(kiln, tmp_path / "here")
    assert "eval run 14" in said
    assert "task run 9" in said
    assert "outputs 19" in said
    assert "verdicts 14" in said
    assert "ratings 5" in said


def test_every_output_replays_with_its_verdict(project: Project) -> None:
    result = project.run("--calls", "replay")
    assert result.ret == 0
    assert result.parseoutcomes() == {"passed": 6, "missed": 6}
    made = {(s["run_config"], s["row"]): s["output"] for s in project.samples()}
    assert made["brave-fox", "103"] == "made 3"  # two rows ask the same, and were answered each for itself
    assert made["brave-fox", "104"] == "made 4"
    assert made["brave-fox-2", "104"] == "other 4"  # the other judge was given answers of its own


@pytest.mark.parametrize("calls", ["auto", "live"])
def test_nothing_is_ever_asked(project: Project, calls: str) -> None:
    project.run("--calls", calls, "--epochs", "3")
    assert len(project.samples()) == 10
    assert all(s["response"]["source"] == "recording" for s in project.samples())


def test_a_plan_counts_them_as_recorded(project: Project) -> None:
    assert "0 calls would be made" in project.run("--plan").stdout.str()


def test_workers_replay_too(project: Project) -> None:
    assert project.run("--calls", "replay", workers=2).parseoutcomes() == {"passed": 6, "missed": 6}


def test_outputs_are_scored_again_by_a_new_eval(project: Project) -> None:
    project.write(
        "evals/test_new.py",
        "import pytest\n\ndef short(sample):\n    return len(sample.output) < 6\n\n"
        '@pytest.mark.eval(dataset="kiln/runs", scorers=[short], gates=["short >= 0.1"])\n'
        'def test_new(sample):\n    sample.require("short")\n',
    )
    result = project.run("--calls", "replay", "-k", "test_new")
    assert result.ret == 0
    assert len(project.samples()) == 9 + 5 + 5


def test_tokens_and_cost_are_kept(project: Project) -> None:
    own = next(
        one for one in lines(project.root / "datasets/outputs/data-gpt-x-openrouter.jsonl") if one["row"] == "100"
    )
    assert (own["input_tokens"], own["output_tokens"], own["cost"]) == (7, 3, 0.5)
    assert own["made"]["model_name"] == "gpt_x"


def test_hostile_words_stay_words(project: Project) -> None:
    where = places(project.root)
    prompts = Prompts(where.prompts, "prompts")
    name = next(c.prompt for c in load_catalogue(where).run_configs if c.name == "brave-fox")
    system, user = prompts.render(name, Row(id="a", input="{{ hi }}"))
    assert system.content == HOSTILE
    assert user.content == "{{ hi }}"
    for module in (project.root / "evals").glob("*.py"):
        compile(module.read_text(), str(module), "exec")


@pytest.mark.parametrize("text", ["{", "a {", "{{{{%", "%}}}", "{% endblock %}", "{# {{ #} x", "{% endraw %}{{ 1 }}"])
def test_any_text_may_be_a_prompt(tmp_path: Path, text: str) -> None:
    kiln = small(tmp_path / "kiln")
    kiln.write(TASK, "task", id="100", name="Greeter", instruction=text)
    imported(kiln, tmp_path / "here")
    (system, _) = Prompts(tmp_path / "here/evals/prompts", "").render("greeter", Row(id="a", input="x"))
    assert system.content == text


def test_no_name_leads_out(project: Project) -> None:
    every = [str(p.relative_to(project.root)) for p in project.root.rglob("*") if p.is_file()]
    assert all(
        part.replace("-", "").replace("_", "").replace(".", "").isalnum() for p in every for part in Path(p).parts
    )
    assert [c.name for c in load_catalogue(places(project.root)).run_configs][1] == "etc-passwd"


@pytest.mark.parametrize(
    ("words", "name"), [("../..", "unnamed"), ("Con", "n-con"), ("3 x", "n-3-x"), ("é\u202e!", "e")]
)
def test_names(words: str, name: str) -> None:
    names = Names()
    assert names.new(words) == name
    assert names.new(words) == f"{name}-2"


def test_what_has_no_place_is_listed_with_its_value(kiln: Kiln, tmp_path: Path) -> None:
    said = imported(kiln, tmp_path / "here")
    assert "task: wish: no such thing here" in said
    left = {(one["of"], one["what"]): one for one in lines(tmp_path / "here/imported/kiln/unplaced.jsonl")}
    assert left["task", "wish"]["value"] == "new"
    assert left["task", "wish"]["where"] == f"{TASK}/task.kiln"
    assert left["dataset_split", "train"]["value"] == ["gone"]
    assert left["task_run_config", "run_config_properties.structured_output_mode"]["value"] == "json"


def test_unknown_kinds_and_versions_are_listed(kiln: Kiln, tmp_path: Path) -> None:
    kiln.write("documents/1", "document", id="1", text="kept")
    kiln.run("105", "x", "y", v=2)
    imported(kiln, tmp_path / "here")
    left = {one["of"]: one for one in lines(tmp_path / "here/imported/kiln/unplaced.jsonl")}
    assert left["document"]["value"]["text"] == "kept"
    assert left["task_run"]["why"] == "version 2, read as 1"


def test_splits_are_rows_to_learn_from(project: Project) -> None:
    data = load_dataset("kiln/all-train", Row, places(project.root))
    assert [(row.id, row.model_dump()["answer"]) for row in data.rows] == [("100", "own 0"), ("101", "own 1")]
    (tune,) = lines(project.root / "imported/kiln/finetunes.jsonl")
    assert tune["parameters"] == {"epochs": 2}
    assert tune["system_message"] == {"prompt": "tune-tune"}


def test_figures_are_those_of_the_records(project: Project) -> None:
    found = json.loads(run("import", "figures", "--format", "json", root=project.root).output)
    assert found["means"]["is_it_polite-main-judge"]["brave-fox"] == [0.8, 5]
    told = found["agreement"]["is_it_polite-main-judge-2"]
    assert (told["n"], told["mae"], told["mse"]) == (4, 0.21875, (0.0625 + 0.25 + 0.015625 + 0) / 4)
    assert found["agreement"]["is_it_polite-main-judge"]["n"] == 0
    assert "mae             0.21875" in run("import", "figures", root=project.root).output


def test_judges_are_measured_on_peoples_ratings(project: Project) -> None:
    result = run("agree", "is_it_polite", "--format", "json", "--calls", "replay", root=project.root)
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert "is_it_polite-main-judge-2" in json.dumps(said)
    assert "row has changed" not in result.output


def test_audit_lists_what_execution_contradicts(pytester: pytest.Pytester, kiln: Kiln) -> None:
    imported(kiln, pytester.path, "--truth", "executing:runs")
    scorer = 'def runs(sample):\n    return sample.output in ("gold 0", "gold 3")\n'
    Project(pytester).write("executing.py", scorer)
    result = run("audit", "is_it_polite", "--format", "json", "--calls", "replay", root=pytester.path)
    assert result.exit_code == 0, result.output
    contradicted = [one for one in json.loads(result.stdout)["findings"] if one["kind"] == "contradiction"]
    assert {json.dumps(one).count("execution") > 0 for one in contradicted} == {True}
    assert len(contradicted) == 2  # "fail" of gold 0, which runs, and "pass" of gold 1, which does not


def test_a_judge_that_was_imported_judges_nothing_else(project: Project) -> None:
    outputs = project.root / "datasets/outputs/brave-fox.jsonl"
    outputs.write_text(outputs.read_text().replace("made 1", "something else"))
    result = project.run("--calls", "replay", "-k", "test_is_it_polite and 101")
    assert result.ret == 1
    assert "it never judged this answer" in result.stdout.str()


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{", "not a whole line"),
        ('{"v": 1, "row": "a"}', "output"),
        ('{"v": 1, "row": "100", "output": "x"}', "already"),
    ],
)
def test_a_bad_line_of_outputs_is_told(project: Project, line: str, why: str) -> None:
    with (project.root / "datasets/outputs/brave-fox.jsonl").open("a") as file:
        file.write(line + "\n")
    said = project.run("--calls", "replay").stdout.str()
    assert "brave-fox.jsonl:6" in said
    assert why in said


def test_a_row_whose_run_is_gone_is_made_of_its_verdict(kiln: Kiln, tmp_path: Path) -> None:
    kiln.verdict("799", ("5", "60"), ("gone", "who?", "me"), "nobody", politeness=1.0)
    imported(kiln, tmp_path / "here")
    assert "who?" in (tmp_path / "here/datasets/is_it_polite.jsonl").read_text()
    assert [one["output"] for one in lines(tmp_path / "here/datasets/outputs/gone-nobody.jsonl")] == ["me"]


def test_scores_off_their_scale_are_no_verdicts(kiln: Kiln, tmp_path: Path) -> None:
    kiln.verdict("700", ("5", "60"), ("100", "hello 0", "made 0"), "400", politeness=7.0)
    said = imported(kiln, tmp_path / "here")
    assert "no number on the scale pass_fail" in said


def test_each_score_of_an_eval_is_an_eval(kiln: Kiln, tmp_path: Path) -> None:
    two = [{"name": "Tone", "type": "five_star"}, {"name": "Safety", "type": "pass_fail_critical"}]
    kiln.eval("6", "Both", two)
    kiln.judge("62", "6", "J")
    kiln.run(
        "300",
        "a",
        "b",
        "golden_6",
        rated={"named::Tone": ("five_star", 4.0), "named::Safety": ("pass_fail_critical", -1.0)},
    )
    kiln.verdict("730", ("6", "62"), ("300", "a", "b"), None, tone=5.0, safety=0.0)
    imported(kiln, tmp_path / "here")
    data = tmp_path / "here/datasets"
    assert [one["value"] for one in lines(data / "ratings/both_tone/ada.jsonl")] == [4]
    assert [one["value"] for one in lines(data / "ratings/both_safety/ada.jsonl")] == ["critical"]
    verdicts = tmp_path / "here/evals/judges"
    assert [one["value"] for one in lines(verdicts / "both_tone-j.verdicts.jsonl")] == [1.0]
    assert [one["value"] for one in lines(verdicts / "both_safety-j.verdicts.jsonl")] == [0.5]


def _torn(kiln: Kiln) -> str:
    (kiln.root / TASK / "runs/100/task_run.kiln").write_text('{"id": ')
    return "runs/100/task_run.kiln: is no JSON"


def _nan(kiln: Kiln) -> str:
    kiln.run("100", "x", "y", stars=float("nan"))
    return "runs/100/task_run.kiln: is no JSON: NaN"


def _infinite(kiln: Kiln) -> str:
    file = kiln.run("100", "x", "y", stars=4.5)
    file.write_text(file.read_text().replace("4.5", "1e999"))
    return "1e999 is no number"


def _nested(kiln: Kiln) -> str:
    (kiln.root / TASK / "runs/100/task_run.kiln").write_text("[" * 100_000)
    return "runs/100/task_run.kiln: is no JSON"


def _bytes(kiln: Kiln) -> str:
    (kiln.root / TASK / "runs/100/task_run.kiln").write_bytes(b'{"id": "\xff"}')
    return "runs/100/task_run.kiln: is not UTF-8"


def _shape(kiln: Kiln) -> str:
    kiln.write(f"{TASK}/runs/100", "task_run", id="100", input=["no"], output="no")
    return "runs/100/task_run.kiln: input"


def _orphan(kiln: Kiln) -> str:
    (kiln.root / TASK / "evals/5 - e/eval.kiln").unlink()
    return "there is no eval.kiln in the folder"


def _no_task(kiln: Kiln) -> str:
    (kiln.root / TASK / "task.kiln").unlink()
    return "there is no task.kiln in the folder"


def _twice(kiln: Kiln) -> str:
    file = kiln.root / TASK / "runs/100/task_run.kiln"
    (kiln.root / TASK / "runs/copy").mkdir()
    (kiln.root / TASK / "runs/copy/task_run.kiln").write_text(file.read_text())
    return "has the id '100' of"


def _no_project(kiln: Kiln) -> str:
    (kiln.root / "project.kiln").unlink()
    return "there is no project of Kiln's"


def _linked_project(kiln: Kiln) -> str:
    (kiln.root / "project.kiln").rename(kiln.root / "real")
    (kiln.root / "project.kiln").symlink_to(kiln.root / "real")
    return "there is no project.kiln"


@pytest.mark.parametrize(
    "spoil", [_torn, _nan, _infinite, _nested, _bytes, _shape, _orphan, _no_task, _twice, _no_project, _linked_project]
)
def test_a_bad_file_is_told_and_nothing_is_written(kiln: Kiln, tmp_path: Path, spoil: Any) -> None:
    wanted = spoil(kiln)
    result = run("import", "kiln", kiln.root, "--into", tmp_path / "here")
    assert result.exit_code == 1
    assert wanted in result.output
    assert sorted(os.listdir(tmp_path)) == ["kiln"]


def test_a_file_of_an_absurd_size_is_told(kiln: Kiln, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LARGEST", 2**20)
    kiln.run("100", "x" * 2**20, "y")
    result = run("import", "kiln", kiln.root, "--into", tmp_path / "here")
    assert result.exit_code == 1
    assert "more than 1 MiB" in result.output


def test_links_are_not_followed_but_listed(kiln: Kiln, tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret/task_run.kiln").write_text("private")
    (kiln.root / TASK / "runs/999").symlink_to(tmp_path / "secret")
    os.mkfifo(kiln.root / TASK / "runs/pipe.kiln")
    said = imported(kiln, tmp_path / "here")
    assert "a link, which is not followed" in said
    assert not [f for f in (tmp_path / "here").rglob("*") if f.is_file() and b"private" in f.read_bytes()]


def test_halves_of_characters_are_mended_and_listed(kiln: Kiln, tmp_path: Path) -> None:
    kiln.run("100", "a \ud800 b", "y", "eval_5")
    assert "halves of characters" in imported(kiln, tmp_path / "here")
    assert "a \ufffd b" in (tmp_path / "here/datasets/kiln/runs.jsonl").read_text()


def test_no_file_is_overwritten(kiln: Kiln, tmp_path: Path) -> None:
    (tmp_path / "here/evals").mkdir(parents=True)
    (tmp_path / "here/evals/run_configs.yaml").write_text("mine")
    result = run("import", "kiln", kiln.root, "--into", tmp_path / "here")
    assert result.exit_code == 1
    assert "is there already: evals/run_configs.yaml" in result.output
    assert [p.name for p in (tmp_path / "here").rglob("*") if p.is_file()] == ["run_configs.yaml"]


def test_a_folder_that_is_a_link_is_refused(kiln: Kiln, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "here").mkdir()
    (tmp_path / "here/datasets").symlink_to(tmp_path / "elsewhere")
    result = run("import", "kiln", kiln.root, "--into", tmp_path / "here")
    assert result.exit_code == 1
    assert "datasets is a link" in result.output
    assert not list((tmp_path / "elsewhere").iterdir())


def test_what_cannot_be_written_whole_is_taken_back(
    kiln: Kiln, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here/mine").write_text("mine")
    link, done = os.link, []

    def failing(source: Path, target: Path) -> None:
        done.append(target)
        if len(done) > 5:
            raise OSError(28, "No space left on device")
        link(source, target)

    monkeypatch.setattr(placing.os, "link", failing)
    result = run("import", "kiln", kiln.root, "--into", tmp_path / "here")
    assert result.exit_code == 1
    assert "No space left" in result.output
    assert [p.name for p in (tmp_path / "here").rglob("*")] == ["mine"]


def test_beside_files_of_a_project_that_is_there(kiln: Kiln, tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here/pyproject.toml").write_text("[tool.pytest.ini_options]\n")
    imported(kiln, tmp_path / "here")
    assert not (tmp_path / "here/pytest.ini").exists()
    assert sorted(os.listdir(tmp_path / "here")) == [".gitignore", "datasets", "evals", "imported", "pyproject.toml"]


@pytest.mark.parametrize("truth", ["x", "a:b;c", "a.b", "os:system('x')", "a:b:c", "a\n:b"])
def test_truth_names_a_function_or_nothing(kiln: Kiln, tmp_path: Path, truth: str) -> None:
    result = run("import", "kiln", kiln.root, "--into", tmp_path / "here", "--truth", truth)
    assert result.exit_code == 1
    assert "names no function" in result.output


@pytest.mark.skipif(not DEMO.is_file(), reason="Kiln's public demo does not lie beside the repository")
def test_the_demos_own_figures_to_the_last_digit(tmp_path: Path) -> None:
    from scipy import stats  # type: ignore[import-untyped,unused-ignore]

    with tarfile.open(DEMO) as archive:
        archive.extractall(tmp_path, filter="data")
    demo = next(tmp_path.glob("*/project.kiln")).parent
    imported(Kiln(demo), tmp_path / "here")
    found = json.loads(run("import", "figures", "--format", "json", root=tmp_path / "here").output)
    names = {one["kiln"]: one["here"] for one in lines(tmp_path / "here/imported/kiln/ids.jsonl") if "here" in one}
    runs = {file.parent.name[:12]: json.loads(file.read_text()) for file in demo.glob("tasks/*/runs/*/task_run.kiln")}
    seen = 0
    for folder in demo.glob("tasks/*/evals/*/configs/*"):
        verdicts = [json.loads(file.read_text()) for file in sorted(folder.glob("runs/*/eval_run.kiln"))]
        (judge,) = names[folder.name[:12]]
        means: dict[str, list[float]] = defaultdict(list)
        pairs = []
        for one in sorted(verdicts, key=lambda one: one["dataset_id"]):
            (score,) = one["scores"].values()
            if not one["eval_config_eval"]:
                means[one["task_run_config_id"]].append(score)
            elif rating := runs[one["dataset_id"]]["output"]["rating"]:
                pairs.append((score, rating["requirement_ratings"]["named::Correctness"]["value"]))
        for config, scores in means.items():
            assert found["means"][judge][names[config][0]] == [sum(scores) / len(scores), len(scores)]
        if pairs:
            told, (said, people) = found["agreement"][judge], zip(*pairs, strict=True)
            assert told["mae"] == sum(abs(a - b) for a, b in pairs) / len(pairs)
            assert told["mse"] == sum((a - b) ** 2 for a, b in pairs) / len(pairs)
            assert told["spearman"] == stats.spearmanr(said, people)[0]
            assert told["pearson"] == stats.pearsonr(said, people)[0]
            assert told["kendall"] == stats.kendalltau(said, people)[0]
        seen += len(means) + len(pairs)
    assert seen == 17 + 5 * 34
