"""Graphs of small networks with random weights: each rule of ``inference.graph`` against Keras."""

import keras
import numpy as np
import pytest
from factories import TINY_INPUT, TINY_MODELS
from keras import layers

from skinmodel.errors import ConfigError, WeightsError
from skinmodel.inference import engine
from skinmodel.inference.engine import OnnxEngine
from skinmodel.inference.graph import build_graph, find_unknown
from skinmodel.models.receptive_field import place_cells

SIDES = (21, 18)  # odd and even: TensorFlow pads them differently


def scramble(model):
    """Give every weight a value of its own, so that none can be mistaken for another."""
    rng = np.random.default_rng(3)
    for variable in model.variables:
        if str(variable.dtype) == "float32":
            values = rng.normal(size=variable.shape) / 3
            spread = "variance" in variable.path
            variable.assign(np.abs(values) + 0.5 if spread else values)
    return {v.path: v.numpy() for v in model.variables if str(v.dtype) == "float32"}


def finish(inputs, x):
    outputs = layers.Dense(7, activation="softmax", name="probabilities")(x)
    return keras.Model(inputs, outputs, name="small")


def convolutions(x):
    x = layers.Conv2D(6, 3, strides=2, padding="same", activation="relu", name="a")(x)
    x = layers.BatchNormalization(name="b")(x)
    x = layers.DepthwiseConv2D(5, strides=2, padding="same", use_bias=False, name="c")(x)
    return layers.ReLU(max_value=6.0, name="d")(x)


def pooled(x):
    x = layers.Conv2D(4, (2, 3), padding="valid", name="a")(x)
    return layers.MaxPooling2D(3, strides=2, padding="same", name="b")(x)


def branches(x):
    left = layers.Conv2D(3, 3, padding="same", name="a")(x)
    both = layers.Add(name="b")([left, x])
    return layers.Concatenate(name="c")([both, layers.ReLU(name="d")(left)])


@pytest.mark.parametrize("trunk", [convolutions, pooled, branches])
@pytest.mark.parametrize("end", ["average", "flatten"])
def test_a_graph_computes_what_keras_does(trunk, end, rng):
    inputs = keras.Input((*SIDES, 3), name="image")
    x = trunk(inputs)
    x = layers.GlobalAveragePooling2D()(x) if end == "average" else layers.Flatten()(x)
    x = layers.Dropout(0.5)(layers.Dense(5, activation="relu", name="hidden")(x))
    model = finish(inputs, x)
    weights = scramble(model)
    images = rng.normal(size=(3, *SIDES, 3)).astype(np.float32)
    found = OnnxEngine(build_graph(model, None), weights).run(images)
    np.testing.assert_allclose(found.probabilities, model(images, training=False), atol=1e-6)
    features = keras.Model(inputs, x)(images, training=False)
    np.testing.assert_allclose(found.features, features, rtol=1e-4, atol=1e-5)
    assert found.attention is None


def test_the_attention_and_where_its_cells_lie_come_out_as_well(rng):
    model = TINY_MODELS["cnn_sa"].build()
    weights = scramble(model)
    quick = OnnxEngine(build_graph(model, "soft_attention"), weights)
    images = rng.normal(size=(2, TINY_INPUT.height, TINY_INPUT.width, 3)).astype(np.float32)
    found = quick.run(images)
    maps = keras.Model(model.input, model.get_layer("soft_attention").output[1])
    np.testing.assert_allclose(found.attention, maps(images, training=False), atol=1e-6)
    np.testing.assert_allclose(found.probabilities, model(images, training=False), atol=1e-6)
    assert quick.placement == place_cells(model, "soft_attention")


def test_a_graph_holds_no_weights_and_is_the_same_each_time():
    graphs = [build_graph(TINY_MODELS["cnn_sa"].build(), "soft_attention") for _ in range(2)]
    assert graphs[0] == graphs[1]
    assert len(graphs[0]) < 10_000


def test_many_pictures_go_in_parts_and_one_alone(monkeypatch, rng):
    model = TINY_MODELS["cnn"].build()
    quick = OnnxEngine(build_graph(model, None), scramble(model))
    images = rng.normal(size=(11, TINY_INPUT.height, TINY_INPUT.width, 3)).astype(np.float32)
    whole = quick.run(images)
    monkeypatch.setattr(engine, "BULK", 4)
    parts = quick.run(images)
    np.testing.assert_allclose(parts.probabilities, whole.probabilities, atol=1e-6)
    for row in (0, 3, 10):
        alone = quick.run(images[row : row + 1])
        np.testing.assert_allclose(alone.probabilities[0], whole.probabilities[row], atol=1e-6)


@pytest.mark.parametrize("change", [lambda w: w.pop("conv3/kernel"), lambda w: w.clear()])
def test_weights_of_another_network_are_refused(change):
    model = TINY_MODELS["cnn"].build()
    graph, weights = build_graph(model, None), scramble(model)
    change(weights)
    with pytest.raises(WeightsError, match="do not fit each other"):
        OnnxEngine(graph, weights)


def test_a_layer_without_a_rule_is_named():
    inputs = keras.Input((*SIDES, 3), name="image")
    x = layers.GlobalMaxPooling2D()(layers.ZeroPadding2D()(inputs))
    model = finish(inputs, x)
    assert find_unknown(model) == ("GlobalMaxPooling2D", "ZeroPadding2D")
    with pytest.raises(ConfigError, match="kinds GlobalMaxPooling2D, ZeroPadding2D"):
        build_graph(model, None)
    inputs = keras.Input((*SIDES, 3), name="image")
    x = layers.Flatten()(layers.Conv2D(2, 3, activation="elu", name="odd")(inputs))
    with pytest.raises(ConfigError, match="'odd' has the activation 'elu'"):
        build_graph(finish(inputs, x), None)
