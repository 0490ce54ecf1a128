"""Which file systems lie on a network: there SQLite must not use its write-ahead log, which needs shared memory."""

from __future__ import annotations

import re
from pathlib import Path

MOUNTS = Path("/proc/self/mounts")
_NETWORK = re.compile(
    r"nfs\d?|cifs|smb\d?|smbfs|9p|lustre|ceph|glusterfs|beegfs|gpfs|afs|ocfs2|gfs2|virtiofs|fuse\.(?!.*overlay).+"
)


def over_network(folder: Path, mounts: Path = MOUNTS) -> bool:
    """Whether the folder may be seen by other machines too; False where nobody can tell."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    kinds = {
        Path(_unescaped(at)): kind for _, at, kind, *_ in (line.split(" ") for line in lines if line.count(" ") > 2)
    }
    place = folder.resolve()
    mount = next((at for at in (place, *place.parents) if at in kinds), None)
    return mount is not None and _NETWORK.fullmatch(kinds[mount]) is not None


def _unescaped(path: str) -> str:
    """The kernel writes a blank as `\\040`."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), path)
