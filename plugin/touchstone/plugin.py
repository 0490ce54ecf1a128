"""The pytest plugin: options, hooks and fixtures, and nothing else.

In a project without evals it registers a marker and does nothing more: everything heavy is imported at the first
test that carries `@pytest.mark.eval`.
"""

from __future__ import annotations

import argparse
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import pytest

from .controller import Controller
from .misses import Misses
from .places import PLACES

if TYPE_CHECKING:
    from .records import RunConfig, Sample
    from .running import Running

RUNNING = pytest.StashKey["Running"]()
"""The evals of a pytest process, in its config's stash."""
_CONTROLLER = pytest.StashKey[Controller]()
BUDGET_REACHED = 6
"""Exit status of a run whose budget kept calls from being made; pytest's own end at 5."""
_MARKER = (
    "eval(dataset, scorers=[], gates=['every row'], row=Row, truth=None, run_configs=None): an eval; each row x "
    "run-config is one test. "
    "Options: --run-config --epochs --rows --calls --plan --gate"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options, under a heading of their own."""
    group = parser.getgroup("touchstone", "evals (touchstone)")
    for name, arguments in _OPTIONS.items():
        group.addoption(name, **arguments)
    for name, (default, what) in PLACES.items():
        parser.addini(name, what, default=default)
    parser.addini(
        "touchstone_doctor", "module:function that `touchstone doctor` asks how the project stands", default=""
    )


def _at_least_one(text: str) -> int:
    """A whole number from 1, for argparse."""
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1")
    return int(text)


def _above_nought(text: str) -> float:
    """A number above nought, for argparse."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no number above nought")
    return value


