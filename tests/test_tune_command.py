"""`touchstone tune`, from rows to a run-config, against an emulator of OpenAI's API."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from click.testing import CliRunner, Result
from projects import Project

from tests.tune_emulators.openai_tuning import OpenAITuning
from touchstone.cli import main
from touchstone.config import load_catalogue
from touchstone.places import PLACES, Places

BASE = "gpt-4.1-mini-2025-04-14"
JOBS = "POST /v1/fine_tuning/jobs"
SWEEP = f"""
data: {{train: capitals}}
runs:
  - {{provider: openai, base: {BASE}, prompt: ask, rows: [12, 20], parameters: {{n_epochs: 2}}}}
"""
SMALL, LARGE = f"{BASE}-rows12", f"{BASE}-rows20"
PLACES_TOLD = (
    "Peru Chad Oman Cuba Mali Fiji Laos Togo Iran Iraq Italy Spain Kenya Japan Nepal Qatar Yemen India Libya Malta"
)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenAITuning]:
    with OpenAITuning().serving() as emulator:
        monkeypatch.setenv("OPENAI_API_KEY", emulator.key)
        monkeypatch.setenv("OPENAI_BASE_URL", f"{emulator.url}/v1")
        yield emulator


@pytest.fixture
def project(project: Project) -> Project:
    """With rows to learn from, and a sweep of two jobs."""
    rows = [
        {"id": name, "input": f"Where is {name} governed from?", "answer": f"From {name[::-1]}."}
        for name in PLACES_TOLD.split()
    ]
    project.write("datasets/capitals.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    project.write("tuning/sweeps/first.yaml", SWEEP)
    return project


def tune(project: Project, *args: str) -> Result:
    return CliRunner().invoke(main, ["--root", str(project.root), "tune", *args])


def entry(project: Project, job: str) -> dict[str, object]:
    data = json.loads((project.root / f"tuning/jobs/first/{job}.json").read_text())
    assert isinstance(data, dict)
    return data


def names(project: Project) -> list[str]:
    return [c.name for c in load_catalogue(Places.of(project.root, lambda name: PLACES[name][0])).run_configs]


def test_from_rows_to_a_run_config(project: Project, server: OpenAITuning) -> None:
    planned = tune(project, "plan", "first")
    assert planned.exit_code == 0, planned.output
    assert "2 jobs; no row is alike" in planned.output
    assert "12 examples" in planned.output
    assert server.saw(JOBS) == []
    assert "submitted as ftjob-1" in tune(project, "submit", "first").output
    waited = tune(project, "wait", "first", "--every", "0.1")
    assert waited.exit_code == 0, waited.output
    assert f"{SMALL}: succeeded, step 4 of 4" in waited.output
    assert f"{LARGE}: succeeded" in tune(project, "status", "first").output
    registered = tune(project, "register", "first", SMALL, "--as", "tuned")
    assert registered.exit_code == 0, registered.output
    assert names(project)[-1] == "tuned"
    tuned = load_catalogue(Places.of(project.root, lambda name: PLACES[name][0])).run_configs[-1]
    assert (tuned.prompt, tuned.model) == ("ask", entry(project, SMALL)["model"])
    assert "called 'tuned' already" in tune(project, "register", "first", SMALL, "--as", "tuned").output


def test_a_job_is_submitted_once(project: Project, server: OpenAITuning) -> None:
    assert tune(project, "submit", "first", "--job", SMALL).exit_code == 0
    again = tune(project, "submit", "first")
    assert f"{SMALL}: submitted before" in again.output
    assert len(server.saw(JOBS)) == 2
    assert "first: 2 jobs submitted" in tune(project, "list").output


def test_a_job_whose_answer_was_lost_is_found_and_not_made_again(project: Project, server: OpenAITuning) -> None:
    server.drop_after_next(on=JOBS)
    lost = tune(project, "submit", "first", "--job", SMALL)
    assert lost.exit_code == 0, lost.output
    assert len(server.saw(JOBS)) == 1
    assert entry(project, SMALL)["job"] == "ftjob-1"


def test_a_job_that_was_submitted_before_a_crash_is_found_again(project: Project, server: OpenAITuning) -> None:
    """The process died between the provider's answer and the ledger: the mark of the intent is all there is."""
    tune(project, "submit", "first", "--job", SMALL)
    kept = {name: value for name, value in entry(project, SMALL).items() if name != "job"}
    project.write(f"tuning/jobs/first/{SMALL}.json", json.dumps(kept))
    assert "found again as ftjob-1" in tune(project, "submit", "first", "--job", SMALL).output
    assert len(server.saw(JOBS)) == 1


