"""Git repositories for tests: made in a folder, without anybody's settings."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Repository:
    """A repository whose first branch is `main`."""

    root: Path

    @classmethod
    def at(cls, root: Path) -> Repository:
        """A new one."""
        made = cls(root)
        made.git("init", "--quiet", "--initial-branch=main")
        return made

    def git(self, *arguments: str, date: str = "2026-01-01") -> str:
        """What git says. Raises where it fails."""
        settings = ("-c", "user.name=Somebody", "-c", "user.email=somebody@localhost", "-c", "commit.gpgsign=false")
        when = f"{date}T12:00:00Z"
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_SYSTEM": os.devnull,
            "GIT_AUTHOR_DATE": when,
            "GIT_COMMITTER_DATE": when,
        }
        command = ["git", "-C", str(self.root), *settings, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
        return done.stdout.strip()

    def commit(self, path: str, text: str | None, *, date: str = "2026-01-01", subject: str = "change") -> str:
        """Commit one file's text (None: its removal); returns the commit."""
        file = self.root / path
        if text is None:
            file.unlink()
        else:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        self.git("add", "--all", "--", path)
        self.git("commit", "--quiet", "--allow-empty", "-m", subject, date=date)
        return self.git("rev-parse", "HEAD")
