"""The networks at their full size for what they are, a 64th of it for what they do."""

from dataclasses import replace
from functools import cache

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from skinmodel.models.registry import MODELS, RGB_100
from skinmodel.models.soft_attention import PublishedSoftAttention, SoftAttention

NAMES = ("cnn", "cnn_sa", "cnn_sa_published")
WITH_ATTENTION = NAMES[1:]
PARAMETERS = {"cnn": 56_654_727, "cnn_sa": 59_069_332, "cnn_sa_published": 59_069_331}
# Layer and output after the input, as in the report's Figures 10 and 11.
TRUNK = [
    ("conv1", (47, 47, 64)),
    ("bn1", (47, 47, 64)),
    ("pool1", (23, 23, 64)),
    ("conv2", (12, 12, 128)),
    ("bn2", (12, 12, 128)),
    ("pool2", (10, 10, 128)),
    ("conv3", (10, 10, 256)),
    ("bn3", (10, 10, 256)),
    ("pool3", (8, 8, 256)),
    ("conv4", (8, 8, 512)),
    ("bn4", (8, 8, 512)),
    ("conv5", (8, 8, 512)),
    ("bn5", (8, 8, 512)),
]
ATTENTION = [("soft_attention", [(8, 8, 512), (8, 8, 12)]), ("joined", (8, 8, 1024))]
HEAD = [
    ("conv6", (6, 6, 512)),
    ("bn6", (6, 6, 512)),
    ("pool6", (4, 4, 512)),
    ("flatten", (8192,)),
    ("dense1", (4096,)),
    ("dropout1", (4096,)),
    ("dense2", (4096,)),
    ("dropout2", (4096,)),
    ("probabilities", (7,)),
]


@cache
def full(name):
    """The network as it is trained; zeros, since only its shape is looked at."""
    return MODELS[name].build(kernel_initializer="zeros")


@pytest.fixture(scope="module", autouse=True)
def _let_go():
    """Three networks of 230 MB are not kept for the tests of other modules."""
    yield
    full.cache_clear()


def build_shrunk(name, **settings):
    spec = replace(MODELS[name], preprocessing=replace(RGB_100, height=80, width=80))
    keras.utils.set_random_seed(11)
    return spec.build(width=1 / 64, **settings)


@cache
def shrunk(name):
    return build_shrunk(name)


@pytest.fixture
def inputs(rng):
    return rng.uniform(-1, 1, (3, 80, 80, 3)).astype(np.float32)


@pytest.fixture
def half_precision():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    yield
    keras.config.set_dtype_policy(before)


# --- what they are ---


@pytest.mark.parametrize("name", NAMES)
def test_the_number_of_weights_is_the_reports(name):
    assert full(name).count_params() == PARAMETERS[name] == MODELS[name].parameters


@pytest.mark.parametrize("name", NAMES)
def test_every_layer_and_its_output_is_the_reports(name):
    middle = [("pool5", (6, 6, 512))]
    if name in WITH_ATTENTION:
        middle = [*ATTENTION, ("pool5", (6, 6, 1024)), ("joined_relu", (6, 6, 1024))]
    found = []
    for layer in full(name).layers[1:]:
        several = isinstance(layer.output, (list, tuple))
        shapes = [o.shape[1:] for o in (layer.output if several else [layer.output])]
        found.append((layer.name, shapes if several else shapes[0]))
    assert found == [*TRUNK, *middle, *HEAD]
    assert full(name).input_shape == (None, 100, 100, 3)


@pytest.mark.parametrize("name", NAMES)
def test_one_flat_graph_that_ends_in_a_dense_softmax(name):
    model = full(name)
    assert isinstance(model, keras.Model)
    assert not isinstance(model, keras.Sequential)
    assert model.name == name
    assert not [layer.name for layer in model.layers if isinstance(layer, keras.Model)]
    last = model.layers[-1]
    assert isinstance(last, layers.Dense)
    assert last.activation is keras.activations.softmax
    assert not [layer.name for layer in model.layers if isinstance(layer, layers.Softmax)]


@pytest.mark.parametrize("name", NAMES)
def test_the_layers_that_explanations_read_are_there(name):
    model, spec = full(name), MODELS[name]
    convolutions = [layer for layer in model.layers if isinstance(layer, layers.Conv2D)]
    assert convolutions[-1].name == spec.cam_layer
    attention = [
        layer.name
        for layer in model.layers
        if isinstance(layer, (SoftAttention, PublishedSoftAttention))
    ]
    assert attention == ([spec.attention_layer] if spec.attention_layer else [])


def test_each_attention_network_has_its_own_layer_with_twelve_heads():
    kinds = [type(full(name).get_layer("soft_attention")) for name in WITH_ATTENTION]
    assert kinds == [SoftAttention, PublishedSoftAttention]
    assert {full(name).get_layer("soft_attention").heads for name in WITH_ATTENTION} == {12}


