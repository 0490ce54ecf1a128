"""A picture, put by the template where its path stands: `{{ picture | image }}`."""

import pytest

pytestmark = pytest.mark.eval(dataset="seen", run_configs=["sees"], gates=["passed >= 0.9"])


def test_seen(output, row):
    assert output == row.answer
