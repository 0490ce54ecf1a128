"""Questions that come in one moment, asked in one go, in a thread. Owns the waiting; knows not who is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

A = TypeVar("A")
B = TypeVar("B")

MOST = 512
"""Questions in one go."""


class Batch(Generic[A, B]):
    """Answers many tasks of one event loop with few round trips: while one is under way, the next gathers."""

    def __init__(self, run: Callable[[list[A]], list[B]]) -> None:
        """`run` answers several, in their order; it is called in a thread, one call at a time."""
        self._run = run
        self._waiting: list[tuple[A, asyncio.Future[B]]] = []
        self._asking: asyncio.Task[None] | None = None

    async def ask(self, question: A) -> B:
        """The answer. Raises what `run` raised."""
        future: asyncio.Future[B] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, future))
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask_all())
        return await future

    async def _ask_all(self) -> None:
        while self._waiting:
            await asyncio.sleep(0)  # whoever runs in this turn of the loop may join
            now, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            await self._answer([one for one in now if not one[1].cancelled()])

    async def _answer(self, asked: list[tuple[A, asyncio.Future[B]]]) -> None:
        try:
            answers = await asyncio.to_thread(self._run, [question for question, _ in asked])
        except Exception as error:  # noqa: BLE001  (each of those that ask must hear of it, whatever it is)
            for _, future in asked:
                if not future.done():  # else nobody waits any more
                    future.set_exception(error)
            return
        for (_, future), answer in zip(asked, answers, strict=True):
            if not future.done():
                future.set_result(answer)
