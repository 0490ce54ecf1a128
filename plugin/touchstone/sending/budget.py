"""The budget of a run: what may be spent at most, by all its workers together. Says yes, no, or not yet.

The worst case of a call is reserved before it goes out, and what it really took is settled after, so the sum never
passes the limit. Knows no call; `account` keeps the sums.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from ..errors import ModelUnavailable
from .account import Account, Sum

FILE = "budget"
"""In a run's folder."""
FIRST_WAIT, LONGEST_WAIT = 0.005, 0.1
"""Seconds between two looks, where calls under way hold what is left."""


class BudgetReached(ModelUnavailable):
    """The call was not made: its worst case would pass the budget."""


@dataclass(frozen=True, slots=True)
class Limit:
    """What may be spent; None: as much as it takes."""

    cost: float | None = None
    """US dollars."""
    tokens: int | None = None
    """Of questions and answers together."""

    def __bool__(self) -> bool:
        return self.cost is not None or self.tokens is not None

    def __str__(self) -> str:
        cost = () if self.cost is None else (f"--max-cost {self.cost:g}",)
        tokens = () if self.tokens is None else (f"--max-tokens {self.tokens}",)
        return " and ".join((*cost, *tokens))

    def passed(self, total: Sum) -> bool:
        """Whether so much is more than may be spent."""
        over = self.cost is not None and total.cost > self.cost
        return over or (self.tokens is not None and total.tokens > self.tokens)


NO_LIMIT = Limit()


def state(folder: Path) -> tuple[Sum, int] | None:
    """What the run in a folder spent of its budget, and how often that was not enough; None where it had none."""
    if not (folder / FILE).is_file():
        return None
    account = Account(folder / FILE)
    try:
        with account.open() as book:
            return book.spent + book.held, book.refusals
    finally:
        account.close()


class Budget:
    """One run's budget, as one of its workers draws on it."""

    def __init__(self, path: Path, limit: Limit) -> None:
        self.limit, self._account = limit, Account(path)

    async def reserve(self, worst: Sum) -> None:
        """Take the worst case of a call out of the budget; waits while only calls under way are in its way.

        Raises BudgetReached where it does not fit.
        """
        pause = FIRST_WAIT
        while not self._reserved(worst):
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, LONGEST_WAIT)

    def settle(self, worst: Sum, spent: Sum) -> None:
        """A call has ended: what it really took, in place of its worst case."""
        with self._account.open() as book:
            book.hold(worst.negative())
            book.spend(spent)

    @property
    def spent(self) -> Sum:
        """What is spent, with the worst case of what is under way or was cut off."""
        with self._account.open() as book:
            return book.spent + book.held

    def close(self) -> None:
        """Let go of the file. What this process still holds counts as spent from then on."""
        self._account.close()

    def _reserved(self, worst: Sum) -> bool:
        """Whether the call fits now. Raises BudgetReached where it will not fit later either."""
        with self._account.open() as book:
            if not self.limit.passed(book.spent + book.held + worst):
                book.hold(worst)
                return True
            book.bury_the_dead()
            if not self.limit.passed(book.spent + worst):
                return False
            book.refusals += 1
        raise BudgetReached(f"not made: {self.limit} is reached")
