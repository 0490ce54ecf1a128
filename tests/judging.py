"""A judge in a folder of its own, and a model's answers made up: for tests of judges."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest

from touchstone.config import Catalogue
from touchstone.errors import UsageError
from touchstone.judges import BoundJudge, Definition, load_judge
from touchstone.places import Places
from touchstone.records import Message, Response, Row, RunConfig, Sample

HEAD = "eval: words\nmodel: openai/gpt-4.1\n"
BODY = "Asked: {{ input }}\nAnswered: {{ answer }}\n"
MAIN = RunConfig(name="main", model="python/app:echo", prompt="ask", temperature=0.5, seed=3, max_tokens=99)
CATALOGUE = Catalogue((MAIN, RunConfig(name="other", model="openai/gpt-4.1-mini", prompt="ask")))


def write(places: Places, head: str = HEAD, body: str = BODY, name: str = "polite") -> None:
    places.judges.mkdir(parents=True, exist_ok=True)
    (places.judges / f"{name}.j2").write_text(f"---\n{head}---\n{body}")


def load(places: Places, head: str = HEAD, body: str = BODY) -> Definition:
    write(places, head, body)
    return load_judge("polite", places, CATALOGUE)


def bound(places: Places, head: str = HEAD, body: str = BODY) -> BoundJudge:
    return BoundJudge.of(load(places, head, body), places.root)


def refused(places: Places, text: str) -> UsageError:
    places.judges.mkdir(parents=True, exist_ok=True)
    (places.judges / "polite.j2").write_text(text)
    with pytest.raises(UsageError) as caught:
        BoundJudge.of(load_judge("polite", places, CATALOGUE), places.root)
    return caught.value


class Asked:
    """Stands for the door: answers in turn, and remembers."""

    def __init__(self, *answers: str | Response | Exception) -> None:
        self.answers = list(answers)
        self.calls: list[tuple[RunConfig, tuple[Message, ...], int, Mapping[str, Any]]] = []

    async def __call__(
        self, config: RunConfig, messages: tuple[Message, ...], epoch: int, parameters: Mapping[str, Any]
    ) -> Response:
        self.calls.append((config, messages, epoch, parameters))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return Response(answer) if isinstance(answer, str) else answer


def verdict(said: object, reasoning: str = "because") -> str:
    return json.dumps({"reasoning": reasoning, "verdict": said})


def sample(output: str = "an answer", **row: object) -> Sample:
    return Sample("words", Row.model_validate({"id": "a", "input": "a question", **row}), MAIN, 1, output)


def judged(judge: BoundJudge, asked: Asked, output: str = "an answer") -> Any:
    return asyncio.run(judge(sample(output), asked))


LOOKS = """
def short(sample): return sample.output[:3]
def about(sample): return f"known of {sample.row.id}"
def nothing(sample): return ""
def number(sample): return 7
def broken(sample): raise KeyError("gone")
constant = 3
"""


def looking(places: Places, head: str, body: str = BODY + "{{ context }}", name: str = "looks_a") -> BoundJudge:
    (places.root / f"{name}.py").write_text(LOOKS)
    return bound(places, HEAD + head.replace("looks", name), body)


def text_of(judge: BoundJudge, output: str = "an answer", **row: object) -> str:
    return judge.messages(sample(output, **row))[1].content
