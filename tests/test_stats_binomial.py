"""The binomial distribution against scipy.stats, which takes longer to import than a report may take."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from scipy.stats import binom, binomtest

from touchstone.stats.binomial import at_most, exactly, exceeded_by, more_than
from touchstone.stats.paired import mcnemar


@pytest.mark.parametrize("trials", [0, 1, 2, 5, 30, 104, 1000, 20000])
@pytest.mark.parametrize("chance", [0.5, 0.7, 0.999, 1.0])
def test_probabilities(trials: int, chance: float) -> None:
    successes = np.arange(trials + 1)
    assert at_most(successes - 1, trials, chance) == pytest.approx(binom.cdf(successes - 1, trials, chance))
    assert more_than(successes - 1, trials, chance) == pytest.approx(binom.sf(successes - 1, trials, chance))
    assert exactly(successes, trials, chance) == pytest.approx(binom.pmf(successes, trials, chance), abs=1e-10)


@pytest.mark.parametrize("trials", [0, 1, 7, 104, 20000])
@pytest.mark.parametrize("share", [0.025, 0.2])
def test_the_fewest_that_are_hardly_exceeded(trials: int, share: float) -> None:
    each = np.arange(trials + 1)
    assert np.array_equal(exceeded_by(share, each, 0.5), binom.isf(share, each, 0.5))


def test_mcnemar_is_the_exact_binomial_test() -> None:
    for better in range(0, 60, 3):
        for worse in range(60):
            if better + worse:
                assert mcnemar(better, worse) == pytest.approx(binomtest(better, better + worse).pvalue)


def test_a_comparison_does_not_import_scipys_statistics() -> None:
    code = (
        "import sys; from touchstone.stats.paired import difference, mcnemar\n"
        "from touchstone.stats.power import smallest_difference\n"
        "found = difference({f'r{i}': ([1.0], [float(i % 3 > 0)]) for i in range(40)})\n"
        "assert found is not None and smallest_difference(found) is not None\n"
        "print('scipy.special' in sys.modules, 'scipy.stats' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["True", "False"], done.stderr
