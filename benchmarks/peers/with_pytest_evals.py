"""`pytest-evals`: a parametrized test a row, as its README has it; OpenAI's plain client, for its tests do not await.

Copied as `test_questions.py`; `pytest --run-eval -n 8`, then `pytest --run-eval-analysis`, which has the score.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from openai import OpenAI

QUESTIONS = Path(os.environ["QUESTIONS"]).read_text().splitlines()


@pytest.fixture(scope="session")
def client() -> OpenAI:
    return OpenAI(base_url=os.environ["MOCK_URL"], api_key="none", max_retries=0)


@pytest.mark.eval(name="questions")
@pytest.mark.parametrize("question", QUESTIONS)
def test_questions(question: str, eval_bag: Any, client: OpenAI) -> None:
    messages: Any = [{"role": "user", "content": f"Answer in one word.\n{question}"}]
    said = client.chat.completions.create(model="mock", messages=messages)
    eval_bag.prediction = said.choices[0].message.content
    eval_bag.lengthy = len(eval_bag.prediction) > 0


@pytest.mark.eval_analysis(name="questions")
def test_analysis(eval_results: Any) -> None:
    passed = [result.result.lengthy for result in eval_results]
    print(sum(passed), "answers")
    assert sum(passed) / len(passed) >= 0.9
