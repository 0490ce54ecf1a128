"""The report's page as a file: its policy, its size, what is cut, how to ask for it. A browser looks elsewhere."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from pages import CONFIGS, DOT, EVALS, SYSTEM, prompts, sample, samples, summary, whole
from projects import Project

from touchstone.archive import Archive
from touchstone.cache import Cache
from touchstone.cli import main
from touchstone.recordings import Recordings
from touchstone.records import Message, Outcome, Request, Response, SampleRecord, Score
from touchstone.report.page import document, page
from touchstone.report.page.escaping import encoded, size
from touchstone.report.page.pictures import LARGEST, MOST, STANDING, Pictures, is_picture
from touchstone.report.page.pool import LONGEST, SHORTEST, Pool, fair

STATIC = Path(document.__file__).parent / "static"


def data(html: str) -> dict[str, Any]:
    """What is embedded."""
    (found,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)
    read: dict[str, Any] = json.loads(found)
    return read


def hashed(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


# The file


def test_the_policy_names_each_script_and_the_style_by_its_digest_and_allows_nothing_else() -> None:
    html = whole(list(samples(2)))
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)
    rules = {rule.split()[0]: rule.split()[1:] for rule in policy.split("; ")}
    scripts = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    styles = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    assert rules["script-src"] == [hashed(text) for text in scripts]
    assert rules["style-src"] == [hashed(text) for text in styles]
    assert (len(scripts), len(styles)) == (3, 1)
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == ["'none'"]
    assert rules["img-src"] == ["data:"]
    assert not re.search(r"unsafe|https?:|\*", policy)


def test_nothing_in_the_frame_comes_from_a_network() -> None:
    frame = (STATIC / "page.html").read_text()
    assert not re.search(r"""(?:src|href)=["']?(?!["'#]|data:)""", frame)
    assert not re.search(r"url\(|@import", (STATIC / "page.css").read_text())


def test_no_module_makes_markup_out_of_text() -> None:
    for file in STATIC.glob("*.js"):
        found = re.findall(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", file.read_text()
        )
        assert not found, file


def test_the_modules_are_joined_in_an_order_that_works_and_share_no_name() -> None:
    seen: list[str] = []
    names: list[str] = []
    for name in document._SCRIPTS:
        text = (STATIC / name).read_text()
        assert set(re.findall(r'^import .* from "\./([a-z]+\.js)";$', text, re.MULTILINE)) <= set(seen), name
        assert len(re.findall(r"^import ", text, re.MULTILINE)) == len(re.findall(r'^import .*";$', text, re.MULTILINE))
        names += re.findall(r"^(?:export )?(?:const|let|function|class) ([\w$]+)", text, re.MULTILINE)
        seen.append(name)
    assert sorted(names) == sorted(set(names))
    assert {file.name for file in STATIC.glob("*.js")} == set(seen)
    assert not re.search(r"^(?:import|export) ", document._script(), re.MULTILINE)


@pytest.mark.parametrize("folder", [STATIC / "vendor", Path(__file__).parent / "vendor"], ids=["page", "tests"])
def test_what_is_carried_from_others_is_what_the_table_says(folder: Path) -> None:
    table = re.findall(
        r"^\| (\S+) \| \S+ \| \S+ \| \S+ \| ([0-9a-f]{64}) \|$", (folder / "README.md").read_text(), re.M
    )
    assert {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name, _ in table} == dict(table)
    assert {name for name, _ in table} == {file.name for file in folder.iterdir()} - {"README.md"}


# What is embedded


ANYTHING = st.none() | st.floats() | st.text(max_size=20) | st.sampled_from(["\ud800", "</script>", "\u202e\x00\x7f"])


@settings(max_examples=60, deadline=None)
@given(st.lists(ANYTHING | st.lists(ANYTHING, max_size=3), max_size=5))
def test_embedded_json_is_the_same_value_and_ends_no_element(value: Any) -> None:
    text = encoded(value)
    text.encode()
    assert not re.search("[<\x00-\x1f\x7f-\x9f\u202a-\u202e\u2028\u2029\ud800-\udfff]", text)
    assert repr(json.loads(text)) == repr(_finite(value))


def _finite(value: Any) -> Any:
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return str(value) if isinstance(value, float) and (value != value or abs(value) == float("inf")) else value


def test_nesting_without_an_end_is_told_not_followed() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert json.loads(encoded(deep)) == "(nested too deeply to be shown)"


def test_samples_are_columns_and_what_repeats_stands_once() -> None:
    records = list(samples(4))
    html = whole(records)
    found = data(html)
    columns = found["columns"]
    assert {len(column) for column in columns.values()} == {len(records)}
    assert (found["evals"], found["configs"]) == (list(EVALS), list(CONFIGS))
    assert html.count(SYSTEM) == 1
    assert len(found["heads"]) == 1
    assert len(found["prompts"]) == 4
    head, role, last = found["prompts"][columns["prompt"][0]]
    assert [found["heads"][head][0], found["texts"][found["heads"][head][1]]] == ["system", SYSTEM]
    assert (role, found["texts"][last]) == ("user", "please do row-00")
    assert found["texts"][columns["output"][1]].endswith("do row-00 --as cheap\n```")


def test_the_order_of_the_records_changes_no_byte() -> None:
    records = list(samples(4))
    assert whole(records) == whole(records[::-1])


def test_skipped_samples_are_counted_not_listed() -> None:
    skipped = replace(sample("correct", "row-00", "dear", good=True), outcome=Outcome("skipped", "KEY is not set"))
    found = data(whole([*samples(2), skipped]))
    assert "dear" not in found["configs"]
    assert found["report"]["skipped"][0]["why"] == "KEY is not set"


def test_a_request_that_nobody_kept_has_no_prompt() -> None:
    records = list(samples(1))
    found = data(page(summary(records), records, {}))
    assert set(found["columns"]["prompt"]) == {None}


# Size


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 5000), max_size=60), st.integers(100_000, 200_000))
def test_what_fits_is_cut_nowhere_and_else_all_fit(sizes: list[int], room: int) -> None:
    limit = fair(sizes, room)
    if sum(sizes) <= room:
        assert limit is None
    else:
        assert limit is not None
        assert sum(min(one, limit) for one in sizes) <= room


