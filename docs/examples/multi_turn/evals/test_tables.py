"""The whole conversation counts: what was said before, and what the user says after each answer."""

import pytest

pytestmark = pytest.mark.eval(dataset="tables", gates=["passed >= 0.9"])


def test_tables(sample, row):
    """The last answer is `output`; `turns` are all answers, `messages` all that was said."""
    assert sample.output == row.answer
    if "turns" in row.input:
        assert len(sample.turns) == len(row.input["turns"])
        assert sum(turn.text.endswith("?") for turn in sample.turns) == row.asks
