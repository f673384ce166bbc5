import keras
import numpy as np
import pytest
import tensorflow as tf

from skinmodel.models.soft_attention import PublishedSoftAttention, SoftAttention, spatial_softmax

HEADS = 3
LAYERS = [SoftAttention, PublishedSoftAttention]
# Keras 3.15 hands its variables to np.array, which NumPy 2 no longer likes.
KERAS_SAVES_WITH_A_WARNING = pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
)


@pytest.fixture
def features(rng):
    """float32, (2, 5, 4, 6)."""
    return rng.normal(size=(2, 5, 4, 6)).astype(np.float32)


def build(layer, features, rng, **settings):
    """Return a layer whose every weight is drawn: none hides behind a zero."""
    built = layer(heads=HEADS, name="soft_attention", **settings)
    built.build(features.shape)
    for weight in built.weights:
        weight.assign(rng.normal(size=weight.shape))
    return built


def softmax_over_positions(scores):
    """The softmax of each map of (N, h, w, M), in float64."""
    exponential = np.exp(scores - scores.max(axis=(1, 2), keepdims=True))
    return exponential / exponential.sum(axis=(1, 2), keepdims=True)


def attend_by_the_equation(x, kernel, bias, gamma):
    """f = gamma * x * sum_k softmax(relu(w_k * x)), one product at a time, in float64."""
    n, height, width, channels = x.shape
    padded = np.zeros((n, height + 2, width + 2, channels))
    padded[:, 1:-1, 1:-1] = x
    scores = np.zeros((n, height, width, kernel.shape[-1]))
    for i in range(height):
        for j in range(width):
            for k in range(kernel.shape[-1]):
                window = padded[:, i : i + 3, j : j + 3]
                scores[:, i, j, k] = (window * kernel[..., k]).sum(axis=(1, 2, 3)) + bias[k]
    maps = softmax_over_positions(np.maximum(scores, 0))
    return gamma * x * maps.sum(axis=-1, keepdims=True), maps


def attend_as_published(x, kernel, bias):
    """C rows by 3 columns over channels 0, 1 and 2, one product at a time, in float64."""
    n, height, width, channels = x.shape
    above = (channels - 1) // 2
    padded = np.zeros((n, height + channels - 1, width + 2, 3))
    padded[:, above : above + height, 1:-1] = x[..., :3]
    scores = np.zeros((n, height, width, kernel.shape[-1]))
    for i in range(height):
        for j in range(width):
            for k in range(kernel.shape[-1]):
                window = padded[:, i : i + channels, j : j + 3]
                scores[:, i, j, k] = (window * kernel[..., 0, k]).sum(axis=(1, 2, 3)) + bias[k]
    maps = softmax_over_positions(np.maximum(scores, 0))
    return x * maps.sum(axis=-1, keepdims=True), maps


# --- what is computed ---


def test_soft_attention_is_the_reports_equation(features, rng):
    layer = build(SoftAttention, features, rng)
    attended, maps = layer(features)
    kernel, bias, gamma = (np.asarray(w, np.float64) for w in layer.get_weights())
    expected, expected_maps = attend_by_the_equation(features, kernel, bias, gamma)
    np.testing.assert_allclose(maps, expected_maps, atol=1e-5)
    np.testing.assert_allclose(attended, expected, atol=1e-5)


# Kernels lower than the input, of odd and even height, and much taller, as in the network.
@pytest.mark.parametrize("shape", [(2, 5, 4, 3), (2, 5, 4, 6), (2, 5, 5, 8), (1, 8, 8, 512)])
def test_the_published_layer_reads_rows_three_columns_and_three_channels(shape, rng):
    features = rng.normal(size=shape).astype(np.float32)
    layer = build(PublishedSoftAttention, features, rng)
    layer.kernel.assign(0.1 * layer.kernel)
    attended, maps = layer(features)
    kernel, bias = (np.asarray(w, np.float64) for w in layer.get_weights())
    expected, expected_maps = attend_as_published(features, kernel, bias)
    np.testing.assert_allclose(maps, expected_maps, atol=1e-5)
    np.testing.assert_allclose(attended, expected, atol=1e-5)


