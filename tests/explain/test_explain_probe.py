"""Where cells look, and a network that is sound told from ones with random weights."""

from dataclasses import replace
from functools import cache

import keras
import numpy as np
import pytest
import tensorflow as tf
from maps import draw_subjects, to_table

from skinmodel.errors import ConfigError
from skinmodel.explain.probe import Probe
from skinmodel.explain.registry import place_map
from skinmodel.faithfulness.measure import measure
from skinmodel.faithfulness.summary import add_controls, summarize
from skinmodel.imaging.placement import WHOLE
from skinmodel.imaging.preprocess import Preprocessing
from skinmodel.models.receptive_field import place_cells
from skinmodel.models.registry import MODELS
from skinmodel.models.soft_attention import SoftAttention

TESTS = ("mass_over_mean", "mass_over_gaussian", "deletion_gain", "drop_over_rolled")
INPUT = Preprocessing(64, 64, "RGB", 1 / 127.5, -1.0, "area")
SPEC = replace(
    MODELS["cnn"], preprocessing=INPUT, cam_layer="look", attention_layer=None, parameters=0
)


def build_spotter(seed=None):
    """Return a network that finds dark spots, or the same with random weights."""
    keras.utils.set_random_seed(0 if seed is None else seed)
    inputs = keras.Input((64, 64, 3), name="image")
    x = keras.layers.Conv2D(4, 8, strides=8, activation="relu", name="look")(inputs)
    x = keras.layers.GlobalAveragePooling2D(name="pooled")(x)
    outputs = keras.layers.Dense(7, activation="softmax", name="probabilities")(x)
    model = keras.Model(inputs, outputs)
    if seed is None:
        kernel, bias = np.zeros((8, 8, 3, 4), np.float32), np.zeros(4, np.float32)
        kernel[..., 0] = -1 / 192  # minus the mean: above zero where it is dark
        dense = np.zeros((4, 7), np.float32)
        dense[0, 0] = 60.0
        model.get_layer("look").set_weights([kernel, bias])
        model.get_layer("probabilities").set_weights([dense, np.zeros(7, np.float32)])
    return model


def build_probe(model, temperature=1.0, spec=SPEC):
    answer = tf.function(lambda inputs: model(inputs, training=False))
    return Probe(model, spec, INPUT, temperature, lambda inputs: answer(inputs).numpy())


@cache
def measure_network(seed=None):
    subjects = draw_subjects(24)
    probe = build_probe(build_spotter(seed))
    probabilities = probe.predict(np.stack([s.pixels for s in subjects]))
    found = measure(probe, subjects, probabilities, "grad_cam", WHOLE, per_class=True, seed=1)
    table = add_controls(to_table(subjects, found, probabilities), found.maps, found.lesions, WHOLE)
    return summarize(table, ("mass", "area"), draws=200)["differences"]


def test_a_network_that_finds_spots_is_told_from_ones_with_random_weights():
    sound = measure_network()
    assert all(sound[name].low > 0 for name in TESTS), {n: sound[n] for n in TESTS}
    randoms = [measure_network(seed) for seed in range(4)]
    for name in ("deletion_gain", "drop_over_rolled"):
        assert sound[name].low > 3 * max(random[name].high for random in randoms), name
    # Some of them react to nothing but dark spots by chance, but not all do.
    assert not all(random[name].low > 0 for name in TESTS for random in randoms)


def test_mixing_weights_up_changes_maps_and_is_undone():
    model = build_spotter()
    probe = build_probe(model)
    pixels, classes = np.stack([s.pixels for s in draw_subjects(6)]), np.zeros(6, np.int64)
    before = probe.explain("grad_cam", pixels, classes)
    weights = [w.copy() for w in model.get_weights()]
    assert probe.count_weighted_layers() == 2
    for layers in (1, 2):
        with probe.mixed_up(layers, 5):
            after = probe.explain("grad_cam", pixels, classes)
            kernel, _, dense, _ = model.get_weights()
        assert np.array_equal(kernel, weights[0]) is (layers == 1)
        assert not np.array_equal(dense, weights[2])
        np.testing.assert_array_equal(np.sort(kernel.ravel()), np.sort(weights[0].ravel()))
        assert not np.array_equal(after, before)
    np.testing.assert_array_equal(probe.explain("grad_cam", pixels, classes), before)
    for old, new in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_answers_are_calibrated_and_alike_in_any_batch():
    subjects = draw_subjects(6)
    pixels = np.stack([s.pixels for s in subjects])
    model = build_spotter()
    plain = np.asarray(model(pixels / np.float32(127.5) - 1))
    np.testing.assert_allclose(build_probe(model).predict(pixels), plain, rtol=1e-5)
    warm = build_probe(model, 2.0).predict(pixels)
    roots = np.sqrt(plain)
    np.testing.assert_allclose(warm, roots / roots.sum(axis=1, keepdims=True), rtol=1e-4)


