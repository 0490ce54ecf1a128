"""The agent looks before it answers, and pays back what was paid, once."""

import pytest

from touchstone import calls_tools

pytestmark = pytest.mark.eval(dataset="orders", scorers=[calls_tools()], gates=["calls_tools >= 0.9", "passed >= 0.9"])


def test_orders(sample, row):
    """The tools that the row expects were called, and the answer says what they said."""
    sample.require("calls_tools")
    assert row.answer in sample.output
