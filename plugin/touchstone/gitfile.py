"""Files as they stand at a commit: asks `git`, changes nothing, checks nothing out. Knows no file's meaning."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .errors import UsageError

PREFIX = "git:"
_LONGEST = 60
"""Seconds that git may take; a partial clone may have to fetch."""
_SEPARATOR = "\x1f"


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit that changed a file."""

    sha: str
    date: str
    """YYYY-MM-DD, of the commit."""
    subject: str

    @property
    def short(self) -> str:
        """The first eight digits."""
        return self.sha[:8]


def read_at(path: Path, ref: str, root: Path) -> tuple[str, str]:
    """(the file's text at a ref, that ref and its commit for people), without a checkout.

    A branch that is only known of the remote `origin` is found too: a CI's checkout has no other. Raises UsageError
    where there is no git, no repository, no such ref, or no such file at it.
    """
    found, sha = _resolved(ref, root)
    shown = f"{found} ({sha[:8]})"
    asked = _git(root, "show", "--end-of-options", f"{sha}:./{_below(path, root)}")
    if asked.returncode:
        name = _below(path, root)
        raise UsageError(
            f"there is no {name} at {shown}",
            where=PREFIX + ref,
            hint=f"commit one there (`touchstone baseline update`), or see what changed it: git log --oneline {name}",
        )
    return _text(asked.stdout, f"{name_at(ref)}: {_below(path, root)}"), shown


def commits(path: Path, root: Path) -> tuple[Commit, ...]:
    """Every commit that changed the file, the oldest first; of a merge only that it was merged. Raises UsageError."""
    _repository(root)
    form = _SEPARATOR.join(("%H", "%cs", "%s"))
    asked = _git(root, "log", "--first-parent", f"--format={form}", "--", _below(path, root))
    if asked.returncode:  # no commit yet
        return ()
    return tuple(reversed(list(_commits(asked.stdout.decode("utf-8", "replace")))))


def blob(path: Path, commit: Commit, root: Path) -> str | None:
    """The file's text at a commit; None where that commit removed it."""
    asked = _git(root, "show", "--end-of-options", f"{commit.sha}:./{_below(path, root)}")
    return None if asked.returncode else asked.stdout.decode("utf-8", "replace")


def name_at(ref: str) -> str:
    """`git:main`."""
    return ref if ref.startswith(PREFIX) else PREFIX + ref


def is_repository(root: Path) -> bool:
    """Whether git knows the folder."""
    try:
        _repository(root)
    except UsageError:
        return False
    return True


def branches(root: Path) -> list[str]:
    """Names of what can be named, the branches of `origin` too; the last changed first, ten at most."""
    form = ("for-each-ref", "--sort=-committerdate", "--count=10", "--format=%(refname:short)")
    asked = _git(root, *form, "refs/heads", "refs/remotes/origin")
    return asked.stdout.decode("utf-8", "replace").split()


def _resolved(ref: str, root: Path) -> tuple[str, str]:
    """(the ref that was found, its commit)."""
    _repository(root)
    for name in (ref, f"origin/{ref}"):
        asked = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", name + "^{commit}")
        if not asked.returncode:
            return name, asked.stdout.decode("ascii", "replace").split()[-1]
    there = ", ".join(branches(root)) or "none: this repository has no commit"
    hint = f"fetch it, for example: git fetch --depth=1 origin {ref or 'main'}:refs/remotes/origin/{ref or 'main'}"
    raise UsageError(f"git knows no commit {ref!r}", where=PREFIX + ref, hint=f"{hint}\n  branches: {there}")


def _repository(root: Path) -> None:
    if _git(root, "rev-parse", "--git-dir").returncode:
        raise UsageError(
            "is no git repository, so nothing can be read from git",
            where=str(root),
            hint="name a file instead, for example --against evals/baseline.json",
        )


def _git(root: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """One question to git, in English and without a prompt. Raises UsageError where it cannot be asked."""
    environment = {**os.environ, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"}
    command = ["git", "-C", str(root), *arguments]
    try:
        return subprocess.run(command, capture_output=True, check=False, timeout=_LONGEST, env=environment)
    except FileNotFoundError:
        raise UsageError("there is no git here", where=str(root), hint="install git, or name a file instead") from None
    except (OSError, ValueError) as error:  # a null byte in a name
        raise UsageError(f"git cannot be asked: {error}", where=str(root), hint="name a file instead") from None
    except subprocess.TimeoutExpired:
        hint = "fetch what it waits for, then try again: git fetch"
        raise UsageError(f"git took longer than {_LONGEST} seconds", where=str(root), hint=hint) from None


def _commits(text: str) -> Iterator[Commit]:
    for line in text.split("\n"):
        if line:
            yield Commit(*line.split(_SEPARATOR, 2))


def _below(path: Path, root: Path) -> str:
    return Path(os.path.relpath(path, root)).as_posix()


def _text(data: bytes, where: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"cannot be read: {error}", where=where, hint="it is no text file") from None