@pytest.mark.parametrize("name", NAMES)
def test_convolutions_and_dense_layers_are_rectified_before_batch_normalisation(name):
    model = full(name)
    for number in range(1, 7):
        convolution, norm = model.get_layer(f"conv{number}"), model.get_layer(f"bn{number}")
        assert convolution.activation is keras.activations.relu
        assert norm.input is convolution.output
        assert convolution.kernel_size == ((7, 7) if number == 1 else (3, 3))
        assert convolution.strides == ((2, 2) if number <= 2 else (1, 1))
        assert convolution.padding == ("valid" if number == 1 else "same")
    for number in (1, 2):
        assert model.get_layer(f"dense{number}").activation is keras.activations.relu


@pytest.mark.parametrize("name", NAMES)
def test_defaults_are_the_reports(name):
    model = full(name)
    norms = [layer for layer in model.layers if isinstance(layer, layers.BatchNormalization)]
    drops = [layer for layer in model.layers if isinstance(layer, layers.Dropout)]
    assert [layer.momentum for layer in norms] == [0.99] * 6
    assert [layer.rate for layer in drops] == [0.5] * 2


def test_settings_reach_the_layers():
    model = build_shrunk("cnn", batch_norm_momentum=0.9, dropout=0.25, kernel_initializer="zeros")
    norms = [layer for layer in model.layers if isinstance(layer, layers.BatchNormalization)]
    drops = [layer for layer in model.layers if isinstance(layer, layers.Dropout)]
    assert {layer.momentum for layer in norms} == {0.9}
    assert {layer.rate for layer in drops} == {0.25}
    assert not any(np.any(w) for w in model.get_layer("dense2").get_weights())


def test_an_unknown_setting_is_refused():
    with pytest.raises(TypeError, match="momentum"):
        build_shrunk("cnn", momentum=0.9)


@pytest.mark.parametrize("name", NAMES)
def test_75_pixels_are_the_least(name):
    def build(side):
        spec = replace(MODELS[name], preprocessing=replace(RGB_100, height=side, width=side))
        return spec.build(width=1 / 64)

    assert build(75).get_layer("pool6").output.shape[1:3] == (1, 1)
    with pytest.raises(ValueError, match=r"[Nn]egative|pool"):
        build(74)


# --- what they do ---


@pytest.mark.parametrize("name", NAMES)
def test_probabilities_are_seven_that_sum_to_one(name, inputs):
    probabilities = shrunk(name)(inputs)
    assert (probabilities.shape, probabilities.dtype) == ((3, 7), tf.float32)
    assert np.min(probabilities) >= 0
    np.testing.assert_allclose(np.sum(probabilities, axis=1), 1.0, rtol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_every_trainable_weight_has_a_gradient_in_training(name, inputs):
    model = shrunk(name)
    with tf.GradientTape() as tape:
        probabilities = model(inputs, training=True)
        loss = tf.reduce_mean(-tf.math.log(probabilities[:, 1]))
    gradients = tape.gradient(loss, [w.value for w in model.trainable_weights])
    for weight, gradient in zip(model.trainable_weights, gradients, strict=True):
        assert gradient is not None, weight.path
        assert np.isfinite(gradient).all(), weight.path


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.filterwarnings(
    # Keras 3.15 hands its variables to np.array, which NumPy 2 no longer likes.
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
)
def test_a_saved_network_comes_back_whole(name, inputs, tmp_path):
    model = shrunk(name)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert [w.path for w in loaded.weights] == [w.path for w in model.weights]
    np.testing.assert_array_equal(loaded(inputs), model(inputs))
    assert [type(layer) for layer in loaded.layers] == [type(layer) for layer in model.layers]


@pytest.mark.parametrize("name", NAMES)
def test_weights_have_paths_of_their_own(name):
    paths = [weight.path for weight in full(name).weights]
    assert len(set(paths)) == len(paths)
    wanted = {"soft_attention/kernel", "soft_attention/bias"} if name in WITH_ATTENTION else set()
    wanted |= {"soft_attention/gamma"} if name == "cnn_sa" else set()
    assert {path for path in paths if path.startswith("soft_attention")} == wanted
    assert {"conv1/kernel", "bn6/moving_variance", "probabilities/bias"} <= set(paths)


@pytest.mark.parametrize("name", NAMES)
def test_in_half_precision_probabilities_and_maps_stay_float32(name, inputs, half_precision):
    model = build_shrunk(name)
    assert model.get_layer("conv5").compute_dtype == "bfloat16"
    assert {str(w.dtype) for w in model.weights} == {"float32"}
    probabilities = model(inputs)
    assert probabilities.dtype == tf.float32
    np.testing.assert_allclose(np.sum(probabilities, axis=1), 1.0, rtol=1e-6)
    if name in WITH_ATTENTION:
        _, maps = model.get_layer("soft_attention").output
        read = keras.Model(model.input, maps)(inputs)
        assert read.dtype == tf.float32
        np.testing.assert_allclose(np.sum(read, axis=(1, 2)), 1.0, rtol=1e-6)


def test_the_attended_features_are_joined_to_their_input(inputs):
    model = shrunk("cnn_sa")
    attended, _ = model.get_layer("soft_attention").output
    read = keras.Model(
        model.input, [model.get_layer("bn5").output, attended, model.get_layer("joined").output]
    )
    features, attended, joined = (np.asarray(output) for output in read(inputs))
    np.testing.assert_array_equal(joined, np.concatenate([features, attended], axis=-1))
