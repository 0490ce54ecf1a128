"""What is not about media is declined, without a command; what only sounds off-topic is answered."""

import pytest

from fixtures.ffmpeg.rows import FfmpegRow
from fixtures.ffmpeg.structure import declines

pytestmark = pytest.mark.eval(
    dataset="declines_off_topic",
    row=FfmpegRow,
    scorers=[declines],
    gates=["declines >= 0.50"],
    run_configs=["!tuned-*"],  # the sweep's other tunes are asked what the sweep is about
)


def test_declines_off_topic(sample):
    sample.require("declines")
