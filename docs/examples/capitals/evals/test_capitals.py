"""The answer names the capital, and does not go on for ever."""

import pytest


def brief(sample):
    return len(sample.output.split()) <= 20


@pytest.mark.eval(
    dataset="capitals",
    scorers=[brief],
    gates=["passed >= 0.6", "brief >= 0.5", "brief no worse than baseline by more than 0.1"],
)
def test_capitals(output, row):
    assert row.answer in output
