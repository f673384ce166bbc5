"""Chapters 1 and 2 against TensorFlow and Keras on the same input."""

import numpy as np
import pytest

from skinmodel.lessons.convolution import convolve, correlate
from skinmodel.lessons.geometry import CNN_LAYERS, Geometry, Padding, apply_rule, trace_sizes
from skinmodel.models.registry import get_spec


@pytest.mark.parametrize("rule", [Padding.VALID, Padding.SAME])
@pytest.mark.parametrize(
    ("n", "m", "s"), [(12, 3, 1), (12, 4, 1), (11, 3, 2), (10, 3, 2), (9, 2, 4)]
)
def test_cross_correlation_is_what_tensorflow_calls_convolution(rng, n, m, s, rule):
    import tensorflow as tf

    image, kernel = rng.normal(size=(n, n, 3)), rng.normal(size=(m, m, 3))
    geometry = apply_rule(n, m, s, rule)
    expected = tf.nn.conv2d(image[None], kernel[..., None], s, rule.upper())[0, ..., 0]
    ours = correlate(image, kernel, s, (geometry.before, geometry.after))
    assert ours.shape == (geometry.size, geometry.size)
    np.testing.assert_allclose(ours, expected, atol=1e-12)


@pytest.mark.parametrize(("n", "m", "p", "s"), [(100, 6, 0, 3), (20, 5, 3, 2), (9, 4, 6, 5)])
def test_own_padding_is_tensorflows_explicit_padding(rng, n, m, p, s):
    import tensorflow as tf

    image, kernel = rng.normal(size=(n, n)), rng.normal(size=(m, m))
    padded = tf.pad(image, [[p, p], [p, p]])[None, ..., None]
    expected = tf.nn.conv2d(padded, kernel[..., None, None], s, "VALID")[0, ..., 0]
    assert Geometry(n, m, p, p, s).size == expected.shape[0]
    np.testing.assert_allclose(correlate(image, kernel, s, p), expected, atol=1e-12)


def test_convolution_is_tensorflows_transposed_convolution(rng):
    import tensorflow as tf

    image, kernel = rng.normal(size=(8, 8)), rng.normal(size=(3, 3))
    # The transpose spreads each cell over the kernel as it stands: the convolution, in full.
    expected = tf.nn.conv2d_transpose(
        image[None, ..., None], kernel[..., None, None], (1, 10, 10, 1), 1, "VALID"
    )
    np.testing.assert_allclose(convolve(image, kernel, padding=2), expected[0, ..., 0], atol=1e-12)


def test_a_learned_filter_answers_as_the_first_layer_does(rng):
    import keras

    first = CNN_LAYERS[0]
    layer = keras.layers.Conv2D(first.channels, first.kernel, first.stride, first.padding)
    image = rng.uniform(-1, 1, (1, 100, 100, 3)).astype(np.float32)
    layer.build(image.shape)
    kernels, biases = (rng.normal(0, 0.05, w.shape) for w in layer.get_weights())
    layer.set_weights([kernels, biases])
    expected = np.asarray(layer(image))[0]
    for number in (0, 17, 63):
        ours = correlate(image[0].astype(float), kernels[..., number], first.stride)
        np.testing.assert_allclose(ours + biases[number], expected[..., number], atol=1e-5)


@pytest.mark.parametrize("rule", [Padding.VALID, Padding.SAME])
def test_each_output_cell_reads_as_many_input_cells_as_in_keras(rule):
    import keras

    for n in (8, 23, 100):
        ones = np.ones((1, n, 1), np.float32)
        for m in (1, 2, 3, 6):
            for s in (1, 2, 3, 5):
                found = keras.ops.conv(ones, np.ones((m, 1, 1), np.float32), s, rule.value)
                geometry = apply_rule(n, m, s, rule)
                read = [
                    sum(0 <= i < n for i in geometry.reads(cell)) for cell in range(geometry.size)
                ]
                assert np.asarray(found)[0, :, 0].tolist() == read, (n, m, s)


def test_the_table_of_layers_is_the_network_in_the_registry():
    spec = get_spec("cnn")
    model = spec.build(kernel_initializer="zeros")
    sliding = [layer for layer in model.layers if hasattr(layer, "strides")]
    sizes = trace_sizes(spec.preprocessing.height, CNN_LAYERS)
    assert [layer.name for layer in sliding] == [layer.name for layer in CNN_LAYERS]
    for theirs, ours in zip(sliding, sizes, strict=True):
        layer, side = ours.layer, ours.geometry.size
        window = getattr(theirs, "kernel_size", None) or theirs.pool_size
        assert tuple(window) == (layer.kernel, layer.kernel), layer.name
        assert tuple(theirs.strides) == (layer.stride, layer.stride), layer.name
        assert theirs.padding == layer.padding, layer.name
        assert theirs.output.shape == (None, side, side, ours.channels), layer.name
