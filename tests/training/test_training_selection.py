import math

import pytest

from skinmodel.training.loop import is_better, smooth


def pick(values: list[float], epochs: int) -> int:
    """Return the epoch, from 1, that is kept after all of ``values``; as training does it."""
    best, kept = -1.0, 0
    for count in range(1, len(values) + 1):
        if is_better(values[:count], epochs, best):
            best, kept = smooth(values[:count], epochs), count
    return kept


def test_smoothing_by_hand():
    values = [0.5, 0.75, 0.25, 1.0]
    assert smooth(values, 1) == 1.0
    assert smooth(values, 2) == 0.625
    assert smooth(values, 4) == 0.625
    assert smooth(values, 9) == 0.625
    assert smooth([0.5], 3) == 0.5


@pytest.mark.parametrize(
    ("values", "epochs", "kept"),
    [
        ([0.1, 0.3, 0.2], 1, 2),
        ([0.3, 0.3, 0.3], 1, 1),  # a tie keeps the earlier epoch
        ([0.0, 0.0], 1, 1),  # the worst figure there is still picks an epoch
        # Means of three: -, -, .2, .3, .4, .3: one lucky 0.9 at epoch 4 does not pick itself.
        ([0.2, 0.2, 0.2, 0.5, 0.5, 0.2], 3, 5),
        ([0.9, 0.1, 0.2, 0.3, 0.4], 3, 3),  # means .4, .2, .3
        ([0.9, 0.1, 0.2, 0.3, 0.8], 3, 5),  # a lucky start loses to the first whole window
        ([0.2, 0.4], 3, 2),  # a run that ends before a window is whole
        ([0.4, 0.1], 3, 1),
    ],
)
def test_the_epoch_that_is_kept_by_hand(values, epochs, kept):
    assert pick(values, epochs) == kept


def test_an_undefined_figure_never_beats_a_defined_one():
    assert pick([0.2, math.nan, math.nan], 1) == 1


def test_a_figure_that_is_never_defined_still_keeps_an_epoch():
    assert pick([math.nan] * 5, 3) == 3
