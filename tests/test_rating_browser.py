"""The rating page in a real Chromium: by its keys, through reloads and lost connections, with hostile answers."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from browsers import BROWSERS, FLAGS
from playwright.sync_api import Browser, BrowserContext, Request, expect, sync_playwright
from starlette.applications import Starlette
from uvicorn import Server

from touchstone.labels import Item, Rating
from touchstone.rating.app import application
from touchstone.rating.desk import Desk, in_order
from touchstone.rating.serving import address, listen, server
from touchstone.ratings import Ratings

TOKEN = "the-token"
ITEMS = [Item(f"row{n}", "h", f"ask {n}", f"answer {n}", "secret-config") for n in range(4)]
HOSTILE = {
    "script": "<script>alert(1)</script><img src=x onerror=alert(2)><svg onload=alert(3)>",
    "end": "</textarea></script></title><title>owned</title><base href=//evil.example>",
    "links": "[here](javascript:alert(4)) ![x](http://127.0.0.1:9/leak.png) <a href='javascript:alert(5)'>x</a>",
    "fence": "```html\n<script>alert(6)</script>\n```\n~~~\n</pre><iframe src=//evil.example>",
    "style": "<style>body{display:none}</style><link rel=stylesheet href=//evil.example/x.css>",
    "bidi": "safe\u202egpj.exe\u202c \u200b\u2066 \x1b[31m \x00 \ud800 \U000e0041",
    "picture": "\U0001f469\u200d\U0001f469\u200d\U0001f467 \u2764\ufe0f \U0001f600",
    "line": "x" * 200_000,
    "marks": "\u202e\u200b" * 20_000,
    "template": "{{nonce}} ${alert(7)} __proto__ constructor",
}


def test_a_browser_is_there_where_it_must_be() -> None:
    assert BROWSERS or os.environ.get("TOUCHSTONE_REQUIRE_CHROMIUM") != "1"


class Site:
    """A served page that can be stopped and started again at the same address."""

    def __init__(self, app: Starlette) -> None:
        self.app, self.port = app, 0
        self.start()

    def start(self) -> None:
        listening = listen(self.port)
        self.port, self.url = listening.getsockname()[1], address(listening, TOKEN)
        self._server: Server = server(self.app)
        self._thread = threading.Thread(target=lambda: self._server.run(sockets=[listening]))
        self._thread.start()

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join()


class Rater:
    """A person at the page."""

    def __init__(self, context: BrowserContext, site: Site, ratings: Ratings) -> None:
        self.page, self.site, self.ratings = context.new_page(), site, ratings
        self.said: list[str] = []
        self.asked: list[Request] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", self._asked)
        self.page.on("dialog", self._dialog)
        self.open()

    def _asked(self, request: Request) -> None:
        self.asked.append(request)

    def _dialog(self, dialog: Any) -> None:
        self.said.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def open(self) -> None:
        self.page.goto(self.site.url)
        self.ready()

    def ready(self) -> None:
        self.page.wait_for_selector("body[data-ready]")

    def press(self, *keys: str) -> None:
        """One key after another, each at an output that can be rated."""
        for key in keys:
            self.ready()
            self.page.keyboard.press(key)

    def saved(self, number: int) -> list[Rating]:
        """The ratings on disk, once there are so many."""
        end = time.monotonic() + 10
        while len(self.ratings.all()) < number and time.monotonic() < end:
            time.sleep(0.02)
        found = self.ratings.all()
        assert len(found) == number
        return found

    def sees(self, selector: str, text: str) -> None:
        expect(self.page.locator(selector)).to_contain_text(text)

    def order(self) -> list[Item]:
        return in_order(ITEMS, "Ada")


@pytest.fixture(scope="module")
def playwright_() -> Iterator[Any]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module", params=BROWSERS, ids=["chromium"] if BROWSERS else None)
def browser(request: pytest.FixtureRequest, playwright_: Any) -> Iterator[Browser]:
    started = playwright_.chromium.launch(executable_path=request.param, args=FLAGS)
    yield started
    started.close()


async def saw(item: Item) -> dict[str, object]:
    return {"executes": {"value": 1.0, "why": f"ran {item.row}", "details": {"<b>": "\u202e"}}}


Open = Callable[..., Rater]


@pytest.fixture
def rate(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Opens the page for a rater."""
    sites: list[Site] = []
    contexts: list[BrowserContext] = []

    def opened(items: list[Item] = ITEMS, rater: str = "Ada", scale: str = "pass_fail", evidence: Any = saw) -> Rater:
        ratings = Ratings(tmp_path / "words")
        rows = {"row0": {"media": "<i>film.mp4</i>"}}
        sites.append(Site(application(Desk(items, rows, ratings, rater, scale, time.time), evidence, TOKEN)))  # type: ignore[arg-type]
        contexts.append(browser.new_context())
        contexts[-1].set_default_timeout(10_000)
        return Rater(contexts[-1], sites[-1], ratings)

    yield opened
    for context in contexts:
        context.close()
    for site in sites:
        site.stop()