def test_gamma_starts_as_asked_for_and_scales_the_features_alone(features):
    layer = SoftAttention(heads=HEADS, gamma=0.5)
    attended, maps = layer(features)
    assert float(layer.gamma.value) == 0.5
    layer.gamma.assign(2.0)
    louder, same = layer(features)
    np.testing.assert_allclose(louder, 4 * np.asarray(attended), rtol=1e-6)
    np.testing.assert_array_equal(maps, same)
    assert SoftAttention().initial_gamma == 0.01


@pytest.mark.parametrize("layer", LAYERS)
def test_every_map_is_a_distribution_over_positions(layer, features, rng):
    _, maps = build(layer, features, rng)(features)
    assert maps.shape == (2, 5, 4, HEADS)
    assert maps.dtype == tf.float32
    assert np.min(maps) >= 0
    np.testing.assert_allclose(np.sum(maps, axis=(1, 2)), 1.0, rtol=1e-6)


@pytest.mark.parametrize("layer", LAYERS)
def test_images_of_a_batch_do_not_see_each_other(layer, features, rng):
    built = build(layer, features, rng)
    together = built(features)
    for n in range(2):
        for whole, alone in zip(together, built(features[n : n + 1]), strict=True):
            np.testing.assert_allclose(whole[n], alone[0], atol=1e-6)


# --- which channels are read ---


@pytest.mark.parametrize("channel", range(6))
def test_the_equation_reads_every_channel(features, rng, channel):
    layer = build(SoftAttention, features, rng)
    _, before = layer(features)
    noisy = features.copy()
    noisy[..., channel] = rng.normal(size=noisy.shape[:-1])
    assert np.abs(layer(noisy)[1] - before).max() > 1e-3


@pytest.mark.parametrize("channel", range(3))
def test_the_published_layer_reads_channels_0_to_2(features, rng, channel):
    layer = build(PublishedSoftAttention, features, rng)
    _, before = layer(features)
    noisy = features.copy()
    noisy[..., channel] = rng.normal(size=noisy.shape[:-1])
    assert np.abs(layer(noisy)[1] - before).max() > 1e-3


def test_the_published_layer_reads_no_other_channel(features, rng):
    layer = build(PublishedSoftAttention, features, rng)
    _, before = layer(features)
    noisy = features.copy()
    noisy[..., 3:] = 100 * rng.normal(size=noisy[..., 3:].shape)
    np.testing.assert_array_equal(layer(noisy)[1], before)


def test_of_the_published_layers_55_308_weights_1_632_can_ever_train(rng):
    features = tf.constant(rng.normal(size=(1, 8, 8, 512)), tf.float32)
    layer = PublishedSoftAttention(heads=12)
    layer.build(features.shape)
    # Large enough that no ReLU is dead: what has no gradient now can have none ever.
    layer.bias.assign(rng.uniform(50, 51, 12))
    assert layer.count_params() == 55_308
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(features)[1] * rng.normal(size=(1, 8, 8, 12)))
    kernel, bias = tape.gradient(loss, [layer.kernel.value, layer.bias.value])
    assert int(tf.math.count_nonzero(kernel)) + bias.shape[0] == 1_632


# --- contract of a Keras layer ---


@pytest.mark.parametrize(
    ("layer", "names", "count"),
    [
        (SoftAttention, ["kernel", "bias", "gamma"], 3 * 3 * 512 * 12 + 12 + 1),
        (PublishedSoftAttention, ["kernel", "bias"], 512 * 3 * 3 * 12 + 12),
    ],
)
def test_weights_have_the_paths_and_number_that_stored_weights_name(layer, names, count):
    model_input = keras.Input((8, 8, 512))
    model = keras.Model(model_input, layer(heads=12, name="soft_attention")(model_input))
    assert [w.path for w in model.weights] == [f"soft_attention/{name}" for name in names]
    assert all(w.trainable for w in model.weights)
    assert model.count_params() == count