WORDS = st.builds(lambda text, times: text * times, st.text(max_size=20), st.integers(0, 60))


@settings(max_examples=40, deadline=None)
@given(st.lists(WORDS | st.dictionaries(st.text(max_size=9), WORDS, max_size=3), max_size=12))
def test_a_pool_keeps_to_its_room_and_says_what_it_cut(parts: list[Any]) -> None:
    pool = Pool()
    numbers = [pool.value(part) for part in parts]
    written, cuts = pool.written(1000)
    kept = json.loads(written)
    assert all(size(encoded(one)) <= max(SHORTEST, 1000) for one in kept)
    for number, part in zip(numbers, parts, strict=True):
        assert (number in cuts) == (kept[number] != part)
        if number not in cuts:
            assert size(encoded(part)) <= 1000


def test_a_long_text_is_cut_and_its_length_told() -> None:
    pool = Pool()
    pool.text("x" * (LONGEST + 1))
    written, cuts = pool.written(10_000_000)
    assert json.loads(written) == ["x" * (LONGEST - 2)]
    assert cuts == {0: LONGEST + 1}


def test_two_thousand_long_samples_stay_below_five_megabytes() -> None:
    long = '<"\u202e\u6f22' * 500
    evidence = {"stderr": long, "streams": [{"codec": "h264"}] * 300}
    records = []
    for n in range(2000):
        one = sample("correct", f"row-{n:04}", "ships", good=n % 2 == 0, output=f"{n} {long}")
        frames = {f"{n}.mp4": {"frame": webp(1500 + 4 * (n % 90), "ABCDEFGH"[n % 8])[:-8] + f"{n:08}"}}
        score = Score(0.5, f"{n} {long}", {**evidence, "row": n, "found": frames})
        records.append(
            replace(one, scores={"fits": score}, outcome=Outcome("miss", f"{n}: {long}"), input=f"{n} {long}")
        )
    html = whole(records)
    assert len(html.encode()) < 5_000_000
    found = data(html)
    assert len(found["cuts"]) > 2000
    assert 900_000 < sum(map(len, filter(None, found["pictures"]))) <= document.PICTURES


# Pictures


