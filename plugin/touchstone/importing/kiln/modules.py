"""An eval's module as Python text. Every name in it was made by `Names`; other words stand in comments, as `ascii`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ...errors import UsageError

_PLACE = re.compile(r"(?P<module>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):(?P<name>[A-Za-z_]\w*)")


@dataclass(frozen=True, slots=True)
class Scorer:
    """A scorer that somebody has: what executes the outputs."""

    module: str
    name: str

    @classmethod
    def parse(cls, text: str) -> Scorer:
        """`package.module:function`. Raises UsageError."""
        found = _PLACE.fullmatch(text)
        if found is None:
            hint = "write it as package.module:function; its score is called as the function"
            raise UsageError(f"{text!r} names no function", where="--truth", hint=hint)
        return cls(found["module"], found["name"])


@dataclass(frozen=True, slots=True)
class Module:
    """What an eval's module says."""

    name: str
    dataset: str
    group: str
    """Of its run-configs; empty for all."""
    judge: str
    """Empty where none scored it."""
    pass_at: float
    truth: Scorer | None
    told: str
    """For a comment, fit to stand in one."""

    @property
    def text(self) -> str:
        """Its source."""
        body = f'sample.require("{self.judge}", {self.pass_at:g})' if self.judge else "assert sample.output.strip()"
        return (
            f"# Imported from Kiln: {self.told}.\n# Its gates ask for nothing yet: say what you want of it.\n\n"
            f"{self._imports()}\n\npytestmark = pytest.mark.eval(\n{self._marker()})\n\n\n"
            f"def test_{self.name}(sample):\n    {body}\n"
        )

    def _imports(self) -> str:
        own = ["from touchstone import Judge"] if self.judge else []
        if self.truth:
            own.append(f"from {self.truth.module} import {self.truth.name}")
        return "\n".join(["import pytest", *(["", *own] if own else [])])

    def _marker(self) -> str:
        truth = [self.truth.name] if self.truth else []
        scorers = [*truth, *([f'Judge("{self.judge}")'] if self.judge else [])]
        gates = [f'"{name} >= 0"' for name in ([*truth, self.judge] if self.judge else truth) or ["passed"]]
        given = {
            "dataset": f'"{self.dataset}"',
            "run_configs": f'["{self.group}"]' if self.group else "",
            "scorers": f"[{', '.join(scorers)}]" if scorers else "",
            "gates": f"[{', '.join(gates)}]",
            "truth": f'"{self.truth.name}"' if self.truth else "",
        }
        return "".join(f"    {name}={value},\n" for name, value in given.items() if value)
