from dataclasses import replace

import numpy as np
import pytest

from skinmodel.lessons.gradients import (
    ACTIVATIONS,
    TwoPaths,
    measure_slope,
    pass_through_average,
    pass_through_max,
    run_backward,
    run_forward,
    update,
)

# Worked by hand: z = (2, -3), a = (2, -3), o = 0.5*2 + 2*(-3) = -5, loss = (-5 - 1)**2 / 2 = 18.
PLAIN = TwoPaths(x=(1.0, -1.5), w=2.0, v=(0.5, 2.0), y=1.0, activation="none")


def draw_paths(rng, activation):
    x, v = (tuple(rng.uniform(-2, 2, 2)) for _ in range(2))
    return TwoPaths(x, float(rng.uniform(-2, 2)), v, float(rng.uniform(-2, 2)), activation)


def test_two_paths_worked_by_hand():
    forward, backward = run_forward(PLAIN), run_backward(PLAIN)
    assert (forward.z, forward.a, forward.o, forward.loss) == ((2, -3), (2, -3), -5, 18)
    assert backward.loss_by_o == -6
    assert backward.a_by_w == (1, -1.5)
    assert backward.by_path == (-6 * 0.5 * 1, -6 * 2 * -1.5)
    assert backward.loss_by_w == -3 + 18
    assert update(PLAIN, 0.1) == replace(PLAIN, w=2 - 0.1 * 15)


def test_a_relu_that_is_off_lets_nothing_back():
    paths = replace(PLAIN, activation="ReLU")
    assert run_forward(paths).a == (2, 0)
    assert run_backward(paths).by_path[1] == 0
    assert run_backward(replace(paths, w=0.0)).loss_by_w == 0


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_chain_rule_gives_the_slope_that_is_measured(rng, activation):
    for _ in range(20):
        paths = draw_paths(rng, activation)
        assert run_backward(paths).loss_by_w == pytest.approx(measure_slope(paths), abs=1e-6)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_small_step_lowers_the_loss(rng, activation):
    for _ in range(20):
        paths = draw_paths(rng, activation)
        after = run_forward(update(paths, 1e-3)).loss
        assert after <= run_forward(paths).loss
        if run_backward(paths).loss_by_w:
            assert after < run_forward(paths).loss


def test_the_sigmoid_never_overflows():
    sigmoid = ACTIVATIONS["sigmoid"]
    assert (sigmoid.apply(-1000.0), sigmoid.apply(0.0), sigmoid.apply(1000.0)) == (0, 0.5, 1)
    assert sigmoid.slope(0.0) == 0.25


def test_max_pooling_hands_the_gradient_to_the_winner_and_average_to_all():
    values = np.array([[1, 5, 0, 0], [2, 3, 7, 1], [4, 4, 9, 8], [0, 4, 6, 9]])
    upstream = np.array([[1.0, -2.0], [3.0, 4.0]])
    expected = np.zeros((4, 4))
    expected[0, 1], expected[1, 2] = 1, -2
    expected[2, 0], expected[2, 2] = 3, 4  # the first of equal cells
    np.testing.assert_array_equal(pass_through_max(values, upstream, 2), expected)
    shared = np.kron(upstream / 4, np.ones((2, 2)))
    np.testing.assert_array_equal(pass_through_average(values, upstream, 2), shared)


@pytest.mark.parametrize("window", [1, 2, 3])
def test_pooling_loses_and_adds_no_gradient(rng, window):
    values = rng.normal(size=(6, 12))
    upstream = rng.normal(size=(6 // window, 12 // window))
    for hand_back in (pass_through_max, pass_through_average):
        assert hand_back(values, upstream, window).sum() == pytest.approx(upstream.sum())


def test_shapes_that_do_not_fit_are_named():
    with pytest.raises(ValueError, match=r"\(5, 4\) have no whole windows of 2 x 2"):
        pass_through_max(np.zeros((5, 4)), np.zeros((2, 2)), 2)
    with pytest.raises(ValueError, match=r"gradient's shape is \(1, 2\)"):
        pass_through_average(np.zeros((4, 4)), np.zeros((1, 2)), 2)


def test_tensorflow_computes_the_same(rng):
    import tensorflow as tf

    functions = {"sigmoid": tf.sigmoid, "ReLU": tf.nn.relu, "none": tf.identity}
    for name, function in functions.items():
        paths = draw_paths(rng, name)
        w = tf.Variable(paths.w, dtype=tf.float64)
        with tf.GradientTape() as tape:
            a = [function(w * x) for x in paths.x]
            loss = 0.5 * (paths.v[0] * a[0] + paths.v[1] * a[1] - paths.y) ** 2
        assert float(tape.gradient(loss, w)) == pytest.approx(run_backward(paths).loss_by_w)
    # Small whole numbers, so that windows have ties.
    values = rng.integers(0, 3, (6, 8)).astype(np.float32)
    upstream = rng.normal(size=(3, 4)).astype(np.float32)
    pixels = tf.constant(values[None, :, :, None])
    for pool, ours in (
        (tf.nn.max_pool2d, pass_through_max),
        (tf.nn.avg_pool2d, pass_through_average),
    ):
        with tf.GradientTape() as tape:
            tape.watch(pixels)
            pooled = pool(pixels, 2, 2, "VALID")
        theirs = tape.gradient(pooled, pixels, tf.constant(upstream[None, :, :, None]))
        np.testing.assert_allclose(theirs[0, :, :, 0], ours(values, upstream, 2), atol=1e-6)