def test_the_effect_of_an_attention_is_what_the_answers_lose_without_it():
    pixels = np.stack([s.pixels for s in draw_subjects(5)])
    keras.utils.set_random_seed(4)
    inputs = keras.Input((64, 64, 3), name="image")
    x = keras.layers.Conv2D(4, 8, strides=8, name="look")(inputs)
    attended, _ = SoftAttention(heads=2, name="soft_attention")(x)
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Concatenate()([x, attended]))
    model = keras.Model(inputs, keras.layers.Dense(7, activation="softmax", name="last")(x))
    gamma = model.get_layer("soft_attention").gamma
    probe = build_probe(model, spec=replace(SPEC, attention_layer="soft_attention"))
    scaled = pixels / np.float32(127.5) - 1
    answers = {}
    for value in (0.0, 30.0):
        gamma.assign(value)
        answers[value] = np.asarray(model(scaled))
    expected = np.abs(answers[30.0] - answers[0.0]).sum(axis=1).mean() / 2
    assert probe.measure_effect(pixels) == pytest.approx(expected, rel=1e-5)
    assert expected > 0.01
    assert float(gamma) == 30.0
    gamma.assign(0.0)
    assert probe.measure_effect(pixels) == 0.0
    assert build_probe(build_spotter()).measure_effect(pixels) is None


# --- where cells look ---


@pytest.mark.parametrize(
    ("name", "layer", "edges"),
    [
        # conv1's 47 cells look at pixels 3, 5, ... 95: their edges are 2.5 and 96.5 of 100.
        ("cnn", "conv1", (0.025, 0.025, 0.965, 0.965)),
        ("cnn", "conv6", (0.255, 0.255, 0.735, 0.735)),
        ("cnn_sa", "soft_attention", (0.175, 0.175, 0.815, 0.815)),
        ("cnn_sa_published", "soft_attention", (0.175, 0.175, 0.815, 0.815)),
        ("efficientnet_lite0_sa", "soft_attention", (0.0, 0.0, 1.0, 1.0)),
    ],
)
def test_cells_lie_around_their_receptive_fields(name, layer, edges):
    settings = {"width": 1 / 64} if name.startswith("cnn") else {}
    model = MODELS[name].build(kernel_initializer="zeros", **settings)
    found = place_cells(model, layer)
    np.testing.assert_allclose(found.to_list(), edges, atol=1e-9)


def test_a_pixel_moves_most_the_cell_that_is_placed_around_it():
    model = MODELS["cnn"].build(width=1 / 64)
    for layer in model.layers:  # alike in every direction, as random kernels are not
        if "conv" in layer.name:
            kernel, bias = layer.get_weights()
            layer.set_weights([np.full_like(kernel, 1 / kernel[..., 0].size), bias])
    place = place_cells(model, "conv5")
    reader = keras.Model(model.inputs, model.get_layer("conv5").output)
    rows, columns = place.centres(8, 8)
    rng = np.random.default_rng(2)
    inputs = tf.constant(rng.random(size=(8, 100, 100, 3)).astype(np.float32))
    for row, column in ((3, 3), (4, 2), (3, 5)):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            seen = tf.reduce_sum(reader(inputs, training=False)[:, row, column] ** 2)
        strength = (np.asarray(tape.gradient(seen, inputs)) ** 2).sum(axis=(0, 3))
        pixels = (np.arange(100) + 0.5) / 100
        assert (strength.sum(axis=1) * pixels).sum() / strength.sum() == pytest.approx(
            rows[row], abs=0.05
        )
        assert (strength.sum(axis=0) * pixels).sum() / strength.sum() == pytest.approx(
            columns[column], abs=0.05
        )


def test_a_map_of_the_input_covers_the_picture_and_an_unknown_layer_is_named():
    assert place_map("smooth_grad", build_spotter(), SPEC) == WHOLE
    inputs = keras.Input((64, 64, 3))
    x = keras.layers.Cropping2D(4, name="cut")(inputs)
    model = keras.Model(inputs, keras.layers.Conv2D(1, 3, name="last")(x))
    with pytest.raises(ConfigError, match="'cut' is of the kind Cropping2D"):
        place_cells(model, "last")
