"""Both methods on shrunk networks: what they read, and that they leave the network alone."""

from dataclasses import replace
from functools import cache

import keras
import numpy as np
import pytest
import tensorflow as tf

from skinmodel.explain.many_passes import CELLS
from skinmodel.explain.probe import build_explainer
from skinmodel.explain.registry import (
    FASTER_SCORE_CAM,
    GRAD_CAM,
    GRAD_CAM_PLUS_PLUS,
    LAYER_CAM,
    METHODS,
    SMOOTH_GRAD,
    SOFT_ATTENTION,
    methods_of,
    quick_methods_of,
)
from skinmodel.models.registry import MODELS, RGB_100
from skinmodel.results import Explanation

NAMES = ("cnn", "cnn_sa", "cnn_sa_published")
WITH_ATTENTION = NAMES[1:]


def build_shrunk(name):
    spec = replace(MODELS[name], preprocessing=replace(RGB_100, height=80, width=80))
    keras.utils.set_random_seed(11)
    model = spec.build(width=1 / 32)
    # As after training: no two channels alike, and the softmax far from uniform.
    rng = np.random.default_rng(3)
    for weight in model.weights:
        if weight.path.endswith(("bias", "beta", "moving_mean")):
            weight.assign(rng.normal(scale=0.1, size=weight.shape))
    return model


@cache
def shrunk(name):
    return build_shrunk(name)


@cache
def explainer(method, name):
    return build_explainer(method, shrunk(name), MODELS[name])


@pytest.fixture
def image(rng):
    return rng.uniform(-1, 1, (1, 80, 80, 3)).astype(np.float32)


def compute_grad_cam(model, image, class_index):
    """Selvaraju et al. 2017, equations 1 and 2, on the logit of one class."""
    last = model.layers[-1]
    read = keras.Model(model.input, [model.get_layer("conv6").output, last.input])
    with tf.GradientTape() as tape:
        activations, features = read(image, training=False)
        logits = features @ last.kernel.value + last.bias.value
        score = logits[0, class_index]
    gradients = tape.gradient(score, activations)
    weights = np.mean(gradients, axis=(1, 2), keepdims=True)
    return np.maximum((np.asarray(activations) * weights).sum(axis=-1), 0)[0]


def as_explanation(values):
    return Explanation("cnn", "r1", "grad_cam", "conv6", "nv", values)


# --- Grad-CAM ---


@pytest.mark.parametrize("name", NAMES)
def test_grad_cam_is_the_papers_equation_on_the_logit(name, image):
    shown = 0
    for class_index in range(7):
        values = explainer(GRAD_CAM, name)(image, class_index).values
        expected = compute_grad_cam(shrunk(name), image, class_index)
        assert (values.shape, values.dtype) == ((3, 3), np.float32)
        np.testing.assert_allclose(values, expected, rtol=1e-3, atol=1e-7)
        shown += values.max() > 0
    assert shown >= 2


@pytest.mark.parametrize("name", NAMES)
def test_grad_cam_is_never_negative_and_has_no_heads(name, image):
    for class_index in range(7):
        cam = explainer(GRAD_CAM, name)(image, class_index)
        assert cam.values.min() >= 0
        assert cam.heads is None


@pytest.mark.parametrize("name", NAMES)
def test_another_class_gives_another_map(name, image):
    maps = [explainer(GRAD_CAM, name)(image, k).values for k in range(7)]
    assert len({values.tobytes() for values in maps if values.max() > 0}) >= 2
    assert any(not np.allclose(maps[0], other, atol=1e-7) for other in maps[1:])


def test_grad_cam_is_not_scaled_to_its_own_maximum(image):
    model = build_shrunk("cnn")
    before = build_explainer(GRAD_CAM, model, MODELS["cnn"])
    maps = [before(image, k).values for k in range(7)]
    strongest = int(np.argmax([values.max() for values in maps]))
    last = model.layers[-1]
    last.kernel.assign(3 * last.kernel)
    louder = build_explainer(GRAD_CAM, model, MODELS["cnn"])(image, strongest).values
    assert maps[strongest].max() > 0
    np.testing.assert_allclose(louder, 3 * maps[strongest], rtol=1e-4)


def test_a_class_that_nothing_speaks_for_has_a_null_map(image):
    model = build_shrunk("cnn")
    last = model.layers[-1]
    kernel = last.kernel.value.numpy().copy()
    kernel[:, 4] = 0.0
    last.kernel.assign(kernel)
    explain = build_explainer(GRAD_CAM, model, MODELS["cnn"])
    values = explain(image, 4).values
    assert not values.any()
    assert as_explanation(values).is_null
    others = [as_explanation(explain(image, k).values) for k in range(7)]
    assert not all(explanation.is_null for explanation in others)


