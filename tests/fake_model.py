"""A fake model: answers from a queue, remembers what it was asked. Same shape as a real one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from touchstone.records import Request, Response

Answer = str | Response | Exception


class FakeModel:
    """Gives its queue's answers in turn (exceptions are raised), then `rule`'s; `history` holds every request."""

    def __init__(self, *queue: Answer, rule: Callable[[Request], Answer] | None = None, latency: float = 0.0) -> None:
        self.queue: list[Answer] = list(queue)
        self.rule = rule
        self.latency = latency
        self.history: list[Request] = []
        self.running = 0
        self.most_at_once = 0
        self.closed = False

    async def complete(self, request: Request) -> Response:
        self.history.append(request)
        self.running += 1
        self.most_at_once = max(self.most_at_once, self.running)
        try:
            await asyncio.sleep(self.latency)
            return self._answer(request)
        finally:
            self.running -= 1

    async def aclose(self) -> None:
        self.closed = True

    def _answer(self, request: Request) -> Response:
        if not self.queue and self.rule is None:
            raise AssertionError(f"the fake model has no answer left for {request}")
        answer = self.queue.pop(0) if self.queue else self.rule(request)  # type: ignore[misc]
        if isinstance(answer, Exception):
            raise answer
        return Response(answer) if isinstance(answer, str) else answer


def asked(model: FakeModel) -> Iterable[str]:
    """The last message of every request, in the order they came."""
    return [request.messages[-1].content for request in model.history]
