from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf
from factories import TINY_MODELS

from skinmodel.data.augmentation import Augmentation
from skinmodel.data.changes import to_input
from skinmodel.diagnoses import CODES
from skinmodel.models.auxiliary import Supervised
from skinmodel.training.network import compute_in, reseed_dropout
from skinmodel.training.recipes import load_recipe
from skinmodel.training.tensorflow_engine.optimizer import FusedAdam
from skinmodel.training.tensorflow_engine.step import Predictor, TrainStep

CONFIG = replace(
    load_recipe("grouped", "cnn_sa", "float32"),
    augmentation=Augmentation(),
    dropout=0.0,
    preprocessing=TINY_MODELS["cnn_sa"].preprocessing,
)
ONES = np.ones(len(CODES), np.float32)
RATE = tf.constant(1e-2)
SEED = tf.constant([1, 0], tf.int32)


def draw_batch(count=4):
    rng = np.random.default_rng(2)
    pixels = rng.integers(0, 256, (count, 80, 80, 3), dtype=np.uint8)
    return pixels, np.arange(count, dtype=np.int64)


def build(config, weights=ONES):
    keras.utils.set_random_seed(1)
    with compute_in(config.precision):
        model = TINY_MODELS["cnn_sa"].build(dropout=config.dropout)
    optimizer = FusedAdam(model.trainable_variables, config)
    return model, optimizer, TrainStep(Supervised(model, ()), optimizer, config, weights)


def values_of(model):
    return {v.path: v.numpy() for v in model.variables}


def test_loss_and_hits_are_those_of_the_network_before_the_update():
    pixels, truth = draw_batch()
    weights = np.array([1, 2, 0.5, 4, 1, 1, 1], np.float32)
    model, optimizer, step = build(CONFIG, weights)
    inputs = to_input(tf.constant(pixels), CONFIG.preprocessing)
    before = values_of(model)
    p = model(inputs, training=True).numpy().astype(np.float64)
    for variable in model.variables:  # that call moved the statistics
        variable.assign(before[variable.path])
    loss, hits = step.run(pixels, truth, RATE, SEED)
    smooth = CONFIG.label_smoothing
    targets = np.eye(7)[truth] * (1 - smooth) + smooth / 7
    expected = (-(targets * np.log(p)).sum(axis=1) * weights[truth]).mean()
    assert smooth > 0
    assert float(loss) == pytest.approx(expected, rel=1e-4)
    assert float(hits) == (p.argmax(axis=1) == truth).sum()
    assert int(optimizer.steps) == 1


def test_a_step_changes_every_weight_and_statistic():
    pixels, truth = draw_batch()
    model, _, step = build(CONFIG)
    before = values_of(model)
    step.run(pixels, truth, RATE, SEED)
    still = [
        path for path, value in values_of(model).items() if np.array_equal(value, before[path])
    ]
    # Dense layers this narrow may hold only units that no image reaches.
    assert not [path for path in still if not path.startswith(("dense", "dropout"))]


def test_steps_on_one_batch_bring_the_loss_down_and_are_traced_once():
    pixels, truth = draw_batch()
    _, _, step = build(CONFIG)
    losses = [float(step.run(pixels, truth, RATE, SEED)[0]) for _ in range(15)]
    assert losses[-1] < 0.8 * losses[0]
    assert step.run.experimental_get_tracing_count() == 1


def test_equal_seeds_augment_alike_and_others_do_not():
    pixels, truth = draw_batch()
    config = replace(CONFIG, augmentation=Augmentation(rotation=180.0, brightness=0.3))
    _, _, step = build(config)
    still = tf.constant(0.0)  # at rate 0 every step sees the same weights
    losses = [
        float(step.run(pixels, truth, still, tf.constant(seed, tf.int32))[0])
        for seed in ([1, 0], [1, 0], [1, 1], [2, 0])
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)
    assert len({round(loss, 5) for loss in losses}) == 3


def test_float16_skips_a_step_whose_gradients_are_not_finite():
    config = replace(CONFIG, precision="float16", weight_decay=0.5)
    model, optimizer, step = build(config)
    update = tf.function(step._update)
    gradients = [tf.ones(v.shape) for v in optimizer.variables]
    before = values_of(model)
    for bad in (np.inf, -np.inf, np.nan):
        update([*gradients[:-1], tf.fill(gradients[-1].shape, bad)], RATE)
    assert int(optimizer.steps) == 0
    for path, value in values_of(model).items():
        np.testing.assert_array_equal(value, before[path])
    update(gradients, RATE)
    assert int(optimizer.steps) == 1
    assert not np.array_equal(values_of(model)["conv1/kernel"], before["conv1/kernel"])


def test_float16_divides_its_loss_scale_out_again():
    config = replace(CONFIG, precision="float16")
    _, optimizer, step = build(config)
    scale = step.loss_scale
    assert scale > 1
    step._update([tf.fill(v.shape, scale) for v in optimizer.variables], RATE)
    # The first moment after one step is (1 - beta_1) times the gradient, which was 1.
    np.testing.assert_allclose(optimizer.first[0].numpy(), 1 - config.beta_1, rtol=1e-5)


def test_a_real_overflow_in_float16_leaves_the_weights_alone():
    pixels, truth = draw_batch()
    config = replace(CONFIG, precision="float16")
    model, optimizer, step = build(config, ONES * np.float32(1e6))
    before = values_of(model)
    loss, _ = step.run(pixels, truth, RATE, SEED)
    assert np.isfinite(float(loss))
    assert int(optimizer.steps) == 0
    for variable in model.trainable_variables:
        np.testing.assert_array_equal(variable.numpy(), before[variable.path])


def test_bfloat16_trains_with_float32_weights_and_gradients():
    pixels, truth = draw_batch()
    config = replace(CONFIG, precision="bfloat16")
    model, optimizer, step = build(config)
    assert step.loss_scale == 1.0
    losses = [float(step.run(pixels, truth, RATE, SEED)[0]) for _ in range(3)]
    assert np.isfinite(losses).all()
    assert int(optimizer.steps) == 3
    assert {str(v.dtype) for v in model.trainable_variables} == {"float32"}
    probabilities = Predictor(model, config)(pixels)
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)


def test_the_predictor_answers_in_order_without_augmentation_or_dropout():
    pixels, _ = draw_batch(5)
    config = replace(CONFIG, batch_size=2, dropout=0.5, augmentation=Augmentation(rotation=90.0))
    model, _, _ = build(config)
    found = Predictor(model, config)(pixels)
    inputs = to_input(tf.constant(pixels), config.preprocessing)
    np.testing.assert_allclose(found, model(inputs, training=False).numpy(), atol=1e-6)


def test_reseeding_makes_the_dropout_of_an_epoch_repeatable():
    model, _, _ = build(replace(CONFIG, dropout=0.5))
    ones = tf.ones((1, 4096))
    layers = [layer for layer in model.layers if layer.name.startswith("dropout")]

    def masks(seed, epoch):
        reseed_dropout(model, seed, epoch)
        return [layer(ones, training=True).numpy() for layer in layers for _ in range(2)]

    first, again = masks(1, 3), masks(1, 3)
    np.testing.assert_array_equal(first, again)
    assert 0.45 < np.mean(first[0] == 0) < 0.55
    different = [first[0], first[1], first[2], masks(1, 4)[0], masks(2, 3)[0]]
    assert len({mask.tobytes() for mask in different}) == 5
