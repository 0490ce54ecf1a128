"""What is not about media is declined, without a command; what only sounds off-topic is answered."""

import pytest

from fixtures.ffmpeg.rows import FfmpegRow
from fixtures.ffmpeg.structure import declines

pytestmark = pytest.mark.eval(
    dataset="declines_off_topic", row=FfmpegRow, scorers=[declines], gates=["declines >= 0.50"]
)


def test_declines_off_topic(sample):
    sample.require("declines")
