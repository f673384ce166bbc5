"""Blanking and its curves: by hand, and the identity between a map and its opposite."""

import numpy as np
import pytest

from skinmodel.faithfulness import scores
from skinmodel.faithfulness.pictures import blur, find_black_corners
from skinmodel.imaging.placement import cells_of_pixels


def test_cells_are_ordered_from_the_strongest_and_equal_ones_at_random(rng):
    assert list(scores.order_cells(np.array([[1.0, 3.0], [0.0, 2.0]]), rng)) == [1, 3, 0, 2]
    flat = {tuple(scores.order_cells(np.ones((2, 2)), rng)) for _ in range(200)}
    assert len(flat) == 24


def test_a_share_of_cells_is_rounded_and_never_nothing():
    assert [scores.count_cells(s, 64) for s in (0, 0.001, 0.2, 1)] == [0, 1, 13, 64]
    assert list(scores.choose_cells(np.array([2, 0, 1]), 0.34)) == [False, False, True]


def test_blanking_replaces_the_chosen_cells_and_nothing_else(photo):
    cells = cells_of_pixels(*photo.shape[:2], 2, 2)
    other = (255 - photo).astype(np.uint8)
    chosen = np.array([False, True, False, False])
    found = scores.blank(photo, other, cells, chosen)
    np.testing.assert_array_equal(found[:48, 64:], other[:48, 64:])
    np.testing.assert_array_equal(found[48:], photo[48:])
    np.testing.assert_array_equal(scores.blank(photo, other, cells, ~chosen & False), photo)
    outside = np.full(cells.shape, -1)
    np.testing.assert_array_equal(scores.blank(photo, other, outside, chosen | True), photo)


def test_the_area_is_by_trapezoids_over_the_cells_really_changed():
    flat = [0.7] * len(scores.STEPS)
    assert scores.compute_auc(flat, 64) == pytest.approx(0.7)
    assert scores.compute_auc(scores.STEPS, 10) == pytest.approx(0.5)
    # Of 4 cells .1 and .2 are one cell each, so that the step between them has no width.
    curve = [1.0, 0.5, 0.5, 0.2, 0.2, 0.0, 0.0]
    by_hand = (0.75 + 0.35 + 0.2 * 0 + 0.1 + 0.0) / 4
    counts = [scores.count_cells(s, 4) for s in scores.STEPS]
    assert counts == [0, 1, 1, 2, 2, 3, 4]
    assert scores.compute_auc(curve, 4) == pytest.approx(by_hand)


def test_a_rolled_map_has_the_same_values_in_other_places(rng):
    values = np.arange(6.0).reshape(2, 3)
    for _ in range(20):
        rolled = scores.roll(values, rng)
        assert not np.array_equal(rolled, values)
        assert sorted(rolled.ravel()) == sorted(values.ravel())


def test_blur_keeps_a_flat_picture_and_flattens_a_spot():
    flat = np.full((50, 60, 3), 90, np.uint8)
    np.testing.assert_array_equal(blur(flat), flat)
    spotted = flat.copy()
    spotted[20:30, 25:35] = 255
    assert np.ptp(blur(spotted)) < np.ptp(spotted) / 2


def test_black_corners_are_dark_and_reach_a_corner():
    picture = np.full((40, 40, 3), 120, np.uint8)
    picture[:6, :6] = 5
    picture[18:24, 18:24] = 5  # a dark lesion
    found = find_black_corners(picture)
    assert found[:6, :6].all()
    assert found.sum() == 36
    assert not find_black_corners(np.full((9, 9, 3), 200, np.uint8)).any()
