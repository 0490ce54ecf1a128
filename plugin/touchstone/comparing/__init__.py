"""Runs laid beside each other: what differs, by how much, and what these rows could have shown. Runs no sample."""

from .against import resolve
from .chances import Chances, self_check
from .drawing import compared, self_checked
from .pairing import Comparison, compare
from .review import review
from .reviewed import beside
from .sides import Side, choose
from .standing import update

__all__ = [
    "Chances",
    "Comparison",
    "Side",
    "beside",
    "choose",
    "compare",
    "compared",
    "resolve",
    "review",
    "self_check",
    "self_checked",
    "update",
]
