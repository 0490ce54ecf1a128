"""Pictures and sounds that are sent to models, by their paths. Owns what may be sent; keeps no bytes.

Only a file below the project's root is read, and none that a link leads out to. What it is, is told by its first bytes.
"""

from __future__ import annotations

import hashlib
import os
import stat
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Literal

from .errors import UsageError
from .records import Media

LARGEST = 20 * 2**20
"""Bytes of a file; what most providers take of a picture."""
AUDIO = {"audio/wav": "wav", "audio/mpeg": "mp3"}
"""Kind of a sound -> its name in a request."""
_KINDS = {"image": "PNG, JPEG, WebP or GIF", "audio": "WAV or MP3"}


class Gallery:
    """The pictures and sounds of one project, each read once while it does not change."""

    def __init__(self, root: Path | None) -> None:
        self._root = root
        self._seen: dict[tuple[str, str], tuple[tuple[int, int], Media]] = {}

    def look(self, kind: Literal["image", "audio"], path: str) -> Media:
        """As `look_at`."""
        if self._root is None:
            raise UsageError("pictures and sounds are sent from a project alone", where=path)
        now = self._stamp(path)
        known = self._seen.get((kind, path))
        if known is None or known[0] != now:
            known = self._seen[kind, path] = now, look_at(kind, path, self._root)
        return known[1]

    def _stamp(self, path: str) -> tuple[int, int]:
        """Nanoseconds and bytes; nought for a file that is not there, which `look_at` will tell."""
        try:
            found = _below(path, self._root or Path()).stat()
        except OSError:
            return 0, 0
        return found.st_mtime_ns, found.st_size


def look_at(kind: Literal["image", "audio"], path: str, root: Path) -> Media:
    """A file of the project as what it is known by. Raises UsageError for what cannot be sent."""
    data = _read(path, root)
    mime = _mime(data)
    if mime is None or not mime.startswith(kind):
        raise UsageError(f"is no {_KINDS[kind]}, by its first bytes", where=path)
    shown = PurePosixPath(os.path.normpath(path)).as_posix()
    return Media(kind, shown, mime, hashlib.sha256(data).hexdigest(), len(data))


def read_media(media: Media, root: Path | None) -> bytes:
    """The bytes, if they are still those. Raises UsageError."""
    if root is None:
        raise UsageError("pictures and sounds are sent from a project alone", where=media.path)
    data = _read(media.path, root)
    if hashlib.sha256(data).hexdigest() != media.sha256:
        raise UsageError("has changed since the request was made", where=media.path, hint="run the same command again")
    return data


def _read(path: str, root: Path) -> bytes:
    """The whole file: what a device, a pipe or a link out of the project holds is not read."""
    file = _below(path, root)
    try:
        if not stat.S_ISREG(file.stat().st_mode):
            raise UsageError("is no file", where=path)
        with file.open("rb") as stream:
            data = b"".join(iter(partial(stream.read, 2**20), b"")) if file.stat().st_size <= LARGEST else b""
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}", where=path, hint=_HINT) from error
    if not data or len(data) > LARGEST:
        size = file.stat().st_size
        raise UsageError(f"is larger than {LARGEST // 2**20} MiB" if size else "is empty", where=path)
    return data


_HINT = "write the path from the project's root, for example media/cat.png"


def _below(path: str, root: Path) -> Path:
    """Where the file lies; links are followed and must not lead out."""
    if not path or "\0" in path or "\\" in path or PurePosixPath(path).is_absolute():
        raise UsageError(f"{path!r} is no path below the project's root", hint=_HINT)
    home = root.resolve()
    try:
        file = (home / path).resolve()
    except (OSError, RuntimeError) as error:
        raise UsageError("cannot be read", where=path, hint=_HINT) from error
    if not file.is_relative_to(home):
        raise UsageError("leads out of the project", where=path, hint=_HINT)
    return file


def _mime(data: bytes) -> str | None:
    """What a file is, by its first bytes."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if data.startswith(b"RIFF"):
        return {b"WEBP": "image/webp", b"WAVE": "audio/wav"}.get(data[8:12])
    mp3 = data.startswith(b"ID3") or (len(data) > 1 and data[0] == 0xFF and data[1] & 0xE6 == 0xE2)
    return "audio/mpeg" if mp3 else None
