"""Streams that need not change are copied. Decided packet by packet."""

import pytest

from fixtures.ffmpeg.copies import copies_streams
from fixtures.ffmpeg.rows import FfmpegRow

pytestmark = pytest.mark.eval(
    dataset="reencodes_only_if_needed",
    row=FfmpegRow,
    scorers=[copies_streams],
    gates=["copies >= 0.35"],
    run_configs=["!tuned-*"],  # the sweep's other tunes are asked what the sweep is about
)


def test_reencodes_only_if_needed(sample):
    sample.require("copies")
