"""A lock on one byte of a file, over processes: the operating system frees it when its holder dies. Owns no file.

Locks are a process's, not a handle's: closing any handle on a file frees all locks of the process on it.
"""

from __future__ import annotations

import fcntl


def taken(handle: int, byte: int) -> bool:
    """Whether the byte is ours now; False where another process has it. Raises OSError where there are no locks."""
    try:
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, byte)
    except (BlockingIOError, PermissionError):  # POSIX allows either for "held by another process"
        return False
    return True


def freed(handle: int, byte: int) -> None:
    """Let it go."""
    fcntl.lockf(handle, fcntl.LOCK_UN, 1, byte)
