"""Names that follow from a file's content, by which a file is known again at a provider. Uploads nothing."""

from __future__ import annotations

import hashlib
from pathlib import Path


def named(file: Path) -> str:
    """`touchstone-`, 32 hex digits of the content's SHA-256, and the file's ending."""
    with file.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    return f"touchstone-{digest[:32]}{file.suffix}"
