"""The sandbox is really attacked: each of these would succeed outside of it."""

from __future__ import annotations

import os
import shutil
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.ffmpeg import sandbox
from fixtures.ffmpeg.sandbox import MIB, Box, Limits, SandboxMissing, available, run, run_program

BOXES = available()
PYTHON = os.path.realpath(sys.executable)
HOME = [sys.base_prefix, *(p for p in ("/usr/local/lib", "/bin", "/usr/bin") if os.path.exists(p))]


@pytest.fixture(params=BOXES)
def box(request: pytest.FixtureRequest) -> Box:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    inside = tmp_path / "inside"
    inside.mkdir()
    return inside


@pytest.fixture
def port() -> Iterator[tuple[int, list[object]]]:
    """A listening loopback socket, and what has reached it."""
    reached: list[object] = []
    server = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        try:
            reached.append(server.accept())
        except OSError:
            return

    threading.Thread(target=accept, daemon=True).start()
    yield server.getsockname()[1], reached
    server.close()


def python(code: str, folder: Path, box: Box, limits: Limits | None = None) -> sandbox.Finished:
    limits = limits or Limits(seconds=20)
    return run_program([PYTHON, "-I", "-S", "-c", code], folder, limits, box=box, readable=HOME)


def ffmpeg(line: str, folder: Path, box: Box, limits: Limits | None = None) -> sandbox.Finished:
    return run(["ffmpeg", *line.split()], folder, limits or Limits(seconds=20), box=box)


def test_there_is_a_sandbox() -> None:
    assert BOXES, "no sandbox works here: pip install sandlock, or apt-get install bubblewrap"


def test_bubblewrap_is_tested_where_it_must_be() -> None:
    assert "bubblewrap" in BOXES or os.environ.get("TOUCHSTONE_REQUIRE_BWRAP") != "1"


def test_ffmpeg_runs(folder: Path, box: Box) -> None:
    done = ffmpeg("-f lavfi -i testsrc=s=64x64:d=0.2 -c:v libx264 out.mp4", folder, box)
    assert (done.exit_code, done.killed) == (0, "")
    assert (folder / "out.mp4").stat().st_size > 500


@pytest.mark.parametrize("codec", ["libx264", "libx265", "libsvtav1", "libvpx-vp9", "libaom-av1", "mpeg4"])
def test_encoders_find_what_they_need(codec: str, folder: Path, box: Box) -> None:
    done = ffmpeg(f"-f lavfi -i testsrc=s=64x64:d=0.2 -c:v {codec} out.mkv", folder, box, Limits(seconds=60))
    assert done.exit_code == 0, done.stderr


def test_existing_output_is_not_overwritten_without_a_yes(folder: Path, box: Box) -> None:
    (folder / "out.wav").write_bytes(b"mine")
    done = ffmpeg("-f lavfi -i sine=d=0.1 out.wav", folder, box)
    assert not done.ok
    assert (folder / "out.wav").read_bytes() == b"mine"


def test_output_is_bounded(folder: Path, box: Box) -> None:
    done = ffmpeg("-f lavfi -i testsrc=s=640x480:d=2 -f rawvideo -", folder, box)
    assert done.exit_code == 0
    assert len(done.stdout) == sandbox.KEPT
    assert len(done.stderr) <= sandbox.KEPT


# --- reading what is outside


@pytest.mark.parametrize(
    "line",
    [
        "-f data -i SECRET -map 0 -c copy -f data -",
        "-f data -i file:SECRET -map 0 -c copy -f data -",
        "-f data -i subfile,,start,0,end,9,,:SECRET -map 0 -c copy -f data -",
        "-f data -i ../secret.txt -map 0 -c copy -f data -",
        "-f concat -safe 0 -i list.txt -c copy -f data -",
        "-f lavfi -i movie=SECRET -f data -",
        "-f lavfi -i color=s=64x64:d=0.1 -vf drawtext=textfile=SECRET -f null -",
        "-f lavfi -i color=s=64x64:d=0.1 -attach SECRET -metadata:s:t mimetype=text/plain out.mkv",
    ],
)
def test_ffmpeg_reads_nothing_outside(line: str, folder: Path, box: Box) -> None:
    secret = folder.parent / "secret.txt"
    secret.write_text("TOPSECRET")
    (folder / "list.txt").write_text(f"file '{secret}'\n")
    done = ffmpeg(line.replace("SECRET", str(secret)), folder, box)
    assert done.exit_code != 0
    written = b"".join(p.read_bytes() for p in folder.iterdir())
    assert b"TOPSECRET" not in done.stdout + written


