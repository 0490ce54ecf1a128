"""An agent from end to end, over HTTP: what each round sends, what it costs, and what a budget keeps it from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import web
from projects import Project

from tests.openai_server import Server, completion, serving

EVAL = """
import pytest
from touchstone import calls_tools

DOUBLE = [{"name": "double", "arguments": {"number": lambda number: number > 0}}]

@pytest.mark.eval(dataset="words", scorers=[calls_tools(DOUBLE)], gates=["calls_tools >= 0.9", "cost <= 1"])
def test_words(sample):
    sample.require("calls_tools")
    assert sample.output.endswith(str(2 * int(sample.row.input)))
"""
TOOLS = '''
def double(number: int) -> int:
    """Twice as much."""
    return 2 * number
'''
PRICE = (10 * 1 + 5 * 2) / 1e6
"""US dollars of one answer of the server."""


@dataclass
class Agent(Server):
    """Calls `double` with what the user says, and says what it came to."""

    async def _reply(self, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        last = body["messages"][-1]
        if last["role"] == "tool":
            return web.json_response(completion(f"It is {last['content']}", body))
        function = {"name": "double", "arguments": json.dumps({"number": int(last["content"])})}
        calls = [{"id": f"call-{last['content']}", "type": "function", "function": function}]
        return web.json_response(completion(None, body, "tool_calls", tool_calls=calls))


@pytest.fixture
def server() -> Iterator[Agent]:
    with serving(Agent()) as running:
        assert isinstance(running, Agent)
        yield running


def prepared(project: Project, server: Agent) -> None:
    config = {
        **{"name": "main", "model": "openai-compatible/m", "base_url": server.url, "prompt": "ask"},
        **{"max_tokens": 9, "input_cost": 1, "output_cost": 2, "tools": "helpers:double"},
    }
    project.write("evals/run_configs.yaml", json.dumps({"run_configs": [config]}))
    project.write("helpers.py", TOOLS)
    project.rows("3", "4")
    project.eval(EVAL)


def test_an_agent_over_http(project: Project, server: Agent) -> None:
    prepared(project, server)
    project.run("--calls", "record").assert_outcomes(passed=2 + 1)
    second = next(body for body in server.bodies if body["messages"][-1]["content"] == "6")
    assert [one["role"] for one in second["messages"]] == ["user", "assistant", "tool"]
    assert second["messages"][1]["tool_calls"][0]["id"] == second["messages"][2]["tool_call_id"] == "call-3"
    assert [tool["function"]["name"] for tool in second["tools"]] == ["double"]
    calls = project.report()["calls"]
    assert calls["cost"] == pytest.approx(4 * PRICE)
    assert (calls["count"], calls["input_tokens"]) == (4, 40)
    project.run("--calls", "replay").assert_outcomes(passed=2 + 1)
    assert len(server.bodies) == 4


def test_a_budget_counts_every_round(project: Project, server: Agent) -> None:
    prepared(project, server)
    result = project.run("--max-tokens", "330", "--concurrency", "1")
    assert result.ret == 6
    assert 0 < len(server.bodies) < 4
