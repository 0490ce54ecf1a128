"""Lanes, slots, budget, refusals and attempts: what stands between a call that is wanted and the model."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.fake_model import FakeModel
from touchstone.errors import CallFailed, CallRefused, CallStopped, UsageError
from touchstone.records import Allowance, Media, Message, Request, Response, RunConfig, ToolCall, Usage
from touchstone.sending import Budget, BudgetReached, Limit, Share, Traffic, state
from touchstone.sending.account import Account, Sum
from touchstone.sending.lane import CROWD, Lane
from touchstone.sending.retrying import Retrying
from touchstone.sending.slots import Slots
from touchstone.sending.tollgate import Tollgate
from touchstone.sending.window import Window
from touchstone.sending.worst import likely_tokens, most_input

PRICED = RunConfig(
    name="main",
    model="openai-compatible/m",
    prompt="p",
    base_url="http://127.0.0.1:9/v1",
    input_cost=1.0,
    output_cost=2.0,
    max_tokens=100,
)
ASKED = Request("m", (Message("user", "hi"),), {"max_tokens": 100})
WORST = Sum((18 + 4) * 1e-6 + 100 * 2e-6, 122)
"""Of ASKED: 2 bytes, 16 of the frame, 4 of `""` twice; 100 tokens of an answer."""


def asked(number: int) -> Request:
    return Request("m", (Message("user", str(number)),), {"max_tokens": 100})


async def all_of(model: Any, calls: int) -> list[Response | BaseException]:
    return await asyncio.gather(*(model.complete(asked(i)) for i in range(calls)), return_exceptions=True)


def test_a_lane_lets_so_many_through_at_a_time() -> None:
    fake = FakeModel(rule=lambda r: "x", latency=0.01)
    answers = asyncio.run(all_of(Lane(Window(5, 5)).through(fake), 40))
    assert len(answers) == 40
    assert fake.most_at_once == 5


def test_a_lane_grows_until_a_call_is_one_too_many() -> None:
    """A server that takes ten at a time and refuses the rest, telling nothing else."""
    fake: FakeModel

    def rule(_: Request) -> Any:
        return "x" if fake.running <= 10 else CallFailed("429: busy", status=429)

    fake = FakeModel(rule=rule, latency=0.005)
    lane = Lane(Window(100))
    answers = asyncio.run(all_of(Retrying(lane.through(fake), attempts=20, first_wait=0.001), 300))
    assert [one for one in answers if isinstance(one, BaseException)] == []
    assert lane.window.throttled
    assert 1 <= lane.window.places <= 30


def test_a_provider_that_wants_a_pause_gets_it_from_everybody() -> None:
    began: list[float] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()

        def rule(_: Request) -> Any:
            began.append(loop.time())
            return CallFailed("429", status=429, retry_after=0.3) if len(began) <= CROWD else "x"

        lane = Lane(Window(CROWD, CROWD))
        await all_of(Retrying(lane.through(FakeModel(rule=rule)), first_wait=0.001), 20)

    asyncio.run(main())
    at_once = sum(moment - began[0] < 0.25 for moment in began)
    assert at_once < 2 * CROWD  # those that went before the last refusal was in
    assert len(began) == 20 + CROWD


def test_a_refusal_by_chance_delays_its_own_call_alone() -> None:
    """5 % of calls are refused with a wait of a second each: the others do not wait with them."""
    seen: set[str] = set()

    def rule(request: Request) -> Any:
        number = request.messages[0].content
        if int(number) % 20 or number in seen:
            return "x"
        seen.add(number)
        return CallFailed("429", status=429, retry_after=1.0)

    async def main() -> float:
        lane = Lane(Window(8, 8))
        loop = asyncio.get_running_loop()
        fake = FakeModel(rule=rule, latency=0.002)
        began = loop.time()
        await all_of(Retrying(lane.through(fake), first_wait=0.001), 200)
        assert (lane.window.throttled, lane.pace.learnt) == (False, None)
        return loop.time() - began

    assert asyncio.run(main()) < 5  # and not ten times a second


def test_a_refusal_beside_an_allowance_that_is_left_is_not_about_us() -> None:
    left, none = (Allowance("requests", 100, 50, 1.0),), (Allowance("requests", 100, 0, 1.0),)
    lane = Lane(Window(8, 8))
    for _ in range(30):
        lane.failed(CallFailed("429", status=429, retry_after=9, allowances=left), 0.0)
    assert not lane.window.throttled
    lane.failed(CallFailed("429", status=429, retry_after=9, allowances=none), 0.0)
    assert lane.window.throttled


def test_an_allowance_holds_back_what_would_be_refused() -> None:
    """Twenty are left, and one comes back each 10 ms: the rest waits for its turn instead of a 429."""

    async def main() -> float:
        told = (Allowance("requests", 20, 0, resets=0.2),)
        fake = FakeModel(rule=lambda r: Response("x", allowances=told))
        lane, loop = Lane(Window(4, 4)), asyncio.get_running_loop()
        began = loop.time()
        await all_of(lane.through(fake), 24)
        return loop.time() - began

    assert asyncio.run(main()) >= 0.15


def test_a_turn_that_is_given_up_blocks_nobody() -> None:
    async def main() -> list[Any]:
        fake = FakeModel(rule=lambda r: "x", latency=0.02)
        model = Lane(Window(1, 1)).through(fake)
        first = asyncio.ensure_future(model.complete(asked(1)))
        given_up = asyncio.ensure_future(model.complete(asked(2)))
        last = asyncio.ensure_future(model.complete(asked(3)))
        await asyncio.sleep(0.005)
        given_up.cancel()
        return await asyncio.gather(first, last)

    assert [one.text for one in asyncio.run(asyncio.wait_for(main(), 5))] == ["x", "x"]


def test_a_failure_that_is_not_about_too_many_calls_slows_nothing() -> None:
    lane = Lane(Window(8, 8))
    asyncio.run(all_of(lane.through(FakeModel(rule=lambda r: CallFailed("500", status=500))), 8))
    assert (lane.window.places, lane.window.throttled, lane.in_flight) == (8, False, 0)


@pytest.mark.parametrize(("finish", "answered"), [(True, 1), (False, 0)], ids=["a worker's end", "Ctrl-C"])
def test_a_call_that_failed_is_tried_again_at_a_workers_end_and_one_that_never_went_is_not(
    finish: bool, answered: int
) -> None:
    """Else another worker, which waits for the claim, begins anew, and one attempt is on nobody's record."""
    fake = FakeModel(CallFailed("500", status=500), "late", "never", latency=0.005)
    lane = Lane(Window(1, 1))
    model = Retrying(lane.through(fake), first_wait=0.02)

    async def main() -> list[Response | BaseException]:
        calls = [asyncio.ensure_future(model.complete(asked(0)))]
        while not fake.history or lane.in_flight:
            await asyncio.sleep(0.001)
        lane.stop(finish=finish)  # while the first waits to be tried again
        calls.append(asyncio.ensure_future(model.complete(asked(1))))
        return await asyncio.gather(*calls, return_exceptions=True)

    first, second = asyncio.run(main())
    assert isinstance(second, CallStopped)
    assert isinstance(first, Response) == bool(answered)
    assert len(fake.history) == 1 + answered


