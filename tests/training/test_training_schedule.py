from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

from skinmodel.data.splits import class_weights
from skinmodel.training.recipes import learning_rate, load_recipe

CONFIG = replace(
    load_recipe("grouped", "cnn", "float32"),
    schedule="one_cycle",
    learning_rate=0.5,
    warmup=0.2,
    warmup_start=1 / 25,
)
TRUTH = np.repeat(np.arange(4), [1, 4, 16, 11])  # 32 images


def test_one_cycle_by_hand():
    # 100 steps, 20 of warm-up: from a 25th of the peak, to the peak, over the cosine to 0.
    rates = [learning_rate(CONFIG, step, 100) for step in range(100)]
    assert rates[0] == pytest.approx(0.5 / 25)
    assert rates[10] == pytest.approx(0.5 * (1 / 25 + 24 / 25 / 2))
    assert rates[20] == pytest.approx(0.5)
    assert rates[40] == pytest.approx(0.5 * (1 + np.cos(np.pi / 4)) / 2)
    assert rates[60] == pytest.approx(0.25)
    assert 0 < rates[99] < 0.5 * 4e-4
    assert np.diff(rates[:21]).min() > 0 > np.diff(rates[20:]).max()
    assert learning_rate(CONFIG, 100, 100) == pytest.approx(0, abs=1e-12)


def test_one_cycle_without_warm_up_starts_at_the_peak():
    config = replace(CONFIG, warmup=0.0)
    assert learning_rate(config, 0, 10) == 0.5
    assert learning_rate(config, 0, 1) == 0.5


def test_a_run_of_one_step_has_a_rate():
    assert learning_rate(CONFIG, 0, 1) == pytest.approx(0.5 / 25)


def test_constant_is_constant():
    config = replace(CONFIG, schedule="constant")
    assert {learning_rate(config, step, 100) for step in range(100)} == {0.5}


def test_class_weights_by_hand():
    # counts 1, 4, 16, 11; power 1/2: 1, 1/2, 1/4, 11**-0.5, and their mean over the 32 images is
    # (1 + 2 + 4 + 11**0.5) / 32.
    mean = (7 + 11**0.5) / 32
    expected = np.array([1, 1 / 2, 1 / 4, 11**-0.5]) / mean
    np.testing.assert_allclose(class_weights(TRUTH, 4, 0.5), expected, rtol=1e-6)
    # power 1: each class has the same share, so count * weight is 32 / 4 for each.
    exact = [float(Fraction(8, count)) for count in (1, 4, 16, 11)]
    np.testing.assert_allclose(class_weights(TRUTH, 4, 1.0), exact, rtol=1e-6)


def test_power_1_is_what_scikit_learn_calls_balanced():
    balanced = compute_class_weight("balanced", classes=np.arange(4), y=TRUTH)
    np.testing.assert_allclose(class_weights(TRUTH, 4, 1.0), balanced, rtol=1e-6)


@pytest.mark.parametrize("power", [0.0, 0.3, 0.5, 1.0, 2.0])
def test_class_weights_have_mean_1_over_the_images(power):
    weights = class_weights(TRUTH, 4, power)
    assert weights.dtype == np.float32
    assert weights[TRUTH].mean() == pytest.approx(1, rel=1e-6)


def test_power_0_is_no_weighting():
    assert class_weights(TRUTH, 4, 0.0).tolist() == [1, 1, 1, 1]


def test_a_class_that_does_not_occur_has_weight_0():
    weights = class_weights(np.array([0, 0, 2]), 4, 1.0)
    np.testing.assert_allclose(weights, [0.75, 0, 1.5, 0])
