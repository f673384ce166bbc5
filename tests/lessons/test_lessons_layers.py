"""ReLU, pooling and batch normalisation: by hand, against Keras, and on the network itself."""

import keras
import numpy as np
import pytest
from factories import TINY_INPUT, TINY_MODELS

from skinmodel.errors import UsageError
from skinmodel.inference.activations import ActivationReader
from skinmodel.lessons.layers import (
    EPSILON,
    Normalisation,
    apply_relu,
    find_silent,
    measure_batch,
    normalise,
    pool_average,
    pool_max,
    rank_channels,
    read_normalisation,
    update_stored,
)
from skinmodel.weights import store

GRID = np.array([[1, -2, 3, 0], [4, 0, -1, 2], [-3, 5, 6, 1], [2, 2, -4, 8]], dtype=np.float64)


def test_relu_and_pooling_worked_by_hand():
    np.testing.assert_array_equal(apply_relu(GRID)[0], [1, 0, 3, 0])
    np.testing.assert_array_equal(pool_max(GRID, 2, 2), [[4, 3], [5, 8]])
    np.testing.assert_array_equal(pool_average(GRID, 2, 2), [[0.75, 1], [1.5, 2.75]])
    np.testing.assert_array_equal(pool_max(GRID, 3, 1), [[6, 6], [6, 8]])
    assert pool_average(GRID, 3, 1)[0, 0] == (1 - 2 + 3 + 4 + 0 - 1 - 3 + 5 + 6) / 9


def test_batch_normalisation_worked_by_hand():
    values = np.array([1.0, 3.0, 5.0, 7.0])[:, None]
    mean, variance = measure_batch(values)
    assert (mean.tolist(), variance.tolist()) == ([4.0], [5.0])
    found = normalise(values, Normalisation(mean, variance, 2.0, 1.0))
    assert found[0, 0] == pytest.approx(2 * -3 / np.sqrt(5.001) + 1)
    stored = normalise(values, Normalisation(1.0, 4 - EPSILON))
    np.testing.assert_allclose(stored[:, 0], [0, 1, 2, 3])
    assert update_stored(1.0, 4.0, 0.9) == pytest.approx(1.3)


@pytest.mark.parametrize(("window", "stride"), [(2, 2), (3, 2), (3, 1), (1, 3), (7, 4)])
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(pool_max, keras.layers.MaxPooling2D), (pool_average, keras.layers.AveragePooling2D)],
)
def test_pooling_is_that_of_keras(rng, ours, theirs, window, stride):
    values = rng.normal(0, 1, (11, 7, 3)).astype(np.float32)
    expected = theirs(window, stride)(values[None]).numpy()[0]
    np.testing.assert_allclose(ours(values, window, stride), expected, atol=1e-6)


def test_relu_is_that_of_keras(rng):
    values = rng.normal(0, 1, (5, 4, 3)).astype(np.float32)
    np.testing.assert_array_equal(apply_relu(values), keras.layers.ReLU()(values).numpy())


def test_batch_normalisation_is_that_of_keras_in_training_and_after(rng):
    layer = keras.layers.BatchNormalization(momentum=0.9)
    layer.build((None, 5, 4, 3))
    start = [rng.uniform(0.5, 2, 3) for _ in range(4)]
    layer.set_weights(start)
    gamma, beta, mean, variance = start
    values = rng.normal(1, 2, (6, 5, 4, 3)).astype(np.float32)
    stored = normalise(values, Normalisation(mean, variance, gamma, beta))
    np.testing.assert_allclose(stored, layer(values, training=False).numpy(), atol=1e-5)
    batch = measure_batch(values)
    trained = normalise(values, Normalisation(*batch, gamma, beta))
    np.testing.assert_allclose(trained, layer(values, training=True).numpy(), atol=1e-5)
    assert np.abs(trained - stored).max() > 0.1
    moved = [update_stored(old, new, 0.9) for old, new in zip(start[2:], batch, strict=True)]
    np.testing.assert_allclose(layer.get_weights()[2:], moved, rtol=1e-5)
    assert layer.epsilon == EPSILON


def test_a_trained_network_does_the_same_from_layer_to_layer(world, rng):
    record, folder = store.find("cnn")
    model = TINY_MODELS["cnn"].build()
    weights = store.load_weights(record, folder)
    for variable in model.variables:
        if variable.path in weights:
            variable.assign(weights[variable.path])
    names = ("conv2/linear", "conv2", "bn2", "pool2")
    read = ActivationReader(model, names)
    found = read(rng.uniform(-1, 1, (1, TINY_INPUT.height, TINY_INPUT.width, 3)).astype("float32"))
    linear, after, normalised, pooled = (found[name] for name in names)
    np.testing.assert_allclose(apply_relu(linear), after, atol=1e-5)
    by = read_normalisation(record, folder, "bn2")
    np.testing.assert_allclose(normalise(after, by), normalised, atol=1e-5)
    np.testing.assert_allclose(pool_max(normalised, 3, 1), pooled, atol=1e-6)
    assert np.abs(normalised - after).max() > 1e-3


def test_channels_are_ranked_by_strength_and_the_silent_come_last():
    maps = np.zeros((2, 2, 4))
    maps[0, 0, 1], maps[..., 3] = 3.0, 1.0
    assert find_silent(maps).tolist() == [True, False, True, False]
    assert rank_channels(maps).tolist() == [3, 1, 0, 2]
    assert rank_channels(-maps).tolist() == [3, 1, 0, 2]


@pytest.mark.parametrize(("window", "stride"), [(5, 1), (0, 1), (2, 0)])
def test_windows_that_do_not_fit_are_refused(window, stride):
    with pytest.raises(UsageError, match=rf"{window} x {window} with stride {stride}.*4 x 4"):
        pool_max(GRID, window, stride)
