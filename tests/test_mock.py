"""The benchmarks' mock server: an instrument, so what it says and counts must be right."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from benchmarks.faults import attempts
from benchmarks.kills import Kill, ages, in_flight
from benchmarks.mock.fates import ANSWER, FAULTS, Fates, parsed
from benchmarks.mock.ledger import Ledger
from benchmarks.mock.limits import Bucket, duration, retry_after
from benchmarks.mock.server import Provider, start
from benchmarks.rate import used
from benchmarks.table import Figure, LeftOut, line

Ask = Callable[..., Awaitable[tuple[int, Any, dict[str, str]]]]


class Clock:
    """Stands until it is moved."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def served(provider: Provider) -> AsyncIterator[Ask]:
    """Ask it: (status, text, headers)."""
    runner, url = await start(provider)
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:

        async def ask(text: str = "hello", **more: Any) -> tuple[int, Any, dict[str, str]]:
            body = {"model": "mock", "messages": [{"role": "user", "content": text}], **more}
            async with session.post(f"{url}/chat/completions", json=body) as answer:
                return answer.status, await answer.text(), {k.lower(): v for k, v in answer.headers.items()}

        try:
            yield ask
        finally:
            await runner.cleanup()


def always(fault: str) -> Fates:
    return Fates(faults={fault: 1.0})


def test_a_fate_depends_on_seed_request_and_attempt_alone() -> None:
    fates = Fates(0.2, 0.5, {"429": 0.3, "500": 0.3}, seed=3)
    first = [fates.of(f"request {n}", 1, 16) for n in range(200)]
    assert [fates.of(f"request {n}", 1, 16) for n in reversed(range(200))] == first[::-1]
    assert [fates.of(f"request {n}", 2, 16) for n in range(200)] != first
    assert [Fates(0.2, 0.5, fates.faults, seed=4).of(f"request {n}", 1, 16) for n in range(200)] != first


def test_faults_come_as_often_as_told() -> None:
    shares = parsed("429=0.05,500=0.02,hang=0.01")
    fates = Fates(0.2, 0.5, shares)
    drawn = [fates.of(str(n), 1, 100) for n in range(20_000)]
    counts = Counter(fate.what for fate in drawn)
    for what, share in {**shares, ANSWER: 0.92}.items():
        assert counts[what] / 20_000 == pytest.approx(share, abs=0.005)
    assert min(fate.latency for fate in drawn) == pytest.approx(0.1, abs=0.001)
    assert max(fate.latency for fate in drawn) == pytest.approx(0.3, abs=0.001)
    assert {min(fate.tokens_out for fate in drawn), max(fate.tokens_out for fate in drawn)} == {1, 100}


@pytest.mark.parametrize("shares", [{"on fire": 0.1}, {"429": 0.6, "500": 0.6}, {"429": -0.1}])
def test_faults_that_cannot_be_are_refused(shares: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="fault"):
        Fates(faults=shares)


def test_a_bucket_lets_through_its_burst_and_then_its_rate() -> None:
    bucket, through = Bucket.full(rate=50, size=10, now=0), 0
    for step in range(10_000):  # ten seconds, asked every millisecond
        if bucket.holds(1, step / 1000):
            bucket.take(1, step / 1000)
            through += 1
    assert through == pytest.approx(10 + 50 * 10, abs=1)


def test_a_bucket_says_how_long_to_wait_and_it_is_so() -> None:
    bucket = Bucket.full(rate=4, size=2, now=0)
    bucket.take(2, 0)
    assert bucket.wait(1, 0) == pytest.approx(0.25)
    assert not bucket.holds(1, 0.249)
    assert bucket.holds(1, 0.25)
    assert bucket.wait(99, 0.5) == pytest.approx(0), "one that is larger than the bucket goes when it is full"


