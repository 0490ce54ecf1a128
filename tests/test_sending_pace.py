"""When a call may go: the window, the bucket, the pace, and the headers that they go by."""

from __future__ import annotations

import random
import time
from dataclasses import replace

import pytest

from touchstone.models.headers import allowances, retry_after
from touchstone.records import Allowance
from touchstone.sending.bucket import Bucket
from touchstone.sending.pace import Pace
from touchstone.sending.window import START, Window

NOTHING = {"requests": 0.0, "tokens": 0.0}


def test_a_window_starts_small_and_grows_while_it_is_full() -> None:
    window = Window(cap=100)
    assert window.places == START
    for _ in range(START):
        window.answered(window.places)
    assert window.places == min(100, START * 5)


def test_a_window_that_is_not_used_does_not_grow() -> None:
    window = Window(cap=100)
    for _ in range(50):
        window.answered(3)
    assert window.places == START


def test_a_window_never_passes_its_cap_nor_falls_below_one() -> None:
    window = Window(cap=4)
    assert window.places == 4
    for moment in range(50):
        window.refused(began=moment, now=moment + 0.5)
    assert window.places == 1
    for _ in range(500):
        window.answered(window.places)
    assert window.places == 4


def test_refusals_of_one_burst_cut_the_window_once() -> None:
    window = Window(cap=100, size=50)
    for _ in range(50):
        window.refused(began=1.0, now=2.0)
    assert window.places == 35


def test_after_a_refusal_a_whole_window_of_answers_makes_room_for_one() -> None:
    window = Window(cap=100, size=50)
    window.refused(began=1.0, now=2.0)
    before = window.places
    for _ in range(before + 1):
        window.answered(window.places)
    assert window.places == before + 1


def test_a_bucket_lets_through_what_is_left_and_then_what_comes_back() -> None:
    bucket = Bucket.of(Allowance("requests", 50, 2, resets=0.96), 1.0, now=0.0)
    for _ in range(2):
        assert bucket.wait(1, 0.0) == 0
        bucket.take(1, 0.0)
    assert bucket.wait(1, 0.0) == pytest.approx(0.02)  # 48 in 0.96 s: 50 a second
    assert bucket.wait(1, 0.021) == 0


def test_a_bucket_believes_the_lower_figure() -> None:
    bucket = Bucket.of(Allowance("requests", 50, 40, resets=0.2), 1.0, now=0.0)
    bucket.told(Allowance("requests", 50, 5, resets=0.9), 1.0, in_flight=0, now=0.1)  # others took the rest
    assert bucket.level == 5


def test_a_bucket_catches_up_where_it_fills_faster_than_was_thought() -> None:
    bucket = Bucket.of(Allowance("requests", 60, 0, resets=None), 1.0, now=0.0)
    bucket.told(Allowance("requests", 60, 30, resets=30), 1.0, in_flight=4, now=0.1)
    assert bucket.level == 26


def test_a_call_larger_than_the_bucket_waits_for_a_full_one_and_not_for_ever() -> None:
    bucket = Bucket.of(Allowance("tokens", 100, 50, resets=0.5), 1.0, now=0.0)
    assert bucket.wait(1_000, 0.0) == pytest.approx(0.5)


def test_workers_share_what_is_left() -> None:
    bucket = Bucket.of(Allowance("requests", 100, 80, resets=1), 0.25, now=0.0)
    assert (bucket.size, bucket.level, bucket.rate) == (25, 20, 5)


def test_nothing_goes_before_the_provider_wants_it() -> None:
    pace = Pace()
    pace.refused((), retry_after=3.0, flight=NOTHING, began=9.0, now=10.0)
    assert pace.wait(1, 10.5) >= 2.5
    assert pace.wait(1, 20.0) == 0