def test_rows_that_changed_behind_a_job_are_told(project: Project, server: OpenAITuning) -> None:
    tune(project, "submit", "first", "--job", SMALL)
    rows = project.root / "datasets/capitals.jsonl"
    rows.write_text(rows.read_text().replace("From ", "It is ruled from "))
    changed = tune(project, "submit", "first", "--job", SMALL)
    assert changed.exit_code == 1
    assert "was submitted with other rows or parameters" in changed.output
    assert len(server.saw(JOBS)) == 1


def test_a_budget_stops_all_before_anything_is_sent(project: Project, server: OpenAITuning) -> None:
    over = tune(project, "submit", "first", "--max-cost", "0.000001")
    assert over.exit_code == 1
    assert "nothing was submitted" in over.output
    assert server.saw(JOBS) == []
    assert not (project.root / "tuning/jobs").exists()


def test_a_row_of_an_eval_is_never_learnt(project: Project, server: OpenAITuning) -> None:
    row = {"id": "leak", "input": "Where is Peru governed from??", "expect": "Lima"}
    project.write("datasets/held_out.jsonl", json.dumps(row) + "\n")
    leaking = tune(project, "submit", "first")
    assert leaking.exit_code == 1
    assert "Peru" in leaking.output
    assert "held_out" in leaking.output
    assert server.saw(JOBS) == []


def test_a_failed_job_ends_the_wait_with_1_and_says_why(project: Project, server: OpenAITuning) -> None:
    server.will_fail = "the data set was refused by the safety check"
    tune(project, "submit", "first", "--job", SMALL)
    waited = tune(project, "wait", "first", "--every", "0.1")
    assert waited.exit_code == 1
    assert "failed: server_error: the data set was refused" in waited.output
    assert "has not succeeded: it is failed" in tune(project, "register", "first", SMALL).output


def test_what_failed_is_made_anew_only_where_that_is_asked(project: Project, server: OpenAITuning) -> None:
    server.will_fail = "no luck"
    tune(project, "submit", "first", "--job", SMALL)
    tune(project, "wait", "first", "--every", "0.1")
    server.will_fail = ""
    assert "failed: --again submits it anew" in tune(project, "submit", "first", "--job", SMALL).output
    assert len(server.saw(JOBS)) == 1
    assert "submitted as ftjob-2" in tune(project, "submit", "first", "--job", SMALL, "--again").output
    assert tune(project, "wait", "first", "--every", "0.1").exit_code == 0
    assert entry(project, SMALL)["state"] == "succeeded"
    assert "submitted before" in tune(project, "submit", "first", "--job", SMALL, "--again").output
    assert len(server.saw(JOBS)) == 2


def test_a_mark_of_other_rows_is_not_written_over(project: Project, server: OpenAITuning) -> None:
    """All that is known of a job that runs may be the mark that was left before its answer was lost."""
    tune(project, "submit", "first", "--job", SMALL)
    kept = {name: value for name, value in entry(project, SMALL).items() if name != "job"}
    project.write(f"tuning/jobs/first/{SMALL}.json", json.dumps(kept))
    rows = project.root / "datasets/capitals.jsonl"
    rows.write_text(rows.read_text().replace("From ", "It is ruled from "))
    changed = tune(project, "submit", "first", "--job", SMALL)
    assert changed.exit_code == 1
    assert "was submitted with other rows" in changed.output
    assert entry(project, SMALL)["job"] == "ftjob-1"
    assert len(server.saw(JOBS)) == 1


