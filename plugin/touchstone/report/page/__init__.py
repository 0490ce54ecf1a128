"""The report as one HTML file that opens from disk. Text out of figures and records: reads no run, writes no file.

Everything that a model, a person or a dataset wrote stands in it as JSON, and is put on the page as text by its script.
"""

from .document import page

__all__ = ["page"]
