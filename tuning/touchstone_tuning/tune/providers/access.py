"""How a provider is got at: its key and its library, found or said to be missing. Keeps no key and calls nobody."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib.util import find_spec

from touchstone.errors import ModelUnavailable

from ..provider import Endpoint
from .faults import EXTRA, faults


@dataclass(frozen=True, slots=True)
class Access:
    """What is needed before a provider can be asked."""

    provider: str
    """As it is written in words for the user."""
    library: str
    """Its SDK, as it is imported."""
    keys: tuple[str, ...]
    """The variables any one of which may hold the key; the first is the one to name."""

    def key(self, endpoint: Endpoint) -> str:
        """The key to send: the endpoint's own, else the first variable that has one. Raises ModelUnavailable."""
        if words := self.lacking(endpoint):
            raise ModelUnavailable(words)
        return _key(endpoint, self.keys)

    def lacking(self, endpoint: Endpoint) -> str | None:
        """Words for what is missing, the library or the key; None where all is there."""
        if find_spec(self.library) is None:
            return f"{self.provider} needs the library {self.library}: {EXTRA}"
        if not _key(endpoint, self.keys):
            return f"{self.keys[0]} is not set; export the key of {self.provider} in it"
        return None

    def faults(self, endpoint: Endpoint) -> AbstractContextManager[None]:
        """Within it, the SDK's errors come in our words, without the key."""
        used = next((name for name in self.keys if os.environ.get(name)), self.keys[0])
        return faults(self.provider, used, (_key(endpoint, self.keys),))


def _key(endpoint: Endpoint, names: tuple[str, ...]) -> str:
    held = (endpoint.key, *(os.environ.get(name, "") for name in names))
    return next((key.strip() for key in held if key.strip()), "")
