"""What a score is measured with: which changes make it another measure, and which do not."""

from __future__ import annotations

import json
import re

import pytest
from projects import Project

MODULE = '''
"""An eval."""
import pytest
from grading import starts

pytestmark = pytest.mark.eval(dataset="words", scorers=[starts], gates=["passed >= 0.5"])

def helper(output):
    return output.startswith("good")

def own(sample):
    return helper(sample.output)

def test_words(output):
    """What it wants."""
    assert helper(output)
'''
GRADING = """
import shades

def starts(sample):
    return sample.output.startswith(shades.WORD)
"""


@pytest.fixture
def graded(project: Project) -> Project:
    project.write("grading/__init__.py", "from .starts import starts\n")
    project.write("grading/starts.py", GRADING.replace("import shades", "from . import shades"))
    project.write("grading/shades.py", 'WORD = "good"\n')
    project.eval(MODULE)
    return project


def measured(project: Project) -> dict[str, str]:
    """Score -> what it is measured with."""
    assert project.run().ret == 0
    found: dict[str, str] = json.loads((project.runs[-1] / "run.json").read_text())["scorers"]["words"]
    return found


def test_gates_comments_and_docstrings_are_no_measure_but_code_is(graded: Project) -> None:
    first = measured(graded)
    assert sorted(first) == ["passed", "starts"]
    assert all(re.fullmatch("[0-9a-f]{12}", one) for one in first.values())
    graded.eval(MODULE.replace("0.5", "0.6").replace("An eval", "Another").replace("What it wants", "x") + "# more\n")
    assert measured(graded) == first
    graded.eval(MODULE.replace('startswith("good")', 'startswith("go")'))
    assert changed(first, measured(graded)) == {"passed"}
    graded.eval(MODULE)
    graded.write("grading/shades.py", 'WORD = "go"\n')
    assert changed(first, measured(graded)) == {"passed", "starts"}


def changed(before: dict[str, str], now: dict[str, str]) -> set[str]:
    return {name for name in before if before[name] != now[name]}


def test_a_scorer_whose_identity_cannot_be_told_is_left_out_and_the_run_goes_on(project: Project) -> None:
    project.eval("""
import pytest
from touchstone import scorer
from app import echo

def broken():
    raise RuntimeError("no version")

@scorer(identity=broken)
def good(sample):
    return True

good.__code__ = good.__code__.replace(co_filename="elsewhere.py")

@pytest.mark.eval(dataset="words", scorers=[good], gates=["passed >= 0.5"])
def test_words(output):
    assert output.startswith("good")
""")
    assert project.run().ret == 0
    assert list(json.loads((project.runs[-1] / "run.json").read_text())["scorers"]["words"]) == ["passed"]
