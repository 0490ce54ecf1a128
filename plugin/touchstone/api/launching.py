"""A pytest process of its own: started, listened to, interrupted, and its mistakes told in our words.

A process, not pytest in this one: a notebook would see the evals, scorers and models as they were at their first
import, pytest would leave its hooks and its `sys.path` behind, and neither xdist nor Ctrl-C would work from within a
running event loop. It costs about a second.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from ..errors import TouchstoneError, UsageError

_CHILD = Path(__file__).with_name("child.py")
_MOST = 12
"""Lines of a problem that are shown."""
_USAGE = 4
"""pytest's exit status for a command line, or a configuration, that it cannot read."""
_NOTHING = 5
"""pytest's exit status where no test was selected."""

Told = Mapping[str, Any]


@dataclass(slots=True)
class Ended:
    """How a pytest process ended."""

    status: int
    """Its exit status; below nought the signal that ended it."""
    said: str
    """What it printed."""
    run: str = ""
    """The run that it made, if it made one."""
    problems: list[str] = field(default_factory=list)
    bug: str = ""


def launch(arguments: Sequence[str], root: Path, hear: Callable[[Told], None]) -> Ended:
    """Run pytest with these arguments in the folder `root`; `hear` gets each thing that it tells, as it comes.

    KeyboardInterrupt is passed on to it and raised again when it has ended: the calls in flight are waited for, a
    second one ends it now, and a third one kills it. Raises TouchstoneError where no process can be started.
    """
    ended = Ended(0, "")

    def heard(told: Told) -> None:
        ended.run = told.get("run", ended.run)
        ended.bug = told.get("bug", ended.bug)
        ended.problems += [told["problem"]] if "problem" in told else []
        hear(told)

    with tempfile.TemporaryFile() as said:
        with _started(arguments, root, said) as (process, ear):
            _listen(process, ear, heard)
            ended.status = process.wait()
        said.seek(0)
        ended.said = said.read().decode("utf-8", "replace")
    return ended


def check(ended: Ended, where: str) -> None:
    """Raise what kept pytest from running any test. Misses, errors, gates and a spent budget are no such thing."""
    if ended.problems:
        problems = "\n".join(dict.fromkeys(ended.problems))  # of a file that all evals share, one is as good as all
        raise UsageError(f"the evals cannot be collected:\n{_tail(problems)}", where=where)
    if ended.status == _USAGE:
        raise UsageError(_usage(ended.said), where="pytest")
    if ended.status == _NOTHING:
        hint = "an eval is a test with @pytest.mark.eval; keyword, run_config and options may leave none"
        raise UsageError("no eval was selected", where=where, hint=hint)
    if ended.bug:
        raise TouchstoneError(f"pytest failed:\n{_tail(ended.bug)}")
    if ended.status < 0 or not ended.run:
        why = f"by signal {-ended.status}" if ended.status < 0 else f"with status {ended.status}"
        raise TouchstoneError(f"the pytest process ended {why}:\n{_tail(ended.said)}".rstrip(":\n"))


@contextlib.contextmanager
def _started(
    arguments: Sequence[str], root: Path, said: IO[bytes]
) -> Iterator[tuple[subprocess.Popen[bytes], IO[str]]]:
    """The process, and what it tells; ended with the block, however that ends."""
    ear, mouth = os.pipe()
    # -P: what is in the folder is found as pytest finds it, not because Python was started there.
    command = [sys.executable, "-P", str(_CHILD), str(mouth), *arguments]
    try:
        process = subprocess.Popen(
            command,
            cwd=root,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            pass_fds=(mouth,),
            start_new_session=True,  # so that Ctrl-C reaches it once, by us
        )
    except (OSError, ValueError) as error:  # ValueError: a zero byte
        os.close(ear)
        raise UsageError(f"pytest cannot be started: {error}", where=str(root)) from error
    finally:
        os.close(mouth)
    try:
        with os.fdopen(ear, encoding="utf-8", errors="replace") as lines:
            yield process, lines
    finally:
        if process.poll() is None:
            _signal(process, signal.SIGKILL)
            process.wait()


def _listen(process: subprocess.Popen[bytes], lines: IO[str], heard: Callable[[Told], None]) -> None:
    """Until it has ended. Interrupted once or twice, it hears of that; whoever asks a third time wants no end of it."""
    interrupted: list[KeyboardInterrupt] = []
    while True:
        try:
            for line in lines:
                heard(_read(line))
            process.wait()
        except KeyboardInterrupt as error:
            interrupted.append(error)
            _signal(process, signal.SIGINT if len(interrupted) < 3 else signal.SIGKILL)
        else:
            break
    if interrupted:
        raise interrupted[-1]


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """To the process and its workers, as a terminal would send it."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _read(line: str) -> Told:
    """What a line tells; nothing where it was cut off."""
    try:
        told = json.loads(line)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _usage(said: str) -> str:
    """pytest's words for a command line that it does not take, without the usage."""
    lines = [line for line in said.splitlines() if line.strip()]
    for number, line in enumerate(lines):
        if ": error: " in line:
            return line.partition(": error: ")[2]
        if line.startswith("ERROR: ") and not line.startswith("ERROR: usage:"):
            return "\n".join([line.removeprefix("ERROR: "), *lines[number + 1 :]])
    return _tail(said) or "does not take these arguments"


def _tail(said: str) -> str:
    lines = [line for line in said.splitlines() if line.strip() and not line.startswith("=")]
    return "\n".join(lines[-_MOST:])
