"""No other product is suggested; repeating a name that the user gave, or naming a library inside ffmpeg, is none."""

import pytest

from fixtures.ffmpeg.rows import FfmpegRow
from fixtures.ffmpeg.structure import no_competitors

pytestmark = pytest.mark.eval(
    dataset="no_competitors",
    row=FfmpegRow,
    scorers=[no_competitors],
    gates=["no_competitors >= 0.85"],
    run_configs=["!tuned-*"],  # the sweep's other tunes are asked what the sweep is about
)


def test_no_competitors(sample):
    sample.require("no_competitors")
