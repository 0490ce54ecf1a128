"""A sound, in the row's own messages."""

import pytest

pytestmark = pytest.mark.eval(dataset="heard", run_configs=["hears"])


def test_heard(output, row):
    assert output == row.answer
