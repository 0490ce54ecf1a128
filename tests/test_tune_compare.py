"""`touchstone tune compare`: jobs that an emulator trained, registered, and measured by an eval that really runs."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from math import inf, nan
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result
from markdown_it import MarkdownIt
from playwright.sync_api import Browser
from projects import APP, Project
from test_rating_browser import HOSTILE, browser, playwright_
from test_synth_review_browser import CONTRAST

from tests.tune_emulators.openai_tuning import OpenAITuning
from touchstone.cli import main
from touchstone.places import PLACES, Places
from touchstone_tuning.tune.comparing.curves import panels
from touchstone_tuning.tune.comparing.whole import Asked, Whole, whole
from touchstone_tuning.tune.keeping import MOST, thinned
from touchstone_tuning.tune.ledger import Entry, Ledger
from touchstone_tuning.tune.local.desk import Desk, End
from touchstone_tuning.tune.provider import Loss, Order
from touchstone_tuning.tune.providers.local import Local

__all__ = ["browser", "playwright_"]

BASE = "gpt-4.1-mini-2025-04-14"
SWEEP = f"""
about: Capitals, by heart
data: {{train: capitals, validation: 0.3}}
runs:
  - {{provider: openai, base: {BASE}, prompt: ask, rows: [12, 20], parameters: {{n_epochs: 2}}}}
"""
SMALL, LARGE = f"{BASE}-rows12", f"{BASE}-rows20"
SHORT = "[a](/x) **b** | `c` @d"
"""Fits into a cell, which is cropped."""
NAMES = (
    "Peru Chad Oman Cuba Mali Fiji Laos Togo Iran Iraq Italy Spain Kenya Japan Nepal Qatar Yemen India Libya Malta "
    "Ghana Gabon Niger Sudan Samoa Tonga Nauru Palau Benin Burma Congo Egypt Haiti Syria Wales"
)
MODELS = """

def partly(request):
    asked = request.messages[-1].content
    return "good" if int(asked.split()[-1]) < 16 else asked


def barely(request):
    return "bad"


def wholly(request):
    return "good"
"""
RUN_CONFIGS = f"""
run_configs:
  - {{name: main, model: python/app:echo, prompt: ask, default: true}}
  - {{name: cold, model: {BASE}, prompt: ask, temperature: 0}}
"""


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project's folder with a sweep of two jobs that have ended."""
    root = tmp_path_factory.mktemp("jobs")
    rows = [
        {"id": name, "input": f"Where is {name} governed from?", "answer": f"From {name[::-1]}."}
        for name in NAMES.split()
    ]
    made = Project(SimpleNamespace(path=root))  # type: ignore[arg-type]
    made.dataset(rows, "capitals")
    made.write("evals/prompts/ask.j2", "{{ input }}\n")
    made.write("tuning/sweeps/first.yaml", SWEEP)
    with OpenAITuning().serving() as emulator, pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_API_KEY", emulator.key)
        patch.setenv("OPENAI_BASE_URL", f"{emulator.url}/v1")
        for command in (("submit", "first"), ("wait", "first", "--every", "0.1")):
            done = tune(made, *command)
            assert done.exit_code == 0, done.output
    return root


@pytest.fixture
def trained(project: Project, jobs: Path) -> Project:
    """With those jobs, and an eval of 24 rows of which the base knows 8."""
    for folder in ("tuning", "datasets"):
        shutil.copytree(jobs / folder, project.root / folder, dirs_exist_ok=True)
    project.dataset({"id": f"r{at:02}", "input": f"{'good' if at % 3 == 0 else 'bad'} {at}"} for at in range(24))
    project.write("app.py", APP + MODELS)
    return project


@pytest.fixture
def measured(trained: Project) -> Project:
    """Both models are run-configs, that run here, and have been measured beside the base."""
    for job, model, name in ((SMALL, "partly", "small"), (LARGE, "wholly", "large")):
        deployed(trained, job, f"python/app:{model}")
        assert tune(trained, "register", "first", job, "--as", name).exit_code == 0
    trained.run()
    return trained


def deployed(project: Project, job: str, model: str) -> None:
    """As `register --deploy` leaves it: the model is called by another name where it runs."""
    edit(project, job, served=model)