def test_a_bucket_tells_what_is_left_as_openai_does() -> None:
    bucket = Bucket.full(rate=50, size=50, now=0)
    bucket.take(3, 0)
    assert bucket.headers("requests", 0) == {
        "x-ratelimit-limit-requests": "50",
        "x-ratelimit-remaining-requests": "47",
        "x-ratelimit-reset-requests": "60ms",
    }


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0ms"), (0.0171, "18ms"), (0.9999, "1s"), (1.2, "1.2s"), (60, "1m0s"), (365.5, "6m5.5s")]
)
def test_durations_are_those_of_go(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_retry_after_is_never_too_short() -> None:
    assert retry_after(1.2001) == {"Retry-After": "2", "retry-after-ms": "1201"}


def test_the_ledger_counts_answers_that_were_written() -> None:
    ledger = Ledger()
    first, again, refused = (ledger.receive("a", "a", now) for now in (0.0, 1.5, 2.0))
    other = ledger.receive("b", "b", 2.5)
    first.status, first.written, first.tokens_in, first.tokens_out = 200, 1.0, 10, 20
    again.status, again.written, again.tokens_in, again.tokens_out = 200, 2.2, 10, 20
    refused.what, refused.status, refused.written = "429", 429, 2.0
    other.tokens_in, other.tokens_out = 10, 20
    for one in (first, again, refused, other):
        ledger.leave(one, 3.0)
    stats = ledger.stats(input_cost=1e5, output_cost=2e5)
    assert (stats["calls"], stats["distinct"], stats["most_sent"], stats["most_at_once"]) == (4, 2, 3, 4)
    assert (stats["answered"], stats["answered_distinct"], stats["answered_twice"], stats["abandoned"]) == (2, 1, 1, 1)
    assert (stats["spent"], stats["spent_at_most"]) == (pytest.approx(10.0), pytest.approx(15.0))
    assert stats["status"] == {"200": 2, "429": 1, "None": 1}
    assert [second["came"] for second in stats["per_second"]] == [1, 1, 2]
    assert [second["answered"] for second in stats["per_second"]] == [0, 1, 1]
    assert [second["refused"] for second in stats["per_second"]] == [0, 0, 1]


def test_an_answer_and_its_price() -> None:
    async def main() -> None:
        provider = Provider(input_cost=1.0, output_cost=2.0)
        async with served(provider) as ask:
            answers = [await ask("x" * 40, max_tokens=8) for _ in range(2)]
        usage = [json.loads(text)["usage"] for _, text, _ in answers]
        assert {status for status, _, _ in answers} == {200}
        assert {one["prompt_tokens"] for one in usage} == {14}
        assert all(1 <= one["completion_tokens"] <= 8 for one in usage)
        cost = sum(one["prompt_tokens"] + 2 * one["completion_tokens"] for one in usage) / 1e6
        stats = provider.ledger.stats(1.0, 2.0)
        assert (stats["spent"], stats["answered_twice"], stats["most_sent"]) == (pytest.approx(cost), 1, 2)

    asyncio.run(main())


def test_a_request_is_the_same_whatever_the_order_of_its_keys() -> None:
    async def main() -> None:
        provider = Provider()
        async with served(provider) as ask:
            await ask(temperature=0, max_tokens=4)
            await ask(max_tokens=4, temperature=0)
            await ask(max_tokens=5, temperature=0)
        assert (provider.ledger.stats()["distinct"], provider.ledger.stats()["most_sent"]) == (2, 2)

    asyncio.run(main())


def test_a_limit_refuses_what_is_too_much_and_says_so() -> None:
    async def main() -> None:
        provider = Provider(rate=10, burst=2, clock=Clock())
        async with served(provider) as ask:
            answers = [await ask(f"row {n}") for n in range(3)]
        assert [status for status, _, _ in answers] == [200, 200, 429]
        assert [headers["x-ratelimit-remaining-requests"] for _, _, headers in answers] == ["1", "0", "0"]
        assert answers[2][2]["retry-after-ms"] == "100"
        assert provider.ledger.stats()["status"] == {"200": 2, "429": 1}

    asyncio.run(main())


def test_a_limit_on_tokens_counts_the_most_that_may_be_answered() -> None:
    async def main() -> None:
        provider = Provider(token_rate=100, clock=Clock())
        async with served(provider) as ask:
            answers = [await ask("x" * 64, max_tokens=60) for _ in range(2)]  # 20 and 60
        assert [status for status, _, _ in answers] == [200, 429]
        assert answers[1][2]["x-ratelimit-remaining-tokens"] == "20"
        assert answers[1][2]["retry-after-ms"] == "600"

    asyncio.run(main())


def test_a_server_that_tells_nothing() -> None:
    async def main() -> None:
        async with served(Provider(rate=10, burst=1, tells=False, clock=Clock())) as ask:
            answers = [await ask(f"row {n}") for n in range(2)]
        assert [status for status, _, _ in answers] == [200, 429]
        assert not [name for _, _, headers in answers for name in headers if "rate" in name or "retry" in name]

    asyncio.run(main())


@pytest.mark.parametrize("fault", sorted(set(FAULTS) - {"hang", "reset"}))
def test_what_each_fault_answers(fault: str) -> None:
    async def main() -> None:
        provider = Provider(always(fault), drip=0.05)
        async with served(provider) as ask:
            status, text, headers = await ask()
        stats = provider.ledger.stats()
        assert stats["what"] == {fault: 1}
        assert stats["status"] == {str(status): 1}
        assert stats["answered"] == (fault == "drip")
        match fault:
            case "429":
                assert (status, headers["retry-after-ms"]) == (429, "500")
            case "500":
                assert status == 500
            case "drip":
                assert json.loads(text)["choices"][0]["message"]["content"]
            case "garbage":
                with pytest.raises(ValueError, match="Unterminated"):
                    json.loads(text)
            case "schema":
                assert isinstance(json.loads(text)["choices"], dict)
            case "empty":
                assert json.loads(text)["choices"] == []

    asyncio.run(main())


def test_a_reset_is_one() -> None:
    async def main() -> None:
        provider = Provider(always("reset"))
        async with served(provider) as ask:
            with pytest.raises(aiohttp.ClientError):
                await ask()
        assert provider.ledger.stats()["status"] == {"None": 1}

    asyncio.run(main())


@pytest.mark.parametrize("provider", [Provider(always("hang")), Provider(Fates(latency=60))], ids=["hang", "slow"])
def test_a_client_that_leaves_was_not_answered(provider: Provider) -> None:
    async def main() -> None:
        async with served(provider) as ask:
            asked = asyncio.ensure_future(ask())
            while not provider.ledger.here:
                await asyncio.sleep(0.01)
            asked.cancel()
            while provider.ledger.here:
                await asyncio.sleep(0.01)
        (one,) = provider.ledger.sent
        assert (one.status, one.written, one.answered) == (None, None, False)
        assert one.left is not None

    asyncio.run(asyncio.wait_for(main(), 10))


def test_how_many_at_once() -> None:
    async def main() -> None:
        provider = Provider(Fates(latency=0.2))
        async with served(provider) as ask:
            await asyncio.gather(*(ask(f"row {n}") for n in range(7)))
        assert provider.ledger.stats()["most_at_once"] == 7
        assert provider.ledger.here == 0

    asyncio.run(main())


def call(text: str, received: float, written: float | None, left: float | None = None) -> dict[str, Any]:
    return {"text": text, "received": received, "written": written, "left": left or written}


def test_what_was_in_flight_at_a_kill_and_what_was_lost() -> None:
    kills = [Kill(at=10.0, gone=10.1), Kill(at=20.0, gone=20.1)]
    log = [
        call("kept", 1.0, 2.0),
        call("in flight", 9.9, None, left=10.05),
        call("came late", 10.05, 10.3),
        call("on its way", 9.8, 10.02),
        call("lost", 9.0, 9.5),
        *(call(text, 11.0, 12.0) for text in ("in flight", "came late", "on its way", "lost")),
    ]
    assert in_flight(log, kills) == 3
    assert list(ages(log, kills)) == [pytest.approx(0.5)]


def test_what_is_asked_twice_without_a_kill_is_lost_too() -> None:
    assert list(ages([call("row", 1.0, 2.0), call("row", 3.0, 4.0)], [Kill(0.5, 0.6)])) == [float("inf")]


def test_how_much_of_a_rate_is_used() -> None:
    every = [{"status": 200, "received": n / 50} for n in range(500)]
    assert used(every, rate=50, burst=1) == pytest.approx(100, abs=0.5)
    assert used(every[::2], rate=50, burst=1) == pytest.approx(50, abs=0.5)
    assert used([{"status": 429, "received": 0.0}], rate=50, burst=1) == 0


def test_attempts_are_read_from_records(tmp_path: Path) -> None:
    failed = {"why": "429", "seconds": 0.1}
    lines: list[dict[str, Any]] = [
        {"input": "once", "response": {"text": ""}},
        {"input": "third", "response": {"text": "", "attempts": [failed, failed]}},
        {"input": "never", "response": None, "attempts": [failed] * 5},
        {"input": "not tried", "response": None},
    ]
    run = tmp_path / ".touchstone/runs/a"
    run.mkdir(parents=True)
    (run / "samples-main.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))
    asked = {f"Answer in one word.\n{text}": times for text, times in {"once": 1, "third": 3, "never": 5}.items()}
    assert +attempts(tmp_path) == asked


def test_lines_of_the_table() -> None:
    most, least = (Figure("rate", "used", "9", "-", 90.0, 90.0, "%", least=least) for least in (False, True))
    assert most.met
    assert least.met
    assert not Figure("rate", "used", "9", "-", 89.0, 90.0, "%", least=True).met
    assert "at least 90.0 %" in line(least)
    assert "at most 90.0 %" in line(most)
    assert line(LeftOut("peers", "deepeval", "not installed")).count("|") == line(most).count("|")
