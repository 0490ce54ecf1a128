"""The tollgate: no call goes out before its worst case is taken out of the budget; what it took is settled after.

Owns what a failed call may have cost; keeps no account (`budget` does).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from ..errors import CallFailed, CallRefused, UsageError
from ..models import Model
from ..models.prices import FREE, price
from ..records import Request, Response, RunConfig
from .account import Sum
from .budget import Budget
from .worst import most_input, most_output


@dataclass(frozen=True)
class Tollgate:
    """Asks `inner` only what the budget can bear."""

    inner: Model
    budget: Budget
    config: RunConfig
    share: float = 1.0
    """What a call costs of its usual price."""

    async def complete(self, request: Request) -> Response:
        """The inner model's answer. Raises BudgetReached where its worst case would pass the budget."""
        if why := self._unbounded:
            raise UsageError(f"{self.budget.limit} cannot be kept: {why}", where=f"run-config {self.config.name!r}")
        usual = worst_case(request, self.config, priced=self._priced)
        worst = Sum(usual.cost * self.share, usual.tokens)
        await self.budget.reserve(worst)
        spent = worst  # a call that was cut off may have been billed, and nobody knows for how much
        try:
            response = await self.inner.complete(request)
            spent = _took(response, worst)
            return response
        except (CallFailed, CallRefused) as error:
            if error.status is not None:  # the provider said no: that is not billed
                spent = Sum()
            raise
        finally:
            self.budget.settle(worst, spent)

    async def aclose(self) -> None:
        """Close the inner model."""
        await self.inner.aclose()

    @property
    def _priced(self) -> bool:
        return self.budget.limit.cost is not None

    @cached_property
    def _unbounded(self) -> str | None:
        return unbounded(self.config, cost=self._priced)


def worst_case(request: Request, config: RunConfig, *, priced: bool) -> Sum:
    """What a call can come to, where it is bounded. Not `priced`: in tokens alone, so that no price is looked up."""
    tokens_in, tokens_out = most_input(request), most_output(request, config) or 0
    return Sum((price(config, tokens_in, tokens_out) or 0.0) if priced else 0.0, tokens_in + tokens_out)


def unbounded(config: RunConfig, *, cost: bool) -> str | None:
    """Why no bound can be put on a call of this run-config, and what to write; None where one can."""
    if cost and config.model.startswith(FREE):
        return None
    if cost and price(config, 1, 1) is None:
        return "its price is not known: give it input_cost and output_cost, in US dollars a million tokens"
    probe = Request(config.model, (), {"max_tokens": config.max_tokens} if config.max_tokens else {})
    return "nothing bounds its answers: give it max_tokens" if most_output(probe, config) is None else None


def _took(response: Response, worst: Sum) -> Sum:
    """What an answer took; the worst case of what the provider does not say."""
    tokens = (response.usage.input_tokens, response.usage.output_tokens)
    known = [one for one in tokens if one is not None]
    cost = response.cost if response.cost is not None else worst.cost
    return Sum(cost, sum(known) if len(known) == len(tokens) else worst.tokens)
