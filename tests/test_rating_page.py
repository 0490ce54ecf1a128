"""The rating page's answers, without a browser: who may ask, what is said, what never is."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from asking import HERE, TOKEN, Asked

from touchstone.errors import ScorerError, UsageError
from touchstone.labels import Item, Rating
from touchstone.rating.app import LARGEST_BODY, application
from touchstone.rating.desk import LONGEST_NOTE, Desk, in_order
from touchstone.rating.serving import address, listen, server
from touchstone.ratings import Ratings

ITEMS = [Item(f"row{n}", "h", f"ask {n}", f"answer {n}", "secret-config") for n in range(5)]
NOW = 1_795_000_000.0


async def saw(item: Item) -> Mapping[str, object] | None:
    return {"executes": {"value": 1.0, "why": f"ran {item.row}"}}


class Page(Asked):
    """The app, asked as its own page asks it."""

    def __init__(self, folder: Path, rater: str = "Ada", **other: Any) -> None:
        self.ratings, self.now = Ratings(folder), NOW
        self.items, evidence = other.pop("items", ITEMS), other.pop("evidence", saw)
        given: dict[str, Any] = {"rows": {}, "scale": "pass_fail", **other}
        desk = Desk(self.items, ratings=self.ratings, rater=rater, clock=lambda: self.now, **given)
        self.app = application(desk, evidence, TOKEN)

    def rate(self, item: Item = ITEMS[0], value: object = "pass", **other: Any) -> httpx.Response:
        body = {"id": f"{time.monotonic_ns()}", "key": item.key, "value": value, "note": "", "seconds": 3.2, **other}
        return self.post(json=body)

    def post(self, headers: Mapping[str, str] | None = None, **other: Any) -> httpx.Response:
        return self.send("api/rate", headers, **other)

    @property
    def kept(self) -> list[Rating]:
        return self.ratings.all()


@pytest.fixture
def served(tmp_path: Path) -> Page:
    return Page(tmp_path / "e")


def test_the_page_and_its_files_are_there(served: Page) -> None:
    assert "<title>Rating" in served.get("").text
    kinds = {name: served.get(name).headers["content-type"] for name in ("page.css", "page.js", "icon.svg")}
    assert kinds["page.css"].startswith("text/css")
    assert kinds["page.js"].startswith("text/javascript")
    assert kinds["icon.svg"].startswith("image/svg+xml")
    assert [served.get(name).status_code for name in ("app.py", "..%2fapp.py", "page.html", "x")] == [404] * 4


def test_every_answer_has_the_strict_headers(served: Page) -> None:
    answers = [served.get(""), served.get("api/state"), served.get("nothing"), served.ask("GET", "/wrong/")]
    for answer in answers:
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-content-type-options"] == "nosniff"
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert "access-control-allow-origin" not in answer.headers


def test_the_nonce_is_the_pages_own_and_new_each_time(served: Page) -> None:
    one, two = served.get(""), served.get("")
    policy = one.headers["content-security-policy"]
    nonce = policy.partition("script-src 'nonce-")[2].partition("'")[0]
    assert one.text.count(f'nonce="{nonce}"') == 2
    assert "{{" not in one.text
    assert nonce not in two.text


@pytest.mark.parametrize(
    "path", ["/", "/wrong/", "/wrong/api/state", "/the-toke/", "/the-token2/", "//", "/favicon.ico", "/%00/", "/é/"]
)
def test_without_the_token_there_is_nothing(served: Page, path: str) -> None:
    answer = served.ask("GET", path)
    assert answer.status_code == 403
    assert "touchstone rate" in answer.text


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8123", "127.0.0.1", "127.0.0.1:80", "localhost.evil.example:8123", "[::1]:8123", ""],
)
def test_a_name_that_points_here_is_refused(served: Page, host: str) -> None:
    assert served.get("", headers={"Host": host}).status_code == 403
    assert served.post({"Host": host, "Origin": f"http://{host}"}, json={}).status_code == 403


def test_both_names_of_this_machine_are_known(served: Page) -> None:
    assert served.get("", headers={"Host": "localhost:8123"}).status_code == 200
    assert served.get("", headers={"Host": "127.0.0.1:8123"}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": ""},
        {"Origin": "null"},
        {"Origin": "http://evil.example"},
        {"Origin": "https://127.0.0.1:8123"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_another_site_can_rate_nothing(served: Page, headers: dict[str, str]) -> None:
    body = {"id": "1", "key": ITEMS[0].key, "value": "pass", "note": "", "seconds": 1}
    assert served.post(headers, json=body).status_code == 403
    assert served.kept == []
    assert served.post({"Sec-Fetch-Site": "same-origin"}, json=body).status_code == 200


def test_another_site_can_open_the_page_and_read_nothing(served: Page) -> None:
    foreign = {"Sec-Fetch-Site": "cross-site"}
    assert served.get("", headers=foreign).status_code == 200
    assert served.get("api/state", headers=foreign).status_code == 403
    assert served.get("page.js", headers=foreign).status_code == 403


def test_what_a_form_could_send_is_refused(served: Page) -> None:
    for kind in ("", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        assert served.post({"Content-Type": kind}, content=b"{}").status_code == 415


@pytest.mark.parametrize("path", ["api/rate", "api/evidence/x"])
def test_other_methods_are_refused(served: Page, path: str) -> None:
    for method in ("PUT", "DELETE", "OPTIONS", "PATCH"):
        assert served.ask(method, f"/{TOKEN}/{path}", headers={"Origin": HERE}).status_code in (403, 405)
    assert served.get("api/rate").status_code in (404, 405)


def test_a_rating_is_on_disk_with_all_that_belongs_to_it(served: Page) -> None:
    answer = served.rate(value="fail", note=" too short ", seconds=4.26)
    assert answer.json() == {
        "key": ITEMS[0].key,
        "value": "fail",
        "note": "too short",
        "peeked": False,
        "looked": False,
    }
    when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(NOW))
    assert served.kept == [Rating("row0", ITEMS[0].answer, "Ada", "fail", when, "too short", 4.3)]


def test_state_says_how_far_the_rater_is(served: Page) -> None:
    served.rate(ITEMS[2], "unsure")
    state = served.get("api/state").json()
    assert (state["rater"], state["scale"], state["labels"]) == ("Ada", "pass_fail", ["fail", "pass", "unsure"])
    assert state["evidence"] is True
    assert {i["key"]: i["value"] for i in state["items"]} == {i.key: None for i in ITEMS} | {ITEMS[2].key: "unsure"}


def test_an_item_is_what_was_asked_and_answered(tmp_path: Path) -> None:
    served = Page(tmp_path, rows={"row0": {"media": {"a.mp4": {"seconds": 3}}}})
    assert served.get(f"api/item/{ITEMS[0].key}").json() == {
        "key": ITEMS[0].key,
        "row": "row0",
        "input": "ask 0",
        "output": "answer 0",
        "about": {"media": {"a.mp4": {"seconds": 3}}},
    }
    assert served.get("api/item/none").status_code == 404


def test_text_that_is_no_unicode_arrives(tmp_path: Path) -> None:
    odd = replace(ITEMS[0], output="\ud800 \u202e \u2028 </script>", input={"a": ["\udfff"]})
    answer = Page(tmp_path, items=[odd]).get(f"api/item/{odd.key}")
    assert answer.content.isascii()
    assert (json.loads(answer.content)["output"], json.loads(answer.content)["input"]) == (odd.output, odd.input)


def test_a_change_of_mind_is_another_line(served: Page) -> None:
    served.rate(value="pass")
    served.now += 60
    served.rate(value="fail")
    assert [r.value for r in served.kept] == ["pass", "fail"]
    assert served.get("api/state").json()["items"][position(served, ITEMS[0])]["value"] == "fail"


def position(served: Page, item: Item) -> int:
    return [i["key"] for i in served.get("api/state").json()["items"]].index(item.key)


def test_what_comes_twice_is_one_rating(served: Page) -> None:
    assert [served.rate(id="same").status_code for _ in range(3)] == [200] * 3
    served.rate(id="another")
    assert len(served.kept) == 1


def test_a_late_retry_does_not_undo_what_was_said_since(served: Page) -> None:
    served.rate(value="pass", id="one")
    served.rate(value="fail", id="two")
    assert served.rate(value="pass", id="one").json()["value"] == "fail"
    assert [r.value for r in served.kept] == ["pass", "fail"]


def test_a_clock_that_goes_back_does_not_let_the_older_word_win(served: Page) -> None:
    served.rate(value="pass")
    served.now -= 3600
    assert served.rate(value="fail").json()["value"] == "fail"


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"key": "nothing@0"}, "not in the golden set"),
        ({"key": 5}, "key"),
        ({"value": "great"}, "no label"),
        ({"value": 3}, "no label"),
        ({"value": None}, "value"),
        ({"value": True}, "value"),
        ({"value": ["pass"]}, "value"),
        ({"note": None}, "note"),
        ({"note": "x" * (LONGEST_NOTE + 1)}, "note"),
        ({"seconds": -1}, "seconds"),
        ({"seconds": "3"}, "seconds"),
        ({"seconds": True}, "seconds"),
        ({"id": ""}, "id"),
        ({"id": "x" * 65}, "id"),
        ({"id": 4}, "id"),
    ],
)
def test_a_wrong_rating_says_what_is_wrong(served: Page, changed: dict[str, Any], says: str) -> None:
    body = {"id": "1", "key": ITEMS[0].key, "value": "pass", "note": "", "seconds": 1, **changed}
    answer = served.post(json=body)
    assert answer.status_code == 400
    assert says in answer.json()["error"]
    assert served.kept == []


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 20_000, b'{"id": "1", "key": NaN}', b'"text"', b"1" * 5000]
)
def test_bad_json_is_told_in_words(served: Page, body: bytes) -> None:
    answer = served.post(content=body)
    assert answer.status_code == 400
    assert answer.json()["error"]


def test_seconds_are_bounded_and_may_be_unknown(served: Page) -> None:
    served.rate(ITEMS[0], seconds=10**30)
    served.rate(ITEMS[1], seconds=None)
    assert [r.seconds for r in served.kept] == [86_400, None]


def test_a_body_that_is_too_large_is_refused(served: Page) -> None:
    answer = served.post(content=b" " * (LARGEST_BODY + 1))
    assert (answer.status_code, served.kept) == (413, [])


def test_a_disk_that_takes_nothing_is_told_and_may_be_tried_again(tmp_path: Path) -> None:
    (tmp_path / "e").write_text("in the way")
    served = Page(tmp_path / "e")
    answer = served.rate(id="one")
    assert answer.status_code == 503
    assert "cannot be written" in answer.json()["error"]
    (tmp_path / "e").unlink()
    assert served.rate(id="one").status_code == 200
    assert len(served.kept) == 1


def test_evidence_comes_after_the_rating(served: Page) -> None:
    path = f"api/evidence/{ITEMS[0].key}"
    assert served.get(path).status_code == 403
    assert "ran row0" not in served.get(path).text
    served.rate()
    assert served.get(path).json() == {"evidence": {"executes": {"value": 1.0, "why": "ran row0"}}}
    assert served.kept[0].peeked is False


def test_a_peek_is_recorded_in_the_rating_and_in_those_after_it(served: Page) -> None:
    assert served.get(f"api/evidence/{ITEMS[0].key}?peek=1").status_code == 200
    served.rate(value="pass")
    served.rate(ITEMS[1])
    assert {r.row: r.peeked for r in served.kept} == {"row0": True, "row1": False}
    again = Page(served.ratings.folder)
    again.rate(value="fail")
    assert again.kept[-1].peeked is True


def test_a_rating_after_the_evidence_is_not_blind(served: Page) -> None:
    served.rate(value="pass")
    served.get(f"api/evidence/{ITEMS[0].key}")
    served.rate(value="fail")
    assert [r.peeked for r in served.kept] == [False, True]


def test_without_evidence_the_page_is_told_and_nothing_counts_as_a_look(tmp_path: Path) -> None:
    served = Page(tmp_path, evidence=None)
    assert served.get("api/state").json()["evidence"] is False
    assert served.get(f"api/evidence/{ITEMS[0].key}?peek=1").json() == {"evidence": None}
    served.rate()
    assert served.kept[0].peeked is False


def test_evidence_that_cannot_be_had_is_told(tmp_path: Path) -> None:
    async def broken(item: Item) -> None:
        raise ScorerError("no sandbox works here")

    answer = Page(tmp_path, evidence=broken).get(f"api/evidence/{ITEMS[0].key}?peek=1")
    assert (answer.status_code, answer.json()) == (502, {"error": "no sandbox works here"})


def test_no_answer_names_the_run_config_or_what_others_said(tmp_path: Path) -> None:
    other = Page(tmp_path, rater="Bob")
    for item in ITEMS:
        other.rate(item, "fail", note="bobs-word")
    served = Page(tmp_path)
    answers = [served.get(p) for p in ("", "page.js", "page.css", "api/state")]
    for item in ITEMS:
        answers += [
            served.get(f"api/item/{item.key}"),
            served.get(f"api/evidence/{item.key}?peek=1"),
            served.rate(item),
        ]
    said = "".join(a.text + str(a.headers) for a in answers)
    assert all(a.status_code == 200 for a in answers)
    for hidden in ("secret-config", "bobs-word", "Bob"):
        assert hidden not in said


def test_each_rater_has_an_order_of_their_own_that_stays(tmp_path: Path) -> None:
    keys = [item.key for item in in_order(ITEMS, "Ada")]
    assert keys == [item.key for item in in_order(ITEMS[::-1], "Ada")]
    assert keys == [i["key"] for i in Page(tmp_path).get("api/state").json()["items"]]
    assert len({tuple(i.key for i in in_order(ITEMS, f"rater {n}")) for n in range(20)}) > 10


def test_two_raters_at_once_lose_nothing(tmp_path: Path) -> None:
    many = [replace(ITEMS[0], row=f"r{n}") for n in range(40)]
    pages = [Page(tmp_path, rater, items=many) for rater in ("Ada", "Ada", "Bob")]

    def rate(who: Page, value: str) -> None:
        for item in many:
            assert who.rate(item, value).status_code == 200

    threads = [threading.Thread(target=rate, args=(p, v)) for p, v in zip(pages, ("pass", "fail", "pass"), strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    current = pages[0].ratings.current(many)
    assert pages[0].ratings.problems == []
    assert all(set(by) == {"Ada", "Bob"} for by in current.values())


def test_ratings_of_an_older_answer_are_not_this_ones(tmp_path: Path) -> None:
    Page(tmp_path).rate(ITEMS[0], "fail")
    changed = replace(ITEMS[0], output="another answer")
    assert Page(tmp_path, items=[changed]).get("api/state").json()["items"][0]["value"] is None


@contextmanager
def running(app: Any) -> Iterator[str]:
    listening = listen(0)
    serving = server(app)
    thread = threading.Thread(target=lambda: serving.run(sockets=[listening]))
    thread.start()
    try:
        yield address(listening, TOKEN)
    finally:
        serving.should_exit = True
        thread.join()
        listening.close()


def test_it_answers_on_a_real_socket_of_this_machine_alone(served: Page) -> None:
    with running(served.app) as url, httpx.Client(trust_env=False) as client:
        assert url.startswith("http://127.0.0.1:")
        origin = url.removesuffix(f"/{TOKEN}/")
        state = client.get(f"{url}api/state")
        assert "server" not in state.headers
        assert state.headers["cache-control"] == "no-store"
        body = {"id": "1", "key": ITEMS[0].key, "value": "pass", "note": "", "seconds": 1}
        assert client.post(f"{url}api/rate", json=body).status_code == 403
        assert client.post(f"{url}api/rate", json=body, headers={"Origin": "http://evil.example"}).status_code == 403
        assert client.post(f"{url}api/rate", json=body, headers={"Origin": origin}).status_code == 200
        assert client.get(url, headers={"Host": "evil.example"}).status_code == 403
        assert client.get(f"{origin}/").status_code == 403
    assert len(served.kept) == 1


def test_the_socket_is_on_the_loopback_interface(served: Page) -> None:
    with listen(0) as listening:
        assert listening.getsockname()[0] == "127.0.0.1"
        port = listening.getsockname()[1]
        with socket.socket() as other, pytest.raises(ConnectionRefusedError):
            other.connect(("127.0.0.2", port))


def test_a_port_that_is_taken_is_told() -> None:
    with listen(0) as listening, pytest.raises(UsageError, match="--port: cannot listen on port"):
        listen(listening.getsockname()[1])
