"""What comes back can be booked: it fits the model, and the total is right."""

import pytest
from desk.invoice import Invoice

from touchstone import matches_schema

pytestmark = pytest.mark.eval(
    dataset="invoices", scorers=[matches_schema(Invoice)], gates=["matches_schema >= 0.6", "passed >= 0.6"]
)


def test_invoices(sample, row):
    """The shape first, so that a miss says what of it is wrong; then what it says."""
    sample.require("matches_schema")
    assert sample.json["total"] == row.total