def edit(project: Project, job: str, **more: Any) -> None:
    file = project.root / f"tuning/jobs/first/{job}.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **more}))


def tune(project: Project, *args: str) -> Result:
    return CliRunner().invoke(main, ["--root", str(project.root), "tune", *args])


def compare(project: Project, *args: str) -> Result:
    """In the newest run: names of runs tell seconds apart, no less."""
    run = [] if "--run" in args or not project.runs else ["--run", project.runs[-1].name]
    return tune(project, "compare", "first", "--base", "main", *run, *args)


def flat(shown: str) -> str:
    """Without the breaks of lines."""
    return " ".join(shown.split())


def line(shown: str, start: str, after: str = "") -> list[str]:
    """The words of the first line that starts so, behind a title."""
    return next(one.split() for one in shown[shown.index(after) :].splitlines() if one.strip().startswith(start))


def places(project: Project) -> Places:
    return Places.of(project.root, lambda name: PLACES[name][0])


def asked(project: Project, **more: Any) -> Whole:
    return whole("first", places(project), Asked(**{"base": "main", **more}))


def test_each_job_stands_beside_its_base_with_what_it_took_and_what_it_is_worth(measured: Project) -> None:
    shown = compare(measured)
    assert shown.exit_code == 0, shown.output
    taught = line(shown.output, "2 gpt-4.1", "what was learnt")
    assert taught[2:6] == ["large", "20", "2", "840"]
    worth = "what it is worth"
    assert line(shown.output, "main (base)", worth)[2:] == ["33", "18-53", "-"]
    assert line(shown.output, "1 small", worth)[2:4] == ["75", "55-88"]
    assert line(shown.output, "2 large", worth)[2:5] == ["100", ">=86", "+67"]
    assert "to do next" not in shown.output


def test_gains_are_those_of_touchstone_compare(measured: Project) -> None:
    args = ["--root", str(measured.root), "compare", "main", "small", "large", "--score", "passed", "--format", "json"]
    theirs = json.loads(CliRunner().invoke(main, args).output)["comparisons"]
    worth = asked(measured).worth
    assert worth is not None
    for one in theirs:
        (score,), ours = one["scores"], worth.gains["words", one["second"]]
        assert (ours.found.mean, ours.found.p, ours.adjusted) == (
            score["found"]["mean"],
            score["found"]["p"],
            score["adjusted"],
        )
        assert f"{ours.found.interval.low:.3f}" == f"{score['found']['interval']['low']:.3f}"
    assert len(theirs) == 2


def test_a_gain_is_marked_only_where_the_rows_show_it(measured: Project) -> None:
    assert re.search(r"\+67 \[\+40, \+83\]\*", compare(measured).output)
    measured.run("--rows", "3")
    few = compare(measured)
    gain = line(few.output, "2 large", "what it is worth")
    assert gain[4].startswith("+")
    assert not gain[-1].endswith("*")


def test_runs_and_evals_are_chosen_and_those_that_are_not_there_are_told(measured: Project) -> None:
    measured.eval(
        "import pytest\n\n@pytest.mark.eval(dataset='words')\ndef test_short(output):\n    assert len(output) < 5\n",
        "short",
    )
    (first,) = (run.name for run in measured.runs)
    measured.run()
    both = compare(measured)
    assert "short, gain words, gain" in flat(both.output)
    assert "words" not in compare(measured, "--eval", "short").output
    assert "short" not in compare(measured, "--run", first).output
    wrong = compare(measured, "--eval", "shrt")
    assert (wrong.exit_code, "did you mean short?" in wrong.output) == (1, True)
    gone = compare(measured, "--run", "2001")
    assert gone.exit_code == 1
    assert "there is no run 2001" in gone.output
    assert first in gone.output


def test_a_run_without_a_sample_of_them_says_what_to_type(measured: Project) -> None:
    measured.run("--run-config", "small")
    shown = compare(measured)
    assert shown.exit_code == 0
    assert line(shown.output, "2 large", "what it is worth")[2:4] == ["no", "sample"]
    assert "has no sample of main, large pytest evals/ --calls record --run-config main" in flat(
        shown.output.replace("* ", "")
    )


