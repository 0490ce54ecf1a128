"""Names for files, tests and run-configs out of other people's words, which may be anything. Pure."""

from __future__ import annotations

import re
import unicodedata

_LONGEST = 40
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)$")


class Names:
    """Names of one sort: each is given once."""

    def __init__(self, joint: str = "-") -> None:
        self._joint, self._taken = joint, set[str]()

    def new(self, words: str, otherwise: str = "unnamed") -> str:
        """A name of these words that nobody has yet: a-z, 0-9 and the joint, a letter first, 50 characters at most."""
        name = slug(words, self._joint) or slug(otherwise, self._joint) or "unnamed"
        number, free = 1, name
        while free in self._taken:
            number += 1
            free = f"{name}{self._joint}{number}"
        self._taken.add(free)
        return free


def slug(words: str, joint: str = "-") -> str:
    """The words' letters and digits as a name; empty where they have none."""
    plain = unicodedata.normalize("NFKD", words).encode("ascii", "ignore").decode("ascii").lower()
    name = re.sub(r"[^a-z0-9]+", joint, plain.replace("'", "")).strip(joint)[:_LONGEST].strip(joint)
    if not name:
        return ""
    return name if name[0].isalpha() and not _RESERVED.match(name) else f"n{joint}{name}"
