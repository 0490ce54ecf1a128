"""The rows that one person reviews, and what was decided of each. Knows no HTTP, no plan, and no file.

Here people may see what others decided: a row wants one good decision, and is no measurement as a rating is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeAlias, get_args

from ..errors import UsageError
from . import sent as checks

Verdict: TypeAlias = Literal["keep", "edit", "drop", "undo"]
"""`undo`: what this person decided of the row is taken back."""
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
LONGEST = 4000
"""Characters of a request."""


@dataclass(frozen=True, slots=True)
class Section:
    """Something of a row that is shown below its request."""

    title: str
    value: object
    """Text, or any value of JSON."""
    code: bool = False
    """Text in which every character counts."""
    folded: bool = False
    """Shown to those who ask."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row, as it is shown."""

    id: str
    input: str
    """The request as the model wrote it."""
    split: str = ""
    topic: str = ""
    voice: str = ""
    verified: tuple[str, ...] = ()
    """What was proven of it."""
    sections: tuple[Section, ...] = ()
    """The proven command first, then what it starts from, where the row comes from ..."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What one person decided of a row."""

    verdict: Verdict
    by: str
    text: str = ""
    """The new request, of an edit."""
    note: str = ""


Decided: TypeAlias = Callable[[], Mapping[str, Sequence[Decision]]]
"""Row's id -> each person's latest decision on its request, the one that stands last. Asked anew each time."""
Decide: TypeAlias = Callable[[str, Verdict, str, str], None]
"""Keeps a decision (row's id, verdict, text, note), on disk when it returns. Raises UsageError where it cannot."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A decision as the page sends it."""

    id: str
    row: str
    verdict: Verdict
    text: str
    note: str

    @classmethod
    def of(cls, data: object) -> Sent:
        """Checked field by field. Raises UsageError that names the first that is wrong."""
        given = checks.fields(data)
        sent_id, row = checks.identity(given, "a decision"), given.get("row")
        verdict = next((one for one in VERDICTS if one == given.get("verdict")), None)
        if not isinstance(row, str):
            raise UsageError("a decision wants the id of a row")
        if verdict is None:
            raise UsageError(f"a decision wants a verdict: {', '.join(VERDICTS)}")
        return cls(sent_id, row, verdict, _text(given.get("text"), verdict), _whole(checks.note(given)))


@dataclass
class Pile:
    """What one person reviews, in this process."""

    rows: Sequence[Row]
    reviewer: str
    decided: Decided
    decide: Decide
    after: str = ""
    """What to type when all are decided."""
    done: set[str] = field(default_factory=set)
    """Ids of what was sent: what comes twice (a retry) is one decision."""
    count: int = 0
    """Decisions taken since the start."""

    def __post_init__(self) -> None:
        self._by_id = {row.id: row for row in self.rows}

    def row(self, row_id: str) -> Row | None:
        """The row of that id."""
        return self._by_id.get(row_id)

    def overview(self) -> list[dict[str, Any]]:
        """Every row, with what was decided of it: id, split, topic, decisions."""
        decided = self.decided()
        return [self._state(row, decided) for row in self.rows]

    def contents(self, row: Row) -> dict[str, Any]:
        """What is shown of a row."""
        return asdict(row)

    def checked(self, data: object) -> Sent:
        """A decision as the page sends it, if it is on a row of this pile. Raises UsageError with what is wrong."""
        sent = Sent.of(data)
        row = self.row(sent.row)
        if row is None:
            raise UsageError("this row is not in the plan's data sets")
        if sent.verdict == "edit" and sent.text == row.input.strip():
            raise UsageError("an edit wants another text than the model wrote")
        return sent

    def take(self, sent: Sent) -> dict[str, Any]:
        """Keep a decision; the row as it stands now.

        Nothing is added for what was sent before, or says what this person has said already. Raises UsageError where
        it cannot be written.
        """
        new = Decision(sent.verdict, self.reviewer, sent.text, sent.note)
        if sent.id not in self.done and not self._is_said(sent.row, new):
            self.decide(sent.row, sent.verdict, sent.text, sent.note)
            self.count += 1
        self.done.add(sent.id)
        return self._state(self._by_id[sent.row], self.decided())

    def _is_said(self, row_id: str, new: Decision) -> bool:
        before = next((one for one in self.decided().get(row_id, ()) if one.by == self.reviewer), None)
        return before is None if new.verdict == "undo" else before == new

    def _state(self, row: Row, decided: Mapping[str, Sequence[Decision]]) -> dict[str, Any]:
        said = [{**asdict(one), "mine": one.by == self.reviewer} for one in decided.get(row.id, ())]
        return {"id": row.id, "split": row.split, "topic": row.topic, "decisions": said}


def _text(given: object, verdict: Verdict) -> str:
    """The new request of an edit; nothing for other verdicts."""
    if verdict != "edit":
        return ""
    if not isinstance(given, str) or not given.strip():
        raise UsageError("an edit wants the new text")
    if len(given) > LONGEST:
        raise UsageError(f"a request is text of at most {LONGEST} characters")
    return _whole(given.strip())


def _whole(text: str) -> str:
    """Text that a file can hold. Raises UsageError for half a character."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise UsageError(f"half a character (a lone surrogate) at {error.start + 1}") from error
    return text
