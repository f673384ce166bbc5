from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf
from factories import TINY_MODELS

from skinmodel.data.augmentation import Augmentation
from skinmodel.errors import ConfigError
from skinmodel.models.auxiliary import Supervised, add_helpers
from skinmodel.training.objective import Objective
from skinmodel.training.recipes import load_recipe
from skinmodel.training.tensorflow_engine.optimizer import FusedAdam
from skinmodel.training.tensorflow_engine.step import TrainStep

CONFIG = replace(
    load_recipe("grouped", "cnn", "float32"),
    augmentation=Augmentation(),
    dropout=0.0,
    preprocessing=TINY_MODELS["cnn"].preprocessing,
)
SEED = tf.constant([1, 0], tf.int32)


def build():
    keras.utils.set_random_seed(3)
    model = TINY_MODELS["cnn"].build(dropout=0.0)
    return model, add_helpers(model, deep=True, attended=False)


def draw_inputs():
    return np.random.default_rng(4).uniform(-1, 1, (3, 80, 80, 3)).astype(np.float32)


def test_the_network_itself_stays_as_it_was():
    model, helped = build()
    whole, inputs = helped.model, draw_inputs()
    probabilities, auxiliary = (output.numpy() for output in whole(inputs, training=False))
    np.testing.assert_array_equal(probabilities, model(inputs, training=False).numpy())
    assert auxiliary.shape == probabilities.shape == (3, 7)
    np.testing.assert_allclose(auxiliary.sum(axis=1), 1, rtol=1e-5)
    own = {v.path for v in model.variables}
    assert {v.path for v in whole.variables} - own == {"auxiliary/kernel", "auxiliary/bias"}


def test_the_auxiliary_output_is_a_softmax_on_the_averaged_feature_map():
    model, helped = build()
    whole, inputs = helped.model, draw_inputs()
    features = keras.Model(model.input, model.get_layer("flatten").input)(inputs, training=False)
    kernel, bias = whole.get_layer("auxiliary").get_weights()
    logits = features.numpy().mean(axis=(1, 2)) @ kernel + bias
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(whole(inputs, training=False)[1].numpy(), expected, rtol=1e-4)


