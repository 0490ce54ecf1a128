"""The review page in a real Chromium: by its keys alone, through reloads and lost connections, with hostile rows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Request, expect
from test_rating_browser import BROWSERS, HOSTILE, TOKEN, Site, browser, playwright_

from touchstone.errors import UsageError
from touchstone.rating.pile import Decision, Pile, Row, Section, Verdict
from touchstone.rating.review import application

__all__ = ["browser", "playwright_"]
pytestmark = pytest.mark.skipif(not BROWSERS, reason="there is no Chromium")
Said = tuple[str, Verdict, str, str]
WEIGHT = {"keep": 0, "edit": 1, "drop": 2}


def row(number: int, text: str = "", **other: Any) -> Row:
    sections = (Section("Proven command", f"run {number}", code=True), Section("Where it comes from", {"seed": 1}))
    given = {"split": "val" if number == 3 else "train", "topic": "filter/eq", "verified": ("runs", "asked"), **other}
    return Row(f"row{number}", text or f"please do the job number {number} now", **{"sections": sections, **given})


ROWS = [row(number) for number in range(4)]


class Kept:
    """Decisions in memory, kept and weighed as those in files are."""

    def __init__(self, others: Mapping[str, Decision]) -> None:
        self.others, self.said, self.refuses = others, list[Said](), False

    def decide(self, row_id: str, verdict: Verdict, text: str, note: str) -> None:
        if self.refuses:
            raise UsageError("the disk is full")
        self.said.append((row_id, verdict, text, note))

    def decided(self) -> dict[str, list[Decision]]:
        mine = {row_id: Decision(verdict, "Ada", text, note) for row_id, verdict, text, note in self.said}
        found: dict[str, list[Decision]] = {row_id: [one] for row_id, one in self.others.items()}
        for row_id, one in mine.items():
            if one.verdict != "undo":
                found[row_id] = sorted([*found.get(row_id, []), one], key=lambda d: WEIGHT[d.verdict])
        return found


class Reviewer:
    """A person at the page."""

    def __init__(self, context: BrowserContext, site: Site, kept: Kept, pile: Pile) -> None:
        self.page, self.site, self.kept, self.pile = context.new_page(), site, kept, pile
        self.said: list[str] = []
        self.asked: list[Request] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", self._request)
        self.page.on("dialog", self._dialog)
        self.page.goto(site.url)
        self.ready()

    def _request(self, request: Request) -> None:  # Playwright takes no built-in method
        self.asked.append(request)

    def _dialog(self, dialog: Any) -> None:
        self.said.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def ready(self, what: str = "") -> None:
        self.page.wait_for_selector(f"body[data-ready{f'={what}' if what else ''}]")

    def press(self, *keys: str) -> None:
        for key in keys:
            self.ready()
            self.page.keyboard.press(key)

    def rewrite(self, text: str) -> None:
        """Edit the request, by keys."""
        self.press("e")
        expect(self.page.locator("#text")).to_be_focused()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(text)
        self.page.keyboard.press("Control+Enter")

    def saved(self, number: int) -> list[Said]:
        """What was decided, once it is so much."""
        end = time.monotonic() + 10
        while len(self.kept.said) < number and time.monotonic() < end:
            time.sleep(0.02)
        assert len(self.kept.said) == number
        return self.kept.said

    def sees(self, selector: str, text: str) -> None:
        expect(self.page.locator(selector)).to_contain_text(text)


Open = Callable[..., Reviewer]


@pytest.fixture
def review(browser: Browser) -> Iterator[Open]:
    """Opens the page for a reviewer."""
    sites: list[Site] = []
    contexts: list[BrowserContext] = []

    def opened(rows: Sequence[Row] = ROWS, others: Mapping[str, Decision] | None = None, **how: Any) -> Reviewer:
        kept = Kept(others or {})
        pile = Pile(rows, how.pop("reviewer", "Ada"), kept.decided, kept.decide, "touchstone synth run sums")
        sites.append(Site(application(pile, TOKEN)))
        contexts.append(browser.new_context(**how))
        contexts[-1].set_default_timeout(10_000)
        return Reviewer(contexts[-1], sites[-1], kept, pile)

    yield opened
    for context in contexts:
        context.close()
    for site in sites:
        site.stop()


def test_reviewing_by_keys_all_the_way(review: Open) -> None:
    ada = review()
    ada.sees("#rater", "Ada")
    ada.sees("#count", "0 of 4 decided")
    ada.sees("#request", "please do the job number 0 now")
    ada.sees("#sections", "run 0")
    ada.sees("#facts", "filter/eq")
    ada.press("k", "d")
    ada.ready("row2")
    ada.rewrite("please do the other job number 2")
    ada.press("k")
    ada.ready("done")
    ada.sees("#done-text", "2 kept · 1 edited · 1 dropped")
    ada.sees("#after", "touchstone synth run sums")
    assert ada.saved(4) == [
        ("row0", "keep", "", ""),
        ("row1", "drop", "", ""),
        ("row2", "edit", "please do the other job number 2", ""),
        ("row3", "keep", "", ""),
    ]
    assert ada.said == []


def test_an_edit_starts_from_the_request_and_escape_leaves_it(review: Open) -> None:
    ada = review()
    ada.press("e")
    expect(ada.page.locator("#text")).to_have_value("please do the job number 0 now")
    ada.page.keyboard.type("k d u n p e ?")
    ada.page.keyboard.press("Escape")
    expect(ada.page.locator("#edit")).to_be_hidden()
    ada.sees("#request", "please do the job number 0 now")
    ada.press("e")
    ada.page.keyboard.press("Control+Enter")
    ada.sees("#status", "Nothing differs")
    ada.press("e")
    ada.page.keyboard.press("Control+a")
    ada.page.keyboard.press("Delete")
    ada.page.keyboard.press("Control+Enter")
    ada.sees("#status", "wants words")
    expect(ada.page.locator("#text")).to_be_focused()
    assert ada.kept.said == []


def test_enter_in_an_edit_is_a_line_and_keys_hold_no_other_meaning(review: Open) -> None:
    ada = review()
    ada.press("e")
    ada.page.keyboard.press("Control+End")
    ada.page.keyboard.press("Enter")
    ada.page.keyboard.type("and drop?")
    ada.page.keyboard.press("Control+Enter")
    assert ada.saved(1) == [("row0", "edit", "please do the job number 0 now\nand drop?", "")]


def test_what_a_person_changed_is_shown_as_such(review: Open) -> None:
    ada = review()
    ada.rewrite("please do the second job now, thanks")
    ada.ready("row1")
    ada.page.select_option("#show", "edit")
    ada.ready("row0")
    ada.sees("#said", "You edited it")
    assert ada.page.inner_text("#request") == "please do the second job now, thanks"
    assert ada.page.inner_text("#was-text") == "please do the job number 0 now"
    assert "second" in "".join(ada.page.locator("#request ins").all_inner_texts())
    assert ada.page.locator("#was-text del").all_inner_texts() == ["job number", "0"]
    assert "please" not in "".join(ada.page.locator("ins, del").all_inner_texts())
    expect(ada.page.locator("#change")).to_have_attribute("aria-pressed", "true")


def test_keeping_an_edited_row_keeps_the_edit(review: Open) -> None:
    ada = review()
    ada.rewrite("other words")
    ada.saved(1)
    ada.ready("row1")
    ada.page.select_option("#show", "all")
    ada.page.keyboard.press("Escape")
    ada.press("p")
    ada.ready("row0")
    ada.press("k")
    ada.ready("row1")
    assert ada.kept.said == [("row0", "edit", "other words", "")]


def test_undo_brings_the_row_back_as_it_was(review: Open) -> None:
    ada = review()
    ada.press("d")
    ada.ready("row1")
    ada.press("u")
    ada.ready("row0")
    ada.sees("#count", "0 of 4 decided")
    assert ada.saved(2) == [("row0", "drop", "", ""), ("row0", "undo", "", "")]
    ada.rewrite("other words")
    ada.ready("row1")
    ada.page.select_option("#show", "all")
    ada.page.keyboard.press("Escape")
    ada.press("p")
    ada.ready("row0")
    ada.press("d")
    ada.ready("row1")
    ada.press("u")
    ada.ready("row0")
    assert ada.saved(5)[-1] == ("row0", "edit", "other words", "")
    assert ada.page.inner_text("#request") == "other words"
    ada.press("u")
    ada.sees("#request", "please do the job number 0 now")
    assert ada.saved(6)[-1] == ("row0", "undo", "", "")
    ada.press("u")
    ada.sees("#status", "nothing to undo")


def test_undo_works_from_the_end_and_after_a_reload(review: Open) -> None:
    ada = review(ROWS[:1])
    ada.press("d")
    ada.ready("done")
    ada.press("u")
    ada.ready("row0")
    ada.press("d")
    ada.ready("done")
    ada.saved(3)
    ada.sees("#status", "Saved: dropped.")
    ada.page.reload()
    ada.ready("done")
    ada.press("p")
    ada.ready("row0")
    ada.sees("#said", "You dropped it")
    ada.press("u")
    assert ada.saved(4)[-1] == ("row0", "undo", "", "")


def test_next_and_previous_stay_among_the_rows_that_are_shown(review: Open) -> None:
    ada = review()
    ada.press("n")
    ada.ready("row1")
    ada.press("k")
    ada.ready("row2")
    ada.press("p")
    ada.ready("row0")
    ada.sees("#place", "Row 1 of 3")
    ada.press("p")
    ada.sees("#status", "first one")
    ada.press("ArrowRight", "ArrowRight")
    ada.ready("row3")
    ada.press("n")
    ada.sees("#status", "last one")


def test_the_filters_choose_by_decision_and_split(review: Open) -> None:
    ada = review()
    ada.press("f")
    expect(ada.page.locator("#show")).to_be_focused()
    ada.page.keyboard.press("Escape")
    assert ada.page.locator("#split option").all_inner_texts() == ["all", "train", "val"]
    ada.page.select_option("#split", "val")
    ada.ready("row3")
    ada.sees("#place", "Row 1 of 1")
    ada.page.keyboard.press("Escape")
    ada.press("d")
    ada.ready("none")
    ada.sees("#none-title", "No row is like that")
    ada.page.select_option("#show", "drop")
    ada.ready("row3")
    ada.page.select_option("#split", "train")
    ada.ready("none")
    ada.page.select_option("#show", "undecided")
    ada.ready("row0")
    assert ada.saved(1) == [("row3", "drop", "", "")]
    assert ada.said == []


def test_typing_in_a_filter_decides_nothing(review: Open) -> None:
    ada = review()
    ada.press("f")
    for key in "kdu":
        ada.page.keyboard.press(key)
    time.sleep(0.3)
    assert ada.kept.said == []


def test_a_note_goes_with_the_decision_and_may_come_later(review: Open) -> None:
    ada = review()
    ada.press("w")
    ada.page.keyboard.type("kd: too odd")
    ada.press("Escape", "d")
    ada.ready("row1")
    expect(ada.page.locator("#note")).to_have_value("")
    ada.page.select_option("#show", "drop")
    ada.ready("row0")
    ada.press("Escape", "w")
    expect(ada.page.locator("#note")).to_have_value("kd: too odd")
    ada.page.keyboard.press("Control+a")
    ada.page.keyboard.type("wrong name")
    ada.page.keyboard.press("Escape")
    assert ada.saved(2) == [("row0", "drop", "", "kd: too odd"), ("row0", "drop", "", "wrong name")]


def test_what_others_decided_is_seen_and_a_drop_of_theirs_stands(review: Open) -> None:
    others = {
        "row1": Decision("drop", "Bob <b>", note="nobody says so"),
        "row2": Decision("edit", "Bob", "their words"),
    }
    ada = review(others=others)
    ada.sees("#count", "2 of 4 decided")
    ada.page.select_option("#show", "drop")
    ada.ready("row1")
    ada.sees("#others", "Bob <b> dropped it (nobody says so)")
    ada.press("Escape", "k")
    ada.sees("#others", "this stands")
    ada.page.select_option("#show", "edit")
    ada.ready("row2")
    assert ada.page.inner_text("#request") == "their words"
    ada.press("Escape", "e")
    expect(ada.page.locator("#text")).to_have_value("their words")
    assert ada.said == []


def test_a_reload_goes_on_where_it_was(review: Open) -> None:
    ada = review()
    ada.press("k", "d")
    ada.saved(2)
    ada.sees("#status", "2 of 4 decided")  # until then the page asks whether to leave
    ada.page.reload()
    ada.ready("row2")
    ada.sees("#count", "2 of 4 decided")


def test_a_lost_connection_loses_no_decision(review: Open) -> None:
    ada = review()
    ada.press("n", "p")  # both rows are here already
    ada.ready("row0")
    ada.site.stop()
    ada.press("d")
    ada.sees("#lost", "kept here and sent again")
    ada.press("k")
    ada.sees("#lost", "2 decisions are kept here")
    assert ada.kept.said == []
    ada.site.start()
    assert [one[:2] for one in ada.saved(2)] == [("row0", "drop"), ("row1", "keep")]
    expect(ada.page.locator("#lost")).to_be_hidden()


def test_a_disk_that_is_full_is_told_and_tried_again(review: Open) -> None:
    ada = review()
    ada.kept.refuses = True
    ada.press("d")
    ada.sees("#lost", "the disk is full")
    ada.kept.refuses = False
    assert ada.saved(1) == [("row0", "drop", "", "")]


def test_a_decision_that_is_refused_is_not_shown_as_made(review: Open) -> None:
    ada = review()
    ada.pile.rows = ()
    ada.pile.__post_init__()  # the server knows these rows no more
    ada.press("d")
    ada.sees("#lost", "A decision was not taken")
    ada.sees("#count", "0 of 4 decided")


def test_help_shows_the_keys_and_decides_nothing_meanwhile(review: Open) -> None:
    ada = review()
    ada.press("?")
    expect(ada.page.locator("#help")).to_be_visible()
    ada.sees("#help-keys", "Ctrl+Enter saves")
    ada.press("d", "?")
    expect(ada.page.locator("#help")).to_be_hidden()
    assert ada.kept.said == []


def test_a_key_for_the_row_before_does_not_decide_the_one_that_came(review: Open) -> None:
    ada = review()
    ada.ready("row0")
    ada.page.evaluate(
        """() => { for (const key of ["d", "d", "d"])
             document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true })); }"""
    )
    ada.ready("row1")
    assert ada.saved(1) == [("row0", "drop", "", "")]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_rows_stay_text(review: Open, name: str) -> None:
    text = HOSTILE[name]
    sections = (
        Section(text[:500], text),
        Section("code", text, code=True),
        Section("json", {text: [text]}, folded=True),
    )
    hostile = row(0, text, topic=text, voice=text, split=text[:500], verified=(text,), sections=sections)
    ada = review([hostile, row(1)], {"row0": Decision("keep", text, note=text)}, reviewer="<b>Ada</b>\u202e")
    ada.page.select_option("#show", "all")
    ada.ready("row1")
    ada.press("Escape", "p")
    ada.ready("row0")
    assert ada.page.title() == "1/2 - review - touchstone"
    strange = "main :is(script, img, iframe, a, style, link, svg, b:not(#said b, #others b))"
    assert ada.page.locator(strange).count() == 0
    assert {request.url.startswith(ada.site.url) for request in ada.asked} == {True}
    ada.rewrite("<img src=x onerror=alert(8)> other words")
    assert ada.saved(1)[0][2] == "<img src=x onerror=alert(8)> other words"
    ada.ready()
    ada.page.select_option("#show", "edit")
    ada.ready("row0")
    assert ada.page.inner_text("#request") == "<img src=x onerror=alert(8)> other words"
    assert ada.page.locator(strange).count() == 0
    assert ada.said == []


def test_what_hides_is_made_visible(review: Open) -> None:
    ada = review([row(0, HOSTILE["bidi"])])
    words = ada.page.inner_text("#request")
    for name in ("U+202E", "U+200B", "U+2066", "U+001B", "U+0000", "U+D800"):
        assert name in words
    assert "\u202e" not in words


def test_every_control_has_a_name(review: Open) -> None:
    ada = review()
    names = ada.page.eval_on_selector_all(
        "button, textarea, progress, select",
        """all => all.map(e => {
          const named = document.getElementById(e.getAttribute("aria-labelledby")) || e.labels?.[0] || e;
          return (e.ariaLabel || named.textContent).trim();
        })""",
    )
    assert len(names) > 10
    assert all(names)
    assert ada.page.get_attribute("#status", "aria-live") == "polite"
    assert ada.page.get_attribute("#lost", "role") == "alert"


CONTRAST = """
() => {
  const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const colour = rgb(getComputedStyle(at).backgroundColor);
      if (colour.length < 4 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const texts = [...document.querySelectorAll("body *")].filter((node) => node.checkVisibility() && !node.disabled
    && !node.closest(":disabled") && [...node.childNodes].some((c) => c.nodeType === 3 && c.textContent.trim()));
  return texts.map((node) => {
    const [one, two] = [light(rgb(getComputedStyle(node).color)), light(behind(node))].sort((a, b) => b - a);
    return [node.tagName + "#" + node.id + "." + node.className, (one + 0.05) / (two + 0.05)];
  }).filter(([, ratio]) => ratio < 4.5);
}
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1280])
def test_it_fits_and_can_be_read(review: Open, width: int, scheme: str) -> None:
    long = row(0, "word " * 100 + "x" * 300, topic="filter/" + "y" * 90, verified=("runs", "told-apart", "z" * 200))
    ada = review([long, row(1)], color_scheme=scheme, viewport={"width": width, "height": 800})
    ada.ready("row0")
    assert ada.page.evaluate("document.documentElement.scrollWidth") <= width
    assert ada.page.evaluate(CONTRAST) == []
    ada.rewrite("quite other words " * 9)
    ada.ready("row1")
    ada.page.select_option("#show", "edit")
    ada.ready("row0")
    assert ada.page.evaluate("document.documentElement.scrollWidth") <= width
    assert ada.page.evaluate(CONTRAST) == []
    ada.page.keyboard.press("Escape")
    ada.page.keyboard.press("Tab")
    assert ada.page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
