"""A project's beginning: the files of a new one, and what is added to it later. Never overwrites a file.

Whatever a person says of their task (a sentence, a schema, a model's name) is text: in each format that it lands in,
`escaping` keeps it that.
"""

from __future__ import annotations

from .adding import Added, add_eval, add_judge, add_run_config, add_scorer, add_sweep
from .appending import append_run_config
from .laying import Laid, lay
from .task import EMBEDDED, Task, named, shape

__all__ = [
    "EMBEDDED",
    "Added",
    "Laid",
    "Task",
    "add_eval",
    "add_judge",
    "add_run_config",
    "add_scorer",
    "add_sweep",
    "append_run_config",
    "lay",
    "named",
    "shape",
]