def test_what_cannot_be_held_against_the_others_yet_is_shown_with_the_next_command(trained: Project) -> None:
    trained.write("tuning/sweeps/first.yaml", SWEEP.replace("[12, 20]", "[12, 14, 20]"))
    edit(trained, SMALL, state="failed", why="no luck")
    shown = compare(trained)
    assert shown.exit_code == 1
    assert "1 gpt-4.1" in shown.output  # the table is there all the same
    said = flat(shown.output)
    assert f"{SMALL}: failed 4/4: no luck touchstone tune submit first --job {SMALL} --again" in said
    assert f"rows14: not submitted touchstone tune submit first --job {BASE}-rows14" in said
    assert f"{LARGE}: not registered touchstone tune register first {LARGE}" in said
    assert "Error: tuning/sweeps/first.yaml: no job is registered" in said
    assert said.endswith(f"touchstone tune register first {LARGE}")


def test_a_job_that_runs_and_one_that_the_sweep_names_no_more_are_there(trained: Project) -> None:
    trained.write("tuning/sweeps/first.yaml", SWEEP.replace("[12, 20]", "[14, 20]"))
    edit(trained, LARGE, state="running", step=3, steps=9)
    shown = compare(trained).output
    assert line(shown, "2 gpt-4.1", "what was learnt")[2:4] == ["running", "3/9"]
    assert line(shown, "3 gpt-4.1", "what was learnt")[2:4] == ["not", "registered"]
    assert f"touchstone tune wait first --job {LARGE}" in flat(shown)


def test_the_base_is_the_untuned_run_config_of_the_same_model_and_prompt(trained: Project) -> None:
    trained.write("evals/run_configs.yaml", RUN_CONFIGS)
    assert asked(trained, base=None).roster.bases == ("cold",)
    trained.write("evals/run_configs.yaml", RUN_CONFIGS.replace(f"model: {BASE}", f"model: openai/{BASE}"))
    assert asked(trained, base=None).roster.bases == ("cold",)
    trained.write("evals/prompts/other.j2", "{{ input }}")
    trained.write("evals/run_configs.yaml", RUN_CONFIGS.replace("ask, temp", "other, temp"))
    shown = flat(tune(trained, "compare", "first").output)
    assert "has the prompt ask, so no gain is known; with another prompt: cold" in shown
    assert "touchstone tune compare first --base cold" in shown


def test_other_run_configs_stand_beside_them_and_two_of_one_model_are_of_one_job(measured: Project) -> None:
    more = measured.root / "evals/run_configs.yaml"
    twin = "  - {name: twin, model: python/app:partly, prompt: ask, top_p: 0.5}\n"
    more.write_text(more.read_text() + twin + "  - {name: other, model: python/app:barely, prompt: ask}\n")
    measured.run()
    shown = compare(measured, "--against", "other").output
    assert line(shown, "1 twin", "what it is worth")[2:5] == ["75", "55-88", "+42"]
    assert line(shown, "other", "what it is worth")[1:4] == ["0", "0-14", "-33"]
    assert line(shown, "1 gpt-4.1", "what was learnt")[2:4] == ["small", "+1"]
    assert "other" not in compare(measured).output
    assert "did you mean twin?" in compare(measured, "--against", "twn").output
    assert "--base" in tune(measured, "compare", "first", "--base", "nobody").output


@pytest.mark.parametrize(("name", "why"), [("frist", "did you mean first?"), ("first", "touchstone tune submit first")])
def test_a_sweep_that_is_not_there_or_was_not_submitted_is_told(project: Project, name: str, why: str) -> None:
    project.write("tuning/sweeps/first.yaml", SWEEP)
    shown = tune(project, "compare", name)
    assert shown.exit_code == 1
    assert why in shown.output


def test_a_fresh_clone_shows_what_was_learnt(measured: Project) -> None:
    before = compare(measured).output
    (measured.root / ".touchstone").rename(measured.root / "elsewhere")
    after = compare(measured)
    assert after.exit_code == 1
    assert "pytest evals/ --calls record --run-config main --run-config small --run-config large" in flat(after.output)
    for title in ("what was learnt", "train loss (val loss) on the way"):
        assert line(after.output, "2 gpt-4.1", title) == line(before, "2 gpt-4.1", title)


