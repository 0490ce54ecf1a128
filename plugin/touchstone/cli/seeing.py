"""What a rater may be shown after rating: what the eval's own scorers see of an output. Never a judge, never a name."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..evals import Eval, Suite
    from ..labels import Item


def evidence_of(root: Path, name: str) -> Callable[[Item], Awaitable[Mapping[str, object] | None]]:
    """The eval's scorers as the rating page's evidence; they run when somebody asks. Raises UsageError."""
    from ..trust.measuring import with_judges
    from .collecting import collect

    collected = collect(root)
    suite, evaluation = collected.suite, with_judges(collected.eval(name), ())

    async def evidence(item: Item) -> Mapping[str, object] | None:
        return await asyncio.to_thread(_seen, suite, evaluation, item)

    return evidence


def _seen(suite: Suite, evaluation: Eval, item: Item) -> Mapping[str, object] | None:
    """Score's name -> value and why; a scorer that failed says so. None where the row is no more what it was."""
    from ..session import Options, Session
    from ..trust.measuring import measure, usable

    kept, _ = usable([item], evaluation)
    if not kept or not evaluation.scorers:
        return None
    (found,) = measure(Session(suite, Options("replay"), ""), evaluation, kept, lambda done, total: None)
    scores = {name: {"value": score.value, "why": score.why} for name, score in found.scores.items()}
    return {**scores, **{name: {"why": f"no score: {why}"} for name, why in found.errors.items()}}
