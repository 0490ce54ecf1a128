"""A small task of somebody else, and a project with a plan for it: sums that are proven by adding up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from touchstone_tuning.synth.reviews import Review, text_hash

TASK = '''
"""Sums: a job is two numbers, its proof is their sum."""
from touchstone_tuning.synth.task import Draft, Proof
from touchstone_tuning.synth.topic import Topic


class Sums:
    def topics(self):
        return [Topic(f"sum/{name}", "two numbers", True) for name in ("small", "large")] + [Topic("sum/none")]

    def compose(self, topic, purpose, chance):
        most = 9 if topic.endswith("small") else 9000
        a, b = chance.randint(1, most), chance.randint(1, most)
        fields = {"tags": ["sum"], "a": a, "b": b, "right": [str(a + b + (a == 5))]}
        return Draft(topic, f"file: {a}.txt\\njob: adds {b}", ((f"{a}.txt",), (str(b),)), fields)

    def prepare(self, request):
        return {"asked": True} if "sum" in request else None

    def prove(self, fields):
        if "a" not in fields:
            return Proof(("runs",))
        right = fields["right"][0] == str(fields["a"] + fields["b"])
        return Proof(("runs", "as-expected")) if right else Proof((), "wrong sum")

    def objections(self, draft, text):
        return ["shouts"] if text.isupper() else []

    def effect(self, row):
        return frozenset({f"a {row['a']}", f"b {row['b']}"}) if "a" in row else frozenset()

    def features(self, row):
        return frozenset({"sum/small"})

    def identity(self):
        return "1"


task = Sums()
'''

TEACHER = '''
"""A teacher without a model: it writes down what it is told, in the way that the plan's tests want."""
import json
import os
import random
import re
from pathlib import Path

CALLS = Path(__file__).with_name("calls.log")
SOUNDS = "ba ko ri mu te la so ni pe du ga wo fi zu".split()


def words(seed, count):
    """Words that no other seed has."""
    chance = random.Random(seed)
    return ["".join(chance.choice(SOUNDS) for _ in range(3)) for _ in range(count)]


def write(request):
    with CALLS.open("a") as log:
        log.write("call\\n")
    asked, mode = request.messages[-1].content, os.environ.get("TEACHER", "good")
    if request.params.get("logprobs"):
        return "no" if mode == "doubts" else "yes"
    if mode == "garbage":
        return "{{[[ \\x00 ]]"
    if mode == "same":
        return "please add them"
    if "Write" in asked and "different messages" in asked:
        return LISTS[mode](request)
    name, number = re.search(r"file: (\\S+)", asked)[1], re.search(r"adds (\\d+)", asked)[1]
    filler = " ".join(words(f"{name} {number} {request.epoch}", 6))
    if mode == "forgets" and request.epoch == 1:
        return f"my {filler} file needs more"
    return f"for my {filler} list add {number} to {name} please"


def _list(request):
    topic = re.search(r"Topic: (.*)", request.messages[-1].content)[1]
    return json.dumps([f"the sum of {' '.join(words(f'{topic} {request.epoch} {i}', 7))}" for i in range(4)])


LISTS = {
    "good": _list,
    "torn": lambda request: _list(request)[:-30],
    "same-list": lambda request: '["the sum of a and b"]',
}
'''

PLAN = """
about: adds numbers up
task: sums:task
teacher: {model: "python/teacher:write"}
voices: {plain: 1}
check: 0.5
rows:
  eval: {count: 6, splits: {eval: 0.5, golden: 0.5}, needs: [runs]}
  train: {count: 12, splits: {train: 0.75, val: 0.25}, needs: [as-expected], rounds: 60}
"""

VOICES = """
plain: {how: "You say what you want."}
"""


@dataclass(frozen=True)
class Sums:
    """The project in a folder."""

    root: Path

    @classmethod
    def made(cls, root: Path, plan: str = PLAN) -> Sums:
        """With its files."""
        root.mkdir(exist_ok=True)
        (root / "pyproject.toml").write_text("[tool.pytest.ini_options]\n")
        (root / "sums.py").write_text(TASK)
        (root / "teacher.py").write_text(TEACHER)
        folder = root / "tuning" / "synth"
        folder.mkdir(parents=True)
        (folder / "sums.yaml").write_text(plan)
        (folder / "voices.yaml").write_text(VOICES)
        return cls(root)

    def files(self) -> Mapping[str, bytes]:
        """Every data set's bytes."""
        found = sorted((self.root / "datasets").rglob("*.jsonl"))
        return {path.relative_to(self.root / "datasets").as_posix(): path.read_bytes() for path in found}

    def rows(self, split: str) -> list[dict[str, Any]]:
        """The rows of a split."""
        import json

        text = (self.root / "datasets" / "synth" / f"{split}.jsonl").read_text()
        return [json.loads(line) for line in text.splitlines()]

    @property
    def calls(self) -> int:
        """How often the teacher was asked."""
        log = self.root / "calls.log"
        return len(log.read_text().splitlines()) if log.exists() else 0


def said(row: str, verdict: str, by: str = "Ann", when: int = 0, **other: str) -> Review:
    """A decision on a row."""
    given = {"hash": text_hash("as the model wrote it"), "when": f"2026-01-01T00:00:{when:02}Z", **other}
    return Review(row=row, verdict=verdict, by=by, **given)  # type: ignore[arg-type]