@pytest.mark.parametrize("layer", LAYERS)
def test_shapes_are_known_before_anything_is_computed(layer):
    attended, maps = layer(heads=HEADS)(keras.Input((5, 4, 6)))
    assert (attended.shape, attended.dtype) == ((None, 5, 4, 6), "float32")
    assert (maps.shape, maps.dtype) == ((None, 5, 4, HEADS), "float32")
    shapes = layer(heads=HEADS).compute_output_shape((None, 5, 4, 6))
    assert shapes == ((None, 5, 4, 6), (None, 5, 4, HEADS))


@pytest.mark.parametrize(
    "layer",
    [
        SoftAttention(heads=5, gamma=0.25, name="a", dtype="mixed_bfloat16"),
        PublishedSoftAttention(heads=5, name="b", dtype="mixed_bfloat16"),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_a_config_makes_the_same_layer_again(layer):
    copy = type(layer).from_config(layer.get_config())
    assert copy.get_config() == layer.get_config()
    assert (copy.heads, copy.name, copy.dtype_policy.name) == (5, layer.name, "mixed_bfloat16")
    assert getattr(copy, "initial_gamma", None) == getattr(layer, "initial_gamma", None)


@KERAS_SAVES_WITH_A_WARNING
@pytest.mark.parametrize("layer", LAYERS)
def test_a_saved_layer_comes_back_by_itself(layer, features, rng, tmp_path):
    inputs = keras.Input(features.shape[1:])
    model = keras.Model(inputs, build(layer, features, rng)(inputs))
    model.save(tmp_path / "layer.keras")
    loaded = keras.saving.load_model(tmp_path / "layer.keras")
    assert type(loaded.get_layer("soft_attention")) is layer
    for before, after in zip(model(features), loaded(features), strict=True):
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("layer", LAYERS)
def test_every_weight_has_a_gradient(layer, features, rng):
    built = build(layer, features, rng)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(built(features)[0] ** 2)
    gradients = tape.gradient(loss, [w.value for w in built.trainable_weights])
    for weight, gradient in zip(built.trainable_weights, gradients, strict=True):
        assert gradient is not None, weight.path
        assert gradient.shape == weight.shape
        assert np.isfinite(gradient).all()
        assert np.abs(gradient).max() > 0


@pytest.mark.parametrize("layer", LAYERS)
def test_maps_are_float32_in_half_precision(layer, features, rng):
    built = build(layer, features, rng, dtype="mixed_bfloat16")
    attended, maps = built(features)
    assert (attended.dtype, maps.dtype) == (tf.bfloat16, tf.float32)
    np.testing.assert_allclose(np.sum(maps, axis=(1, 2)), 1.0, rtol=1e-6)
    symbolic = built(keras.Input(features.shape[1:], dtype="bfloat16"))
    assert [t.dtype for t in symbolic] == ["bfloat16", "float32"]


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("heads", [0, -1])
def test_a_layer_without_heads_is_refused(layer, heads):
    with pytest.raises(ValueError, match=f"{layer.__name__} needs at least one head, received"):
        layer(heads=heads)


def test_the_published_layer_refuses_an_input_of_too_few_channels():
    with pytest.raises(ValueError, match="reads three channels, received 2"):
        PublishedSoftAttention().build((None, 8, 8, 2))


def test_the_softmax_does_not_overflow(rng):
    scores = rng.normal(size=(2, 4, 4, 2)) * 1e4
    maps = spatial_softmax(tf.constant(scores, tf.float32))
    assert np.isfinite(maps).all()
    np.testing.assert_allclose(np.sum(maps, axis=(1, 2)), 1.0, rtol=1e-6)
