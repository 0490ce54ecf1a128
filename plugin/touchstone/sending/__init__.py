"""Sending: all that stands between a call that is wanted and the model. Knows no cache and no pytest.

It says when a call may go, what it may cost, and how often it is tried:

retrying -> lane (window, pace, slots) -> refusable -> tollgate (budget) -> model
"""

from __future__ import annotations

from .budget import NO_LIMIT, Budget, BudgetReached, Limit, state
from .traffic import Share, Traffic

__all__ = ["NO_LIMIT", "Budget", "BudgetReached", "Limit", "Share", "Traffic", "state"]