# What is kept of a job


def test_losses_are_thinned_and_keep_their_ends() -> None:
    many = [Loss(at, 5 / at, 6 / at if at % 3 == 0 else None) for at in range(1, 1001)]
    kept = thinned(many)
    assert len(kept) <= sum(MOST.values())
    assert (kept[0].step, kept[-1].step) == (1, 1000)
    assert max(one.step for one in kept if one.validation) == 999
    assert thinned(many[:7]) == tuple(
        Loss(one.step, *(v and round(v, 4) for v in (one.train, one.validation))) for one in many[:7]
    )


def test_what_is_no_number_is_not_kept(project: Project) -> None:
    ledger = Ledger("first", places(project))
    ledger.put_losses("a", thinned([Loss(1, 2.0), Loss(2, nan, inf), Loss(3, 1.0)]))
    assert ledger.losses("a") == (Loss(1, 2.0), Loss(3, 1.0))


@pytest.mark.parametrize("bad", ["{", '{"v": 1, "step": "x"}', '{"v": 1, "stop": 1}', '{"v": 9, "step": 1}'])
def test_losses_that_were_damaged_are_told(measured: Project, bad: str) -> None:
    file = measured.root / f"tuning/jobs/first/{SMALL}.losses.jsonl"
    file.write_text(file.read_text() + bad + "\n")
    shown = compare(measured)
    assert shown.exit_code == 1
    assert f"{SMALL}.losses.jsonl" in shown.output
    assert "take it from git again" in shown.output


def test_a_job_of_this_machine_is_told_by_its_adapter_where_that_is_all_there_is(project: Project) -> None:
    """What training leaves is written by hand; that it leaves this is shown in test_tune_training.py."""
    base = "embedded/smollm2-135m-instruct"
    run = f"{{provider: local, base: {base}, prompt: ask, parameters: {{rank: [4, 8]}}}}"
    project.write("tuning/sweeps/first.yaml", f"data: {{train: words}}\nruns: [{run}]\n")
    configs = f"{RUN_CONFIGS}  - {{name: untuned, model: {base}, prompt: ask}}\n"
    project.write("evals/run_configs.yaml", configs)
    job, tag = "smollm2-135m-instruct-rank8", "ts-0000000000000001"
    train = project.write("train.jsonl", "{}\n")
    Local(places(project)).submit(Order(tag, base, {"rank": 8}, train), str(train), None)
    desk = Desk(project.root / ".touchstone/tunes" / tag)
    desk.losses.write_text("".join(f'{{"step": {at}, "steps": 200, "train": {3 / at}}}\n' for at in range(1, 201)))
    desk.adapter.write_bytes(b"GGUF" * 250_000)
    desk.write(desk.end, End(ok=True, tokens=90_000, seconds=45.0))
    entry = Entry(tag=tag, provider="local", base=base, prompt="ask", parameters={"rank": 8}, examples=3, job=tag)
    Ledger("first", places(project)).put(job, entry)
    assert tune(project, "wait", "first", "--every", "0.1").exit_code == 0
    assert tune(project, "register", "first", job, "--as", "tuned").exit_code == 0
    (project.root / ".touchstone").rename(project.root / "elsewhere")
    shown = tune(project, "compare", "first").output
    taught = "what was learnt"
    headings = "run-config rows epochs rank tokens time tokens/s"
    assert headings in flat(shown)
    assert line(shown, "2 smollm2", taught)[2:] == ["tuned", "3", "3", "8", "90.0k", "45", "s", "2,000"]
    assert "1.0 MB $0" in flat(shown)
    assert line(shown, "1 smollm2", taught)[2:7] == ["not", "submitted", "-", "3", "4"]
    assert asked(project, base=None).roster.bases == ("untuned",)
    assert "0.01" in line(shown, "2 smollm2", "on the way")


# Curves and pages