def test_rating_by_keys_all_the_way(rate: Open) -> None:
    ada = rate()
    ada.sees("#rater", "Ada")
    ada.sees("#count", "0 of 4 rated")
    ada.press("p", "f", "u", "p")
    ada.page.wait_for_selector("body[data-ready=done]")
    ada.sees("#done-text", "pass: 2")
    ada.sees("#count", "4 of 4 rated")
    found = ada.saved(4)
    assert [(r.row, r.value) for r in found] == list(
        zip([i.row for i in ada.order()], ["pass", "fail", "unsure", "pass"], strict=True)
    )
    assert all(r.seconds is not None and 0.1 <= r.seconds < 60 and not r.peeked for r in found)
    assert ada.said == []


@pytest.mark.parametrize(
    ("scale", "keys", "values"),
    [("stars", "1523", [1, 5, 2, 3]), ("critical", "cfPU", ["critical", "fail", "pass", "unsure"])],
)
def test_every_scale_has_its_keys(rate: Open, scale: str, keys: str, values: list[object]) -> None:
    ada = rate(scale=scale)
    ada.press(*keys)
    ada.page.wait_for_selector("body[data-ready=done]")
    assert [r.value for r in ada.saved(4)] == values


def test_keys_of_another_scale_rate_nothing(rate: Open) -> None:
    ada = rate()
    ada.press("5", "c", "x", "Enter", "Control+p")
    ada.press("p")
    assert [r.value for r in ada.saved(1)] == ["pass"]


def test_buttons_rate_too(rate: Open) -> None:
    ada = rate()
    ada.page.click("#labels button[data-value=fail]:enabled")
    assert [r.value for r in ada.saved(1)] == ["fail"]


def test_a_reload_goes_on_where_it_was(rate: Open) -> None:
    ada = rate()
    ada.press("p", "f")
    ada.sees("#status", "Saved: fail. 2 of 4 rated.")
    ada.page.reload()
    ada.ready()
    ada.sees("#count", "2 of 4 rated")
    ada.sees("#answer", ada.order()[2].output)


def test_going_back_and_changing_ones_mind(rate: Open) -> None:
    ada = rate()
    ada.press("p")
    ada.saved(1)
    ada.press("ArrowLeft")
    ada.ready()
    ada.sees("#said", "You said pass")
    expect(ada.page.locator("#labels button[data-value=pass]")).to_have_attribute("aria-pressed", "true")
    ada.press("f")
    assert [r.value for r in ada.saved(2)] == ["pass", "fail"]
    assert len({r.row for r in ada.ratings.all()}) == 1
    ada.ready()
    ada.sees("#answer", ada.order()[1].output)


def test_forward_back_and_skip(rate: Open) -> None:
    ada = rate()
    order = [item.output for item in ada.order()]
    for key, output in [("j", order[1]), ("s", order[2]), ("k", order[1]), ("ArrowRight", order[2]), ("s", order[3])]:
        ada.press(key)
        ada.sees("#answer", output)
    ada.press("s")
    ada.sees("#answer", order[0])
    assert ada.ratings.all() == []