def test_workers_share_a_hard_number_of_places(tmp_path: Path) -> None:
    """Locks of one process do not exclude each other: another process holds two of three places."""
    code = (
        "import asyncio, sys; from pathlib import Path\n"
        "from touchstone.sending.slots import Slots\n"
        "async def main():\n"
        "    slots = Slots(Path(sys.argv[1]), 3)\n"
        "    async with slots.one(), slots.one():\n"
        "        print('held', flush=True); await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    path = tmp_path / "slots"
    with subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"

        async def main() -> None:
            slots = Slots(path, 3, worker=1)
            async with slots.one():
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.2), slots.one():
                        pass
                other.send_signal(signal.SIGKILL)
                async with asyncio.timeout(5), slots.one(), slots.one():
                    pass

        asyncio.run(main())
        other.wait()


def test_a_budget_is_never_passed_however_many_ask_at_once(tmp_path: Path) -> None:
    """Room for ten worst cases, of which each call takes a fourth: the others wait for settlements."""
    limit = WORST.cost * 10
    took = Response("x", usage=Usage(22, 19), cost=WORST.cost / 4)
    fake = FakeModel(rule=lambda r: took, latency=0.001)
    budget = Budget(tmp_path / "budget", Limit(cost=limit))
    answers = asyncio.run(all_of(Tollgate(fake, budget, PRICED), 60))
    made = [one for one in answers if isinstance(one, Response)]
    refused = [one for one in answers if isinstance(one, BudgetReached)]
    assert len(made) + len(refused) == 60
    assert len(made) * WORST.cost / 4 <= limit
    assert len(made) >= 36  # (10 - 1) * 4: only the last worst case does not fit
    assert fake.most_at_once <= 10
    assert "--max-cost" in str(refused[0])
    budget.close()
    known = state(tmp_path)
    assert known is not None
    assert known[0].cost == pytest.approx(len(made) * WORST.cost / 4)
    assert known[1] == len(refused)


