"""The report's page in a real Chromium, opened from disk: hostile text, tables, charts, addresses, keys, and axe."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from pages import CONFIGS, sample, samples, whole
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from touchstone.records import Outcome, SampleRecord, Score

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
BROWSERS = [CHROMIUM] if CHROMIUM else []
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
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


def test_an_empty_run_has_a_page_too(read: Open, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text(whole([]), encoding="utf-8")
    reader = read(file)
    page = reader.open()
    for view in VIEWS:
        page.goto(f"{file.as_uri()}#{view}")
        settle(page)
        assert page.locator("main > section:not([hidden]) h1").count() == 1, view
    assert reader.quiet()
