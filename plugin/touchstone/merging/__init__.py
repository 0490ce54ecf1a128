"""Shards to one run: the same as if it had been made in one go. Judges as any run does; runs no sample.

What is merged may come from elsewhere (an artifact that was downloaded): nothing in it is believed to be well formed.
"""

from .joining import Merged, merge

__all__ = ["Merged", "merge"]
