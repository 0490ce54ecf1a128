"""A dialogue: all calls of one sample, one after another. Owns what comes next; each call goes through the door.

The first request, then rounds of tools while the model calls any that can be answered here, then the user's next turn.
"""

from __future__ import annotations

from functools import cached_property

from .calls import Door
from .records import Message, Request, Response, Row, RunConfig


class Dialogue:
    """What was asked and answered so far. For most samples it is one call."""

    def __init__(self, door: Door, config: RunConfig, row: Row, epoch: int) -> None:
        self._door, self._config, self._row, self._epoch = door, config, row, epoch
        self.request: Request | None = None
        """The last."""
        self.earlier: dict[str, Response] = {}
        """The answers before the last, by their requests' keys."""
        self._last: Response | None = None

    async def hold(self) -> Response:
        """The last answer. Raises whatever the call does that fails, ToolFailed for a tool that does."""
        response = await self._settled(await self._ask(self._door.request(self._config, self._row, self._epoch)))
        for turn in self._door.later(self._config, self._row):
            if response.tool_calls or response.finish == "content_filter":
                break  # nothing can be said in between, or nothing was said that could be gone on from
            response = await self._settled(await self._go_on(response, turn))
        return response

    async def _settled(self, response: Response) -> Response:
        """The answer that calls no tool any more, or the one at which the rounds are spent."""
        box = self._door.toolbox(self._config)
        for _ in range(self._config.tool_rounds):
            if not box.answers(response.tool_calls):
                break
            told = [await box.answer(call, self._world, self._config.timeout) for call in response.tool_calls]
            response = await self._go_on(response, *told)
        return response

    @cached_property
    def _world(self) -> Row:
        """The row as tools know it: what they change in it lasts as long as the dialogue, and reaches no other."""
        return self._row.model_copy(deep=True)

    async def _go_on(self, response: Response, *said: Message) -> Response:
        before = self.request.messages if self.request else ()
        messages = (*before, response.message, *said)
        return await self._ask(self._door.following(self._config, messages, self._epoch))

    async def _ask(self, request: Request) -> Response:
        if self.request is not None and self._last is not None:
            self.earlier[self.request.key] = self._last
        self.request, self._last = request, None
        self._last = await self._door.complete(self._config, request)
        return self._last
