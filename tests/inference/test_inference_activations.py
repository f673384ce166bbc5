"""What the layers of a small, untrained CNN-SA hand on, held to its own parts and to NumPy."""

import keras
import numpy as np
import pytest
from factories import TINY_INPUT, TINY_MODELS

from skinmodel.errors import ConfigError, ImageError, UnknownNameError
from skinmodel.imaging import preprocess
from skinmodel.inference.classifier import Classifier


@pytest.fixture(scope="module")
def network():
    keras.utils.set_random_seed(3)
    spec = TINY_MODELS["cnn_sa"]
    model = spec.build()
    rng = np.random.default_rng(3)
    weights = {v.path: np.asarray(v, np.float32) for v in model.variables if "seed" not in v.path}
    # Untrained biases and statistics are 0 and 1, which would hide that they are left out.
    weights = {
        path: values + rng.uniform(0.1, 0.5, values.shape).astype(np.float32) * (values.ndim < 2)
        for path, values in weights.items()
    }
    return Classifier(spec, weights, TINY_INPUT, "r1", model=model)


@pytest.fixture(scope="module")
def image():
    return np.random.default_rng(5).integers(0, 256, (90, 110, 3), dtype=np.uint8)


@pytest.mark.parametrize("name", ["conv1", "bn3", "pool5", "joined", "dense1", "probabilities"])
def test_a_layer_hands_on_what_the_network_cut_there_answers(network, image, name):
    cut = keras.Model(network._model.input, network._model.get_layer(name).output)
    expected = cut(preprocess.apply([image], TINY_INPUT), training=False).numpy()[0]
    found = network.activations(image, [name])
    assert list(found) == [name]
    assert found[name].dtype == np.float32
    np.testing.assert_allclose(found[name], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["conv1", "conv4", "dense2"])
def test_before_and_after_an_activation_are_relu_apart(network, image, name):
    found = network.activations(image, [f"{name}/linear", name])
    np.testing.assert_allclose(found[name], np.maximum(found[f"{name}/linear"], 0), atol=1e-5)
    assert found[f"{name}/linear"].min() < 0 < found[name].max()


def test_the_logits_come_before_the_softmax(network, image):
    found = network.activations(image, ["probabilities/linear", "probabilities"])
    logits = found["probabilities/linear"]
    powers = np.exp(logits - logits.max())
    np.testing.assert_allclose(found["probabilities"], powers / powers.sum(), rtol=1e-5)


def test_what_enters_and_every_output_of_soft_attention(network, image):
    names = ("bn5", "soft_attention/input", "soft_attention", "soft_attention/1", "joined")
    found = network.activations(image, names)
    assert tuple(found) == names
    np.testing.assert_array_equal(found["bn5"], found["soft_attention/input"])
    heads = found["soft_attention/1"]
    assert heads.shape == (*found["bn5"].shape[:2], 12)
    np.testing.assert_allclose(heads.sum(axis=(0, 1)), 1, rtol=1e-5)
    both = np.concatenate([found["bn5"], found["soft_attention"]], axis=-1)
    np.testing.assert_array_equal(found["joined"], both)


def test_reading_leaves_the_answers_as_they_were_and_builds_once_a_choice(network, image):
    before = network.predict([image])
    variables = len(network._model.variables)
    first = network.activations(image, ("conv2/linear", "conv2"))
    reader = network._readers["conv2/linear", "conv2"]
    again = network.activations(image, ("conv2/linear", "conv2"))
    assert network._readers["conv2/linear", "conv2"] is reader
    np.testing.assert_array_equal(first["conv2/linear"], again["conv2/linear"])
    np.testing.assert_array_equal(network.predict([image]), before)
    assert len(network._model.variables) == variables


@pytest.mark.parametrize(
    ("layers", "error", "named"),
    [
        (["conv9"], UnknownNameError, "no layer of cnn_sa called 'conv9'.*bn1"),
        (["pool1/linear"], UnknownNameError, "no part of the layer pool1 called 'linear'.*input"),
        (["conv1/1"], UnknownNameError, "no part of the layer conv1 called '1'"),
        ([], ConfigError, "no layer to read"),
    ],
)
def test_what_the_network_does_not_have_is_refused_by_name(network, image, layers, error, named):
    with pytest.raises(error, match=named):
        network.activations(image, layers)


def test_what_is_no_picture_is_refused(network):
    with pytest.raises(ImageError, match="float64"):
        network.activations(np.zeros((8, 8, 3)), ["conv1"])
