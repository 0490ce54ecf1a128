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


def module(name: str, dataset: str, group: str, judge: str, pass_at: float, truth: Scorer | None, told: str) -> str:
    """The text. `group` of run-configs and `judge` are empty where there is none."""
    scorers = [*([truth.name] if truth else []), *([f'Judge("{judge}")'] if judge else [])]
    gates = [*([f'"{truth.name} >= 0"'] if truth else []), *([f'"{judge} >= 0"'] if judge else [])]
    given = [
        f'dataset="{dataset}"',
        *([f'run_configs=["{group}"]'] if group else []),
        *([f"scorers=[{', '.join(scorers)}]"] if scorers else []),
        f"gates=[{', '.join(gates) or repr('passed >= 0').replace(chr(39), chr(34))}]",
        *([f'truth="{truth.name}"'] if truth else []),
    ]
    marker = "".join(f"    {one},\n" for one in given)
    ours = [f"from {truth.module} import {truth.name}"] if truth else []
    imports = "\n".join(
        ["import pytest", *([""] if ours or judge else []), *(["from touchstone import Judge"] if judge else []), *ours]
    )
    body = f'sample.require("{judge}", {pass_at:g})' if judge else "assert sample.output.strip()"
    return (
        f"# Imported from Kiln: {told}.\n"
        "# Its gates ask for nothing yet: say what you want of it.\n\n"
        f"{imports}\n\npytestmark = pytest.mark.eval(\n{marker})\n\n\n"
        f"def test_{name}(sample):\n    {body}\n"
    )