@pytest.mark.parametrize(
    ("method", "name"),
    [(method, name) for name in NAMES for method in methods_of(MODELS[name])],
)
def test_the_shared_network_is_unchanged_after_explaining(name, method, image):
    model = build_shrunk(name)
    before = np.asarray(model(image))
    weights = [w.value.numpy().copy() for w in model.weights]
    explain = build_explainer(method, model, MODELS[name])
    for class_index in range(7):
        explain(image, class_index)
    np.testing.assert_array_equal(model(image), before)
    np.testing.assert_allclose(np.sum(model(image)), 1.0, rtol=1e-6)
    assert model.layers[-1].activation is keras.activations.softmax
    for old, new in zip(weights, model.weights, strict=True):
        np.testing.assert_array_equal(old, new.value.numpy())


# --- further methods ---


def read_gradients(model, image, class_index):
    """Return conv6's activations and the gradients of one class's logit."""
    last = model.layers[-1]
    read = keras.Model(model.input, [model.get_layer("conv6").output, last.input])
    with tf.GradientTape() as tape:
        activations, features = read(image, training=False)
        score = (features @ last.kernel.value + last.bias.value)[0, class_index]
    return np.asarray(activations)[0], np.asarray(tape.gradient(score, activations))[0]


def test_layer_cam_is_the_papers_equation(image):
    shown = 0
    for class_index in range(7):
        values = explainer(LAYER_CAM, "cnn")(image, class_index).values
        activations, gradients = read_gradients(shrunk("cnn"), image, class_index)
        expected = np.maximum((np.maximum(gradients, 0) * activations).sum(axis=-1), 0)
        np.testing.assert_allclose(values, expected, rtol=1e-3, atol=1e-7)
        shown += values.max() > 0
    assert shown >= 2


@pytest.mark.parametrize("method", [GRAD_CAM_PLUS_PLUS, FASTER_SCORE_CAM, SMOOTH_GRAD])
def test_every_further_method_has_a_map_a_class_and_no_negative_value(method, image):
    explain = explainer(method, "cnn_sa")
    maps = [explain(image, k).values for k in range(7)]
    side = CELLS if method == SMOOTH_GRAD else 3
    assert {m.shape for m in maps} == {(side, side)}
    assert {m.dtype for m in maps} == {np.dtype(np.float32)}
    assert min(m.min() for m in maps) >= 0
    assert len({m.tobytes() for m in maps if m.max() > 0}) >= 2
    np.testing.assert_array_equal(maps[3], explain(image, 3).values)


@pytest.mark.parametrize("method", sorted(METHODS))
def test_many_images_get_the_maps_they_get_alone(method, rng):
    explain = explainer(method, "cnn_sa")
    images = rng.uniform(-1, 1, (3, 80, 80, 3)).astype(np.float32)
    classes = np.array([4, 0, 2])
    together = explain.explain_many(images, classes)
    alone = [explain(images[n : n + 1], int(k)).values for n, k in enumerate(classes)]
    np.testing.assert_allclose(together, np.stack(alone), rtol=1e-3, atol=1e-6)


def test_nothing_is_printed_by_a_method(image, capfd):
    explainer(FASTER_SCORE_CAM, "cnn")(image, 0)
    assert not capfd.readouterr().out


def test_slow_methods_come_last_and_only_by_name():
    for spec in (MODELS["cnn"], MODELS["efficientnet_lite0_sa"]):
        names, quick = methods_of(spec), quick_methods_of(spec)
        assert names[: len(quick)] == quick
        assert set(names) - set(quick) == {FASTER_SCORE_CAM, SMOOTH_GRAD}
    assert all(method.cost and method.source for method in METHODS.values())


# --- soft attention ---


@pytest.mark.parametrize("name", WITH_ATTENTION)
def test_soft_attention_is_the_layers_own_maps_and_their_sum(name, image):
    model = shrunk(name)
    seen = explainer(SOFT_ATTENTION, name)(image, 0)
    layer = model.get_layer("soft_attention")
    _, maps = layer(keras.Model(model.input, layer.input)(image))
    assert (seen.heads.shape, seen.heads.dtype) == ((5, 5, 12), np.float32)
    assert (seen.values.shape, seen.values.dtype) == ((5, 5), np.float32)
    np.testing.assert_allclose(seen.heads, maps[0], rtol=1e-4)
    np.testing.assert_allclose(seen.values, seen.heads.sum(axis=-1), rtol=1e-6)
    np.testing.assert_allclose(seen.heads.sum(axis=(0, 1)), 1.0, rtol=1e-5)
    assert np.ptp(seen.values) > 0


@pytest.mark.parametrize("name", WITH_ATTENTION)
def test_soft_attention_knows_the_image_but_no_class(name, image, rng):
    explain = explainer(SOFT_ATTENTION, name)
    first = explain(image, 0).values
    np.testing.assert_array_equal(first, explain(image, 5).values)
    other = rng.uniform(-1, 1, image.shape).astype(np.float32)
    assert not np.array_equal(first, explain(other, 0).values)


def test_soft_attention_takes_one_image_at_a_time(image):
    with pytest.raises((TypeError, ValueError), match=r"\(1, 80, 80, 3\)|shape"):
        explainer(SOFT_ATTENTION, "cnn_sa")(np.repeat(image, 2, axis=0), 0)
