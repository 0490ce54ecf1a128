"""The address of a cache: variables in it are replaced, and its password is never shown. Owns no connection."""

from __future__ import annotations

import os
import re
from urllib.parse import quote, urlsplit

from ..errors import UsageError

SCHEMES = ("redis", "rediss")
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


def is_url(place: str) -> bool:
    """Whether it names a server, not a folder. Raises UsageError for a kind of server that is not known."""
    scheme, mark, _ = place.partition("://")
    if mark and scheme not in SCHEMES:
        hint = "write a folder, redis://HOST:PORT/DB, or rediss://HOST:PORT/DB for TLS"
        raise UsageError(f"there is no cache of the kind {scheme!r}", where="--cache", hint=hint)
    return bool(mark)


def replaced(where: str) -> str:
    """The address with the values of its `$VARIABLES`, quoted where they stand inside a URL. Raises UsageError."""
    inside = "://" in where

    def value(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        if not os.environ.get(name):
            raise UsageError(f"{name} is not set", where="--cache", hint=f"export {name}=...")
        return quote(os.environ[name], safe="") if inside else os.environ[name]

    return _VARIABLE.sub(value, where)


def shown(url: str) -> str:
    """The URL as logs and errors may hold it: without user, password and options."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    return f"{parts.scheme}://{host}:{_port(url)}{parts.path}"


def checked(url: str) -> str:
    """The same URL. Raises UsageError where it has no host, or a port or a database that are none."""
    parts = urlsplit(url)
    path = parts.path.strip("/")
    if not parts.hostname or not (path == "" or path.isdigit()):
        hint = "write redis://HOST:PORT/DB, for example redis://cache:6379/0"
        raise UsageError("this is no address of a Redis", where="--cache", hint=hint)
    _port(url)
    return url


def _port(url: str) -> int:
    try:
        return urlsplit(url).port or 6379
    except ValueError as error:
        raise UsageError("its port is no number up to 65535", where="--cache") from error