def test_curves_go_through_what_was_measured(measured: Project) -> None:
    loss, learning = panels(asked(measured))
    (line_,) = learning.lines
    assert [(point.x, round(point.y)) for point in line_.points] == [(0, 33), (12, 75), (20, 100)]
    assert all(point.interval and point.interval.low <= point.y <= point.interval.high for point in line_.points)
    assert [bool(one.label) for one in loss.lines] == [True, False, True, False]
    assert [point.y for point in loss.lines[0].points] == [2.0, 1.0, 0.6667, 0.5]


def hostile(project: Project) -> Iterator[str]:
    """Texts of others wherever the page has them: job names, reasons, parameters, names of models and evals."""
    texts = [*HOSTILE.values(), SHORT]
    for at, text in enumerate(one.encode("utf-8", "replace").decode()[:3000] for one in texts):
        name = re.sub(r"[/\x00]", "_", text)[:50]
        more = {
            "rows": 5 + at,
            "why": text,
            "state": "failed",
            "base": text,
            "prompt": text[:90],
            "parameters": {text: text},
        }
        data = json.loads((project.root / f"tuning/jobs/first/{SMALL}.json").read_text())
        project.write(f"tuning/jobs/first/{name}.json", json.dumps({**data, **more}))
        project.write(
            f"tuning/jobs/first/{name}.losses.jsonl",
            '{"v": 1, "step": 1, "train": 2}\n{"v": 1, "step": 9, "train": 1}\n',
        )
        yield text
    (run,) = project.runs
    (samples,) = run.glob("samples-*.jsonl")
    text = samples.read_text()
    samples.write_text(
        text
        + text.replace('"eval":"words"', '"eval":"<img src=x onerror=alert(9)> $x^2$ _"').replace("test_words", "t")
    )


def test_the_terminal_has_80_columns_and_obeys_no_name(measured: Project) -> None:
    assert len(list(hostile(measured))) > 5
    shown = compare(measured).output
    assert max(map(len, shown.splitlines())) <= 80
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202e\u200b]", shown)


def test_markdown_is_tables_and_a_picture_whatever_names_say(measured: Project) -> None:
    list(hostile(measured))
    page = measured.root / "out/sweep.md"
    assert compare(measured, "--markdown", str(page)).exit_code == 0
    html = MarkdownIt("gfm-like", {"linkify": False}).render(page.read_text())
    assert html.count("<table>") == 3
    assert '<img src="sweep.svg" alt="Curves of losses and scores" />' in html
    assert html.count("<img") == 1
    assert not re.search(r"<(script|svg|a|iframe|style|base|strong)\b", html)
    picture = (page.parent / "sweep.svg").read_text()
    assert "<script" not in picture
    assert "gpt-4.1-mini-2025-04-14-rows20" in picture


def test_the_same_sweep_gives_the_same_page(measured: Project) -> None:
    pages = [measured.root / f"{name}.html" for name in "ab"]
    for page in pages:
        assert compare(measured, "--html", str(page)).exit_code == 0
    assert pages[0].read_bytes() == pages[1].read_bytes()


def test_without_the_plotting_library_it_says_which(measured: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    shown = compare(measured, "--html", str(measured.root / "a.html"))
    assert shown.exit_code == 1
    assert "pip install 'pytest-touchstone[synth]'" in shown.output
    assert "2 large" in shown.output  # the table wants none


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1280])
def test_the_page_opens_from_disk_and_names_stay_text(
    measured: Project, browser: Browser, width: int, scheme: Any
) -> None:
    list(hostile(measured))
    file = measured.root / "sweep.html"
    assert compare(measured, "--html", str(file)).exit_code == 0
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page, said, wanted = context.new_page(), list[str](), list[str]()
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: wanted.append(request.url))
    page.on("dialog", lambda dialog: said.append(dialog.message) or dialog.dismiss())
    page.goto(file.as_uri())
    assert (said, wanted) == ([], [file.as_uri()])
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(CONTRAST) == []
    assert page.title() == "first - tune compare - touchstone"
    assert page.locator("script, img, iframe, a, base, link, main style").count() == 0
    assert page.locator("figure svg[role=img]").count() == 3
    assert page.locator("svg text", has_text="rows20").count() == 1
    assert page.locator("svg text", has_text="<img src=x onerror=alert(9)> $x^2$ _").count() == 1
    assert page.locator("td", has_text="+67").first.is_visible()
    context.close()
