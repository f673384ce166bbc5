"""Where the cells of a map lie, by hand and by identities."""

import numpy as np
import pytest

from skinmodel.errors import ConfigError
from skinmodel.imaging.placement import (
    WHOLE,
    Placement,
    average_over_cells,
    cells_of_pixels,
    sample,
)


def test_a_mask_is_averaged_over_cells_that_cut_pixels():
    mask = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    # Two columns over three pixels: each holds one pixel whole and half of the middle one.
    np.testing.assert_allclose(average_over_cells(mask, 1, 2), [[1 / 3, 1 / 3]])
    np.testing.assert_allclose(average_over_cells(mask, 2, 2), [[2 / 3, 0], [0, 2 / 3]])


def test_cells_as_fine_as_the_mask_are_the_mask_and_all_cells_together_its_mean(rng):
    mask = rng.random((7, 9))
    np.testing.assert_allclose(average_over_cells(mask, 7, 9), mask)
    assert average_over_cells(mask, 4, 5).mean() == pytest.approx(mask.mean())


def test_what_lies_outside_the_picture_or_the_cells_does_not_count():
    mask = np.zeros((10, 10))
    mask[:, :2] = 1.0
    middle = Placement(0.2, 0.2, 0.8, 0.8)
    assert not average_over_cells(mask, 3, 3, middle).any()
    beyond = average_over_cells(mask, 1, 2, Placement(0.0, -0.2, 1.0, 0.6))
    np.testing.assert_allclose(beyond, [[1.0, 0.0]])


def test_every_pixel_belongs_to_the_cell_its_centre_lies_in():
    np.testing.assert_array_equal(cells_of_pixels(2, 4, 1, 2), [[0, 0, 1, 1], [0, 0, 1, 1]])
    inner = cells_of_pixels(4, 4, 1, 1, Placement(0.25, 0.25, 0.75, 0.75))
    expected = np.full((4, 4), -1)
    expected[1:3, 1:3] = 0
    np.testing.assert_array_equal(inner, expected)


@pytest.mark.parametrize("placement", [WHOLE, Placement(0.175, 0.175, 0.815, 0.815)])
def test_a_map_sampled_at_its_own_centres_is_itself(rng, placement):
    values = rng.random((5, 4))
    y, x = np.meshgrid(*placement.centres(5, 4), indexing="ij")
    np.testing.assert_allclose(sample(values, y, x, placement), values)


def test_a_sample_between_two_centres_is_their_mean_and_outside_undefined():
    values = np.array([[0.0, 1.0]])
    found = sample(values, np.array([0.5, 0.5, 0.5]), np.array([0.5, 0.99, 1.2]))
    np.testing.assert_allclose(found, [0.5, 1.0, np.nan])


@pytest.mark.parametrize("edges", [(0.5, 0, 0.5, 1), (0, 1.0, 1, 2.0), (0, 0, -1, 1)])
def test_a_rectangle_without_a_cell_on_the_picture_is_refused(edges):
    with pytest.raises(ConfigError, match="expected top < bottom"):
        Placement(*edges)