def _shard(text: str) -> str:
    """`2/4`, for argparse."""
    from .shard import Shard

    try:
        return str(Shard.parse(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _engine(text: str) -> str:
    """`local`, `ray` or `ray:ADDRESS`, for argparse."""
    if text != "local" and text.partition(":")[0] != "ray":
        raise argparse.ArgumentTypeError(f"there is no engine {text!r}: write local, ray, or ray:HOST:PORT")
    return text


_OPTIONS: dict[str, dict[str, Any]] = {
    "--run-config": {
        "action": "append",
        "default": [],
        "metavar": "NAME",
        "help": "run-configs to run: a name, a glob, or a group of run_configs.yaml, after `!` to leave it out; "
        "repeatable (default: all)",
    },
    "--epochs": {
        "type": _at_least_one,
        "default": 1,
        "metavar": "N",
        "help": "make each sample so many times, each a call of its own (default: 1)",
    },
    "--rows": {
        "type": _at_least_one,
        "default": None,
        "metavar": "N",
        "help": "take a seeded sample of so many rows of each dataset (default: all rows)",
    },
    "--rows-seed": {"type": int, "default": 0, "metavar": "N", "help": "another seed takes other rows (default: 0)"},
    "--shard": {
        "type": _shard,
        "default": None,
        "metavar": "N/OF",
        "help": "run a part of the rows, for example 2/4; `touchstone merge` makes one run of all parts, and judges "
        "its gates",
    },
    "--calls": {
        "choices": ("replay", "auto", "record", "live"),
        "default": None,
        "help": "where answers come from. replay: recordings alone. auto: recordings, else the cache, else the model. "
        "record: as auto, and new answers join the recordings. live: the model (default: auto; replay where CI is set)",
    },
    "--batch": {
        "action": "store_true",
        "default": False,
        "help": "put calls to OpenAI, or to a server that speaks like it, into a batch, at half the price: their "
        "samples are skipped, and a later run picks the answers up, within 24 hours",
    },
    "--concurrency": {
        "type": _at_least_one,
        "default": 32,
        "metavar": "N",
        "help": "calls to one model that may be in flight at most, of all workers together; it starts with fewer, "
        "takes more while none is refused, and heeds what the provider says (default: 32)",
    },
    "--max-cost": {
        "type": _above_nought,
        "default": None,
        "metavar": "DOLLARS",
        "help": "make no call whose worst case would bring the run above so many US dollars, and exit with status 6",
    },
    "--max-tokens": {
        "type": _at_least_one,
        "default": None,
        "metavar": "N",
        "help": "the same for tokens, of questions and answers together",
    },
    "--cache": {
        "default": None,
        "metavar": "DIR|redis://HOST:PORT/DB",
        "help": "keep answers and heavy scores there, for all who share it: a folder, or a Redis (rediss: over TLS); "
        "'$VARIABLES' in it are replaced, so that a password need not be typed (default: .touchstone)",
    },
    "--engine": {
        "type": _engine,
        "default": "local",
        "metavar": "local|ray[:ADDRESS]",
        "help": "where calls are made and heavy scorers run: in this process, or on a Ray cluster: the one that runs "
        "on this machine, ray:HOST:PORT, or ray://HOST:PORT for one that this machine is no part of (default: local)",
    },
    "--gate": {
        "choices": ("default", "all"),
        "default": "default",
        "help": "whose gates may fail the run: the run-config that ships, or all of them (default: default)",
    },
    "--strict-judges": {
        "action": "store_true",
        "default": False,
        "help": "a gate on a judge fails unless its certificate (touchstone agree) shows it to be worth its word",
    },
    "--baseline": {
        "default": None,
        "metavar": "FILE|git:REF",
        "help": "what gates `no worse than baseline`, and then the report, compare with: a baseline's file, or the "
        "project's as it stands at a git ref, for example git:main (default: evals/baseline.json, for gates alone)",
    },
    "--resume": {
        "default": None,
        "metavar": "RUN",
        "help": "go on with a run that was stopped: its samples stay, and nothing that it was answered is asked again",
    },
    "--plan": {
        "action": "store_true",
        "default": False,
        "help": "print how many calls are recorded, cached and to be made, with tokens and cost, and make none",
    },
}


def pytest_configure(config: pytest.Config) -> None:
    """Make the markers known."""
    config.addinivalue_line("markers", _MARKER)
    config.addinivalue_line("markers", "gate: the gates of an eval (set by touchstone)")
    config.pluginmanager.register(SampleFixture(config), "touchstone-sample")
    if not hasattr(config, "workerinput"):
        config.stash[_CONTROLLER] = controller = Controller(config)
        config.pluginmanager.register(controller, "touchstone-controller")
        config.pluginmanager.register(Misses(config), "touchstone-misses")


def _find_resumed(config: pytest.Config) -> None:
    """The whole name of the run that is to be gone on with."""
    if (named := config.getoption("resume", None)) is not None:
        from .errors import UsageError
        from .places import Places
        from .store import find_run

        try:
            config.option.resume = find_run(Places.of(config.rootpath, config.getini).state / "runs", named).name
        except UsageError as error:
            raise pytest.UsageError(f"--resume: {error}") from None


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """What is named and not there is told at once. A plan is made by one process: it makes no call to share."""
    _find_resumed(config)
    if config.getoption("batch", False):
        from .posting import check as check_batch

        check_batch(config)
    if (named := config.getoption("baseline", None)) is not None:
        from .baseline import baseline_at
        from .errors import UsageError
        from .places import Places

        try:
            baseline_at(named, Places.of(config.rootpath, config.getini))
        except UsageError as error:
            raise pytest.UsageError(f"--baseline: {error}") from None
    if config.getoption("cache", None) or config.getini("touchstone_cache") or config.getoption("engine") != "local":
        from .machines import check

        check(config)
    if config.getoption("plan", False) and config.pluginmanager.has_plugin("xdist"):
        config.option.numprocesses, config.option.dist, config.option.tx = None, "no", []


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each row x run-config x epoch of an eval becomes one item."""
    marker = metafunc.definition.get_closest_marker("eval")
    if marker is None:
        return
    jobs = _running(metafunc.config).jobs_of(metafunc.definition, marker)
    if "sample" not in metafunc.fixturenames:
        metafunc.fixturenames.append("sample")
    metafunc.parametrize("sample", jobs, indirect=True, ids=[job.id for job in jobs])


@pytest.hookimpl(wrapper=True)
def pytest_pycollect_makeitem(collector: pytest.Collector) -> Generator[None, Any, Any]:
    """Behind the samples of an eval, its gates."""
    items = yield
    running = collector.config.stash.get(RUNNING, None)
    if running is None or not isinstance(items, list) or not items:
        return items
    return items + running.gate_items(collector, items)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Gates come last, when every sample is in."""
    if (running := config.stash.get(RUNNING, None)) is not None:
        items[:] = running.ordered(items)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """What is selected is known, and dealt out; under xdist the gates are the controller's, not a worker's."""
    if (running := session.config.stash.get(RUNNING, None)) is not None:
        running.take(session)
    elif (shard := session.config.getoption("shard")) is not None:
        from .dealing import deal
        from .shard import Shard

        deal(session, Shard.parse(shard))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    """Make the samples beside the loop; then, on xdist's controller, judge the gates."""
    running = session.config.stash.get(RUNNING, None)
    if running is not None and not session.config.option.collectonly:
        return (yield from running.loop(session))
    result = yield
    if (controller := session.config.stash.get(_CONTROLLER, None)) is not None:
        controller.judge()
    return result


def pytest_report_teststatus(report: pytest.TestReport | pytest.CollectReport) -> tuple[str, str, Any] | None:
    """Words, letters and colours for a miss, and for a candidate below its gate."""
    match getattr(report, "touchstone", None):
        case "miss":
            return "missed", "m", ("MISS", {"yellow": True})
        case "below":
            return "below gate", "b", ("BELOW GATE", {"yellow": True})
    return None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """Tell misses from failures, and keep each sample as it ends."""
    running = item.config.stash.get(RUNNING, None)
    if running is None:
        return (yield)
    running.explain_briefly(item, call)
    return running.reported(item, call, (yield))


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int | pytest.ExitCode) -> None:
    """A run that its budget ended says so; a shard that no row fell to is as good as any other."""
    config = session.config
    if config.getoption("batch") and not _batches_sent(config, exitstatus):
        session.exitstatus = exitstatus = pytest.ExitCode.TESTS_FAILED
    if exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED) and _calls_not_made(config):
        session.exitstatus = BUDGET_REACHED
    if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and config.getoption("shard") is not None:
        running, controller = config.stash.get(RUNNING, None), config.stash.get(_CONTROLLER, None)
        conclusion = running.conclusion() if running else controller.conclusion if controller else None
        if conclusion is not None and conclusion.part is not None:
            session.exitstatus = pytest.ExitCode.OK