def test_a_network_without_dense_layers_after_a_flatten_is_refused():
    image = keras.Input((8, 8, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(image)
    with pytest.raises(ConfigError, match=r"no layer 'flatten'.*auxiliary = 0.0"):
        add_helpers(
            keras.Model(image, keras.layers.Dense(7)(pooled), name="pooled"),
            deep=True,
            attended=True,
        )


def test_the_objective_by_hand():
    _, helped = build()
    config = replace(CONFIG, auxiliary=0.5, distillation=0.25, attended=2.0, label_smoothing=0.0)
    weights = np.array([1, 2, 3, 1, 1, 1, 1], np.float32)
    objective = Objective(helped, config, weights)
    truth = np.array([2, 1])
    p = np.array([[0.1, 0.1, 0.5, 0.3, 0, 0, 0], [0.2, 0.6, 0.2, 0, 0, 0, 0]], np.float32) + 1e-6
    q = np.array([[0, 0, 0.8, 0.2, 0, 0, 0], [0.5, 0.5, 0, 0, 0, 0, 0]], np.float32)
    loss = (3 * -np.log(0.5) + 2 * -np.log(0.6)) / 2
    taught = 3 * -(0.8 * np.log(0.5) + 0.2 * np.log(0.3)) + 2 * -(np.log(0.2) + np.log(0.6)) / 2
    helping = (3 * -np.log(0.8) + 2 * -np.log(0.5)) / 2
    own = objective.own_loss(truth, tf.constant(p))
    found = objective.join(own, truth, tf.constant(p), {"deep": q})
    assert float(found) == pytest.approx(0.75 * loss + 0.25 * taught / 2 + 0.5 * helping, rel=1e-4)
    assert float(objective.join(tf.constant(1.5), truth, tf.constant(p), {})) == 1.5
    # The attended helper adds its loss and teaches nothing.
    found = objective.join(own, truth, tf.constant(p), {"attended": q})
    assert float(found) == pytest.approx(loss + 2.0 * helping, rel=1e-4)


def test_teachers_take_their_share_of_every_target_by_hand():
    _, helped = build()
    config = replace(CONFIG, auxiliary=0.5, distillation=0.0, label_smoothing=0.0, taught=0.25)
    objective = Objective(helped, config, np.array([1, 2, 3, 1, 1, 1, 1], np.float32))
    truth = np.array([2])
    p = np.array([[0.1, 0.1, 0.5, 0.3, 0, 0, 0]], np.float32) + 1e-6
    q = np.array([[0.1, 0, 0.4, 0.5, 0, 0, 0]], np.float32)
    answers = np.array([[0, 0, 0.6, 0.4, 0, 0, 0]], np.float32)
    own = objective.own_loss(truth, tf.constant(p), answers)
    by_hand = 3 * (0.75 * -np.log(0.5) + 0.25 * -(0.6 * np.log(0.5) + 0.4 * np.log(0.3)))
    assert float(own) == pytest.approx(by_hand, rel=1e-4)
    helping = 3 * (0.75 * -np.log(0.4) + 0.25 * -(0.6 * np.log(0.4) + 0.4 * np.log(0.5)))
    found = objective.join(own, truth, tf.constant(p), {"deep": q}, answers)
    assert float(found) == pytest.approx(by_hand + 0.5 * helping, rel=1e-4)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_only_a_weight_above_0_trains_by_the_auxiliary_loss(share):
    model, helped = build()
    # The network's own path to its convolutions is cut: what moves them comes by the other.
    model.get_layer("probabilities").set_weights(
        [np.zeros_like(w) for w in model.get_layer("probabilities").get_weights()]
    )
    config = replace(CONFIG, auxiliary=share, distillation=0.0, weight_decay=0.0)
    variables = helped.model.trainable_variables
    step = TrainStep(helped, FusedAdam(variables, config), config, np.ones(7, np.float32))
    before = model.get_layer("conv1").get_weights()[0]
    pixels = np.random.default_rng(5).integers(0, 256, (4, 80, 80, 3), dtype=np.uint8)
    loss, _ = step.run(pixels, np.arange(4), tf.constant(1e-2), SEED)
    assert float(loss) == pytest.approx(np.log(7), rel=1e-5)  # the network's own, not the sum
    moved = bool((model.get_layer("conv1").get_weights()[0] != before).any())
    assert moved == (share > 0)


def build_attended(gamma=None):
    keras.utils.set_random_seed(3)
    model = TINY_MODELS["cnn_sa"].build(dropout=0.0)
    if gamma is not None:
        model.get_layer("soft_attention").gamma.assign(gamma)
    return model, add_helpers(model, deep=False, attended=True)


def test_the_attended_helper_reads_the_features_pooled_by_the_summed_map():
    model, helped = build_attended()
    assert helped.names == ("attended",)
    inputs = draw_inputs()
    attention = model.get_layer("soft_attention")
    features, maps = (
        output.numpy()
        for output in keras.Model(model.input, [attention.input, attention.output[1]])(
            inputs, training=False
        )
    )
    weights = maps.sum(axis=-1) / maps.shape[-1]
    np.testing.assert_allclose(weights.sum(axis=(1, 2)), 1, rtol=1e-5)
    pooled = np.einsum("nhw,nhwc->nc", weights, features)
    kernel, bias = helped.model.get_layer("attended").get_weights()
    logits = pooled @ kernel + bias
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    own, attended = (output.numpy() for output in helped.model(inputs, training=False))
    np.testing.assert_allclose(attended, expected, rtol=1e-4)
    np.testing.assert_array_equal(own, model(inputs, training=False).numpy())


def test_a_twin_without_attention_gets_no_attended_helper():
    model = TINY_MODELS["cnn"].build(dropout=0.0)
    assert add_helpers(model, deep=False, attended=True) == Supervised(model, ())


def score_gradients(share):
    """Return the root mean square gradient of the scores' kernel, gamma as small as published."""
    model, helped = build_attended(gamma=0.01)
    config = replace(CONFIG, auxiliary=0.0, distillation=0.0, attended=share)
    objective = Objective(helped, config, np.ones(7, np.float32))
    truth = np.arange(3)
    with tf.GradientTape() as tape:
        own, attended = helped.model(draw_inputs(), training=True)
        total = objective.join(objective.own_loss(truth, own), truth, own, {"attended": attended})
    kernel = model.get_layer("soft_attention").kernel
    return float(np.sqrt(np.mean(np.square(tape.gradient(total, kernel.value).numpy()))))


def test_class_evidence_reaches_the_scores_only_through_the_attended_helper():
    # Why the published training leaves the map where chance put it.
    assert score_gradients(1.0) > 5 * score_gradients(0.0) > 0
