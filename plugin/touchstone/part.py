"""What a shard's `run.json` says of the whole that it is a part of, so that a merge can tell what fits. Values only."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from .records import digest
from .shard import Shard

Option: TypeAlias = Literal[
    "--run-config",
    "--epochs",
    "--rows",
    "--rows-seed",
    "-k",
    "-m",
    "--ignore",
    "--deselect",
    "--gate",
    "--strict-judges",
]
"""What is typed to choose samples, or how they are judged."""


REPEATED: tuple[Option, ...] = ("--run-config", "--ignore", "--deselect")
"""Options that may be given more than once; their values stand in `chosen` as a shell would split them."""


class Part(BaseModel):
    """One shard of a run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: int = Field(ge=1)
    of: int = Field(ge=1)
    selection: str
    """`selected` of the whole run."""
    tests: dict[str, int]
    """Node id of each sample of this shard -> its place in the whole run: a merged run has the order of a whole one."""
    every_row: tuple[str, ...] = ()
    """Evals of which a miss of the run-config that ships fails the run, gate or not."""
    chosen: dict[Option, str] = {}
    """Option -> its value, as typed; only what was given."""
    paths: tuple[str, ...] = ()
    """What pytest was given to collect."""
    origin: dict[str, str] = {}
    """What the run was made of, in words -> its digest."""

    @property
    def shard(self) -> Shard:
        """Which one."""
        return Shard(self.number, self.of)

    def command(self, shard: Shard) -> str:
        """What to type for a shard of the same run."""
        options = [word for option, value in self.chosen.items() for word in _words(option, value)]
        return shlex.join(["pytest", *self.paths, *options, "--shard", str(shard)])


def selected(tests: Iterable[str]) -> str:
    """Digest of the node ids of all samples that were selected, whatever their order."""
    return digest(sorted(tests))


def _words(option: Option, value: str) -> list[str]:
    """`--run-config a --run-config b`, `--strict-judges`, `-k "a or b"`."""
    if option in REPEATED:
        return [word for one in shlex.split(value) for word in (option, one)]
    return [option, value] if value else [option]
