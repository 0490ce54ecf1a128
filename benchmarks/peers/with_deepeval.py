"""`deepeval`: outputs made first, over OpenAI's async client; then `evaluate` of LLMTestCases with one custom metric.

The quickest way that its documents show: nothing is traced, nothing printed for each case, no cache written.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

from deepeval import evaluate
from deepeval.evaluate import AsyncConfig, CacheConfig, DisplayConfig
from deepeval.metrics import BaseMetric
from deepeval.test_case import LLMTestCase
from openai import AsyncOpenAI


class Lengthy(BaseMetric):
    """A trivial scorer."""

    threshold = 0.5

    def measure(self, test_case: LLMTestCase, *args: Any, **kwargs: Any) -> float:
        self.score = float(len(test_case.actual_output or "") > 0)
        self.success = self.score >= self.threshold
        return self.score

    async def a_measure(self, test_case: LLMTestCase, *args: Any, **kwargs: Any) -> float:
        return self.measure(test_case)

    def is_successful(self) -> bool:
        return bool(self.success)

    @property
    def __name__(self) -> str:
        return "Lengthy"


async def cases(url: str, questions: list[str], flight: int) -> list[LLMTestCase]:
    """Every question asked, so many at a time."""
    client, slots = AsyncOpenAI(base_url=url, api_key="none", max_retries=0), asyncio.Semaphore(flight)

    async def case(question: str) -> LLMTestCase:
        messages: Any = [{"role": "user", "content": f"Answer in one word.\n{question}"}]
        async with slots:
            said = await client.chat.completions.create(model="mock", messages=messages)
        return LLMTestCase(input=question, actual_output=said.choices[0].message.content or "")

    return list(await asyncio.gather(*(case(question) for question in questions)))


def main(url: str, questions: list[str], flight: int) -> None:
    """Ask, then evaluate."""
    result = evaluate(
        asyncio.run(cases(url, questions, flight)),
        [Lengthy()],
        async_config=AsyncConfig(max_concurrent=flight),
        cache_config=CacheConfig(write_cache=False),
        display_config=DisplayConfig(show_indicator=False, print_results=False, inspect_after_run=False),
    )
    print(sum(bool(one.success) for one in result.test_results), "answers")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]).read_text().splitlines(), int(sys.argv[3]))
