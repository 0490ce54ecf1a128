"""What people ask of ffmpeg every day, in rows that were made, not written. Decided by running the command.

The rows are from the same hand as those that the models of `tuning/sweeps/assistant.yaml` learnt from, and alike to
none of them: the fairer measure of what a tune learnt, while `correctness` says how far that carries. Only the
run-configs that this compares are asked.
"""

import pytest

from fixtures.ffmpeg.correctness import execution
from fixtures.ffmpeg.rows import FfmpegRow

pytestmark = pytest.mark.eval(
    dataset="synth/everyday_eval",
    row=FfmpegRow,
    scorers=[execution],
    run_configs=["smollm2", "tuned", "coder-one-shot"],
    gates=["executes >= 0.45", "meets_expectations >= 0.20"],
    truth="meets_expectations",
)


def test_everyday(sample):
    sample.require("meets_expectations")
