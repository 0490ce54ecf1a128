"""Runs to look at: records and summaries for the tests of the report's page."""

from __future__ import annotations

from collections.abc import Iterator

from touchstone.gates import judge, parse_rule
from touchstone.labels import Trust
from touchstone.records import Message, Outcome, Response, SampleRecord, Score, Usage
from touchstone.report import GateResult, RunInfo, Summary, summarise
from touchstone.report.page import page

CONFIGS = ("ships", "cheap", "wordy")
EVALS = ("correct", "polite")
DOT = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGA"
    "hKmMIQAAAABJRU5ErkJggg=="
)
"""A picture of one pixel."""
SYSTEM = "You turn a wish into a command. " * 20


def sample(eval_: str, row: str, config: str, *, good: bool, output: str = "", epoch: int = 1) -> SampleRecord:
    """One sample with two scores, evidence, and a call."""
    skill = CONFIGS.index(config) if config in CONFIGS else 0
    evidence = {
        "commands": [f"run {row}"],
        "runs": [{"exit": int(not good), "stderr": "line 1\nline 2"}],
        "mismatches": [{"what": "audio streams", "wanted": 1, "found": int(good)}],
    }
    scores = {
        "runs": Score(1.0),
        "fits": Score(1.0 if good else skill / 4, "" if good else "wanted 1 stream, found 0", evidence),
    }
    response = Response("", usage=Usage(100, 20 + 30 * skill), cost=0.001 * (skill + 1), latency=0.5 + skill)
    return SampleRecord(
        eval_,
        row,
        config,
        epoch,
        Outcome("pass" if good else "miss", "" if good else "fits: wanted 1 stream, found 0"),
        scores,
        input=f"please do {row}",
        output=output or f"Here it is.\n\n```bash\ndo {row} --as {config}\n```",
        request=f"{row}/{config}/{epoch}",
        response=response,
        test=f"evals/test_{eval_}.py::test_{eval_}[{row}:{config}]",
    )


def samples(rows: int = 12) -> Iterator[SampleRecord]:
    """Both evals, all rows, three run-configs: the first the best in `correct`, the last in `polite`."""
    for place, eval_ in enumerate(EVALS):
        for config in CONFIGS:
            skill = CONFIGS.index(config) if place else len(CONFIGS) - CONFIGS.index(config)
            for row in range(rows):
                yield sample(eval_, f"row-{row:02}", config, good=row % 4 <= skill)


def prompts(records: list[SampleRecord]) -> dict[str, tuple[Message, ...]]:
    return {r.request: (Message("system", SYSTEM), Message("user", str(r.input))) for r in records if r.request}


def summary(records: list[SampleRecord]) -> Summary:
    gates = [
        GateResult(eval_, config, config == "ships", judge(parse_rule("fits >= 0.7"), own))
        for eval_ in EVALS
        for config in CONFIGS
        if (own := [r for r in records if (r.eval, r.run_config) == (eval_, config)])
    ]
    pairs = {f"row-{n:02}@x": (float(n % 2), float(n % 3 == 0), "ships") for n in range(24)}
    info = RunInfo(
        "run-1", "2026-11-28", "ships", CONFIGS, (Trust("fits", "certified", "better than chance", 0.5, pairs),)
    )
    return summarise(records, gates, info)


def whole(records: list[SampleRecord], where: str = ".touchstone/runs/run-1") -> str:
    """The page of these records."""
    return page(summary(records), records, prompts(records), where)
