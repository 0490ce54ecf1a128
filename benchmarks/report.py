"""`report`: the page of 2,000 and of 20,000 samples, as a process. Absolute goals: no peer's report is this one.

Seconds are of the processor: the process has one thread, and a busy machine does not count.
The samples are alike in size to those of the living example: an answer, two scores, evidence.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from . import measure
from .table import Figure

GOALS = {2_000: 1.0, 20_000: 5.0}
"""Samples -> seconds at most."""
_COMMAND = "from touchstone.cli import main; main()"
MEMORY, SIZE = 400, 5
"""MB at most: of the process, whatever its run; of the page of 2,000 samples."""


def figures(folder: Path, rounds: int) -> Iterator[Figure]:
    """Seconds of each, the memory of the larger, the size of the smaller."""
    for samples, seconds in GOALS.items():
        project = _project(folder / str(samples), samples)
        command = (sys.executable, "-c", _COMMAND, "--root", str(project), "report", "--format", "html")
        (took,) = measure.best(rounds, lambda command=command, at=project: measure.run(command, at))  # type: ignore[misc]
        what = f"`touchstone report --format html` of {samples:,} samples"
        yield Figure("report", what, f"{took.cpu:.2f} s ({took.wall:.2f} s by the clock)", "-", took.cpu, seconds, "s")
    yield Figure("report", "peak memory of the same", f"{took.peak:.0f} MB", "-", took.peak, MEMORY, "MB")
    page = (folder / "2000/.touchstone/runs/run/report.html").stat().st_size / 1e6
    yield Figure("report", "size of the page of 2,000", f"{page:.1f} MB", "-", page, SIZE, "MB")


def _project(folder: Path, samples: int) -> Path:
    run = folder / ".touchstone/runs/run"
    run.mkdir(parents=True)
    (folder / "pyproject.toml").touch()
    (run / "run.json").write_text(json.dumps({"v": 1, "gates": [], "info": {"id": "run"}}))
    with (run / "samples-main.jsonl").open("w") as lines:
        lines.writelines(json.dumps(_sample(n)) + "\n" for n in range(samples))
    return folder


def _sample(n: int) -> dict[str, object]:
    row, config, good = f"row-{n // 4:05}", f"config-{n % 4}", n % 3 > 0
    evidence = {"commands": [f"ffmpeg -i {row}.mp4 -c copy {row}.mkv"], "runs": [{"exit": 0, "stderr": f"{row} " * 60}]}
    usage = {"input_tokens": 200, "output_tokens": 60}
    made = {"runtime": "none", "date": "2026-11-28"}
    call = {"text": "", "thinking": "", "finish": "stop", "usage": usage, "cost": 0.001, "latency": 1.5, "made": made}
    return {
        "v": 1,
        "eval": f"eval-{n % 16 // 4}",
        "row": row,
        "run_config": config,
        "epoch": 1,
        "outcome": {
            "kind": "pass" if good else "miss",
            "why": "" if good else f"{row}.mkv: wanted one stream, found 0",
        },
        "scores": {
            "executes": {"value": 1.0, "why": "", "details": evidence},
            "fits": {
                "value": float(good),
                "why": "",
                "details": {**evidence, "found": {"streams": [{"kind": "video"}]}},
            },
        },
        "errors": {},
        "input": f"please copy {row} into a matroska file, and reencode nothing of it",
        "output": f"This copies it.\n\n```bash\nffmpeg -i {row}.mp4 -c copy {row}.mkv # {config}\n```",
        "request": f"{n:064x}",
        "response": {**call, "source": "recording", "logprobs": []},
        "row_hash": "0" * 64,
        "asked": {},
        "test": f"evals/test_it.py::test_it[{row}:{config}]",
    }
