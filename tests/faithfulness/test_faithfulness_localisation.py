"""Mass, pointing game and their controls: by hand, by identities, and on maps known to be bad."""

import numpy as np
import pytest

from skinmodel.errors import ConfigError
from skinmodel.faithfulness.scores import (
    centre_offset,
    centred_gaussian,
    compute_hit,
    compute_mass,
    match_gaussian,
    normalize,
    outer_frame,
    own_means,
)
from skinmodel.imaging.placement import Placement, average_over_cells


def test_mass_and_hit_worked_by_hand():
    values = np.array([[3.0, 1.0], [0.0, 0.0]])
    lesion = np.array([[0.5, 1.0], [0.0, 0.0]])
    assert compute_mass(values, lesion) == pytest.approx((3 * 0.5 + 1) / 4)
    assert compute_hit(values, lesion) == 1.0
    assert compute_hit(values[::-1].copy(), lesion) == 0.0


def test_a_map_that_is_the_lesion_has_all_its_mass_there_and_a_flat_one_the_lesions_share(rng):
    lesion = (rng.random((6, 6)) > 0.6).astype(float)
    assert compute_mass(lesion, lesion) == 1.0
    assert compute_mass(np.full((6, 6), 0.3), lesion) == pytest.approx(lesion.mean())


def test_a_null_map_has_neither_mass_nor_hit():
    lesion = np.ones((2, 2))
    assert np.isnan(compute_mass(np.zeros((2, 2)), lesion))
    assert np.isnan(compute_hit(np.zeros((2, 2)), lesion))
    assert np.isnan(normalize(np.zeros((2, 2)))).all()


def test_equal_strongest_cells_share_the_hit():
    lesion = np.array([[1.0, 0.0], [0.0, 0.0]])
    assert compute_hit(np.ones((2, 2)), lesion) == 0.25


def test_a_lesion_smaller_than_half_a_cell_can_be_hit():
    lesion = np.array([[0.1, 0.05], [0.0, 0.0]])
    assert compute_hit(np.array([[2.0, 1.0], [0.0, 0.0]]), lesion) == 1.0
    assert compute_hit(np.array([[1.0, 2.0], [0.0, 0.0]]), lesion) == 0.0


@pytest.mark.parametrize("values", [np.array([[-1.0, 1.0]]), np.array([[np.inf, 1.0]])])
def test_a_map_with_negative_or_undefined_values_is_refused(values):
    with pytest.raises(ConfigError, match="finite values >= 0"):
        compute_mass(values, np.ones((1, 2)))
    with pytest.raises(ConfigError, match="one shape"):
        compute_hit(np.ones((3, 2)), np.ones((1, 2)))


def test_a_shifted_mask_lowers_the_mass_of_a_map_on_the_lesion():
    mask = np.zeros((80, 80))
    mask[30:50, 20:40] = 1.0
    values = average_over_cells(mask, 8, 8)
    right = compute_mass(values, average_over_cells(mask, 8, 8))
    wrong = compute_mass(values, average_over_cells(np.roll(mask, 20, axis=1), 8, 8))
    assert right == pytest.approx(1.0)
    assert wrong == pytest.approx(0.0, abs=1e-12)


def test_the_gaussian_sums_to_one_and_is_strongest_in_the_middle_of_the_picture():
    whole = centred_gaussian(5, 5)
    assert whole.sum() == pytest.approx(1.0)
    assert whole.argmax() == 12
    # A cell at distance d has exp(-d^2 / 2 sigma^2) of the middle one.
    assert whole[2, 3] / whole[2, 2] == pytest.approx(np.exp(-0.5))
    # Cells on the left half only: the picture's centre is at their right.
    assert centred_gaussian(1, 5, Placement(0, 0, 1, 0.5)).argmax() == 4


def test_a_matched_gaussian_has_the_mass_asked_for():
    mask = np.zeros((2, 80, 80))
    mask[0, 30:50, 30:50] = 1.0
    mask[1, 20:60, 25:50] = 1.0
    lesions = np.stack([average_over_cells(m, 8, 8) for m in mask])
    width = match_gaussian(0.4, lesions)
    reached = [compute_mass(centred_gaussian(8, 8, sigma=width), lesion) for lesion in lesions]
    assert np.mean(reached) == pytest.approx(0.4, abs=1e-6)
    assert np.isnan(match_gaussian(0.4, lesions[:0]))


def test_an_own_mean_leaves_out_the_pictures_of_the_same_lesion_and_null_maps():
    maps = np.array([[[1.0, 0.0]], [[0.0, 1.0]], [[0.5, 0.5]], [[np.nan, np.nan]]])
    means = own_means(maps, np.array(["a", "a", "b", "c"]))
    np.testing.assert_allclose(means[0], [[0.5, 0.5]])
    np.testing.assert_allclose(means[2], [[0.5, 0.5]])
    np.testing.assert_allclose(means[3], [[0.5, 0.5]])
    assert np.isnan(own_means(maps[:2], np.array(["a", "a"]))).all()


def test_the_frame_is_a_tenth_on_every_side():
    frame = outer_frame(10, 10)
    np.testing.assert_allclose(frame[0], 1.0)
    np.testing.assert_allclose(frame[1:-1, 1:-1], 0.0, atol=1e-12)
    assert frame.mean() == pytest.approx(0.36)
    assert not outer_frame(3, 3, Placement(0.2, 0.2, 0.8, 0.8)).any()


def test_the_offset_is_the_distance_of_the_lesions_middle():
    mask = np.zeros((10, 20), dtype=bool)
    mask[4:6, 15:17] = True
    assert centre_offset(mask) == pytest.approx(16 / 20 - 0.5)
    assert np.isnan(centre_offset(np.zeros((3, 3))))