@pytest.mark.parametrize("key", ["n", "Tab"])
def test_a_note_goes_with_the_rating(rate: Open, key: str) -> None:
    ada = rate()
    ada.press(key)
    ada.page.keyboard.type("too short? pfu 5")
    ada.press("Escape", "f")
    (found,) = ada.saved(1)
    assert (found.value, found.note) == ("fail", "too short? pfu 5")
    ada.ready()
    expect(ada.page.locator("#note")).to_have_value("")


def test_a_note_that_comes_later_is_kept_with_the_same_rating(rate: Open) -> None:
    ada = rate()
    ada.press("p", "k", "n")
    ada.page.keyboard.type("on second thought")
    ada.press("Control+Enter")
    assert [(r.value, r.note) for r in ada.saved(2)] == [("pass", ""), ("pass", "on second thought")]


def test_a_note_without_a_rating_survives_a_reload(rate: Open) -> None:
    ada = rate()
    ada.press("n")
    ada.page.keyboard.type("half a thought")
    ada.page.reload()
    ada.ready()
    expect(ada.page.locator("#note")).to_have_value("half a thought")


def test_the_evidence_is_hidden_until_the_rating(rate: Open) -> None:
    ada = rate()
    first = ada.order()[0].row
    expect(ada.page.locator("#evidence")).to_be_hidden()
    ada.press("e")
    ada.sees("#evidence-text", "Your rating will say")
    assert f"ran {first}" not in ada.page.content()
    ada.press("p")
    ada.ready()
    ada.press("k", "e")
    ada.sees("#evidence-text", f"ran {first}")
    assert [r.peeked for r in ada.saved(1)] == [False]


def test_a_look_before_the_rating_is_recorded(rate: Open) -> None:
    ada = rate()
    ada.press("e", "e")
    ada.sees("#evidence-text", "ran row")
    ada.sees("#said", "You have looked")
    ada.press("f")
    assert [r.peeked for r in ada.saved(1)] == [True]


def test_where_there_is_no_evidence_the_page_says_so(rate: Open) -> None:
    ada = rate(evidence=None)
    ada.press("e", "e")
    ada.sees("#evidence-text", "There is no evidence")
    ada.press("p")
    assert [r.peeked for r in ada.saved(1)] == [False]


def test_help_shows_the_keys_and_rates_nothing_meanwhile(rate: Open) -> None:
    ada = rate()
    ada.press("?")
    expect(ada.page.locator("#help")).to_be_visible()
    ada.press("p", "?")
    expect(ada.page.locator("#help")).to_be_hidden()
    assert ada.ratings.all() == []


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_answers_stay_text(rate: Open, name: str) -> None:
    text = HOSTILE[name]
    ada = rate([Item("row0", "h", {"text": text, "<b>": 1}, text, "secret-config")], rater="<b>Ada</b>\u202e")
    ada.press("e", "e")
    ada.sees("#evidence-text", "ran row0")
    assert ada.page.title() == "0/1 - rating - touchstone"
    assert ada.page.locator("main :is(script, img, iframe, a, style, link, svg, b:not(#said b))").count() == 0
    assert {r.url.startswith(ada.site.url) for r in ada.asked} == {True}
    ada.press("n")
    ada.page.keyboard.insert_text("<img src=x onerror=alert(8)>")
    ada.press("Escape", "p")
    assert ada.saved(1)[0].note == "<img src=x onerror=alert(8)>"
    assert ada.said == []


def test_what_hides_is_made_visible_and_pictures_stay_whole(rate: Open) -> None:
    ada = rate([Item("row0", "h", HOSTILE["picture"], HOSTILE["bidi"], "m")])
    words = ada.page.inner_text("#answer")
    for name in ("U+202E", "U+200B", "U+2066", "U+001B", "U+0000", "U+D800", "U+E0041"):
        assert name in words
    assert "\u202e" not in words
    assert ada.page.inner_text("#request") == HOSTILE["picture"]


def test_fenced_code_is_a_block(rate: Open) -> None:
    ada = rate([Item("row0", "h", "?", "Before\n\n```bash\nffmpeg  -i <in>\n```\nafter `x`\n```\nopen", "m")])
    assert ada.page.locator("#answer pre").all_inner_texts() == ["bash\nffmpeg  -i <in>", "open"]
    assert ada.page.locator("#answer p").all_inner_texts() == ["Before", "after `x`"]


