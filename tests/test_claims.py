"""Claims, and the models that wait on them: one call for one request, over tasks and processes."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.fake_model import FakeModel
from touchstone.cache import Cache
from touchstone.caching import Cached, Keeper, Recorded
from touchstone.claims import Claims
from touchstone.errors import CallFailed, CallRefused, NotRecorded, UsageError
from touchstone.journal import Journal
from touchstone.recordings import Recordings
from touchstone.records import Message, Request, Response

KEY = "ab" * 32
HOLD = (
    "import asyncio, sys, time; from pathlib import Path; from touchstone.claims import Claims\n"
    "async def main():\n"
    "    async with Claims(Path(sys.argv[1])).claim(sys.argv[2]):\n"
    "        print('held', flush=True)\n"
    "        time.sleep(float(sys.argv[3]))\n"
    "asyncio.run(main())\n"
)


def request(text: str = "hi") -> Request:
    return Request("m", (Message("user", text),))


def holder(path: Path, seconds: float, key: str = KEY) -> subprocess.Popen[str]:
    arguments = [sys.executable, "-c", HOLD, str(path), key, str(seconds)]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def waited(path: Path, key: str = KEY) -> float:
    async def main() -> float:
        claims, began = Claims(path), time.perf_counter()
        async with claims.claim(key):
            return time.perf_counter() - began

    return asyncio.run(main())


def test_a_claim_waits_for_another_process(tmp_path: Path) -> None:
    with holder(tmp_path / "claims", 0.6):
        assert waited(tmp_path / "claims") > 0.3


def test_other_claims_do_not_wait(tmp_path: Path) -> None:
    with holder(tmp_path / "claims", 30) as process:
        assert waited(tmp_path / "claims", "cd" * 32) < 5
        process.kill()


def test_the_claim_of_a_killed_process_is_free(tmp_path: Path) -> None:
    with holder(tmp_path / "claims", 300) as process:
        process.kill()
        process.wait()
        assert waited(tmp_path / "claims") < 30


def test_tasks_of_one_process_take_turns(tmp_path: Path) -> None:
    claims, inside = Claims(tmp_path / "claims"), []

    async def one() -> None:
        async with claims.claim(KEY):
            inside.append(1)
            assert len(inside) == 1
            await asyncio.sleep(0.01)
            inside.pop()

    async def main() -> None:
        await asyncio.gather(*(one() for _ in range(10)))

    asyncio.run(main())


def test_a_claim_is_freed_when_its_work_fails_or_is_cancelled(tmp_path: Path) -> None:
    claims = Claims(tmp_path / "claims")

    async def main() -> None:
        with pytest.raises(ValueError, match="work"):
            async with claims.claim(KEY):
                raise ValueError("work")
        first = asyncio.create_task(hold())
        await asyncio.sleep(0.05)
        first.cancel()
        async with asyncio.timeout(20), claims.claim(KEY):
            pass

    async def hold() -> None:
        async with claims.claim(KEY):
            await asyncio.sleep(100)

    asyncio.run(main())
    claims.close()
    assert waited(tmp_path / "claims") < 20


def test_a_lock_file_that_cannot_be_opened_is_one_clear_message(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot open the lock file"):
        waited(tmp_path / "file" / "claims")


def cached(model: FakeModel, folder: Path, *, fresh: bool = False) -> Cached:
    keeper = Keeper(Cache(folder / "cache"), Journal(folder / "journal"))
    return Cached(model, keeper, Claims(folder / "claims"), fresh=fresh)


def ask(model: Cached | Recorded, *requests: Request) -> list[Response | BaseException]:
    async def main() -> list[Response | BaseException]:
        answers = await asyncio.gather(*(model.complete(r) for r in requests), return_exceptions=True)
        await model.aclose()
        return answers

    return asyncio.run(main())


def test_a_call_is_made_once_however_many_want_it_and_once_for_all_runs(tmp_path: Path) -> None:
    fake = FakeModel(rule=lambda r: f"re: {r.messages[0].content}", latency=0.05)
    answers = ask(cached(fake, tmp_path), *[request("a")] * 5, *[request("b")] * 5)
    assert [a.text for a in answers] == ["re: a"] * 5 + ["re: b"] * 5
    assert sorted(a.source for a in answers) == ["cache"] * 8 + ["live"] * 2
    assert len(fake.history) == 2
    again = FakeModel()
    (answer,) = ask(cached(again, tmp_path), request("a"))
    assert (answer.text, answer.source, again.history) == ("re: a", "cache", [])


def test_an_epoch_is_a_call_of_its_own(tmp_path: Path) -> None:
    fake = FakeModel("one", "two")
    asked = [Request("m", (Message("user", "a"),), {}, epoch) for epoch in (1, 2)]
    assert {a.text for a in ask(cached(fake, tmp_path), *asked)} == {"one", "two"}


def test_errors_and_filtered_answers_are_not_kept(tmp_path: Path) -> None:
    filtered = Response("", finish="content_filter")
    fake = FakeModel(CallFailed("429"), CallRefused("401"), filtered, "fine")
    for expected in (CallFailed, CallRefused, Response):
        (answer,) = ask(cached(fake, tmp_path), request())
        assert type(answer) is expected
    (answer,) = ask(cached(fake, tmp_path), request())
    assert (answer.text, answer.source, len(fake.history)) == ("fine", "live", 4)


def test_fresh_asks_again_and_keeps_the_answer(tmp_path: Path) -> None:
    fake = FakeModel("old", "new")
    ask(cached(fake, tmp_path), request())
    (answer,) = ask(cached(fake, tmp_path, fresh=True), request())
    assert (answer.text, answer.source) == ("new", "live")
    (answer,) = ask(cached(fake, tmp_path), request())
    assert (answer.text, answer.source) == ("new", "cache")


def test_an_answer_is_not_lost_when_it_cannot_be_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise UsageError("the disk is full")

    model = cached(FakeModel("a", "b"), tmp_path)
    monkeypatch.setattr(model.keeper.cache, "put_all", full)
    with pytest.warns(RuntimeWarning, match="disk is full") as caught:
        answers = ask(model, request("1"), request("2"))
    assert {a.text for a in answers} == {"a", "b"}
    assert len(caught) == 1


def test_two_processes_make_a_call_once(tmp_path: Path) -> None:
    code = (
        "import asyncio, sys; from pathlib import Path\n"
        "from tests.fake_model import FakeModel\n"
        "from tests.test_claims import cached, request\n"
        "async def main():\n"
        "    fake = FakeModel(rule=lambda r: 'x', latency=0.02)\n"
        "    model = cached(fake, Path(sys.argv[1]))\n"
        "    answers = await asyncio.gather(*(model.complete(request(str(i))) for i in range(30)))\n"
        "    await model.aclose()\n"
        "    print(len(fake.history))\n"
        "asyncio.run(main())\n"
    )
    arguments = [sys.executable, "-c", code, str(tmp_path)]
    running = [subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert sum(int(process.communicate(timeout=90)[0]) for process in running) == 30


def test_replay_gives_recordings_and_says_how_to_make_one(tmp_path: Path) -> None:
    recordings, fake = Recordings(tmp_path), FakeModel()
    recordings.add(request("known"), Response("old"))
    known, unknown = ask(Recorded(fake, recordings, "replay"), request("known"), request("unknown"))
    assert (known.text, known.source) == ("old", "recording")
    assert isinstance(unknown, NotRecorded)
    assert "pytest evals/ --calls record" in str(unknown)
    assert fake.history == []


@pytest.mark.parametrize(("calls", "asked", "recorded"), [("auto", 1, 1), ("record", 1, 2), ("live", 2, 1)])
def test_which_calls_are_made_and_which_are_recorded(tmp_path: Path, calls: str, asked: int, recorded: int) -> None:
    recordings, fake = Recordings(tmp_path), FakeModel(rule=lambda r: "new")
    recordings.add(request("known"), Response("old"))
    known, unknown = ask(Recorded(fake, recordings, calls), request("known"), request("unknown"))  # type: ignore[arg-type]
    assert known.text == ("new" if calls == "live" else "old")
    assert unknown.text == "new"
    assert fake.closed
    recordings.write()
    assert (len(fake.history), len(list(recordings.entries()))) == (asked, recorded)