def test_a_job_that_the_sweep_names_no_more_is_still_followed(project: Project, server: OpenAITuning) -> None:
    tune(project, "submit", "first", "--job", SMALL)
    project.write("tuning/sweeps/first.yaml", SWEEP.replace("[12, 20]", "[14, 20]"))
    assert f"{SMALL}: " in tune(project, "status", "first").output
    assert f"{SMALL}: cancelled" in tune(project, "cancel", "first", "--yes").output


def test_a_job_that_cannot_be_asked_keeps_no_other_from_its_end(
    project: Project, server: OpenAITuning, monkeypatch: pytest.MonkeyPatch
) -> None:
    tune(project, "submit", "first")
    data = entry(project, LARGE)
    project.write(f"tuning/jobs/first/{LARGE}.json", json.dumps({**data, "provider": "local", "job": "ts-0"}))
    waited = tune(project, "wait", "first", "--every", "0.1")
    assert waited.exit_code == 1
    assert f"{LARGE}: cannot be asked: ts-0 was submitted on another machine" in waited.output
    assert entry(project, SMALL)["state"] == "succeeded"


def test_a_name_that_no_run_config_can_have_is_told_first(project: Project, server: OpenAITuning) -> None:
    tune(project, "submit", "first", "--job", SMALL)
    tune(project, "wait", "first", "--every", "0.1")
    named = tune(project, "register", "first", SMALL, "--as", "../tuned")
    assert named.exit_code == 1
    assert "cannot name a run-config" in named.output


def test_a_cancelled_job_stays_cancelled(project: Project, server: OpenAITuning) -> None:
    tune(project, "submit", "first", "--job", SMALL)
    assert f"{SMALL}: cancelled" in tune(project, "cancel", "first", "--yes").output
    assert f"{SMALL}: cancelled" in tune(project, "status", "first").output


def test_without_a_key_a_plan_says_what_is_missing_and_a_submit_stops(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    assert "OPENAI_API_KEY" in tune(project, "plan", "first").output
    submitted = tune(project, "submit", "first")
    assert submitted.exit_code == 1
    assert "OPENAI_API_KEY" in submitted.output
    assert not (project.root / "tuning/jobs").exists()


def test_no_key_reaches_a_file(project: Project, server: OpenAITuning) -> None:
    tune(project, "submit", "first")
    tune(project, "wait", "first", "--every", "0.1")
    files = [path for path in project.root.rglob("*") if path.is_file()]
    assert len(files) > 5
    assert [path for path in files if server.key.encode() in path.read_bytes()] == []


def test_a_torn_entry_is_told_with_what_to_do(project: Project, server: OpenAITuning) -> None:
    tune(project, "submit", "first", "--job", SMALL)
    project.write(f"tuning/jobs/first/{SMALL}.json", '{"tag": "ts-')
    torn = tune(project, "status", "first")
    assert torn.exit_code == 1
    assert "is no entry of a job" in torn.output


@pytest.mark.parametrize("command", ["wait", "cancel", "register"])
def test_what_was_not_submitted_is_told_how(project: Project, server: OpenAITuning, command: str) -> None:
    args = {"register": ["first", SMALL], "cancel": ["first", "--yes"]}.get(command, ["first"])
    asked = tune(project, command, *args)
    assert asked.exit_code == 1
    assert "touchstone tune submit first" in asked.output


def test_comments_and_order_of_the_run_configs_stay(project: Project, server: OpenAITuning) -> None:
    config = "- {name: main, model: python/app:echo, prompt: ask, default: true}"
    text = f"# ours\nrun_configs:\n  # the first\n  {config}\n\ngroups:\n  all: [main]\n"
    project.write("evals/run_configs.yaml", text)
    tune(project, "submit", "first", "--job", SMALL)
    tune(project, "wait", "first", "--every", "0.1")
    tune(project, "register", "first", SMALL, "--as", "tuned")
    lines = (project.root / "evals/run_configs.yaml").read_text().splitlines()
    assert [line for line in lines if '"tuned"' not in line] == text.splitlines()
    assert '"tuned"' in lines[4]
