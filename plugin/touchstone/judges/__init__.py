"""Judges: scorers that ask a model. A judge is a prompt file under `evals/judges/`; its answers are never trusted on
their own word, but measured against people and execution (`touchstone agree`).
"""

from .definition import Definition, judges_of, load_judge, names_of_judges
from .judge import BoundJudge, Judge, identity_of

__all__ = ["BoundJudge", "Definition", "Judge", "identity_of", "judges_of", "load_judge", "names_of_judges"]
