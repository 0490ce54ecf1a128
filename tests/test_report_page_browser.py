"""The report's page in a real Chromium, opened from disk: hostile text, tables, charts, addresses, keys, and axe."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from browsers import BROWSERS, FLAGS
from pages import CONFIGS, DOT, sample, samples, whole
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from touchstone.records import Outcome, SampleRecord, Score

AXE = Path(__file__).parent / "vendor/axe.min.js"
VIEWS = ("overview", "charts", "rows", "samples", "compare", "judges")
SAMPLE = "#sample/correct/row-03/cheap/1"
DIFF = "#diff/correct/row-03/ships/1/cheap/1"
HOSTILE = {
    "script": "<script>alert(1)</script><img src=x onerror=alert(2)><svg onload=alert(3)>",
    "end": "</script></pre></title><title>owned</title><base href=//evil.example><script>alert(4)</script>",
    "comment": "<!--<script> ]]> --> <!-- </script",
    "links": "[here](javascript:alert(4)) ![x](http://127.0.0.1:9/leak.png) <a href='javascript:alert(5)'>x</a>",
    "style": "<style>body{display:none}</style><link rel=stylesheet href=//evil.example/x.css>",
    "frame": "```html\n<iframe src=//evil.example></iframe><meta http-equiv=refresh content=0;url=//evil.example>\n```",
    "bidi": "safe\u202egpj.exe\u202c \u200b\u2066 \x1b[31m \x00 \ud800 \U000e0041 \r\n\u2028",
    "line": "x" * 200_000,
    "marks": "\u202e\u200b" * 20_000,
    "svg": "data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIG9ubG9hZD0iYWxlcnQoMSkiLz4=",
    "picture": f'{DOT}"onerror=alert(8) x="',
    "address": 'data:image/png;base64,AAAA" onerror="alert(9)',
    "large": "data:image/png;base64," + "A" * 200_000,
    "template": "{{data}} {{scripts}} ${alert(7)} __proto__ constructor",
}


def test_a_browser_is_there_where_it_must_be() -> None:
    assert BROWSERS or os.environ.get("TOUCHSTONE_REQUIRE_CHROMIUM") != "1"


def settle(page: Page) -> None:
    """Until the view of a changed address is there: the browser tells the page of it in a task of its own."""
    page.evaluate("new Promise(done => setTimeout(done, 20))")


class Reader:
    """A person at the page."""

    def __init__(self, context: BrowserContext, file: Path) -> None:
        self.page, self.file = context.new_page(), file
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("dialog", self._dialog)

    def _dialog(self, dialog: Any) -> None:
        self.said.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def open(self, address: str = "") -> Page:
        self.page.goto(f"{self.file.as_uri()}{address}")
        self.page.wait_for_selector("body[data-ready]")
        settle(self.page)
        return self.page

    def quiet(self) -> bool:
        """Whether nothing was said, and nothing asked for but the file."""
        foreign = [url for url in self.asked if not url.startswith(("data:", self.file.as_uri()))]
        assert (self.said, foreign) == ([], [])
        return True


@pytest.fixture(scope="module", params=BROWSERS, ids=["chromium"] if BROWSERS else None)
def browser(request: pytest.FixtureRequest) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=request.param, args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two evals, twelve rows and three run-configs, with an error."""
    records = list(samples())
    records[5] = replace(
        records[5], outcome=Outcome("error", "fits: no answer"), errors={"fits": "no answer"}, scores={}
    )
    file = tmp_path_factory.mktemp("page") / "report.html"
    file.write_text(whole(records), encoding="utf-8")
    return file


Open = Callable[..., Reader]


