"""One Redis, by its URL. Owns the client, its time limits, and the words for a server that does not answer."""

from __future__ import annotations

import threading
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import UsageError
from .address import checked, shown

if TYPE_CHECKING:
    from redis import Redis

INSTALL = "pip install 'pytest-touchstone[redis]'"
PATIENCE = 5.0
"""Seconds that the server has to take a connection, and then to answer."""
PAUSE = 5.0
"""Seconds for which a server that did not answer is not asked again: else each call would wait for it anew."""
T = TypeVar("T")


class Away(UsageError):
    """The server does not answer, or refuses; says why, without a password."""


@dataclass
class Connection:
    """A client that any thread may use; it connects at its first question."""

    url: str = field(repr=False)
    shown: str
    """The URL without user and password."""
    then: str = "going on without it"
    """What is done where it does not answer, for the warning."""
    _away_until: float = 0.0
    _why: str = ""
    _unwarned: threading.Lock = field(default_factory=threading.Lock)
    """Taken by the first that warns, and kept."""

    @classmethod
    def of(cls, url: str, then: str = then) -> Connection:
        """Connects to nothing yet. Raises UsageError for a URL that cannot be one, and without the client."""
        made = cls(checked(url), shown(url), then)
        try:
            import redis  # noqa: F401
        except ImportError as error:
            raise UsageError("redis is not installed", where="--cache", hint=INSTALL) from error
        return made

    def ask(self, question: Callable[[Redis], T]) -> T:
        """What the server says. Raises Away, at once where it failed a moment ago."""
        import redis

        if time.monotonic() < self._away_until:
            raise self._away()
        try:
            return question(self._client)
        except (redis.RedisError, OSError) as error:
            self._why = self._words(error)
            if isinstance(error, (redis.ConnectionError, redis.TimeoutError, OSError)):
                self._away_until = time.monotonic() + PAUSE
            raise self._away() from None  # its chain may hold the URL

    def warn(self, error: Away) -> None:
        """Say once, for all who ask, what is done without the server."""
        if self._unwarned.acquire(blocking=False):
            warnings.warn(f"{error.where}: {error.message}; {self.then}", RuntimeWarning, stacklevel=2)

    def close(self) -> None:
        """Let go of its connections; a later question opens new ones."""
        if "_client" in self.__dict__:
            self._client.close()
            del self._client

    def _away(self) -> Away:
        hint = "is it running, and reachable from here? Or leave out --cache for the project's own"
        return Away(self._why, where=self.shown, hint=hint)

    def _words(self, error: Exception) -> str:
        secret = self._secret()
        text = str(error) or type(error).__name__
        return f"the cache does not answer: {text.replace(secret, '***') if secret else text}"

    def _secret(self) -> str:
        from urllib.parse import unquote, urlsplit

        return unquote(urlsplit(self.url).password or "")

    @cached_property
    def _client(self) -> Redis:
        from redis import Redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        # One more try, for a connection that the server closed while it was idle.
        limits: dict[str, Any] = {"socket_timeout": PATIENCE, "socket_connect_timeout": PATIENCE}
        # What is no UTF-8 is none of ours; it must not raise, but be read as the no JSON that it is.
        text = {"decode_responses": True, "encoding_errors": "replace"}
        return Redis.from_url(self.url, retry=Retry(NoBackoff(), 1), **limits, **text)
