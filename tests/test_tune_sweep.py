"""A sweep's file: the jobs that it makes, and what is wrong with one that makes none."""

from __future__ import annotations

from pathlib import Path

import pytest

from touchstone.errors import UsageError
from touchstone.places import PLACES, Places
from touchstone_tuning.tune.sweep import NamedSweep, load_sweep

HEAD = "data: {train: rows}\nruns:\n"


def loaded(root: Path, text: str) -> NamedSweep:
    file = root / "tuning/sweeps/first.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return load_sweep("first", Places.of(root, lambda name: PLACES[name][0]))


def test_each_combination_of_the_axes_is_a_job(tmp_path: Path) -> None:
    run = "  - {provider: local, base: a/b, prompt: ask, rows: [5, 9], parameters: {rank: [4, 8], epochs: 2}}\n"
    jobs = loaded(tmp_path, HEAD + run).jobs
    assert [job.name for job in jobs] == ["b-rows5-rank4", "b-rows5-rank8", "b-rows9-rank4", "b-rows9-rank8"]
    assert [(job.rows, dict(job.parameters)) for job in jobs][1] == (5, {"rank": 8, "epochs": 2})


def test_a_parameter_that_is_a_list_is_an_axis_only_as_a_list_of_lists(tmp_path: Path) -> None:
    one = loaded(
        tmp_path, HEAD + "  - {provider: local, base: b, prompt: ask, parameters: {modules: [q_proj, v_proj]}}\n"
    )
    assert len(one.jobs) == 1
    two = loaded(
        tmp_path, HEAD + "  - {provider: local, base: b, prompt: ask, parameters: {modules: [[q_proj], [v_proj]]}}\n"
    )
    assert len(two.jobs) == 2


def test_a_tag_follows_from_all_that_makes_the_job_and_from_nothing_else(tmp_path: Path) -> None:
    run = "  - {provider: local, base: b, prompt: ask, parameters: {rank: [4, 8]}}\n"
    first, second = loaded(tmp_path, HEAD + run).jobs
    assert first.tag("rows") == loaded(tmp_path, "about: x\n" + HEAD + run).jobs[0].tag("rows")
    assert len({first.tag("rows"), second.tag("rows"), first.tag("other rows")}) == 3
    assert len(first.tag("rows")) <= 20


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            HEAD + "  - {provider: local, base: b, prompt: ask, parameters: {rnak: 4}}\n",
            r"first\.yaml:3.*did you mean rank\?",
        ),
        (
            HEAD + "  - {provider: local, base: b, prompt: ask, parameters: {rank: 0}}\n",
            r"rank: .*greater than or equal to 1",
        ),
        (HEAD + "  - {provider: nobody, base: b, prompt: ask}\n", r"first\.yaml:3: runs\.0\.provider"),
        (
            HEAD + "  - {provider: local, base: b, prompt: ask}\n  - {provider: local, base: b, prompt: ask}\n",
            r"first\.yaml:4.*stands twice",
        ),
        ("data: {trian: rows}\nruns: []\n", r"did you mean train\?"),
        ("[]\n", "is no sweep"),
        ("data: {train: rows}\nruns: []\n", "runs"),
        (HEAD + "  - {provider: local, base: b, prompt: ask, rows: [" + "1, " * 1001 + "]}\n", "makes 1001 jobs"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_what_was_meant(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        loaded(tmp_path, text)


def test_names_are_short_and_differ(tmp_path: Path) -> None:
    long = "a/Meta-Llama-3.1-8B-Instruct-Reference-with-a-very-long-name-of-its-own"
    runs = f"  - {{provider: local, base: {long}, prompt: ask, parameters: {{rank: [4, 8]}}}}\n"
    two = "  - {provider: local, base: x/m, prompt: ask}\n  - {provider: local, base: y/m, prompt: ask}\n"
    names = [job.name for job in loaded(tmp_path, HEAD + runs + two).jobs]
    assert len(set(names)) == 4
    assert max(map(len, names)) <= 60


@pytest.mark.parametrize(
    "given", ["base: []", 'base: ""', "base: b, rows: []", "base: b, rows: true", "base: b, rows: 0"]
)
def test_nothing_is_no_value(tmp_path: Path, given: str) -> None:
    with pytest.raises(UsageError, match=r"first\.yaml:3"):
        loaded(tmp_path, HEAD + f"  - {{provider: local, {given}, prompt: ask}}\n")


def test_a_job_that_is_not_there_is_told_by_its_nearest(tmp_path: Path) -> None:
    sweep = loaded(tmp_path, HEAD + "  - {provider: local, base: model, prompt: ask, rows: [5, 9]}\n")
    with pytest.raises(UsageError, match="did you mean model-rows5"):
        sweep.chosen(("model-row5",))


def test_a_sweep_that_is_not_there_is_told_by_its_nearest(tmp_path: Path) -> None:
    loaded(tmp_path, HEAD + "  - {provider: local, base: b, prompt: ask}\n")
    with pytest.raises(UsageError, match=r"did you mean first\?"):
        load_sweep("frist", Places.of(tmp_path, lambda name: PLACES[name][0]))


def test_the_project_s_own_sweeps_load() -> None:
    root = Path(__file__).parents[1]
    for path in (root / "tuning/sweeps").glob("*.yaml"):
        assert load_sweep(path.stem, Places.of(root, lambda name: PLACES[name][0])).jobs


def test_what_most_jobs_have_does_not_stand_in_their_names(tmp_path: Path) -> None:
    runs = "  - {provider: local, base: a/b, prompt: p, rows: [2, 4, 9], parameters: {rank: 8}}\n"
    more = "  - {provider: local, base: a/b, prompt: p, rows: 4, parameters: {rank: 2}}\n"
    names = [job.name for job in loaded(tmp_path, HEAD + runs + more).jobs]
    assert names == ["b-rows2", "b-rows4", "b-rows9", "b-rows4-rank2"]
