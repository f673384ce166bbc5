"""What the figures of a report cost: every interval of a test set, from one thousand draws.

make benchmark
"""

import time

import numpy as np
import pytest

from skinmodel.diagnoses import CODES
from skinmodel.evaluation.measures.bootstrap import compute_intervals

SECONDS = 10  # about half a second on one core: room for a machine at other work


@pytest.mark.benchmark
def test_a_thousand_draws_over_two_thousand_images_take_seconds():
    rng = np.random.default_rng(4)
    truth = rng.integers(0, len(CODES), 2000)
    probabilities = rng.dirichlet(np.ones(len(CODES)), 2000).astype(np.float32)
    lesions = rng.integers(0, 1400, 2000).astype(str)
    start = time.perf_counter()
    compute_intervals(truth, probabilities, lesions, draws=1000)
    taken = time.perf_counter() - start
    print(f"1,000 draws over 2,000 images: {taken:.2f} s")
    assert taken < SECONDS
