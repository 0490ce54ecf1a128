"""Scoring: what a scorer's answer becomes, and which scorers run where."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from touchstone.caches import open_stores
from touchstone.errors import ScorerError
from touchstone.records import Message, Request, Response, Row, RunConfig, Sample, Score, ToolCall
from touchstone.scorers import as_scores, identity_of, in_background, name_of, names_of, scorer
from touchstone.scoring import Scored, Workers, score_plain

SAMPLE = Sample("words", None, RunConfig(name="main", model="m", prompt="p"), 1, "good")


def plain(sample: Sample) -> bool:
    return sample.output == "good"


async def later(sample: Sample) -> float:
    return 0.5


@scorer(heavy=True)
def heavy(sample: Sample) -> bool:
    return True


@scorer(names=["one", "two"], identity=lambda: "v1")
def several(sample: Sample) -> dict[str, float]:
    return {"one": 1, "two": 0.0}


class Judge:
    async def __call__(self, sample: Sample) -> float:
        return 1.0


def broken(sample: Sample) -> bool:
    raise KeyError("x")


@pytest.mark.parametrize(
    ("answer", "value"), [(True, 1.0), (False, 0.0), (0, 0.0), (1, 1.0), (0.25, 0.25), (Score(0.5, "so"), 0.5)]
)
def test_answers_that_are_scores(answer: Any, value: float) -> None:
    assert as_scores("it", answer)["it"].value == value


@pytest.mark.parametrize("answer", [None, "1", [1], 1.01, -0.1, float("nan"), float("inf"), 2, Score(7.0), {"a": None}])
def test_answers_that_are_none(answer: Any) -> None:
    with pytest.raises(ScorerError):
        as_scores("it", answer)


def test_plain_scorers_score_and_others_wait_for_the_background() -> None:
    scored = score_plain(SAMPLE, (plain, several))
    assert {name: score.value for name, score in scored.scores.items()} == {"plain": 1.0, "one": 1.0, "two": 0.0}
    assert [in_background(one) for one in (plain, later, heavy, several, Judge())] == [False, True, True, False, True]


def test_one_that_raises_costs_no_other_its_score() -> None:
    scored = score_plain(SAMPLE, (broken, plain))
    assert scored.errors == {"broken": "KeyError: 'x'"}
    assert list(scored.scores) == ["plain"]


def test_a_user_who_interrupts_is_obeyed() -> None:
    def stop(sample: Sample) -> bool:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        score_plain(SAMPLE, (stop,))


def test_names_and_identities() -> None:
    assert (name_of(plain), name_of(Judge()), names_of(several), names_of(plain)) == (
        "plain",
        "judge",
        ("one", "two"),
        ("plain",),
    )
    assert identity_of(several).endswith("several@v1")
    assert identity_of(plain) != identity_of(heavy)


def test_a_heavy_score_of_the_same_output_is_shared_only_by_the_same_conversation(tmp_path: Path) -> None:
    calls = ToolCall("f", '{"x": 1}', "1"), ToolCall("f", '{"x": 2}', "1")
    talks = [Request("m", (Message("assistant", "", (one,)), Message("tool", "x", tool_call_id="1"))) for one in calls]
    row, last = Row(id="a", input="x"), Response("good")
    samples = [
        Sample(
            "e", row, SAMPLE.run_config, 1, "good", last, request=one, earlier={"k": Response("", tool_calls=(call,))}
        )
        for one, call in zip(talks, calls, strict=True)
    ]
    plain = [
        Sample("e", row, SAMPLE.run_config, 1, "good", last, request=Request("m", (Message("user", t),))) for t in "ab"
    ]
    seen: list[Sample] = []

    async def elsewhere(_: object, sample: Sample) -> Scored:
        seen.append(sample)
        return Scored({"heavy": Score(1.0)})

    async def main() -> None:
        stores = open_stores("", tmp_path)
        workers = Workers(stores.cache, stores.claims, 1, None, elsewhere)  # type: ignore[arg-type]
        for sample in (*samples, *samples, *plain):
            await workers.score(sample, (heavy,))
        stores.cache.close()

    asyncio.run(main())
    assert seen == [*samples, plain[0]]
