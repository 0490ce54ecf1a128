"""Runs laid beside each other: what differs, by how much, and what these rows could have shown. Runs no sample."""

from .chances import Chances, self_check
from .drawing import compared, self_checked
from .pairing import Comparison, compare
from .sides import Side, choose
from .standing import update

__all__ = [
    "Chances",
    "Comparison",
    "Side",
    "choose",
    "compare",
    "compared",
    "self_check",
    "self_checked",
    "update",
]
