"""Caches that machines share: a real Redis, and a folder on a network file system."""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import redis_server
from click.testing import CliRunner
from projects import ALONE, Project

from tests.openai_server import Server, serving
from touchstone import filesystems
from touchstone.cache import Cache
from touchstone.caches import Stores, check_stores, open_stores
from touchstone.caches.address import replaced, shown
from touchstone.caches.leases import SECONDS
from touchstone.cli import main
from touchstone.errors import UsageError

pytestmark = redis_server.needed
KEY = "ab" * 32
HOLD = (
    "import asyncio, sys, time\n"
    "from touchstone.caches.connection import Connection; from touchstone.caches.leases import Leases\n"
    "async def main():\n"
    "    async with Leases(Connection.of(sys.argv[1]), 1.5).claim(sys.argv[2]):\n"
    "        print('held', flush=True)\n"
    "        time.sleep(float(sys.argv[3]))\n"
    "asyncio.run(main())\n"
)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[redis_server.Server]:
    with redis_server.serving(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def server(running: redis_server.Server) -> redis_server.Server:
    """Empty."""
    import redis

    with redis.Redis.from_url(running.url) as client:
        client.flushall()
    return running


@pytest.fixture
def stores(server: redis_server.Server, tmp_path: Path) -> Iterator[Stores]:
    opened = open_stores(server.url, tmp_path)
    yield opened
    opened.claims.close()
    opened.cache.close()


def test_what_was_put_is_found_again_by_others(stores: Stores, server: redis_server.Server, tmp_path: Path) -> None:
    value = {"text": "ünï\u2028\x00", "n": 1.5, "none": None, "list": [1, {"a": True}]}
    stores.cache.put("response", "k", value)
    stores.cache.put_all("response", {"a": {"n": 1}, "b": {"n": 2}})
    other = open_stores(server.url, tmp_path / "other").cache
    assert other.get("response", "k") == value
    assert other.get("score", "k") is None
    assert [key for key, _ in other.items("response")] == ["a", "b", "k"]
    assert other.get_many("response", ["b", "x", "a"]) == {"b": {"n": 2}, "a": {"n": 1}}
    other.close()


def test_what_lies_there_is_json_under_names_of_ours(stores: Stores, server: redis_server.Server) -> None:
    import redis

    stores.cache.put("response", "k", {"a": 1})
    with redis.Redis.from_url(server.url) as client:
        (name,) = client.keys("*")
        assert name == b"touchstone:1:response:k"
        line = json.loads(client.get(name))
        assert (line["v"], line["value"]) == (1, {"a": 1})


@pytest.mark.parametrize("line", ["", "{", "[1]", '{"v": 9, "at": 1, "value": {}}', "[" * 100_000, b"\x80\x04\x95\xff"])
def test_what_is_no_line_of_ours_is_as_good_as_none(stores: Stores, server: redis_server.Server, line: str) -> None:
    import redis

    with redis.Redis.from_url(server.url) as client:
        client.set("touchstone:1:response:k", line)
    assert stores.cache.get("response", "k") is None
    assert list(stores.cache.items("response")) == []


def test_many_looks_at_once_are_few_round_trips_and_hold_no_loop_up(stores: Stores) -> None:
    stores.cache.put_all("response", {str(i): {"i": i} for i in range(1000)})

    async def look() -> tuple[list[object], float]:
        longest, last = 0.0, time.perf_counter()

        async def beat() -> None:
            nonlocal longest, last
            while True:
                last = time.perf_counter()
                await asyncio.sleep(0)
                longest = max(longest, time.perf_counter() - last)

        beating = asyncio.create_task(beat())
        found = await asyncio.gather(*(stores.cache.find("response", str(i)) for i in range(2000)))
        beating.cancel()
        return list(found), longest

    began = time.perf_counter()
    found, longest = asyncio.run(look())
    assert found == [{"i": i} for i in range(1000)] + [None] * 1000
    assert time.perf_counter() - began < 3  # 0.15 s on an idle machine
    assert longest < 1


def test_stats_and_prune(stores: Stores, server: redis_server.Server) -> None:
    import redis

    stores.cache.put_all("response", {f"k{i}": {"text": "x" * 1000} for i in range(10)})
    stores.cache.put("score", "s", {})
    with redis.Redis.from_url(server.url) as client:
        client.set("somebody else's", "1")
        client.set("touchstone:1:response:k0", json.dumps({"v": 1, "at": 5, "value": {}}))
    stats = stores.cache.stats()
    assert (stats["response"], stats["score"]) == (10, 1)
    assert 9_000 < stats["bytes"] < 11_000
    assert stores.cache.prune(older_than=timedelta(days=1)) == 1
    assert stores.cache.get("response", "k0") is None
    assert stores.cache.prune(max_bytes=3_500) > 5
    assert stores.cache.stats()["bytes"] <= 3_500
    with redis.Redis.from_url(server.url) as client:
        assert client.get("somebody else's") == b"1"


# Claims


def holder(url: str, seconds: float) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", HOLD, url, KEY, str(seconds)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def waited(url: str) -> float:
    async def main() -> float:
        claims, began = open_stores(url, Path(".")).claims, time.perf_counter()
        async with claims.claim(KEY):
            took = time.perf_counter() - began
        claims.close()
        return took

    return asyncio.run(main())


def test_a_claim_waits_for_another_process_and_is_free_at_once_when_it_ends(server: redis_server.Server) -> None:
    with holder(server.url, 0.6):
        assert 0.3 < waited(server.url) < 5


def test_a_killed_holder_frees_its_claim_and_a_living_one_keeps_it(server: redis_server.Server) -> None:
    """It is renewed by a thread: the holder's loop is held up all the while."""
    assert SECONDS < 10
    with holder(server.url, 300) as process:
        _never(server.url, 3.5)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert waited(server.url) < 5


def _never(url: str, seconds: float) -> None:
    async def main() -> None:
        claims = open_stores(url, Path(".")).claims
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(seconds), claims.claim(KEY):
                raise AssertionError("the claim was not held")

    asyncio.run(main())


def test_tasks_take_turns_and_a_cancelled_one_lets_go(stores: Stores) -> None:
    inside: list[int] = []

    async def one() -> None:
        async with stores.claims.claim(KEY):
            inside.append(1)
            assert len(inside) == 1
            await asyncio.sleep(0.005)
            inside.pop()

    async def hold() -> None:
        async with stores.claims.claim(KEY):
            await asyncio.sleep(100)

    async def main() -> None:
        await asyncio.gather(*(one() for _ in range(10)))
        held = asyncio.create_task(hold())
        await asyncio.sleep(0.1)
        held.cancel()
        async with asyncio.timeout(5), stores.claims.claim(KEY):
            pass
        async with asyncio.timeout(5):
            await asyncio.gather(*(_claimed(stores, f"{i:064x}") for i in range(1000)))

    asyncio.run(main())


async def _claimed(stores: Stores, key: str) -> None:
    async with stores.claims.claim(key):
        await asyncio.sleep(0)


# Addresses


def test_variables_are_replaced_and_passwords_are_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "p/w@d")
    monkeypatch.setenv("WHOLE", "rediss://me:p%2F@host:1/2")
    assert replaced("redis://:$SECRET@host/0") == "redis://:p%2Fw%40d@host/0"
    assert replaced("$WHOLE") == "rediss://me:p%2F@host:1/2"
    assert shown(replaced("${WHOLE}")) == "rediss://host:1/2"
    assert shown("redis://u:p@[::1]?password=x") == "redis://[::1]:6379"
    with pytest.raises(UsageError, match="NOT_THERE is not set"):
        replaced("redis://:$NOT_THERE@host")


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("http://host", "no cache of the kind 'http'"),
        ("redis://", "no address of a Redis"),
        ("redis://host/zero", "no address of a Redis"),
        ("redis://:pw-pw-pw@host:99999", "its port is no number"),
        ("redis://:pw-pw-pw@127.0.0.1:1/0", r"redis://127.0.0.1:1/0: the cache does not answer: .*refused"),
    ],
)
def test_a_wrong_address_is_one_clear_message(where: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        check_stores(where, tmp_path)
    assert "pw-pw-pw" not in f"{caught.value} {caught.value.__cause__} {caught.value.__dict__}"


def test_a_wrong_password_is_one_clear_message(server: redis_server.Server, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="invalid username-password pair") as caught:
        check_stores(f"redis://:wrong-one@127.0.0.1:{server.port}", tmp_path)
    assert "wrong-one" not in str(caught.value)


# Whole runs

HOSTED = """
run_configs:
  - {name: main, model: openai-compatible/m, prompt: ask, base_url: "%s", default: true}
"""


@pytest.fixture
def model(project: Project) -> Iterator[Server]:
    """Forty rows, asked of a server that counts."""
    with serving(Server(latency=0.05, text=lambda body: body["messages"][-1]["content"])) as served:
        project.write("evals/run_configs.yaml", HOSTED % served.url)
        project.dataset([{"id": f"r{i}", "input": f"good {i}"} for i in range(40)])
        yield served


def command(project: Project, *more: str) -> list[str]:
    return [sys.executable, "-m", "pytest", "evals", "-q", "-p", "no:cacheprovider", *ALONE, *more]


def secrets_on_disk(project: Project) -> list[str]:
    words = (redis_server.PASSWORD.encode(), redis_server.PASSWORD.replace("/", "%2F").replace("@", "%40").encode())
    files = [path for path in project.root.rglob("*") if path.is_file()]
    return [str(path) for path in files if any(word in path.read_bytes() for word in words)]


def test_two_runs_at_once_on_two_machines_ask_once(
    project: Project, model: Server, server: redis_server.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has a state folder of its own, as another machine would: Redis alone stands between them."""
    monkeypatch.setenv("REDIS_URL", server.url)
    both = [command(project, "--cache", "$REDIS_URL", "-o", f"touchstone_state=.{name}") for name in "ab"]
    running = [subprocess.Popen(one, cwd=project.root, stdout=subprocess.PIPE, text=True) for one in both]
    outputs = [process.communicate(timeout=120)[0] for process in running]
    assert [process.returncode for process in running] == [0, 0], outputs
    assert len(model.bodies) == 40
    assert project.run("--cache", "$REDIS_URL").ret == 0
    assert len(model.bodies) == 40
    assert secrets_on_disk(project) == []
    assert not any(redis_server.PASSWORD in output for output in outputs)


def test_redis_stopped_in_a_run_loses_nothing_and_the_next_run_brings_it_back(
    project: Project, model: Server, tmp_path: Path
) -> None:
    with redis_server.serving(tmp_path) as server:
        model.latency = 0.3
        started = subprocess.Popen(
            command(project, "--cache", server.url, "--concurrency", "4"),
            cwd=project.root,
            stdout=subprocess.PIPE,
            text=True,
        )
        while len(model.bodies) < 12:
            time.sleep(0.02)
        server.stop()
        output = started.communicate(timeout=120)[0]
        assert started.returncode == 0, output
        assert f"{server.shown}: the cache does not answer" in output
        assert output.count("what it does not take is kept in") == 1
        assert len(model.bodies) == 40
        kept = len(list(Cache(project.root / ".touchstone/unsent").items("response")))
        assert 20 < kept <= 40
        time.sleep(1.1)  # what was put in the very second of the check stays for the next time
        server.start()
        assert project.run("--cache", server.url).ret == 0
        assert len(model.bodies) == 40 + (40 - kept)
        assert len(list(open_stores(server.url, tmp_path).cache.items("response"))) == 40
        assert list(Cache(project.root / ".touchstone/unsent").items("response")) == []
        assert secrets_on_disk(project) == []


def test_a_cache_that_is_not_there_is_a_usage_error_before_anything_runs(project: Project) -> None:
    for workers in (0, 2):
        result = project.run("--cache", "redis://:secret-word@127.0.0.1:1/0", workers=workers)
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines(["ERROR: redis://127.0.0.1:1/0: the cache does not answer*"])
        assert "secret-word" not in result.stderr.str() + result.stdout.str()
    assert project.runs == []


def test_a_folder_to_share_and_the_setting_for_it(project: Project) -> None:
    project.write("pytest.ini", "[pytest]\npythonpath = .\ntouchstone_cache = ../shared-cache\n")
    assert project.run().ret == 0
    assert len(project.calls) == 3
    assert (project.root.parent / "shared-cache/cache/cache.db").is_file()
    assert not (project.root / ".touchstone/cache").exists()
    assert project.run("-o", "touchstone_state=.elsewhere").ret == 0
    assert len(project.calls) == 3
    assert project.run("--cache", "mine").ret == 0
    assert len(project.calls) == 6


def test_the_commands_look_after_it_too(
    server: redis_server.Server, stores: Stores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REDIS_URL", server.url)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    request = {"model": "m", "messages": [], "params": {}, "epoch": 1}
    stores.cache.put("response", "k", {"request": request, "response": {"text": "x"}})

    def said(*arguments: str) -> str:
        return CliRunner().invoke(main, ["cache", *arguments, "--cache", "$REDIS_URL"]).output

    assert "cached answers       1" in said("stats")
    assert "stands under another request's key" in said("verify")
    assert "wrote 1 answers" in said("export", "out.jsonl")
    assert "dropped 1 entries" in said("prune", "--max-size", "1")
    assert not (tmp_path / ".touchstone").exists()
    monkeypatch.setenv("REDIS_URL", "redis://:secret-word@127.0.0.1:1/0")
    assert "Error: redis://127.0.0.1:1/0: the cache does not answer" in said("stats")


# A folder on a network

TABLE = """\
/dev/vda / ext4 rw 0 0
server:/export {there} nfs4 rw,vers=4.2 0 0
tmpfs {there}/here tmpfs rw 0 0
a\\040b {there}\\040too fuse.sshfs rw 0 0
"""


def test_file_systems_of_a_network_are_known(tmp_path: Path) -> None:
    there, table = tmp_path / "there", tmp_path / "mounts"
    table.write_text(TABLE.format(there=there))
    seen = [filesystems.over_network(there / "a/b", table), filesystems.over_network(tmp_path / "there too", table)]
    assert seen == [True, True]
    assert not filesystems.over_network(there / "here/x", table)
    assert not filesystems.over_network(tmp_path, table)
    assert not filesystems.over_network(tmp_path, tmp_path / "no such file")


def test_on_a_network_there_is_no_write_ahead_log_and_two_processes_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "mounts"
    table.write_text(f"server:/export {tmp_path} nfs4 rw 0 0\n")
    code = (
        "import sys; from pathlib import Path; from touchstone import filesystems; from touchstone.cache import Cache\n"
        "filesystems.over_network.__defaults__ = (Path(sys.argv[3]),)\n"
        "c = Cache(Path(sys.argv[1]))\n"
        "for i in range(50): c.put('score', f'{sys.argv[2]}-{i}', {'i': i})\n"
    )
    folder = tmp_path / "cache"
    arguments = [[sys.executable, "-c", code, str(folder), name, str(table)] for name in "ab"]
    running = [subprocess.Popen(a) for a in arguments]
    assert [process.wait(60) for process in running] == [0, 0]
    assert [path.name for path in folder.glob("cache.db*")] == ["cache.db"]
    with sqlite3.connect(folder / "cache.db") as db:
        assert db.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    monkeypatch.setattr(filesystems.over_network, "__defaults__", (table,))
    with warnings.catch_warnings():
        assert len(list(Cache(folder).items("score"))) == 100
