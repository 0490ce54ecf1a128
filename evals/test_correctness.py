"""The command runs, and the file that it makes is what the user asked for. Decided by running it."""

import pytest

from fixtures.ffmpeg.correctness import execution
from fixtures.ffmpeg.rows import FfmpegRow

pytestmark = pytest.mark.eval(
    dataset="correctness",
    row=FfmpegRow,
    scorers=[execution],
    gates=["executes >= 0.70", "meets_expectations >= 0.35"],
    truth="meets_expectations",  # what judges are measured against: `touchstone agree correctness`
)


def test_correctness(sample):
    sample.require("meets_expectations")