def _served(pace: Pace, seconds: float, rate: float, *, told: bool) -> tuple[int, int]:
    """(answered, refused) of a server with a token bucket of `rate` a second, asked as fast as `pace` lets."""
    level, answered, refused, now, drawn = rate, 0, 0, 0.0, random.Random(1)
    while now < seconds:
        pause = pace.wait(100, now)
        now += max(pause, 0.001)
        level = min(rate, level + max(pause, 0.001) * rate)
        if pause > 0:
            continue
        pace.sent(100, now)
        resets = (rate - max(level, 0)) / rate
        if level >= 1:
            level, answered = level - 1, answered + 1
            pace.answered([Allowance("requests", rate, level, resets)] if told else [], NOTHING, now)
        else:
            refused += 1
            left = [Allowance("requests", rate, 0, resets)] if told else []
            pace.refused(left, None, NOTHING, now - drawn.random() * 1e-4, now)
    return answered, refused


@pytest.mark.parametrize(("told", "share"), [(True, 0.001), (False, 0.025)], ids=["headers", "silent"])
def test_a_limit_is_used_and_hardly_passed(told: bool, share: float) -> None:
    """Who is told nothing runs into the limit once; the window, which is not in play here, makes that a short run."""
    answered, refused = _served(Pace(), 60, 50, told=told)
    assert answered >= 0.9 * 60 * 50
    assert refused <= share * answered


HEADERS = {
    "openai": (
        {
            "x-ratelimit-limit-requests": "3000",
            "x-ratelimit-remaining-requests": "2999",
            "x-ratelimit-reset-requests": "20ms",
            "x-ratelimit-limit-tokens": "40000",
            "x-ratelimit-remaining-tokens": "39500",
            "x-ratelimit-reset-tokens": "1m0.5s",
        },
        (Allowance("requests", 3000, 2999, 0.02), Allowance("tokens", 40000, 39500, 60.5)),
    ),
    "hours": (
        {"x-ratelimit-limit": "10", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1h2m3s"},
        (Allowance("requests", 10, 0, 3723),),
    ),
    "seconds": (
        {"ratelimit-limit": "10", "ratelimit-remaining": "4", "ratelimit-reset": "6"},
        (Allowance("requests", 10, 4, 6),),
    ),
    "no reset": (
        {"x-ratelimit-limit-requests": "5", "x-ratelimit-remaining-requests": "9"},
        (Allowance("requests", 5, 5, None),),
    ),
    "nothing": ({"content-type": "text/plain"}, ()),
    "nonsense": (
        {
            "x-ratelimit-limit-requests": "many",
            "x-ratelimit-remaining-requests": "-1",
            "x-ratelimit-limit-tokens": "nan",
        },
        (),
    ),
    "half": ({"x-ratelimit-limit-requests": "5"}, ()),
}


@pytest.mark.parametrize("name", HEADERS)
def test_what_providers_say_is_left(name: str) -> None:
    headers, told = HEADERS[name]
    assert allowances(headers) == told


def test_a_reset_that_is_a_time_of_the_day() -> None:
    then = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 30))
    head = "anthropic-ratelimit-requests-"
    (told,) = allowances({head + "limit": "50", head + "remaining": "49", head + "reset": then})
    assert told.resets == pytest.approx(30, abs=2)
    assert replace(told, resets=None) == Allowance("requests", 50, 49)


@pytest.mark.parametrize("stamp", [1, 1000], ids=["seconds", "milliseconds"])
def test_a_reset_that_is_a_unix_time(stamp: int) -> None:
    head = {"x-ratelimit-limit": "50", "x-ratelimit-remaining": "49"}
    (told,) = allowances({**head, "x-ratelimit-reset": str((time.time() + 12) * stamp)})
    assert told.resets == pytest.approx(12, abs=1)


@pytest.mark.parametrize("text", ["", "soon", "-5", "1e400", "9" * 400, "2026-99-99", "ms", "\x00"])
def test_a_reset_that_cannot_be_read_is_not_known(text: str) -> None:
    (told,) = allowances({"x-ratelimit-limit": "50", "x-ratelimit-remaining": "49", "x-ratelimit-reset": text})
    assert told.resets is None


@pytest.mark.parametrize(("text", "seconds"), [("2", 2), ("0.5", 0.5), ("-3", 0), ("soon", None), ("inf", None)])
def test_retry_after(text: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": text}) == seconds
