"""`inspect-ai`: a Task of Samples, `generate`, one custom scorer, its provider for OpenAI-compatible servers."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from inspect_ai import Task, eval, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.scorer import Score, Scorer, Target, accuracy, scorer
from inspect_ai.solver import TaskState, generate


@scorer(metrics=[accuracy()])
def lengthy() -> Scorer:
    """A trivial scorer."""

    async def score(state: TaskState, target: Target) -> Score:
        return Score(value=len(state.output.completion) > 0)

    return score


@task
def questions(asked: list[str]) -> Task:
    """A row a sample."""
    samples = [Sample(id=at, input=f"Answer in one word.\n{text}", target="") for at, text in enumerate(asked)]
    return Task(dataset=MemoryDataset(samples), solver=[generate()], scorer=lengthy())


def main(url: str, asked: list[str], flight: int) -> None:
    """Evaluate, without a display."""
    os.environ |= {"MOCK_BASE_URL": url, "MOCK_API_KEY": "none"}
    (log,) = eval(
        questions(asked),
        model="openai-api/mock/mock",
        max_connections=flight,
        max_samples=flight,
        display="none",
        log_dir="logs",
    )
    print(sum(one.scores["lengthy"].value == 1.0 for one in log.samples or [] if one.scores), "answers")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]).read_text().splitlines(), int(sys.argv[3]))
