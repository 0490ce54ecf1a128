"""The errors of touchstone, as one small tree. Owns the words a user reads; never catches anything.

TouchstoneError
├── UsageError            the project's files or options are wrong; says where, and what to type next
├── CallError             a model call that gave no answer
│   ├── ModelUnavailable  cannot be tried at all here: no key, no weights, no library
│   │   └── AnswerLater   the call waits in a batch: a later run has its answer
│   ├── CallRefused       the provider said no, and would say no again: bad key, unknown model
│   ├── CallFailed        the call may work later: time-out, 429, 5xx, broken answer
│   ├── CallStopped       the run ends before it was asked
│   ├── ToolFailed        a tool's own function failed, and so the conversation could not go on
│   └── NotRecorded       replay was asked for and there is no recording
├── ToolError             a tool says no: what the model is told
└── ScorerError           a scorer that raised, or answered with something that is no score
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .records import Allowance

THROTTLED = (429, 503, 529)
"""Too many requests, service unavailable, and what Anthropic calls overloaded."""


class TouchstoneError(Exception):
    """Base of all that touchstone raises on purpose; its text is fit to show to a user as it is."""


class UsageError(TouchstoneError):
    """A mistake in the project's own files or options.

    `where` is "path:line" or an option's name; `hint` says what to type next.
    """

    def __init__(self, message: str, *, where: str = "", hint: str = "") -> None:
        self.message, self.where, self.hint = message, where, hint
        super().__init__(": ".join(p for p in (where, message) if p) + (f"\n  {hint}" if hint else ""))


class CallError(TouchstoneError):
    """A model call that gave no answer. Never a score of zero: the sample is counted as an error."""

    attempts: tuple[Mapping[str, Any], ...] = ()
    """What was tried, each with `why` and `seconds`; set by whoever tries again."""


class ModelUnavailable(CallError):
    """The model cannot be tried here: its key, weights or library are missing; the text names which.

    Samples of such a run-config are skipped, not failed.
    """


class AnswerLater(ModelUnavailable):
    """The call goes into a batch, or is in one; a later run has its answer, and its samples are skipped here."""


class CallRefused(CallError):
    """The provider refused and would refuse again: bad key, unknown model, context too long.

    `status` is HTTP's; `always`: it would refuse every other call of this run-config too.
    """

    def __init__(self, message: str, *, status: int | None = None, always: bool = False) -> None:
        self.status, self.always = status, always
        super().__init__(message)


class CallFailed(CallError):
    """The call failed in a way that may pass: time-out, lost connection, 429, 5xx, unusable body.

    `retry_after` is the provider's own wish in seconds, None where it gave none; `status` is HTTP's, None where no
    answer came; `allowances` is what its headers say is left.
    """

    def __init__(
        self,
        message: str,
        *,
        retry_after: float | None = None,
        status: int | None = None,
        allowances: tuple[Allowance, ...] = (),
    ) -> None:
        self.retry_after, self.status, self.allowances = retry_after, status, allowances
        super().__init__(message)

    @property
    def throttled(self) -> bool:
        """Whether it failed for being one call too many."""
        return self.status in THROTTLED


class CallStopped(CallError):
    """The run is ending, and the call had not gone out yet."""


class ToolFailed(CallError):
    """A tool's own function raised, hung, or returned something that no model can be told."""


class NotRecorded(CallError):
    """Replay was asked for and no recording answers this request."""


class ToolError(TouchstoneError):
    """Raise it in a tool's function for what the model should hear of: the text is the tool's answer."""


class ScorerError(TouchstoneError):
    """A scorer raised, or returned something that is no score."""
