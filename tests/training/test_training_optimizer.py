from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf

from skinmodel.errors import ConfigError
from skinmodel.training.network import decays, in_head
from skinmodel.training.recipes import load_recipe
from skinmodel.training.tensorflow_engine.optimizer import FusedAdam

CONFIG = replace(
    load_recipe("grouped", "cnn", "float32"), head_rate=1.0, weight_decay=0.0, epsilon=1e-3
)
RATES = (1e-2, 3e-2, 2e-2, 1e-3, 5e-2)


def build_variables():
    """Three convolution and dense layers' kernels and biases, and a scalar, seeded."""
    rng = np.random.default_rng(3)
    shapes = {
        "conv1/kernel": (3, 3, 2, 4),
        "conv1/bias": (4,),
        "dense1/kernel": (6, 5),
        "dense1/bias": (5,),
        "soft_attention/gamma": (),
    }
    variables = []
    for path, shape in shapes.items():
        layer, name = path.split("/")
        with keras.name_scope(layer):
            values = rng.normal(size=shape).astype(np.float32)
            variables.append(keras.Variable(values, name=name))
        assert variables[-1].path == path
    return variables


def draw_gradients(step):
    rng = np.random.default_rng([5, step])
    return [tf.constant(rng.normal(size=v.shape).astype(np.float32)) for v in build_variables()]


def run_fused(config, rates=RATES):
    variables = build_variables()
    optimizer = FusedAdam(variables, config)
    apply = tf.function(optimizer.apply)
    for step, rate in enumerate(rates):
        apply(draw_gradients(step), tf.constant(rate, tf.float32))
    return [v.numpy() for v in variables]


def run_keras(optimizer, rates=RATES):
    variables = build_variables()
    optimizer.build(variables)
    for step, rate in enumerate(rates):
        optimizer.learning_rate = rate
        optimizer.apply(draw_gradients(step), variables)
    return [v.numpy() for v in variables]


def assert_close(ours, theirs):
    for a, b, start in zip(ours, theirs, build_variables(), strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-6, atol=2e-6)
        assert not np.allclose(a, start.numpy(), atol=1e-3)  # it did move


@pytest.mark.parametrize("epsilon", [1e-7, 1e-3])
def test_it_is_keras_adam(epsilon):
    config = replace(CONFIG, epsilon=epsilon)
    theirs = keras.optimizers.Adam(1.0, beta_1=0.9, beta_2=0.999, epsilon=epsilon)
    assert (config.beta_1, config.beta_2) == (0.9, 0.999)
    assert_close(run_fused(config), run_keras(theirs))


def test_with_decay_it_is_keras_adamw_on_kernels_only():
    config = replace(CONFIG, weight_decay=0.3)
    theirs = keras.optimizers.AdamW(1.0, weight_decay=0.3, epsilon=1e-3)
    theirs.exclude_from_weight_decay(var_names=["bias", "gamma"])
    ours = run_fused(config)
    assert_close(ours, run_keras(theirs))
    plain = run_fused(CONFIG)
    same = [np.array_equal(a, b) for a, b in zip(ours, plain, strict=True)]
    assert same == [False, True, False, True, True]


def test_the_hidden_dense_layers_take_their_share_of_the_rate():
    ours = run_fused(replace(CONFIG, head_rate=0.1, weight_decay=0.3))
    full = run_fused(replace(CONFIG, weight_decay=0.3))
    slow = run_fused(replace(CONFIG, weight_decay=0.3), [r * 0.1 for r in RATES])
    for number, variable in enumerate(build_variables()):
        expected = slow if variable.path.startswith("dense1") else full
        np.testing.assert_allclose(ours[number], expected[number], rtol=1e-6, atol=1e-7)


def test_the_first_step_by_hand():
    # Without past, Adam moves every weight by rate * g / (|g| + epsilon / sqrt(1 - beta_2)).
    variable = keras.Variable(np.array([1.0, 1.0, 1.0], np.float32), name="bias")
    optimizer = FusedAdam([variable], replace(CONFIG, epsilon=1e-3))
    optimizer.apply([tf.constant([2.0, -0.5, 0.0])], tf.constant(0.1))
    shift = 1e-3 / np.sqrt(1 - 0.999)
    expected = [1 - 0.1 * 2 / (2 + shift), 1 + 0.1 * 0.5 / (0.5 + shift), 1.0]
    np.testing.assert_allclose(variable.numpy(), expected, rtol=1e-5)


def test_its_state_goes_on_where_it_stopped():
    straight = run_fused(CONFIG)
    variables = build_variables()
    before = FusedAdam(variables, CONFIG)
    for step, rate in enumerate(RATES[:2]):
        before.apply(draw_gradients(step), tf.constant(rate))
    state = before.get_state()
    assert state["steps"].tolist() == [2]
    after = FusedAdam(variables, CONFIG)
    after.set_state(state)
    for step, rate in enumerate(RATES[2:], start=2):
        after.apply(draw_gradients(step), tf.constant(rate))
    for a, b in zip(variables, straight, strict=True):
        np.testing.assert_allclose(a.numpy(), b, rtol=1e-6, atol=1e-7)


def test_a_state_of_another_network_is_not_taken_in_part():
    optimizer = FusedAdam(build_variables(), CONFIG)
    good = {**optimizer.get_state(), "steps": np.array([7])}
    lacking = {k: v for k, v in good.items() if k != "second/dense1/kernel"}
    other = {**good, "first/dense1/bias": np.zeros(99, np.float32)}
    for state, name in (
        (lacking, "second/dense1/kernel"),
        ({**good, "third/gamma": np.zeros(1)}, "third/gamma"),
        (other, "first/dense1/bias"),
    ):
        with pytest.raises(ConfigError, match=rf"does not fit.*: {name}\. .*--force"):
            optimizer.set_state(state)
        assert optimizer.get_state()["steps"].tolist() == [0]


def test_which_variables_decay_and_which_are_the_head():
    paths = {v.path: (decays(v), in_head(v, ("dense1", "dense2"))) for v in build_variables()}
    assert paths == {
        "conv1/kernel": (True, False),
        "conv1/bias": (False, False),
        "dense1/kernel": (True, True),
        "dense1/bias": (False, True),
        "soft_attention/gamma": (False, False),
    }
