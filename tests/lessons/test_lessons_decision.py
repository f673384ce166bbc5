"""The arithmetic of chapter 5, by hand and against Keras."""

import numpy as np
import pytest

from skinmodel.lessons.decision import cross_entropy, decide, drop, loss_gradient, sigmoid, softmax

LOGITS = np.array([2.0, 1.0, -0.5, 0.0, -3.0, 0.3, 1.4])


def test_softmax_by_hand():
    assert softmax(np.log([1.0, 2.0, 5.0])) == pytest.approx([0.125, 0.25, 0.625])
    assert softmax(np.array([1000.0, 0.0])) == pytest.approx([1.0, 0.0])


def test_sigmoid_by_hand():
    assert sigmoid(np.array([0.0, np.log(3.0), -np.log(3.0)])) == pytest.approx([0.5, 0.75, 0.25])
    assert sigmoid(np.array([1000.0, -1000.0])) == pytest.approx([1.0, 0.0])


def test_gradient_is_the_slope_of_the_loss():
    gradient = loss_gradient(softmax(LOGITS), truth=3, weight=2.5)
    for k in range(len(LOGITS)):
        step = np.zeros_like(LOGITS)
        step[k] = 1e-6
        up = cross_entropy(softmax(LOGITS + step), 3, 2.5)
        down = cross_entropy(softmax(LOGITS - step), 3, 2.5)
        assert gradient[k] == pytest.approx((up - down) / 2e-6, abs=1e-6)
    assert gradient.sum() == pytest.approx(0.0)


def test_keras_agrees():
    import keras

    probabilities = np.asarray(keras.activations.softmax(LOGITS[None].astype("float32")))[0]
    assert softmax(LOGITS) == pytest.approx(probabilities, abs=1e-6)
    truth = np.eye(7, dtype="float32")[[3]]
    loss = keras.losses.CategoricalCrossentropy()(
        truth, softmax(LOGITS)[None].astype("float32"), sample_weight=[2.5]
    )
    assert cross_entropy(softmax(LOGITS), 3, 2.5) == pytest.approx(float(loss), abs=1e-5)
    ones = keras.layers.Dropout(0.4, seed=1)(np.ones((1, 1000), "float32"), training=True)
    assert {round(float(v), 5) for v in np.unique(ones)} == {0.0, round(1 / 0.6, 5)}
    assert set(drop(np.ones(1000), 0.4, seed=1).round(5)) == {0.0, round(1 / 0.6, 5)}


def test_dropout_keeps_the_mean_over_many_draws():
    values = np.array([1.0, 4.0, -2.0])
    mean = np.mean([drop(values, 0.5, seed) for seed in range(4000)], axis=0)
    assert mean == pytest.approx(values, rel=0.06)
    assert np.array_equal(drop(values, 0.0, seed=3), values)


@pytest.mark.parametrize("rate", [-0.1, 1.0, 2.0])
def test_a_rate_that_keeps_nothing_is_refused(rate):
    with pytest.raises(ValueError, match="dropout rate"):
        drop(np.ones(3), rate, seed=0)


def test_what_the_largest_probability_hides():
    answer = decide(np.array([0.25, 0.5, 0.125, 0.125]))
    assert (answer.first, answer.second) == (1, 0)
    assert answer.margin == pytest.approx(0.25)
    assert answer.entropy == pytest.approx(1.75)
    assert decide(np.array([0.0, 1.0])).entropy == 0
    assert decide(np.array([0.5, 0.5])).first == 0
