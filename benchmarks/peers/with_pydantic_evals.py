"""`pydantic-evals`: a Dataset of Cases, an async task over OpenAI's client, one Evaluator, `max_concurrency`."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openai import AsyncOpenAI
from pydantic_evals import Case, Dataset
from pydantic_evals.evaluators import Evaluator, EvaluatorContext


@dataclass
class Lengthy(Evaluator[str, str]):
    """A trivial scorer."""

    def evaluate(self, ctx: EvaluatorContext[str, str]) -> bool:
        return len(ctx.output) > 0


async def main(url: str, questions: list[str], flight: int) -> None:
    """Evaluate; the table of all cases is not printed, which is quicker."""
    client = AsyncOpenAI(base_url=url, api_key="none", max_retries=0)

    async def answer(question: str) -> str:
        messages: Any = [{"role": "user", "content": f"Answer in one word.\n{question}"}]
        said = await client.chat.completions.create(model="mock", messages=messages)
        return said.choices[0].message.content or ""

    cases = [Case(name=f"row-{at}", inputs=question) for at, question in enumerate(questions)]
    dataset = Dataset(name="questions", cases=cases, evaluators=[Lengthy()])
    report = await dataset.evaluate(answer, max_concurrency=flight, progress=False)
    print(sum(case.assertions["Lengthy"].value for case in report.cases), "answers")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]).read_text().splitlines(), int(sys.argv[3])))
