"""The arithmetic of chapter 1: by hand, by identities, and against SciPy."""

import numpy as np
import pytest
from scipy.signal import convolve2d, correlate2d

from skinmodel.errors import UsageError, WeightsError
from skinmodel.lessons.convolution import (
    KERNELS,
    convolve,
    correlate,
    flip,
    pad,
    take_step,
    to_grey,
)
from skinmodel.lessons.first_layer import read_first_layer
from skinmodel.models.registry import RGB_100
from skinmodel.weights.compact import encode
from skinmodel.weights.store import publish

ROWS, COLUMNS = np.mgrid[0:8, 0:9].astype(float)
VERSIONS = dict.fromkeys(("skinmodel", "tensorflow", "keras", "numpy", "python"), "1.0")


def publish_layers(folder, weights):
    data, _ = encode(weights, None)
    return publish(
        folder,
        data,
        model="cnn",
        run_id="run-1",
        preprocessing=RGB_100,
        temperature=1.0,
        recipe={"epochs": 1},
        recipe_fingerprint="0a",
        split={"name": "grouped", "seed": 1, "fingerprint": "77", "leaks": False},
        versions=VERSIONS,
        metrics={},
        form="float32",
    )


def test_one_position_by_hand():
    image = np.array([[1.0, 2, 3], [4, 5, 6], [7, 8, 9]])
    kernel = np.array([[1.0, 0], [2, -1]])
    step = take_step(image, kernel, row=0, column=1)
    np.testing.assert_array_equal(step.window, [[2, 3], [5, 6]])
    np.testing.assert_array_equal(step.products, [[2, 0], [10, -6]])
    assert step.total == 6
    np.testing.assert_array_equal(correlate(image, kernel), [[4, 6], [10, 12]])
    # Turned, the kernel is [[-1, 2], [0, 1]].
    np.testing.assert_array_equal(convolve(image, kernel), [[8, 10], [14, 16]])


@pytest.mark.parametrize("padding", [0, 2, (1, 2)])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_maps_agree_with_scipy(rng, stride, padding):
    image, kernel = rng.normal(size=(9, 11)), rng.normal(size=(3, 4))
    padded = np.pad(image, padding if isinstance(padding, int) else [padding, padding])
    for ours, theirs in ((correlate, correlate2d), (convolve, convolve2d)):
        expected = theirs(padded, kernel, mode="valid")[::stride, ::stride]
        np.testing.assert_allclose(ours(image, kernel, stride, padding), expected, atol=1e-12)


def test_full_padding_is_scipys_full(rng):
    image, kernel = rng.normal(size=(6, 7)), rng.normal(size=(3, 3))
    np.testing.assert_allclose(
        convolve(image, kernel, padding=2), convolve2d(image, kernel, mode="full"), atol=1e-12
    )


@pytest.mark.parametrize("shape", [(7, 8), (7, 8, 3)])
def test_every_step_is_its_cell_of_the_map(rng, shape):
    image, kernel = rng.normal(size=shape), rng.normal(size=(3, 2, *shape[2:]))
    found = correlate(image, kernel, 2, 1)
    for row, column in np.ndindex(found.shape):
        step = take_step(image, kernel, row, column, 2, 1)
        assert step.total == pytest.approx(found[row, column])
        assert step.window.shape == step.products.shape == kernel.shape


def test_channels_add_up(rng):
    image, kernel = rng.normal(size=(6, 6, 3)), rng.normal(size=(3, 3, 3))
    apart = sum(correlate(image[..., c], kernel[..., c]) for c in range(3))
    np.testing.assert_allclose(correlate(image, kernel), apart)


def test_flipping_turns_rows_and_columns_but_no_channels():
    kernel = np.arange(12.0).reshape(2, 2, 3)
    np.testing.assert_array_equal(flip(kernel)[0, 0], kernel[1, 1])
    np.testing.assert_array_equal(flip(flip(kernel)), kernel)


@pytest.mark.parametrize(
    ("name", "image", "value"),
    [
        ("Identity", ROWS * COLUMNS, (ROWS * COLUMNS)[1:-1, 1:-1]),
        ("Vertical edges (Sobel x)", 3 * COLUMNS + 7 * ROWS, 24),  # 8 times the slope across
        ("Horizontal edges (Sobel y)", 3 * COLUMNS + 7 * ROWS, 56),
        ("All edges (Laplacian)", COLUMNS**2 + ROWS**2, 4),  # the second derivatives of both
        ("Blur (binomial)", 3 * COLUMNS + 7 * ROWS, (3 * COLUMNS + 7 * ROWS)[1:-1, 1:-1]),
        ("Sharpen", 3 * COLUMNS + 7 * ROWS, (3 * COLUMNS + 7 * ROWS)[1:-1, 1:-1]),
    ],
)
def test_kernels_do_what_their_names_say(name, image, value):
    np.testing.assert_allclose(correlate(image, KERNELS[name]), np.broadcast_to(value, (6, 7)))


def test_kernels_cannot_be_changed_by_a_page():
    with pytest.raises(ValueError, match="read-only"):
        KERNELS["Identity"][0, 0] = 1


def test_grey_is_brightness_in_whole_numbers():
    pixels = np.array([[[255, 255, 255], [255, 0, 0], [0, 255, 0], [0, 0, 255]]], np.uint8)
    np.testing.assert_array_equal(to_grey(pixels), [[255, 76, 150, 29]])


def test_padding_leaves_channels_alone():
    padded = pad(np.ones((2, 3, 3)), (1, 2))
    assert padded.shape == (5, 6, 3)
    assert padded.sum() == 18


@pytest.mark.parametrize(
    ("shape", "stride", "message"),
    [
        ((5, 5), 1, r"5 x 5 with stride 1 .* 4 x 4"),
        ((2, 2), 0, "stride 0"),
        ((2, 2, 3), 1, "same channels"),
    ],
)
def test_what_does_not_fit_is_refused(shape, stride, message):
    with pytest.raises(UsageError, match=message):
        correlate(np.ones((4, 4)), np.ones(shape), stride)


@pytest.mark.parametrize(("row", "column"), [(2, 0), (0, 2), (-1, 0), (0, -1)])
def test_a_cell_outside_the_map_is_refused(row, column):
    with pytest.raises(UsageError, match="no cell"):
        take_step(np.ones((4, 4)), np.ones((3, 3)), row, column)


def test_the_first_layer_is_read_as_it_was_published(tmp_path, rng):
    weights = {
        "conv1/kernel": rng.normal(size=(7, 7, 3, 64)).astype(np.float32),
        "conv1/bias": rng.normal(size=64).astype(np.float32),
        "conv2/bias": np.zeros(5, np.float32),
    }
    first = read_first_layer(publish_layers(tmp_path, weights), tmp_path)
    np.testing.assert_array_equal(first.kernels, weights["conv1/kernel"])
    np.testing.assert_array_equal(first.biases, weights["conv1/bias"])
    assert (first.model, first.run_id, first.layer.stride) == ("cnn", "run-1", 2)
    assert first.preprocessing == RGB_100


def test_weights_without_a_first_layer_are_refused(tmp_path):
    record = publish_layers(tmp_path, {"other/bias": np.zeros(5, np.float32)})
    with pytest.raises(WeightsError, match="conv1/kernel"):
        read_first_layer(record, tmp_path)