def _batches_sent(config: pytest.Config, exitstatus: int | pytest.ExitCode) -> bool:
    """Submit what the run has put aside, unless it was interrupted or is a worker's; False where that failed."""
    if hasattr(config, "workerinput") or exitstatus not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        return True
    from .posting import send

    running = config.stash.get(RUNNING, None)
    return send(config, running.run_id if running else config.stash[_CONTROLLER].run_id)


def _calls_not_made(config: pytest.Config) -> bool:
    """Whether the budget kept calls from being made."""
    if config.getoption("max_cost") is None and config.getoption("max_tokens") is None:
        return False
    running, controller = config.stash.get(RUNNING, None), config.stash.get(_CONTROLLER, None)
    conclusion = running.conclusion() if running else controller.conclusion if controller else None
    if conclusion is None:
        return False
    from .sending import state

    spent = state(conclusion.folder)
    return spent is not None and spent[1] > 0


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """The score tables, the verdicts, and where the report lies; or the plan."""
    running, controller = config.stash.get(RUNNING, None), config.stash.get(_CONTROLLER, None)
    conclusion = running.conclusion() if running else controller.conclusion if controller else None
    if conclusion is not None or (running and running.plan):
        from .ending import show

        show(terminalreporter, conclusion, running.plan if running else None)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Let go of everything, however the run ended."""
    if (running := config.stash.get(RUNNING, None)) is not None:
        running.close()


class SampleFixture:
    """The fixture `sample`, of whichever test is set up. It does not ask for pytest's `request`, which pytest makes
    three times over for a fixture that does: that takes longer than all the rest of a sample that is known already.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._item: pytest.Item | None = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Whose sample will be wanted."""
        self._item = item

    @pytest.fixture
    def sample(self) -> Sample:
        """The sample: row, run_config, epoch, output, response and scores; `sample.require(name)` wants a score."""
        running = self._config.stash.get(RUNNING, None)
        if self._item is None or running is None:
            pytest.fail("there is a sample only in a test that is marked as an eval", pytrace=False)
        return running.sample(self._item)


@pytest.fixture
def row(sample: Sample) -> Any:
    """The dataset's row: `row.id`, `row.input`, and whatever else it holds."""
    return sample.row


@pytest.fixture
def output(sample: Sample) -> str:
    """The text that the model answered."""
    return sample.output


@pytest.fixture
def run_config(sample: Sample) -> RunConfig:
    """How this sample was made: model, prompt, parameters."""
    return sample.run_config


def _running(config: pytest.Config) -> Running:
    """The state of this process, made at the first eval."""
    if RUNNING not in config.stash:
        from .garbage import paused

        with paused():
            from .running import Running

        shared = getattr(config, "workerinput", {}).get("touchstone_run")
        config.stash[RUNNING] = Running(config, shared or config.stash[_CONTROLLER].run_id)
    return config.stash[RUNNING]
