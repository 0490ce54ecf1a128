"""The working cache: fast, private, and never a way to run code."""

from __future__ import annotations

import asyncio
import os
import pickle
import sqlite3
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from touchstone.cache import Cache
from touchstone.errors import UsageError

BIG = "x" * 100_000
"""Longer than what SQLite rows hold: goes into a file of its own."""


class Bomb:
    """A value whose unpickling leaves a trace."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.trace),)


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def test_what_was_put_is_found_again_by_others(cache: Cache) -> None:
    value = {"text": "ünï\u2028\x00", "n": 1.5, "none": None, "list": [1, {"a": True}]}
    cache.put("response", "k", value)
    cache.put("response", "big", {"text": BIG})
    cache.close()
    assert Cache(cache.folder).get("response", "k") == value
    assert Cache(cache.folder).get("response", "big") == {"text": BIG}


def test_kinds_are_kept_apart(cache: Cache) -> None:
    cache.put("response", "k", {"a": 1})
    assert cache.get("score", "k") is None
    cache.put("score", "k", {"a": 2})
    assert cache.get("response", "k") == {"a": 1}
    assert list(cache.items("score")) == [("k", {"a": 2})]


def test_the_last_value_wins(cache: Cache) -> None:
    cache.put("score", "k", {"a": 1})
    cache.put("score", "k", {"a": 2})
    assert cache.get("score", "k") == {"a": 2}


def test_many_are_found_at_once_and_those_that_are_not_there_are_not_named(cache: Cache) -> None:
    there = {f"k{n}": {"n": n} for n in range(1200)}
    cache.put_all("response", {**there, "big": {"text": BIG}})
    cache.put("score", "other", {"n": 0})
    asked = [*there, "big", "other", "nowhere"]
    assert cache.get_many("response", asked) == {**there, "big": {"text": BIG}}
    assert cache.get_many("response", []) == {}


def test_of_many_what_another_process_dropped_meanwhile_is_left_out(cache: Cache) -> None:
    cache.put_all("response", {"k": {"a": 1}, "big": {"text": BIG}})
    (file,) = (path for path in cache.folder.rglob("*.val"))
    file.unlink()
    assert cache.get_many("response", ["k", "big"]) == {"k": {"a": 1}}


def test_a_planted_pickle_among_many_is_refused(cache: Cache, tmp_path: Path) -> None:
    cache.put("response", "k", {"a": 1})
    with sqlite3.connect(cache.folder / "cache.db") as connection:
        connection.execute("UPDATE Cache SET mode = 4, value = ?", (pickle.dumps(Bomb(tmp_path / "trace")),))
    with pytest.raises(UsageError, match="pickled value"):
        cache.get_many("response", ["k"])
    assert not (tmp_path / "trace").exists()


def test_only_its_owner_can_read_the_folder(cache: Cache) -> None:
    cache.folder.mkdir(mode=0o755)
    cache.put("score", "k", {})
    assert cache.folder.stat().st_mode & 0o777 == 0o700


def test_nothing_in_the_folder_is_a_pickle(cache: Cache) -> None:
    cache.put("response", "k", {"text": "a" * 1000, "n": None})
    cache.close()
    with sqlite3.connect(cache.folder / "cache.db") as db:
        rows = db.execute("SELECT key, raw, mode, typeof(value) FROM Cache").fetchall()
    assert rows == [("response/k", 1, 1, "text")]


def test_a_planted_pickle_is_refused_and_does_not_run(cache: Cache, tmp_path: Path) -> None:
    trace = tmp_path / "pwned"
    cache.put("response", "k", {"a": 1})
    cache.close()
    with sqlite3.connect(cache.folder / "cache.db") as db:
        db.execute("UPDATE Cache SET mode = 4, value = ?", (pickle.dumps(Bomb(trace)),))
    with pytest.raises(UsageError, match="pickled value"):
        cache.get("response", "k")
    with pytest.raises(UsageError, match="pickled value"):
        cache.prune(older_than=timedelta(days=1))
    assert not trace.exists()


def test_the_planted_pickle_would_run_in_diskcache_itself(cache: Cache, tmp_path: Path) -> None:
    """So that the test above is known to plant something that bites."""
    import diskcache

    trace = tmp_path / "pwned"
    theirs = diskcache.Cache(str(tmp_path / "theirs"), disk=diskcache.JSONDisk)
    theirs["k"] = 1
    with sqlite3.connect(tmp_path / "theirs" / "cache.db") as db:
        db.execute("UPDATE Cache SET mode = 4, value = ?", (pickle.dumps(Bomb(trace)),))
    with pytest.raises(Exception, match=r".*"):
        _ = theirs["k"]
    theirs.close()
    assert trace.exists()


def test_a_planted_pickled_key_is_refused_and_does_not_run(cache: Cache, tmp_path: Path) -> None:
    trace = tmp_path / "pwned"
    cache.put("response", "k", {"a": 1})
    cache.close()
    with sqlite3.connect(cache.folder / "cache.db") as db:
        db.execute("UPDATE Cache SET raw = 0, key = ?", (pickle.dumps(Bomb(trace)),))
    with pytest.raises(UsageError, match="pickled key"):
        list(cache.items("response"))
    assert not trace.exists()


@pytest.mark.parametrize("name", ["../../secret.json", "/etc/hostname"])
def test_a_row_that_points_outside_is_refused(cache: Cache, name: str) -> None:
    cache.put("response", "k", {"text": BIG})
    cache.close()
    with sqlite3.connect(cache.folder / "cache.db") as db:
        db.execute("UPDATE Cache SET filename = ?", (name,))
    with pytest.raises(UsageError, match="outside itself"):
        cache.get("response", "k")


def test_a_damaged_store_is_one_clear_message(cache: Cache) -> None:
    cache.folder.mkdir()
    (cache.folder / "cache.db").write_bytes(b"garbage" * 1000)
    with pytest.raises(UsageError, match=r"the cache cannot be used: file is not a database\n  .*rm -r"):
        cache.get("response", "k")


def test_a_folder_that_cannot_be_made_is_one_clear_message(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="the cache cannot be used"):
        Cache(tmp_path / "file" / "cache").put("score", "k", {})


def test_a_line_of_another_version_is_as_good_as_none(cache: Cache) -> None:
    cache.put("score", "k", {"a": 1})
    cache.close()
    with sqlite3.connect(cache.folder / "cache.db") as db:
        db.execute("UPDATE Cache SET value = replace(value, '\"v\":1', '\"v\":9')")
    assert cache.get("score", "k") is None


def test_stats_and_prune(cache: Cache) -> None:
    for i in range(40):
        cache.put("response", f"k{i:02}", {"text": BIG})
    cache.put("score", "s", {})
    stats = cache.stats()
    assert (stats["response"], stats["score"]) == (40, 1)
    assert stats["bytes"] > 4_000_000
    assert cache.prune(older_than=timedelta(days=1)) == 0
    assert cache.prune(max_bytes=2_500_000) > 0
    assert 10 <= cache.stats()["response"] < 25
    assert cache.stats()["bytes"] <= 2_500_000
    assert cache.get("response", "k00") is None, "the oldest go first"
    assert cache.prune(older_than=timedelta(seconds=-5)) > 0
    assert cache.stats()["response"] == cache.stats()["score"] == 0
    cache.put("score", "s", {"a": 1})
    assert cache.get("score", "s") == {"a": 1}


def test_ten_thousand_looks_take_well_under_a_second(cache: Cache) -> None:
    for i in range(100):
        cache.put("response", f"k{i}", {"text": "hello" * 20})
    began = time.process_time()
    assert all(cache.get("response", f"k{i % 100}") for i in range(10_000))
    assert time.process_time() - began < 1.5  # 0.3 s on an idle machine


def test_two_processes_write_at_once(cache: Cache) -> None:
    code = (
        "import sys; from pathlib import Path; from touchstone.cache import Cache\n"
        "c = Cache(Path(sys.argv[1]))\n"
        "for i in range(100): c.put('score', f'{sys.argv[2]}-{i}', {'i': i})\n"
    )
    arguments = [[sys.executable, "-c", code, str(cache.folder), name] for name in "ab"]
    running = [subprocess.Popen(a) for a in arguments]
    assert [process.wait(60) for process in running] == [0, 0]
    assert len(list(cache.items("score"))) == 200


def test_it_may_be_used_from_other_threads(cache: Cache) -> None:
    async def main() -> None:
        await asyncio.gather(*(asyncio.to_thread(cache.put, "score", str(i), {"i": i}) for i in range(50)))

    asyncio.run(main())
    assert [cache.get("score", str(i)) for i in range(50)] == [{"i": i} for i in range(50)]
