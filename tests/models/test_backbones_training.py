"""Every network on a pretrained backbone learns from one batch and comes back from its file."""

from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf

from skinmodel.models.auxiliary import Supervised
from skinmodel.models.registry import MODELS
from skinmodel.training.network import get_weights
from skinmodel.training.recipes import load_recipe
from skinmodel.training.tensorflow_engine.optimizer import FusedAdam
from skinmodel.training.tensorflow_engine.step import TrainStep
from skinmodel.weights.compact import decode, encode

# The least that leaves each of them more than one position to attend to.
SIDE = 107
# A step of one of these takes seconds; its control is the same graph without the attention.
DEEP = ("inception_resnet_v2", "densenet201")
SPECS = [spec for spec in MODELS.values() if spec.backbone and spec.name not in DEEP]


@pytest.fixture
def eager():
    """A single step is quicker without tracing its graph."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.mark.parametrize("spec", SPECS, ids=lambda s: s.name)
def test_one_step_moves_every_weight_and_the_file_brings_them_back(spec, eager, rng):
    keras.utils.set_random_seed(1)
    small = replace(spec.preprocessing, height=SIDE, width=SIDE)
    config = replace(load_recipe("finetune", spec.name, "float32"), preprocessing=small)
    model = replace(spec, preprocessing=small).build(dropout=config.dropout)
    optimizer = FusedAdam(model.trainable_variables, config)
    before = get_weights(model)
    pixels = rng.integers(0, 256, (2, SIDE, SIDE, 3), dtype=np.uint8)
    step = TrainStep(Supervised(model, ()), optimizer, config, np.ones(7, np.float32))
    loss, _ = step.run(pixels, np.array([0, 4]), tf.constant(1e-3), tf.constant([1, 0], tf.int32))
    assert np.isfinite(float(loss))
    after = get_weights(model)
    trained = {variable.path for variable in model.trainable_variables}
    assert {*before} >= trained
    still = [name for name in trained if np.array_equal(before[name], after[name])]
    assert still == []
    data, _ = encode(after, None)
    restored = decode(data, "the test's file")
    assert restored.keys() == after.keys()
    for name, values in after.items():
        np.testing.assert_array_equal(restored[name], values)
