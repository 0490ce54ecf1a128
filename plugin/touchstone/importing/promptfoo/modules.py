"""An imported eval's module and its judge, as text. Each name in them was made by `Names`; other words are comments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..frontmatter import front_matter

RUBRIC = "rubric"


@dataclass(frozen=True, slots=True)
class Module:
    """What an eval's module says."""

    name: str
    dataset: str
    asserts: bool
    judge: str
    """Empty for none."""
    told: str
    """For a comment, fit to stand in one."""

    @property
    def text(self) -> bytes:
        """Its source."""
        scorers = [*(["meets_asserts"] if self.asserts else []), *([f'Judge("{self.judge}")'] if self.judge else [])]
        row = "    row=AssertsRow,\n" if self.asserts else ""
        body = '    sample.require("meets_asserts", sample.row.threshold)\n' if self.asserts else ""
        body += f'    sample.require("{self.judge}")\n' if self.judge else ""
        return (
            f"# Imported from promptfoo{f': {self.told}' if self.told else ''}.\n"
            '# Every row must pass, as there; for less, give gates such as "passed >= 0.9".\n\n'
            f'{self._imports()}\n\npytestmark = pytest.mark.eval(\n    dataset="{self.dataset}",\n{row}'
            f'    scorers=[{", ".join(scorers)}],\n    gates=["every row"],\n)\n\n\n'
            f"def test_{self.name}(sample):\n{body}"
        ).encode()

    def _imports(self) -> str:
        own = ["from touchstone import Judge"] if self.judge else []
        own += ["from touchstone.asserts import AssertsRow, meets_asserts"] if self.asserts else []
        return "\n".join(["import pytest", "", *own])


def judge_file(evaluation: str, runs: Mapping[str, Any]) -> bytes:
    """A judge that holds each answer to its row's rubric."""
    head = front_matter({"eval": evaluation, **runs, "output": "pass_fail"})
    told = f"# An opinion until it is measured: touchstone agree {evaluation}\n"
    body = (
        "A user asked:\n{{ input }}\n\nThe assistant answered:\n{{ answer }}\n\n"
        "Judge this alone: does the answer satisfy all of the following?\n{{ row.rubric }}\n"
    )
    return f"---\n{told}{head}---\n{body}".encode()