def test_a_budget_of_tokens(tmp_path: Path) -> None:
    fake = FakeModel(rule=lambda r: Response("x", usage=Usage(10, 90)))
    gate = Tollgate(fake, Budget(tmp_path / "budget", Limit(tokens=320)), PRICED)

    async def main() -> list[Any]:
        return [(await asyncio.gather(gate.complete(asked(i)), return_exceptions=True))[0] for i in range(4)]

    answers = asyncio.run(main())
    assert [isinstance(one, Response) for one in answers] == [True, True, False, False]
    assert "--max-tokens 320 is reached" in str(answers[-1])


@pytest.mark.parametrize(
    ("error", "spent"),
    [
        (CallFailed("429", status=429), 0),
        (CallRefused("401", status=401), 0),
        (CallFailed("no whole answer within 1 s"), WORST.tokens),  # it may have been billed
    ],
)
def test_what_a_failed_call_may_have_cost(tmp_path: Path, error: Exception, spent: int) -> None:
    budget = Budget(tmp_path / "budget", Limit(tokens=1000))
    with pytest.raises(type(error)):
        asyncio.run(Tollgate(FakeModel(error), budget, PRICED).complete(ASKED))
    assert budget.spent.tokens == spent


def test_an_answer_that_says_no_usage_counts_as_the_worst_case(tmp_path: Path) -> None:
    budget = Budget(tmp_path / "budget", Limit(cost=1))
    asyncio.run(Tollgate(FakeModel(Response("x")), budget, PRICED).complete(ASKED))
    assert budget.spent.cost == pytest.approx(WORST.cost)
    assert budget.spent.tokens == WORST.tokens


@pytest.mark.parametrize(
    ("change", "words"), [({"max_tokens": None}, "give it max_tokens"), ({"input_cost": None}, "price is not known")]
)
def test_a_budget_that_cannot_be_kept_makes_no_call(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    config = PRICED.model_copy(update=change)
    fake = FakeModel("x")
    with pytest.raises(UsageError, match=words):
        asyncio.run(Tollgate(fake, Budget(tmp_path / "budget", Limit(cost=1)), config).complete(ASKED))
    assert fake.history == []


def test_what_a_dead_process_held_counts_as_spent(tmp_path: Path) -> None:
    code = (
        "import asyncio, os, signal, sys; from pathlib import Path\n"
        "from touchstone.sending import Budget, Limit\n"
        "from touchstone.sending.account import Sum\n"
        "budget = Budget(Path(sys.argv[1]), Limit(tokens=100))\n"
        "asyncio.run(budget.reserve(Sum(0.0, 60)))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "budget")], check=False)
    budget = Budget(tmp_path / "budget", Limit(tokens=100))
    asyncio.run(budget.reserve(Sum(0.0, 40)))
    with pytest.raises(BudgetReached):  # and does not wait for a settlement that never comes
        asyncio.run(asyncio.wait_for(budget.reserve(Sum(0.0, 60)), 5))


def test_processes_that_draw_on_one_budget_at_once(tmp_path: Path) -> None:
    code = (
        "import asyncio, sys; from pathlib import Path\n"
        "from touchstone.sending import Budget, BudgetReached, Limit\n"
        "from touchstone.sending.account import Sum\n"
        "async def main():\n"
        "    budget, made = Budget(Path(sys.argv[1]), Limit(tokens=1000)), 0\n"
        "    for _ in range(200):\n"
        "        try: await budget.reserve(Sum(0.0, 10))\n"
        "        except BudgetReached: break\n"
        "        await asyncio.sleep(0.0005); budget.settle(Sum(0.0, 10), Sum(0.0, 4)); made += 1\n"
        "    print(made)\n"
        "asyncio.run(main())\n"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "budget")], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    made = sum(int(process.communicate(timeout=60)[0]) for process in running)
    assert 245 <= made <= 250  # 4 tokens each of 1,000, and the worst case of the last does not fit
    known = state(tmp_path)
    assert known is not None
    assert known[0].tokens == made * 4 <= 1000


def test_an_account_that_cannot_be_written_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="budget cannot be kept"), Account(tmp_path / "file" / "budget").open():
        pass


