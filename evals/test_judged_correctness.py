"""What a judge thinks of the same answers that `correctness` runs: raw, and corrected for the judge's measured errors.

The judge's certificate says what its word is worth. `correctness` is the truth beside it.
"""

import pytest

from fixtures.ffmpeg.rows import FfmpegRow
from touchstone import Judge

pytestmark = pytest.mark.eval(
    dataset="correctness",
    row=FfmpegRow,
    scorers=[Judge("g-eval")],
    run_configs=["coder-one-shot"],
    gates=["g-eval >= 0.50"],
)


def test_judged_correctness(sample):
    sample.require("g-eval", at_least=0.75)