def test_the_same_reading_works_inside(folder: Path, box: Box) -> None:
    """So that the test above fails for the sandbox's sake, not for a broken command."""
    (folder / "mine.txt").write_text("PLAIN")
    done = ffmpeg("-f data -i mine.txt -map 0 -c copy -f data -", folder, box)
    assert done.stdout == b"PLAIN"


@pytest.mark.parametrize("path", ["SECRET", "/etc/passwd", "/proc/1/environ", "/proc/self/environ"])
def test_no_file_outside_is_read(path: str, folder: Path, box: Box) -> None:
    secret = folder.parent / "secret.txt"
    secret.write_text("TOPSECRET")
    done = python(f"print(open({path.replace('SECRET', str(secret))!r}).read())", folder, box)
    assert done.exit_code == 1, done
    assert b"TOPSECRET" not in done.stdout


def test_a_symlink_leads_nowhere(folder: Path, box: Box) -> None:
    secret = folder.parent / "secret.txt"
    secret.write_text("TOPSECRET")
    (folder / "link").symlink_to(secret)
    assert python("print(open('link').read())", folder, box).exit_code == 1
    (folder / "link").unlink()
    (folder / "out").symlink_to(folder.parent / "made.wav")
    ffmpeg("-y -f lavfi -i sine=d=0.1 -f wav out", folder, box)
    assert not (folder.parent / "made.wav").exists()


def test_the_graders_environment_does_not_leak(folder: Path, box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOUCHSTONE_SECRET_KEY", "k-12345")
    code = """
import os
print(dict(os.environ))
for pid in ["self", "1", str(os.getppid()), *map(str, range(1, 400))]:
    try: print(open(f"/proc/{pid}/environ").read())
    except OSError: pass
"""
    done = python(code, folder, box)
    assert done.exit_code == 0, done.stderr
    assert b"k-12345" not in done.stdout


# --- writing outside


@pytest.mark.parametrize(
    "line",
    [
        "-y -f lavfi -i sine=d=0.1 ../outside.wav",
        "-y -f lavfi -i sine=d=0.1 file:../outside.wav",
        "-y -f lavfi -i sine=d=0.1 -f tee -map 0 in.wav|../outside.wav",
        "-y -f lavfi -i sine=d=0.1 -progress ../outside.wav -f null -",
        "-y -f lavfi -i testsrc=s=16x16:d=0.1 ../outside%d.png",
    ],
)
def test_ffmpeg_writes_nothing_outside(line: str, folder: Path, box: Box) -> None:
    ffmpeg(line, folder, box)
    assert [p.name for p in folder.parent.iterdir()] == ["inside"]


@pytest.mark.parametrize(
    "code",
    [
        "open('../victim', 'w').write('x')",
        "import os; os.unlink('../victim')",
        "import os; os.rename('../victim', 'mine')",
        "import os; os.truncate('../victim', 0)",
        "import os; os.chmod('../victim', 0o777)",
        "import os; os.link('../victim', 'mine'); open('mine', 'w').write('x')",
        "import os; os.symlink('../victim', 'mine'); open('mine', 'w').write('x')",
        "open('/touchstone-attack', 'w').write('x')",
    ],
)
def test_nothing_outside_is_changed(code: str, folder: Path, box: Box) -> None:
    victim = folder.parent / "victim"
    victim.write_text("safe")
    victim.chmod(0o600)
    done = python(code, folder, box)
    assert done.exit_code == 1, done
    assert victim.read_text() == "safe"
    assert victim.stat().st_mode & 0o777 == 0o600


# --- network, processes


def test_ffmpeg_has_no_network(folder: Path, box: Box, port: tuple[int, list[object]]) -> None:
    number, reached = port
    for url in (f"http://127.0.0.1:{number}/", f"tcp://127.0.0.1:{number}", f"rtmp://127.0.0.1:{number}/a"):
        assert ffmpeg(f"-i {url} -f null -", folder, box).exit_code != 0
    time.sleep(0.1)
    assert reached == []


@pytest.mark.parametrize(
    "code",
    [
        "socket.create_connection(('127.0.0.1', PORT), 3)",
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(('10.1.2.3', 53))",
        "socket.create_server(('0.0.0.0', 0)); socket.create_connection(('192.0.2.1', 80), 1)",
        "s = socket.socket(socket.AF_UNIX); s.connect('UNIX')",
    ],
)
def test_no_socket_reaches_out(code: str, folder: Path, box: Box, port: tuple[int, list[object]]) -> None:
    number, reached = port
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(folder.parent / "s"))
    listening.listen()
    code = code.replace("PORT", str(number)).replace("UNIX", str(folder.parent / "s"))
    done = python(f"import sys; sys.path.append({_dynload()!r}); import socket; {code}", folder, box)
    listening.close()
    assert done.exit_code == 1, done
    assert b"Error" in done.stderr.encode()
    assert "ModuleNotFound" not in done.stderr
    assert reached == []


