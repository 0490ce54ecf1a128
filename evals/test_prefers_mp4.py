"""A video is MP4, or the container that the user names. Decided by what the file really is, not by its name."""

import pytest

from fixtures.ffmpeg.containers import prefers_mp4
from fixtures.ffmpeg.rows import FfmpegRow

pytestmark = pytest.mark.eval(
    dataset="prefers_mp4",
    row=FfmpegRow,
    scorers=[prefers_mp4],
    gates=["container >= 0.50"],
    run_configs=["!tuned-*"],  # the sweep's other tunes are asked what the sweep is about
)


def test_prefers_mp4(sample):
    sample.require("container")
