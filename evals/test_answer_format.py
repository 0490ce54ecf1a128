"""A short explanation, then exactly one fenced command. Asks nothing anew: it reads the answers of correctness."""

import pytest

from fixtures.ffmpeg.rows import FfmpegRow
from fixtures.ffmpeg.structure import answer_format

pytestmark = pytest.mark.eval(
    dataset="correctness", row=FfmpegRow, scorers=[answer_format], gates=["answer_format >= 0.95"]
)


def test_answer_format(sample):
    sample.require("answer_format")
