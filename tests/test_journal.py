"""The journal: an answer that came is on disk before anything else happens, whatever happens then."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.fake_model import FakeModel
from tests.test_claims import cached, request
from touchstone.cache import Cache
from touchstone.caching import Keeper
from touchstone.errors import UsageError
from touchstone.journal import Journal, left_behind
from touchstone.records import Response

KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from tests.fake_model import FakeModel
from tests.test_claims import cached, request
from touchstone.cache import Cache

def stall(*_):
    os.kill(os.getpid(), signal.SIGKILL)

Cache.put_all = stall
asyncio.run(cached(FakeModel("paid for"), Path(sys.argv[1])).complete(request("1")))
"""
"""A process that dies when its answer has come and the cache is about to be written."""


def test_an_answer_outlives_a_kill_before_the_cache_has_it(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
    assert done.returncode == -signal.SIGKILL
    again = cached(FakeModel(), tmp_path)
    again.keeper.take_in()
    answer = asyncio.run(again.complete(request("1")))
    assert (answer.text, answer.source) == ("paid for", "cache")
    assert list((tmp_path / "journal").iterdir()) == []


def test_the_journal_goes_when_the_cache_has_all_of_it(tmp_path: Path) -> None:
    model = cached(FakeModel("a"), tmp_path)
    asyncio.run(model.complete(request("1")))
    (file,) = (tmp_path / "journal").iterdir()
    assert file.read_bytes() == b""
    assert file.stat().st_mode & 0o077 == 0
    model.keeper.close()
    assert list((tmp_path / "journal").iterdir()) == []


def test_a_journal_in_use_is_left_alone(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.add("k", {"x": 1})
    with left_behind(tmp_path) as found:
        assert found == {}
    assert len(list(tmp_path.iterdir())) == 1
    journal.close(keep=True)
    with left_behind(tmp_path) as found:
        assert found == {"k": {"x": 1}}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("cut", range(0, 60, 7))
def test_a_torn_line_costs_no_other(tmp_path: Path, cut: int) -> None:
    lines = [json.dumps({"key": k, "value": {"text": "a\u2028b" * 3}}).encode() + b"\n" for k in "abc"]
    (tmp_path / "1-x.jsonl").write_bytes(lines[0] + lines[1] + lines[2][:cut])
    with left_behind(tmp_path) as found:
        assert list(found) == ["a", "b"]


@pytest.mark.parametrize(
    "line", [b"null", b"[]", b'{"key": "a"}', b'{"key": "a", "value": 3}', b"\xff\xfe", b"{" * 9000]
)
def test_a_line_that_is_none_of_ours_is_passed_over(tmp_path: Path, line: bytes) -> None:
    (tmp_path / "1-x.jsonl").write_bytes(line + b'\n{"key": "b", "value": {}}\n')
    with left_behind(tmp_path) as found:
        assert found == {"b": {}}


def test_what_the_cache_does_not_take_stays_in_the_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise UsageError("the disk is full")

    model = cached(FakeModel("a"), tmp_path)
    monkeypatch.setattr(Cache, "put_all", full)
    with pytest.warns(RuntimeWarning, match="disk is full"):
        asyncio.run(model.complete(request("1")))
    monkeypatch.undo()
    model.keeper.close()
    other = cached(FakeModel(), tmp_path)
    other.keeper.take_in()
    assert asyncio.run(other.complete(request("1"))).text == "a"


def test_a_cache_that_takes_nothing_in_keeps_the_journal_for_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "journal").mkdir()
    (tmp_path / "journal/1-x.jsonl").write_text('{"key": "b", "value": {}}\n')

    def locked(*_: object) -> None:
        raise UsageError("locked")

    monkeypatch.setattr(Cache, "put_all", locked)
    Keeper(Cache(tmp_path / "cache"), Journal(tmp_path / "journal")).take_in()
    assert [one.name for one in (tmp_path / "journal").iterdir()] == ["1-x.jsonl"]


def test_a_disk_that_is_full_tears_no_line_but_the_last(tmp_path: Path) -> None:
    """A real limit of the operating system: no file of this process may be longer than 400 bytes."""
    code = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from touchstone.journal import Journal\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (400, 400))\n"
        "journal = Journal(Path(sys.argv[1]))\n"
        "for number in range(9):\n"
        "    try: journal.add(f'k{number}', {'text': 'x' * 100})\n"
        "    except OSError as error: print(error.strerror); break\n"
        "import os; os._exit(0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() in ("File too large", "the disk is full")
    with left_behind(tmp_path) as found:
        assert list(found) == ["k0", "k1", "k2"]


def test_a_writer_that_stalls_does_not_stop_the_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four processes that write at once make one wait for half a second: calls that want no writing go on."""
    import time

    put_all = Cache.put_all

    def slow(self: Cache, kind: Any, values: Any) -> None:
        time.sleep(0.4)
        put_all(self, kind, values)

    monkeypatch.setattr(Cache, "put_all", slow)
    fake = FakeModel(rule=lambda r: Response("x"), latency=0.001)
    model = cached(fake, tmp_path)
    written: list[int] = []

    async def main() -> None:
        first = asyncio.ensure_future(model.complete(request("first")))
        await asyncio.sleep(0.05)
        others = [asyncio.ensure_future(model.complete(request(str(i)))) for i in range(50)]
        await asyncio.sleep(0.1)
        written.append(len(fake.history))
        await asyncio.gather(first, *others)

    asyncio.run(main())
    assert written == [51]