def test_nothing_in_the_page_names_the_run_config(rate: Open) -> None:
    ada = rate()
    bodies: list[str] = []
    ada.page.on("response", lambda response: bodies.append(response.text()))
    ada.page.reload()
    ada.press("p", "k", "e")
    ada.sees("#evidence-text", "ran row")
    ada.page.wait_for_load_state("networkidle")
    assert len(bodies) > 5
    assert "secret-config" not in "".join(bodies) + ada.page.content()


def test_a_lost_connection_loses_no_rating(rate: Open) -> None:
    ada = rate()
    ada.press("j", "k")  # both outputs are here already
    ada.ready()
    ada.site.stop()
    ada.press("p")
    ada.sees("#lost", "kept here and sent again")
    ada.press("f")
    ada.sees("#lost", "2 ratings are kept here")
    assert ada.ratings.all() == []
    ada.site.start()
    assert [(r.row, r.value) for r in ada.saved(2)] == [
        (i.row, v) for i, v in zip(ada.order(), ["pass", "fail"], strict=False)
    ]
    expect(ada.page.locator("#lost")).to_be_hidden()


def test_an_answer_that_was_lost_on_the_way_is_one_rating(rate: Open) -> None:
    ada = rate()
    lost: list[str] = []

    def once(route: Any) -> None:
        response = route.fetch(headers={**route.request.headers, "Origin": ada.site.url.removesuffix(f"/{TOKEN}/")})
        lost.append(route.request.post_data)
        if len(lost) == 1:
            route.abort()
        else:
            route.fulfill(response=response)

    ada.page.route("**/api/rate", once)
    ada.press("p")
    ada.sees("#lost", "Connection lost")
    ada.sees("#status", "Saved: pass.")
    expect(ada.page.locator("#lost")).to_be_hidden()
    assert len(lost) == 2
    assert lost[0] == lost[1]
    ada.saved(1)


def test_two_people_at_once_lose_nothing_and_see_nothing_of_each_other(rate: Open) -> None:
    ada, bob = rate(), rate(rater="Bob")
    for key in "pfpf":
        ada.press(key)
        bob.press(key)
    ada.page.wait_for_selector("body[data-ready=done]")
    bob.page.wait_for_selector("body[data-ready=done]")
    found = ada.saved(8)
    assert {(r.rater, r.row) for r in found} == {(who, i.row) for who in ("Ada", "Bob") for i in ITEMS}
    assert "Bob" not in ada.page.content()


def test_another_site_reaches_nothing(rate: Open) -> None:
    ada = rate()
    host = ada.site.url.split("/")[2]
    page = ada.page.context.new_page()
    page.route("http://evil.example/*", lambda route: route.fulfill(body="<p>evil</p>", content_type="text/html"))
    page.goto("http://evil.example/")
    tried = page.evaluate(
        """async (url) => {
          const reach = (path, options) => fetch(url + path, options).then(() => "reached", () => "refused");
          const body = JSON.stringify({ id: "1", key: "row0", value: "pass", note: "", seconds: 1 });
          return [await reach("api/state"), await reach("api/rate", { method: "POST", body }),
                  await reach("api/rate", { method: "POST", body, headers: { "Content-Type": "application/json" } })];
        }""",
        f"http://{host}/{TOKEN}/",
    )
    assert tried == ["refused"] * 3
    assert page.goto(f"http://{host}/wrong/").status == 403  # type: ignore[union-attr]
    assert ada.ratings.all() == []


def test_every_control_has_a_name_and_the_page_fits_a_phone(rate: Open) -> None:
    ada = rate()
    names = ada.page.eval_on_selector_all(
        "button, textarea, progress",
        """all => all.map(e => {
          const named = document.getElementById(e.getAttribute("aria-labelledby")) || e.labels?.[0] || e;
          return (e.ariaLabel || named.textContent).trim();
        })""",
    )
    assert all(names)
    ada.page.set_viewport_size({"width": 360, "height": 640})
    assert ada.page.evaluate("document.documentElement.scrollWidth") <= 360
