import numpy as np
import pytest

from skinmodel.errors import ConfigError
from skinmodel.inference.views import average_views, make_views


def test_the_eight_views_are_the_symmetries_of_the_square():
    rng = np.random.default_rng(1)
    inputs = rng.normal(size=(2, 5, 5, 3)).astype(np.float32)
    views = make_views(inputs, 8)
    assert views.shape == (16, 5, 5, 3)
    for n, image in enumerate(inputs):
        upright = [image, image[::-1], image[:, ::-1], image[::-1, ::-1]]
        expected = [*upright, *(v.transpose(1, 0, 2) for v in upright)]
        found = {v.tobytes() for v in views[8 * n : 8 * n + 8]}
        assert found == {np.ascontiguousarray(v).tobytes() for v in expected}
        assert len(found) == 8
    np.testing.assert_array_equal(views[::8], inputs)  # the picture itself comes first


def test_one_view_is_the_input_itself():
    inputs = np.ones((2, 4, 6, 3), np.float32)
    assert make_views(inputs, 1) is inputs
    probabilities = np.full((2, 7), 1 / 7, np.float32)
    assert average_views(probabilities, 1) is probabilities


@pytest.mark.parametrize("views", [0, 2, 4, -8])
def test_other_numbers_of_views_are_refused(views):
    with pytest.raises(ConfigError, match=f"1 or 8 views, not {views}"):
        make_views(np.ones((1, 4, 4, 3), np.float32), views)


def test_quarter_turns_need_squares():
    with pytest.raises(ConfigError, match=r"square inputs, received \(4, 6\)"):
        make_views(np.ones((1, 4, 6, 3), np.float32), 8)


def test_the_mean_is_over_the_views_of_each_image_and_sums_to_1():
    rng = np.random.default_rng(2)
    probabilities = rng.dirichlet(np.ones(7), 24).astype(np.float32)
    mean = average_views(probabilities, 8)
    assert mean.dtype == np.float32
    for n in range(3):
        np.testing.assert_allclose(
            mean[n], probabilities[8 * n : 8 * n + 8].mean(axis=0), rtol=1e-6
        )
    np.testing.assert_allclose(mean.sum(axis=1), 1, rtol=1e-6)
