"""Pictures and sounds: which files may be sent, as what they are known, and that they stay what they were."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from touchstone import media
from touchstone.errors import UsageError
from touchstone.media import Gallery, look_at, read_media
from touchstone.records import Media

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20
WAV = b"RIFF\x24\0\0\0WAVEfmt "


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "here/media").mkdir(parents=True)
    (tmp_path / "secret.png").write_bytes(PNG)
    (tmp_path / "here/media/cat.png").write_bytes(PNG)
    return tmp_path / "here"


def test_a_picture_is_known_by_its_path_and_its_digest(root: Path) -> None:
    found = look_at("image", "media/cat.png", root)
    assert found == Media("image", "media/cat.png", "image/png", hashlib.sha256(PNG).hexdigest(), len(PNG))
    assert look_at("image", "media/../media/./cat.png", root) == found
    assert read_media(found, root) == PNG


@pytest.mark.parametrize(
    ("data", "kind", "mime"),
    [
        (PNG, "image", "image/png"),
        (b"\xff\xd8\xff\xe0", "image", "image/jpeg"),
        (b"GIF89a", "image", "image/gif"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image", "image/webp"),
        (WAV, "audio", "audio/wav"),
        (b"ID3\x04", "audio", "audio/mpeg"),
        (b"\xff\xfb\x90\0", "audio", "audio/mpeg"),
    ],
)
def test_what_a_file_is_is_told_by_its_first_bytes(root: Path, data: bytes, kind: str, mime: str) -> None:
    (root / "x.txt").write_bytes(data)
    assert look_at(kind, "x.txt", root).mime == mime  # type: ignore[arg-type]
    other = "audio" if kind == "image" else "image"
    with pytest.raises(UsageError, match=r"x\.txt: is no"):
        look_at(other, "x.txt", root)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "path",
    [
        *("../secret.png", "/etc/passwd", "", "a\0b", "media\\cat.png", "media/../../secret.png", "no.png", "media"),
        *("out.png", "outside/secret.png", "loop.png", "pipe.png", "text.png", "empty.png", "\x1b[31m", "x" * 5000),
    ],
)
def test_what_may_not_be_sent(root: Path, path: str) -> None:
    (root / "out.png").symlink_to(root.parent / "secret.png")
    (root / "outside").symlink_to(root.parent)
    (root / "loop.png").symlink_to("loop.png")
    os.mkfifo(root / "pipe.png")
    (root / "text.png").write_text("no picture")
    (root / "empty.png").write_bytes(b"")
    for look in (look_at, lambda kind, path, root: Gallery(root).look(kind, path)):
        with pytest.raises(UsageError):
            look("image", path, root)


def test_a_file_that_is_too_large_is_not_read(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media, "LARGEST", 2**20)
    with (root / "big.png").open("wb") as file:
        file.write(PNG)
        file.truncate(2**20 + 1)
    with pytest.raises(UsageError, match=r"big\.png: is larger than 1 MiB"):
        look_at("image", "big.png", root)


def test_a_file_that_changed_since_is_not_sent(root: Path) -> None:
    found = look_at("image", "media/cat.png", root)
    (root / "media/cat.png").write_bytes(PNG + b"!")
    with pytest.raises(UsageError, match="has changed since the request was made"):
        read_media(found, root)
    with pytest.raises(UsageError, match="from a project alone"):
        read_media(found, None)


def test_a_gallery_reads_a_file_again_when_it_changes(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[str] = []
    look = media.look_at
    monkeypatch.setattr(media, "look_at", lambda *given: reads.append(given[1]) or look(*given))
    gallery = Gallery(root)
    first = gallery.look("image", "media/cat.png")
    assert gallery.look("image", "media/cat.png") == first
    (root / "media/cat.png").write_bytes(PNG + b"!")
    assert gallery.look("image", "media/cat.png") != first
    assert len(reads) == 2