def _dynload() -> str:
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    return os.path.join(sys.base_prefix, "lib", version, "lib-dynload")


def test_no_second_process(folder: Path, box: Box) -> None:
    code = """
import os
made = 0
for _ in range(30):
    try:
        pid = os.fork()
    except OSError:
        break
    if pid == 0:
        import time; time.sleep(2); os._exit(0)
    made += 1
print(made)
"""
    done = python(code, folder, box)
    assert done.stdout == b"0\n", done


def test_threads_are_allowed(folder: Path, box: Box) -> None:
    code = "import threading; t = [threading.Thread(target=print, args=(1,)) for _ in range(9)]; [x.start() for x in t]"
    assert python(code, folder, box).exit_code == 0


def test_no_signal_reaches_the_grader(folder: Path, box: Box) -> None:
    done = python(f"import os; os.kill({os.getpid()}, 0)", folder, box)
    assert done.exit_code == 1, done


# --- time, memory, disk


@pytest.mark.parametrize("line", ["-f lavfi -i testsrc -f null -", "-stream_loop -1 -i in.wav -f null -"])
def test_what_never_ends_is_stopped(line: str, folder: Path, box: Box) -> None:
    ffmpeg("-f lavfi -i sine=d=0.1 in.wav", folder, box)
    started = time.monotonic()
    done = ffmpeg(line, folder, box, Limits(seconds=1))
    assert (done.exit_code, done.killed) == (None, "time")
    assert time.monotonic() - started < 4


def test_memory_is_bounded(folder: Path, box: Box) -> None:
    code = "l = []\nwhile True: l.append(b'x' * 1000000)"
    done = python(code, folder, box, Limits(seconds=20, memory=200 * MIB))
    assert done.killed == "memory", done
    done = ffmpeg("-f lavfi -i testsrc=s=4000x4000 -vf reverse -f null -", folder, box, Limits(memory=300 * MIB))
    assert done.killed == "memory", done


def test_one_large_file_is_stopped(folder: Path, box: Box) -> None:
    line = "-f lavfi -i testsrc=s=1920x1080 -f rawvideo big.yuv"
    done = ffmpeg(line, folder, box, Limits(seconds=30, disk=20 * MIB))
    assert done.exit_code != 0
    assert (folder / "big.yuv").stat().st_size <= 21 * MIB


def test_the_folder_as_a_whole_is_bounded(folder: Path, box: Box) -> None:
    """Files that are each small enough, but not together."""
    line = "-f lavfi -i testsrc=s=1920x1080 -c:v rawvideo -f segment -segment_time 0.04 -segment_format nut big%d.nut"
    done = ffmpeg(line, folder, box, Limits(seconds=30, disk=30 * MIB))
    assert done.killed == "disk", done
    assert sum(p.stat().st_size for p in folder.iterdir()) < 200 * MIB


def test_the_number_of_files_is_bounded(folder: Path, box: Box) -> None:
    done = ffmpeg("-f lavfi -i testsrc=s=16x16 %d.bmp", folder, box, Limits(seconds=30, files=200))
    assert done.killed == "files", done


def test_many_at_once(folder: Path, box: Box) -> None:
    """Threads of one process may each run one."""
    results: list[int | None] = []

    def one(number: int) -> None:
        results.append(ffmpeg(f"-f lavfi -i sine=d=0.1 {number}.wav", folder, box).exit_code)

    threads = [threading.Thread(target=one, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [0] * 6


def test_null_bytes_start_nothing(folder: Path, box: Box) -> None:
    assert run(["ffmpeg", "-i", "a\0b"], folder, box=box).exit_code == 127


# --- none


def test_without_a_sandbox_nothing_runs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "available", lambda: ())
    with pytest.raises(SandboxMissing, match="pip install sandlock"):
        run(["ffmpeg", "-version"], folder)


def test_bubblewrap_needs_its_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert not sandbox._works("bubblewrap")
