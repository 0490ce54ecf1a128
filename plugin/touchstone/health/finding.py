"""One thing that was looked at. A value; looks at nothing itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "absent", "broken"]
"""`absent` is nothing wrong: a key that is not set, an extra that is not installed."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found."""

    section: str
    name: str
    state: State
    says: str = ""
    then: str = ""
    """What to type to mend it, or to have it."""