def test_one_refusal_of_all_calls_is_enough() -> None:
    fake = FakeModel(rule=lambda r: CallRefused("401: wrong key", status=401, always=True))
    model = Traffic(1).around(fake, PRICED)

    async def main() -> list[str]:
        said = []
        for number in range(5):
            with pytest.raises(CallRefused) as caught:
                await model.complete(asked(number))
            said.append(str(caught.value))
        return said

    assert asyncio.run(main()) == ["401: wrong key"] * 5
    assert len(fake.history) == 1


def test_a_refusal_of_one_call_says_nothing_of_the_next() -> None:
    fake = FakeModel(CallRefused("400: context too long", status=400), "fine")
    model = Traffic(1).around(fake, PRICED)
    with pytest.raises(CallRefused):
        asyncio.run(model.complete(asked(1)))
    assert asyncio.run(model.complete(asked(2))).text == "fine"


def test_every_attempt_is_kept_with_the_answer() -> None:
    fake = FakeModel(CallFailed("429: slow down"), CallFailed("500: oops"), "fine")
    answer = asyncio.run(Retrying(fake, first_wait=0.001).complete(ASKED))
    assert [one["why"] for one in answer.attempts] == ["429: slow down", "500: oops"]
    assert all(one["seconds"] >= 0 for one in answer.attempts)
    assert Response.from_dict(answer.as_dict(), "live").attempts == answer.attempts


def test_every_attempt_is_kept_with_the_error() -> None:
    fake = FakeModel(CallFailed("a"), CallFailed("b"), CallRefused("c"))
    with pytest.raises(CallRefused) as caught:
        asyncio.run(Retrying(fake, first_wait=0.001).complete(ASKED))
    assert [one["why"] for one in caught.value.attempts] == ["a", "b", "c"]


def test_workers_of_a_run_divide_what_may_be_in_flight(tmp_path: Path) -> None:
    lane = Traffic(10, Share(tmp_path, worker=1, workers=4)).lane(PRICED)
    assert (lane.window.cap, lane.pace.share) == (3, 0.25)
    assert lane.slots is not None  # which keeps four times three from being more than ten


def test_run_configs_of_one_model_share_a_lane_and_others_do_not() -> None:
    traffic = Traffic(10)
    other = PRICED.model_copy(update={"name": "other", "temperature": 1.0})
    elsewhere = PRICED.model_copy(update={"base_url": "http://127.0.0.1:8/v1"})
    assert traffic.lane(PRICED) is traffic.lane(other)
    assert traffic.lane(PRICED) is not traffic.lane(elsewhere)


def test_tools_pictures_and_sounds_are_counted_at_their_most() -> None:
    plain = Request("m", (Message("user", "x" * 100),))
    tools = [{"type": "function", "function": {"name": "f", "description": "d" * 500}}]
    assert most_input(replace(plain, params={"tools": tools})) >= most_input(plain) + 500
    called = Message("assistant", "", (ToolCall("f", "y" * 300, "1"),))
    assert most_input(replace(plain, messages=(*plain.messages, called))) >= most_input(plain) + 300
    picture = Media("image", "a.png", "image/png", "0" * 64, 70)
    sound = Media("audio", "a.mp3", "audio/mpeg", "0" * 64, 160_000)
    seen = replace(plain, messages=(Message.of("user", ["x" * 100, picture, sound]),))
    assert most_input(seen) >= most_input(plain) + 48_169 + 32 * 160
    assert likely_tokens(seen) > likely_tokens(plain)
