"""Batching: calls that may wait for a day, at half the price. Knows no pytest, and no engine.

A call that is wanted is put on the run's slip and its sample waits (`later`); at the run's end the slip is submitted
(`submitting`), with a note of it on disk (`notes`); a later run takes the answers into the cache (`collecting`).
"""

from __future__ import annotations

from .collecting import collect
from .later import Aloud, Held, Later, Waiting
from .notes import Notes
from .slip import Slip
from .submitting import submit
from .way import HALF, Way, way_of

__all__ = ["HALF", "Aloud", "Held", "Later", "Notes", "Slip", "Waiting", "Way", "collect", "submit", "way_of"]