@pytest.fixture(scope="module")
def shared(browser: Browser, plain: Path) -> Iterator[Reader]:
    """One reader for all who need no other: a page is opened once, and then goes from address to address."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(10_000)
    yield Reader(context, plain)
    context.close()


@pytest.fixture
def read(browser: Browser, plain: Path, shared: Reader) -> Iterator[Open]:
    """Opens the page for a reader."""
    contexts: list[BrowserContext] = []

    def opened(file: Path = plain, **settings: Any) -> Reader:
        if file == plain and not settings:
            shared.said.clear()
            shared.asked.clear()
            return shared
        contexts.append(browser.new_context(**settings))
        contexts[-1].set_default_timeout(10_000)
        return Reader(contexts[-1], file)

    yield opened
    for context in contexts:
        context.close()


def rows(page: Page, selector: str = "#found") -> list[str]:
    return page.locator(f"{selector} tbody th").all_inner_texts()


# What is hostile


def poisoned(row: str, text: str) -> list[SampleRecord]:
    """The text in each place that somebody else writes."""
    one = sample("correct", row, "ships", good=False, output=text)
    score = Score(
        0.5, text, {text or "k": text, "list": [{"what": text, "wanted": text}], "stderr": text + "\n" + text}
    )
    hurt = replace(one, outcome=Outcome("miss", text), scores={"fits": score}, errors={text: text}, input={"q": text})
    named = replace(hurt, eval=text[:200], run_config=text[:200], row=text[:200], test=text, scores={text: score})
    return [hurt, replace(one, run_config="cheap", outcome=Outcome("error", text)), named]


def test_hostile_text_stays_text_in_every_view(read: Open, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    records = [record for row, text in HOSTILE.items() for record in poisoned(row, text)]
    file.write_text(whole(records), encoding="utf-8")
    reader = read(file)
    page = reader.open()
    own = page.evaluate("[...document.querySelectorAll('nav a')].map(a => a.hash)")
    page.goto(f"{file.as_uri()}#samples")
    settle(page)
    assert page.locator("#found tbody tr").count() == len(records)
    samples_ = page.evaluate("[...document.querySelectorAll('#found tbody a')].map(a => a.hash)")
    for address in [*own, *samples_, *(f"#diff/correct/{row}/ships/1/cheap/1" for row in HOSTILE)]:
        page.evaluate("address => { location.hash = address; }", address)
        settle(page)
        found = page.evaluate(LOOK, FORBIDDEN)
        assert found == {"foreign": 0, "drawn": 2, "handlers": 0, "h1": 1}, address
        assert page.title().endswith("- touchstone")
        assert reader.quiet()


FORBIDDEN = "script, img, iframe, object, embed, link, style, base, form, meta, a:not([href^='#'])"
LOOK = """forbidden => {
  document.querySelectorAll("details").forEach(one => { one.open = true; });
  const all = [...document.querySelectorAll("*")];
  return {
    foreign: document.querySelectorAll(`main :is(${forbidden})`).length,
    drawn: document.querySelectorAll("svg *").length - document.querySelectorAll(".plot *").length,
    handlers: all.filter(e => [...e.attributes].some(a => /^on/.test(a.name))).length,
    h1: document.querySelectorAll("main > section:not([hidden]) h1").length,
  };
}"""


def test_the_policy_stops_what_would_run_if_text_ever_became_markup(read: Open) -> None:
    reader = read()
    page = reader.open()
    tried = page.evaluate(
        """() => {
          const thrown = (act) => { try { act(); return "done"; } catch (error) { return error.name; } };
          const script = document.createElement("script");
          const style = document.createElement("style");
          style.append("body { display: none }");
          document.body.append(style);
          return [thrown(() => { document.body.innerHTML = "<img src=x onerror=owned=1>"; }),
                  thrown(() => { script.text = "window.owned = 1"; document.body.append(script); }),
                  String(window.owned), getComputedStyle(document.body).display];
        }"""
    )
    assert tried == ["TypeError", "TypeError", "undefined", "block"]
    assert len(reader.said) >= 2  # the browser tells of each


def test_what_hides_is_shown_and_what_was_cut_is_told(read: Open, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    records = [
        sample("correct", "row-00", "ships", good=False, output=HOSTILE["bidi"]),
        sample("correct", "row-01", "ships", good=False, output=HOSTILE["line"]),
    ]
    file.write_text(whole(records), encoding="utf-8")
    page = read(file).open("#sample/correct/row-00/ships/1")
    words = page.inner_text("#view-sample")
    for name in ("U+202E", "U+200B", "U+2066", "U+001B", "U+0000", "U+D800", "U+E0041", "U+2028"):
        assert name in words
    assert "\u202e" not in words
    page.keyboard.press("j")
    expect(page.locator(".cut")).to_have_text(
        "Cut here: of 200,000 characters. The whole stands in .touchstone/runs/run-1."
    )


# Pictures

PICTURED = "#sample/correct/row-00/ships/1"


def pictured(tmp_path: Path, **evidence: Any) -> Path:
    """A page of one sample with this evidence, whose texts are pictures too."""
    one = sample("correct", "row-00", "ships", good=False, output=f"{DOT}")
    one = replace(one, input=DOT, outcome=Outcome("miss", DOT), errors={"judge": DOT})
    file = tmp_path / "report.html"
    shared = {"runs": Score(1.0, "", evidence), "fits": Score(0.0, DOT, evidence)}
    file.write_text(whole([replace(one, scores=shared)]), encoding="utf-8")
    return file


def test_a_picture_of_the_evidence_is_seen_with_what_it_is_of(read: Open, tmp_path: Path) -> None:
    found = {"out\u202e.mp4": {"frame": DOT, "frame_at": 1.5, "container": "mp4"}}
    reader = read(pictured(tmp_path, found=found, shots=[DOT, "text"], svg=HOSTILE["svg"]))
    page = reader.open(PICTURED)
    images = page.locator("#view-sample img")
    expect(images).to_have_count(2)
    assert [one.get_attribute("alt") for one in images.all()] == ["frame of out.mp4 at 1.5 s", "shots"]
    assert [one.get_attribute("src") for one in images.all()] == [DOT, DOT]
    assert images.first.evaluate("one => one.decode().then(() => one.naturalWidth)") == 1
    assert page.locator("figcaption:visible").all_inner_texts() == ["frame at 1.5 s"]
    expect(page.locator(".pictured dl")).to_have_text("containermp4")
    # What is no evidence is a text: the question, the answer, the reasons, an error.
    assert page.locator(".text", has_text=DOT).count() >= 4
    expect(page.locator("#view-sample")).to_contain_text("data:image/svg+xml;base64")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    assert page.evaluate("axe.run({ resultTypes: ['violations'] }).then(found => found.violations)") == []
    assert reader.quiet()


@pytest.mark.parametrize(
    "address",
    [
        HOSTILE["svg"],
        "data:image/svg+xml,<svg/>",
        "https://evil.example/x.png",
        "//evil.example/x.png",
        "javascript:alert(1)",
        "data:text/html;base64,AAAA",
        'data:image/png;base64,AAAA"onerror=alert(1)',
        "data:image/png;base64,AAAA\n",
        "data:image/png;base64," + "A" * 24_000,
        "x.png",
        7,
        None,
        ["data:image/png;base64,AAAA"],
    ],
)
def test_the_page_looks_at_a_picture_itself_before_it_shows_it(read: Open, tmp_path: Path, address: Any) -> None:
    file = pictured(tmp_path, found={"a.mp4": {"frame": DOT}})
    written = file.read_text().replace(
        f'"pictures":["{DOT}"]', f'"pictures":[{json.dumps(address)}]'.replace("<", "\\u003c")
    )
    assert f'"pictures":["{DOT}"]' not in written
    file.write_text(written)
    reader = read(file)
    page = reader.open(PICTURED)
    expect(page.locator(".picture .cut")).to_have_text(
        "A picture is left out: all of them would make this page too large. It stands in .touchstone/runs/run-1."
    )
    assert page.locator("img").count() == 0
    assert reader.quiet()


def test_shared_evidence_stands_once_and_under_what_fell_short(read: Open, tmp_path: Path) -> None:
    wanted = [{"what": "size", "wanted": "320x90", "found": "160x90"}]
    page = read(pictured(tmp_path, mismatches=wanted)).open(PICTURED)
    parts = page.locator("#view-sample .score")
    expect(parts.nth(1)).to_contain_text("Its evidence is that of fits.")
    expect(parts.nth(2).locator("details")).to_have_attribute("open", "")
    assert parts.nth(2).locator("table th").all_inner_texts() == ["what", "wanted", "found"]
    assert parts.nth(2).locator("table td").all_inner_texts() == ["size", "320x90", "160x90"]


# What is shown


def test_the_overview_leads_to_the_samples_behind_a_figure(read: Open) -> None:
    reader = read()
    page = reader.open()
    expect(page.locator("h1").first).to_have_text("FAIL: 2 of 2 gates of ships not passed, of which 1 cannot tell")
    assert page.locator(".scores thead th").all_inner_texts() == ["Run-config", "correct", "polite"]
    page.locator(".scores tbody tr").nth(1).locator("a").first.click()
    expect(page.locator("#found-count")).to_have_text("12 samples of 72")
    assert page.locator("#samples-config").input_value() == "cheap"
    assert reader.quiet()


def test_charts_are_pictures_with_words_and_follow_their_choices(read: Open) -> None:
    reader = read()
    page = reader.open("#charts")
    pictures = page.locator("#view-charts svg[role=img]")
    expect(pictures).to_have_count(4)
    labels = [picture.get_attribute("aria-label") for picture in pictures.all()]
    assert str(labels[0]).startswith("passed of correct, per cent with 95 % interval: ships 100 [")
    assert labels[2] == "Passed in correct against US dollars a thousand samples; the table below has the figures"
    page.select_option("#cost-what", "tokens")
    page.locator("figure:has(#cost-what) summary").click()
    expect(page.locator("figure:has(#cost-what) tbody th")).to_have_text(list(CONFIGS))
    assert page.locator("figure:has(#cost-what) tbody td:nth-child(3)").all_inner_texts() == ["20", "50", "80"]
    assert page.locator("figure:has(#cost-what) tbody td:last-child").all_inner_texts() == ["yes", "no", "no"]
    page.select_option("#trade-x", label="polite: fits")
    expect(page.locator("figure:has(#trade-x) svg")).to_have_attribute(
        "aria-label", "correct against polite: fits; the table below has the figures"
    )
    page.select_option("#measure-0", "fits")
    expect(pictures.first).to_have_attribute("aria-label", re.compile("^fits of correct"))
    assert reader.quiet()


def test_the_heat_map_is_walked_by_arrows(read: Open) -> None:
    reader = read()
    page = reader.open("#rows/polite")
    expect(page.locator("#rows-eval")).to_have_value("polite")
    assert page.locator("#heat tbody tr").count() == 12
    page.check("#rows-differ")
    left = page.locator("#heat tbody tr").count()
    assert 0 < left < 12
    page.locator("#heat tbody a[tabindex='0']").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    label = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert label.startswith("cheap: ")
    row = page.evaluate("document.activeElement.closest('tr').querySelector('th').innerText")
    page.keyboard.press("Enter")
    expect(page.locator("#view-sample h1")).to_have_text(row)
    expect(page.locator("#view-sample .meta")).to_contain_text("polite")
    assert reader.quiet()


@pytest.mark.parametrize("address", ["#rows/polite", "#rows?eval=polite"])
def test_the_heat_map_of_an_eval_has_addresses(read: Open, address: str) -> None:
    page = read().open("#rows/correct")
    page.goto(f"{page.url.partition('#')[0]}{address}")
    expect(page.locator("#rows-eval")).to_have_value("polite")


def test_samples_are_sorted_both_ways_and_by_keyboard(read: Open) -> None:
    page = read().open("#samples?eval=correct&config=cheap")
    assert rows(page) == [f"row-{n:02}" for n in range(12)]
    page.click("#found th[data-sort=row] button")
    page.keyboard.press("Enter")
    assert rows(page) == [f"row-{n:02}" for n in range(11, -1, -1)]
    expect(page.locator("#found th[data-sort=row]")).to_have_attribute("aria-sort", "descending")
    page.click("#found th[data-sort=score] button")
    scores = [float(text.split()[-1]) for text in page.locator("#found tbody td.number:nth-child(5)").all_inner_texts()]
    assert scores == sorted(scores)
    page.reload()
    expect(page.locator("#found th[data-sort=score]")).to_have_attribute("aria-sort", "ascending")


def test_samples_are_filtered_by_words_and_choices_and_the_address_keeps_it(read: Open) -> None:
    page = read().open("#samples")
    expect(page.locator("#found-count")).to_have_text("72 samples of 72")
    page.keyboard.press("/")
    page.keyboard.type("--AS wordy")
    expect(page.locator("#found-count")).to_have_text("24 samples of 72")
    page.select_option("#samples-outcome", "miss")
    count = page.inner_text("#found-count")
    assert page.locator("#found tbody .badge").all_inner_texts() == ["✗ miss"] * int(count.split()[0])
    page.reload()
    expect(page.locator("#found-count")).to_have_text(count)
    page.fill("#samples-q", "nothing is like this")
    expect(page.locator("#found")).to_have_text("No sample is like that.")


def test_a_sample_has_its_address_and_all_that_is_known_of_it(read: Open) -> None:
    reader = read()
    page = reader.open(SAMPLE)
    assert page.title() == "row-03 - touchstone"
    words = page.inner_text("#view-sample")
    for part in ("please do row-03", "do row-03 --as cheap", "wanted 1 stream, found 0", "0.25", "$0.002", "50 out"):
        assert part in words
    assert "evals/test_correct.py::test_correct[row-03:cheap]" in words
    page.click("text=Prompt (2 messages)")
    expect(page.locator(".message").first).to_contain_text("You turn a wish into a command.")
    expect(page.locator(".score table").last).to_contain_text("audio streams")
    assert reader.quiet()


@pytest.mark.parametrize("address", ["#sample/correct/row-99/cheap/1", "#sample/%zz", "#diff/a", "#sample"])
def test_an_address_that_leads_nowhere_says_so(read: Open, address: str) -> None:
    reader = read()
    page = reader.open(address)
    expect(page.locator("main > section:not([hidden]) h1")).to_contain_text("no such sample")
    assert reader.quiet()


def test_every_sample_is_found_by_its_address(read: Open, plain: Path) -> None:
    page = read().open()
    for config in CONFIGS:
        page.goto(f"{plain.as_uri()}#sample/polite/row-07/{quote(config)}/1")
        expect(page.locator("#view-sample .meta")).to_contain_text(config)


def test_keys_go_on_back_beside_and_home(read: Open) -> None:
    page = read().open("#samples?eval=correct&config=cheap")
    page.click("text=row-03")
    for key, row in [("j", "row-04"), ("j", "row-05"), ("k", "row-04")]:
        page.keyboard.press(key)
        expect(page.locator("#view-sample h1")).to_have_text(row)
    page.keyboard.press("d")
    expect(page.locator("#view-diff h1")).to_have_text("row-04")
    page.keyboard.press("Escape")
    expect(page.locator("#view-sample h1")).to_have_text("row-04")
    page.keyboard.press("Escape")
    expect(page.locator("#found-count")).to_have_text("12 samples of 72")
    page.keyboard.press("3")
    expect(page.locator("#view-rows h1")).to_be_visible()
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    page.keyboard.press("1")
    expect(page.locator("#view-rows h1")).to_be_visible()
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_hidden()


def test_two_answers_are_compared_word_by_word(read: Open) -> None:
    reader = read()
    page = reader.open(DIFF)
    assert page.locator("#view-diff del").all_inner_texts() == ["ships"]
    assert page.locator("#view-diff ins").all_inner_texts() == ["cheap"]
    assert page.locator(".diffed").first.inner_text() == "Here it is.\n\n```bash\ndo row-03 --as ships\n```"
    page.click("text=All rows of both")
    settle(page)
    cells = [int(text) for text in page.locator(".fourfold td.number").all_inner_texts()]
    assert sum(cells) == 11
    expect(page.locator("#view-compare")).to_contain_text("12 samples of both, of which 1 lack a measurement")
    page.select_option("#compare-b", "wordy")
    expect(page).to_have_url(f"{reader.file.as_uri()}#compare/correct/ships/wordy")
    page.locator("#view-compare li a").first.click()
    expect(page.locator("#view-diff ins")).to_have_text("wordy")
    assert reader.quiet()


# Who reads it, and on what


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_any_view(read: Open, scheme: str) -> None:
    page = read().open()
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.evaluate(AXE.read_text(encoding="utf-8"))
    for address in [*(f"#{view}" for view in VIEWS), SAMPLE, DIFF]:
        page.evaluate("address => { location.hash = address; }", address)
        settle(page)
        expect(page.locator("main > section:not([hidden]) .chart:empty")).to_have_count(0)
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
        found = page.evaluate("axe.run({ resultTypes: ['violations'] })")
        told = [
            (one["id"], one["impact"], [node["html"][:200] for node in one["nodes"][:3]]) for one in found["violations"]
        ]
        assert told == [], f"{address}: {json.dumps(told, indent=1)}"


def test_dark_and_light_are_the_readers_choice(read: Open) -> None:
    page = read().open()
    shades = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        shades.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert shades == ["rgb(246, 245, 242)", "rgb(23, 23, 26)"]


def test_no_view_is_wider_than_a_phone(read: Open, plain: Path) -> None:
    page = read().open()
    page.set_viewport_size({"width": 360, "height": 640})
    for address in [*(f"#{view}" for view in VIEWS), SAMPLE, DIFF]:
        page.goto(f"{plain.as_uri()}{address}")
        settle(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, address
    page.set_viewport_size({"width": 1280, "height": 900})


def test_on_a_phone_all_views_are_named_and_what_was_not_run_has_no_line(read: Open, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    records = [one for one in samples(2) if (one.eval, one.run_config) != ("polite", "cheap")]
    file.write_text(whole(records), encoding="utf-8")
    page = read(file, viewport={"width": 400, "height": 850}).open("#judges")
    assert (
        page.evaluate("document.querySelector('nav ul').scrollWidth - document.querySelector('nav ul').clientWidth")
        == 0
    )
    lefts = page.locator("nav a").evaluate_all("all => all.map(one => one.getBoundingClientRect().left)")
    assert lefts[0] >= 0
    page.goto(f"{file.as_uri()}#overview")
    assert page.locator(".scores tbody tr").nth(1).locator("td:visible .on-phone").all_inner_texts() == ["correct"]
    assert page.locator(".scores tbody tr").nth(0).locator("td:visible .on-phone").all_inner_texts() == [
        "correct",
        "polite",
    ]
    page.goto(f"{file.as_uri()}{SAMPLE.replace('03', '01')}")
    tops = page.locator(".steps > *").evaluate_all(
        "all => new Set(all.map(one => Math.round(one.getBoundingClientRect().top / 8))).size"
    )
    assert tops == 1


@pytest.mark.parametrize("width", [400, 1280])
def test_names_in_charts_do_not_lie_over_each_other(read: Open, tmp_path: Path, width: int) -> None:
    records = [
        replace(one, run_config=f"{one.run_config}-like-{n}") if n else one for n in range(6) for one in samples(12)
    ]
    file = tmp_path / "report.html"
    file.write_text(whole(records), encoding="utf-8")
    page = read(file, viewport={"width": width, "height": 900}).open("#charts")
    expect(page.locator("figure:has(#cost-what) svg circle title")).to_have_count(18)
    for figure in ("figure:has(#cost-what)", "figure:has(#trade-x)"):
        page.locator(figure).scroll_into_view_if_needed()
        boxes = page.locator(f"{figure} svg text").evaluate_all(NAMES)
        assert 1 < len(boxes) < 18
        assert [(a, b) for a in boxes for b in boxes if a["name"] < b["name"] and touching(a, b)] == []
        assert any(one["name"] == "ships" for one in boxes)


NAMES = """all => all.filter(one => /^(ships|cheap|wordy)/.test(one.textContent)).map(one => {
  const { left, right, top, bottom } = one.getBoundingClientRect();
  return { name: one.textContent, left, right, top, bottom };
})"""


def touching(a: dict[str, Any], b: dict[str, Any]) -> bool:
    """Whether one lies over another by more than a hair."""
    return bool(
        min(a["right"], b["right"]) - max(a["left"], b["left"]) > 1
        and min(a["bottom"], b["bottom"]) - max(a["top"], b["top"]) > 3
    )


def test_an_empty_run_has_a_page_too(read: Open, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text(whole([]), encoding="utf-8")
    reader = read(file)
    page = reader.open()
    for view in VIEWS:
        page.goto(f"{file.as_uri()}#{view}")
        settle(page)
        assert page.locator("main > section:not([hidden]) h1").count() == 1, view
        assert page.locator("main > section:not([hidden]) table").count() == 0, view
    for view in ("overview", "charts", "rows"):
        expect(page.locator(f"#view-{view} > .soft")).to_have_text("This run has no sample to show.")
    assert reader.quiet()


def test_a_run_of_one_eval_and_one_run_config_compares_its_scores(read: Open, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    records = [sample("correct", f"row-{n}", "ships", good=n > 1) for n in range(4)]
    file.write_text(whole(records), encoding="utf-8")
    reader = read(file)
    page = reader.open("#charts")
    expect(page.locator("figure:has(#trade-x) svg")).to_have_attribute(
        "aria-label", re.compile("^correct against correct: runs;")
    )
    page.goto(f"{file.as_uri()}#compare")
    expect(page.locator("#view-compare")).to_contain_text("fewer than two run-configs")
    bare = [replace(one, scores={}) for one in records]
    file.write_text(whole(bare), encoding="utf-8")
    page.goto("about:blank")
    reader.open("#charts")
    expect(page.locator("#cost-eval")).to_have_count(1)
    expect(page.locator("#trade-x")).to_have_count(0)
    assert reader.quiet()