def webp(characters: int, letter: str = "A") -> str:
    """What is taken for a picture, of about so many characters."""
    return "data:image/webp;base64," + letter * (characters // 4 * 4)


@pytest.mark.parametrize("value", [DOT, webp(4), webp(4) + "AA==", webp(8) + "AAA=", "data:image/jpeg;base64,/9j/"])
def test_a_small_raster_picture_in_base64_is_a_picture(value: str) -> None:
    assert is_picture(value)


NO_PICTURES = [
    "data:image/svg+xml;base64,PHN2Zy8+",
    "data:image/svg+xml,<svg onload=alert(1)>",
    'data:image/png;base64,"onerror=alert(1) x="',
    "data:image/png;base64,AAAA<script>",
    "data:image/png;base64,AAAA\n",
    "\ndata:image/png;base64,AAAA",
    "data:image/png;base64,AAAA#x",
    "data:image/png;base64,AAAA AAAA",
    "data:image/png;base64,AAA",
    "data:image/png;base64,=AAA",
    "data:image/png;base64,",
    "data:image/png,AAAA",
    "data:image/png;charset=x;base64,AAAA",
    "DATA:image/png;base64,AAAA",
    "data:image/gif;base64,AAAA",
    "data:text/html;base64,AAAA",
    "data:image/png;base64,\u0410AAA",
    webp(LARGEST),
]


@pytest.mark.parametrize("value", [*NO_PICTURES, None, 1, b"data:image/png;base64,AAAA", [DOT]])
def test_whatever_is_nearly_a_picture_is_none(value: object) -> None:
    assert not is_picture(value)


def pictured(row: str, config: str, picture: Any, *, good: bool = False, **more: Any) -> SampleRecord:
    """A sample whose evidence has a picture."""
    one = sample("correct", row, config, good=good)
    return replace(one, scores={"fits": Score(float(good), "", {"found": {"out.mp4": {"frame": picture, **more}}})})


def test_a_picture_is_taken_out_of_the_evidence_and_kept_once() -> None:
    records = [pictured("row-00", "ships", DOT), pictured("row-01", "cheap", DOT, other=webp(8))]
    html = whole(records)
    found = data(html)
    assert (html.count(DOT), found["pictures"]) == (1, [DOT, webp(8)])
    first, second = ([score] for (score,) in found["columns"]["scores"])
    assert first[0][4] == [[["found", "out.mp4", "frame"], 0]]
    assert second[0][4] == [[["found", "out.mp4", "frame"], 0], [["found", "out.mp4", "other"], 1]]
    assert found["texts"][second[0][3]] == {"found": {"out.mp4": {"frame": STANDING, "other": STANDING}}}
    assert len(data(whole([sample("correct", "row-00", "ships", good=True)]))["columns"]["scores"][0][0]) == 4


@pytest.mark.parametrize("value", NO_PICTURES)
def test_what_is_no_picture_stays_where_it_was(value: str) -> None:
    found = data(whole([pictured("row-00", "ships", value)]))
    ((score,),) = found["columns"]["scores"]
    assert (found["pictures"], len(score)) == ([], 4)
    assert str(found["texts"][score[3]]["found"]["out.mp4"]["frame"])[:20] == value[:20]


def test_a_picture_that_stands_elsewhere_than_in_evidence_is_a_text() -> None:
    one = sample("correct", "row-00", "ships", good=False, output=DOT)
    one = replace(one, input=DOT, outcome=Outcome("miss", DOT), scores={"fits": Score(0, DOT)}, errors={"judge": DOT})
    found = data(whole([one]))
    assert found["pictures"] == []
    assert found["texts"].count(DOT) == 1


def test_pictures_of_what_ships_and_of_misses_are_kept_first_and_none_is_cut() -> None:
    kinds = [("cheap", True), ("cheap", False), ("ships", True), ("ships", False)]
    records = [
        pictured(f"row-{n}{good}", config, webp(LARGEST - 400 + 4 * n, "BCDE"[place]), good=good)
        for place, (config, good) in enumerate(kinds)
        for n in range(30)
    ]
    kept = [one for one in data(whole(records))["pictures"] if one]
    assert 950_000 < sum(map(len, kept)) <= document.PICTURES
    assert all(is_picture(one) for one in kept)
    assert [sum(letter in one[-4:] for one in kept) for letter in "EDCB"] == [30, len(kept) - 30, 0, 0]


def test_a_small_picture_goes_where_a_large_one_has_no_room_and_the_better_rank_counts() -> None:
    pictures = Pictures()
    for rank, one in [(3, webp(4000, "L")), (0, webp(8000, "B")), (1, webp(400, "S")), (0, webp(4000, "L"))]:
        pictures.lifted({"frame": one}, rank)
    assert pictures.written(5000) == [webp(4000, "L"), None, webp(400, "S")]


def test_evidence_without_an_end_or_with_endless_names_gives_no_more_pictures_than_are_shown() -> None:
    deep: Any = DOT
    for _ in range(5000):
        deep = [deep]
    pictures = Pictures()
    assert pictures.lifted({"deep": deep}, 0) == ({"deep": deep}, [])
    rest, places = pictures.lifted({"many": [DOT] * 500, "x" * 500: DOT}, 0)
    assert len(places) == MOST
    assert rest == {"many": [STANDING] * 500, "x" * 500: STANDING}


def test_the_records_order_changes_no_picture() -> None:
    records = [pictured(f"row-{n}", "ships", webp(LARGEST - 40, "ABCDEFGHIJ"[n % 10])) for n in range(80)]
    assert whole(records) == whole(records[::-1])


FRAMED = f"""
import pytest
from touchstone.records import Score

def framed(sample):
    return Score(0.0, "dull", {{"frame": {DOT!r}}})

@pytest.mark.eval(dataset="words", scorers=[framed], gates=["framed >= 0.5"])
def test_words(sample):
    sample.require("framed")
"""


@pytest.mark.parametrize("style", ["markdown", "json", "csv", "terminal"])
def test_no_other_report_prints_a_picture(project: Project, style: str) -> None:
    project.eval(FRAMED)
    printed = project.run().stdout.str()
    (run,) = project.runs
    assert DOT in (run / "report.html").read_text()
    result = CliRunner().invoke(main, ["--root", str(project.root), "report", "--format", style])
    written = "".join((run / name).read_text() for name in ("report.md", "report.json"))
    assert "framed" in result.output
    assert "data:image" not in result.output + printed + written


# How it is asked for


def test_a_run_leaves_its_page_and_the_command_writes_it_again(project: Project) -> None:
    project.run()
    (run,) = project.runs
    first = (run / "report.html").read_text()
    found = data(first)
    assert found["where"] == f".touchstone/runs/{run.name}"
    messages = found["prompts"][found["columns"]["prompt"][0]]
    assert found["texts"][messages[2]] == "good a"
    (run / "report.html").unlink()
    result = CliRunner().invoke(main, ["--root", str(project.root), "report", "--format", "html"])
    assert result.output == f"report: .touchstone/runs/{run.name}/report.html\n"
    assert (run / "report.html").read_text() == first


@pytest.mark.parametrize("style", ["html", "markdown", "json", "terminal"])
def test_out_names_the_file(project: Project, tmp_path: Path, style: str) -> None:
    project.run()
    out = tmp_path / "new" / "report"
    result = CliRunner().invoke(main, ["--root", str(project.root), "report", "--format", style, "--out", str(out)])
    assert (result.exit_code, result.output) == (0, f"report: {out}\n")
    assert "words" in out.read_text()


def test_a_place_that_cannot_be_written_is_told_in_words(project: Project, tmp_path: Path) -> None:
    project.run()
    (tmp_path / "file").touch()
    for out, words in [(tmp_path, "this is a folder"), (tmp_path / "file" / "x.html", "cannot be written")]:
        result = CliRunner().invoke(
            main, ["--root", str(project.root), "report", "--format", "html", "--out", str(out)]
        )
        assert result.exit_code == 1
        assert words in result.output
        assert str(out) in result.output


def test_a_damaged_cache_costs_the_prompts_not_the_page(project: Project) -> None:
    project.run()
    (run,) = project.runs
    (project.root / ".touchstone/cache/cache.db").write_bytes(b"no database" * 1000)
    result = CliRunner().invoke(main, ["--root", str(project.root), "report", "--format", "html"])
    assert result.exit_code == 0
    assert set(data((run / "report.html").read_text())["columns"]["prompt"]) == {None}


# What was asked


def test_what_was_asked_is_found_in_the_recordings_and_the_cache(tmp_path: Path) -> None:
    here, there, lost = (Request("m", (Message("system", "s"), Message("user", text)), {}) for text in "abc")
    archive = Archive(Cache(tmp_path / "cache"), tmp_path / "recordings")
    recordings = Recordings(tmp_path / "recordings")
    recordings.add(here, Response("x"))
    recordings.write()
    archive.cache.put("response", there.key, {"request": there.as_dict(), "response": Response("y").as_dict()})
    archive.cache.put("response", lost.key, {"request": there.as_dict(), "response": Response("y").as_dict()})
    found = archive.asked({here.key, there.key, lost.key})
    archive.cache.close()
    assert found == {here.key: here.messages, there.key: there.messages}


def test_a_recording_that_was_edited_is_no_prompt(tmp_path: Path) -> None:
    request = Request("m", (Message("user", "before"),), {})
    recordings = Recordings(tmp_path)
    recordings.add(request, Response("x"))
    (file,) = recordings.write()
    file.write_text(file.read_text().replace("before", "after"))
    assert Archive(Cache(tmp_path / "cache"), tmp_path).asked({request.key}) == {}


def test_names_are_cleaned_as_the_summary_cleans_them() -> None:
    records: list[SampleRecord] = [replace(r, eval="a\u202eb", run_config="c\nd") for r in samples(1)]
    found = data(page(summary(records), records, prompts(records)))
    assert (found["evals"], found["configs"]) == (["ab"], ["c d"])
    assert {(r["eval"], r["run_config"]) for r in found["report"]["results"]} == {("ab", "c d")}
