"""What an answer was worth before, counted by hand."""

from itertools import pairwise

import numpy as np
import pytest

from skinmodel.diagnoses import CODES
from skinmodel.evaluation.answers import EDGES, LEAST, compute_worth, find_band

NV, MEL = CODES.index("nv"), CODES.index("mel")


def make(shares, code=MEL, other=NV):
    """Rows that give ``shares`` to one diagnosis and the rest to another."""
    rows = np.zeros((len(shares), len(CODES)))
    rows[:, code] = shares
    rows[:, other] = 1 - np.array(shares)
    return rows


def test_lesions_with_the_same_answer_are_counted_once_each():
    # Twelve lesions said to be melanoma at 70 %, nine of which are; each with two pictures. Three
    # more at 85 % lie in another band, and four at 70 % that nevus leads are no such answer.
    probabilities = make([0.7] * 24 + [0.85] * 3 + [0.3] * 4)
    lesions = np.array([f"a{k // 2}" for k in range(24)] + [f"b{k}" for k in range(7)])
    truth = np.array([MEL] * 18 + [NV] * 6 + [MEL] * 3 + [NV] * 4)
    worth = compute_worth(truth, probabilities, lesions, tuple(make([0.72])[0]))
    found = worth[MEL]
    assert found is not None
    assert (found.lesions, found.right, found.low, found.high) == (12, 9, 0.65, 0.8)
    assert found.leading
    # Wilson's interval by hand: centre (p + z²/2n) / (1 + z²/n), z = 1.96.
    z2, p, n = 1.959964**2, 0.75, 12
    centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = (z2 * (p * (1 - p) / n + z2 / (4 * n * n))) ** 0.5 / (1 + z2 / n)
    assert found.interval == pytest.approx((centre - half, centre + half), abs=1e-6)


@pytest.mark.parametrize(("count", "is_said"), [(LEAST - 1, False), (LEAST, True)])
def test_nothing_is_said_of_fewer_lesions_than_ten(count, is_said):
    lesions = np.array([f"a{k}" for k in range(count)])
    truth = np.full(count, MEL)
    [*_] = worth = compute_worth(truth, make([0.9] * count), lesions, tuple(make([0.95])[0]))
    assert (worth[MEL] is not None) is is_said


def test_a_figure_that_does_not_lead_is_counted_among_those_that_did_not():
    probabilities = np.vstack([make([0.4] * 10), make([0.4] * 10, other=CODES.index("bkl"))])
    probabilities[10:, CODES.index("bkl")] = 0.3
    probabilities[10:, NV] = 0.3  # here melanoma leads with the same 40 %
    lesions = np.array([str(k) for k in range(20)])
    truth = np.array([NV] * 10 + [MEL] * 10)
    answer = tuple(make([0.4])[0])
    second = compute_worth(truth, probabilities, lesions, answer)[MEL]
    assert second is not None
    assert (second.right, second.lesions, second.leading) == (0, 10, False)


def test_every_probability_has_a_band():
    for share in (0.0, 0.005, 0.01, 0.4999, 0.5, 0.999, 1.0):
        low, high = find_band(share)
        assert low <= share <= high
        assert (low, high) in set(pairwise(EDGES))
    assert find_band(0.5) == (0.5, 0.65)
    assert find_band(1.0) == (0.9, 1.0)
