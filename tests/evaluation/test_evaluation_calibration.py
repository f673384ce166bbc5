from fractions import Fraction

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, log_loss

from skinmodel.errors import ConfigError
from skinmodel.evaluation.measures.calibration import (
    Bin,
    apply_temperature,
    compute_calibration,
    fit_temperature,
)


def make_calibrated(images=4000, sharpness=2.0, seed=3):
    """Truth drawn from the very probabilities given: no temperature but 1 betters them."""
    rng = np.random.default_rng(seed)
    odds = np.exp(sharpness * rng.normal(size=(images, 7)))
    probabilities = odds / odds.sum(axis=1, keepdims=True)
    truth = (rng.random((images, 1)) > probabilities.cumsum(axis=1)).sum(axis=1)
    return np.minimum(truth, 6), probabilities.astype(np.float32)


TRUTH, CALIBRATED = make_calibrated()


def expand(*rows):
    """Probabilities of the first classes; the rest are 0."""
    return np.array([[*row, *[0] * (7 - len(row))] for row in rows], np.float32)


# --- temperature ---


def test_a_temperature_by_hand():
    # Square roots of .64 and .36 are .8 and .6: shares 4/7 and 3/7. Squares: 16² and 9² of 337.
    p = expand([0.64, 0.36])
    assert apply_temperature(p, 2.0)[0, :2] == pytest.approx([4 / 7, 3 / 7], abs=1e-7)
    assert apply_temperature(p, 0.5)[0, :2] == pytest.approx([256 / 337, 81 / 337], abs=1e-7)


def test_a_temperature_is_softmax_of_logits_divided_by_it(rng):
    logits = rng.normal(scale=4, size=(50, 7))

    def softmax(values):
        return np.exp(values) / np.exp(values).sum(axis=1, keepdims=True)

    found = apply_temperature(softmax(logits), 1.7)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, softmax(logits / 1.7), atol=1e-6)


@pytest.mark.parametrize("temperature", [0.05, 0.6, 1.0, 2.5, 20.0])
def test_a_temperature_keeps_the_order_of_classes_and_the_sum(temperature):
    found = apply_temperature(CALIBRATED, temperature)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(found.argmax(axis=1), CALIBRATED.argmax(axis=1))


def test_temperature_one_changes_nothing():
    np.testing.assert_array_equal(apply_temperature(CALIBRATED, 1.0), CALIBRATED)


def test_a_temperature_and_its_inverse_cancel():
    there = apply_temperature(CALIBRATED, 1.6)
    np.testing.assert_allclose(apply_temperature(there, 1 / 1.6), CALIBRATED, atol=1e-6)


def test_nought_stays_nought_and_certainty_certain():
    p = expand([1, 0], [0.5, 0.5])
    for temperature in (0.05, 3.0):
        np.testing.assert_array_equal(apply_temperature(p, temperature), p)


def test_no_images_stay_none():
    assert apply_temperature(np.zeros((0, 7), np.float32), 2.0).shape == (0, 7)


@pytest.mark.parametrize("temperature", [0, -1.0, float("nan"), float("inf")])
def test_what_is_no_temperature_is_refused(temperature):
    with pytest.raises(ConfigError, match="finite number above 0"):
        apply_temperature(CALIBRATED, temperature)


def test_calibrated_probabilities_need_no_temperature():
    assert fit_temperature(TRUTH, CALIBRATED) == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("temperature", [0.5, 0.7, 1.5, 4.0])
def test_the_fit_takes_back_what_a_temperature_did(temperature):
    spoilt = apply_temperature(CALIBRATED, temperature)
    fitted = fit_temperature(TRUTH, spoilt)
    assert fitted == pytest.approx(fit_temperature(TRUTH, CALIBRATED) / temperature, rel=5e-3)


def test_the_fit_has_the_least_log_loss_by_scikit_learn():
    spoilt = apply_temperature(CALIBRATED, 0.4)
    fitted = fit_temperature(TRUTH, spoilt)

    def loss(temperature):
        p = apply_temperature(spoilt, temperature).astype(float)
        return log_loss(TRUTH, p / p.sum(axis=1, keepdims=True), labels=range(7))

    best = loss(fitted)
    assert best < loss(1.0) - 0.1
    assert best < min(loss(fitted * factor) for factor in (0.5, 0.9, 1.1, 2.0))


def test_a_certain_error_does_not_make_the_fit_endless():
    p = expand([1, 0], [1, 0], [1, 0], [1, 0])
    fitted = fit_temperature(np.array([0, 0, 0, 1]), p)
    assert 1 < fitted < 20


def test_only_right_answers_ask_for_the_lowest_temperature():
    p = expand([0.6, 0.4], [0.7, 0.3])
    assert fit_temperature(np.array([0, 0]), p) == pytest.approx(0.05, rel=1e-3)


def test_no_fit_without_images_or_with_what_is_no_number():
    assert np.isnan(fit_temperature(TRUTH[:0], CALIBRATED[:0]))
    assert np.isnan(fit_temperature(TRUTH[:1], np.full((1, 7), np.nan, np.float32)))


# --- by hand ---

# Confidences .5, .75, 1, 1; right, wrong, right, wrong.
HAND_TRUTH = np.array([0, 1, 2, 3])
HAND = expand([0.5, 0.25, 0.25], [0.75, 0.25], [0, 0, 1], [1])


def test_bins_by_hand_hold_their_upper_edge():
    found = compute_calibration(HAND_TRUTH, HAND, bins=4)
    nan = pytest.approx(float("nan"), nan_ok=True)
    assert found.bins == (
        Bin(0.0, 0.25, 0, nan, nan),
        Bin(0.25, 0.5, 1, 0.5, 1.0),
        Bin(0.5, 0.75, 1, 0.75, 0.0),
        Bin(0.75, 1.0, 2, 1.0, 0.5),
    )


def test_ece_brier_and_log_loss_by_hand():
    found = compute_calibration(HAND_TRUTH, HAND, bins=4)
    # Distances .5, .75 and .5 of 1, 1 and 2 images.
    assert found.ece == pytest.approx((0.5 + 0.75 + 2 * 0.5) / 4)
    # Squares: .25 + .0625 + .0625; .5625 + .5625; 0; 1 + 1.
    assert found.brier == pytest.approx(float((Fraction(6, 16) + Fraction(18, 16) + 2) / 4))
    # The last image's own class has 0, which counts as half of the sixth decimal.
    expected = -(np.log(0.5) + np.log(0.25) + 0 + np.log(5e-7)) / 4
    assert found.log_loss == pytest.approx(expected)


# --- against scikit-learn ---


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_brier_and_log_loss_agree_with_scikit_learn(temperature):
    p = apply_temperature(CALIBRATED, temperature).astype(float)
    p /= p.sum(axis=1, keepdims=True)
    kept = p[np.arange(len(p)), TRUTH] > 1e-6
    truth, p = TRUTH[kept], p[kept]
    found = compute_calibration(truth, p)
    assert found.brier == pytest.approx(brier_score_loss(truth, p, labels=range(7)), abs=1e-12)
    assert found.log_loss == pytest.approx(log_loss(truth, p, labels=range(7)), abs=1e-12)


# --- identities ---


def test_bins_hold_every_image_once_and_make_up_the_error():
    found = compute_calibration(TRUTH, CALIBRATED)
    assert len(found.bins) == 15
    assert sum(b.images for b in found.bins) == len(TRUTH)
    assert all(b.low < b.confidence <= b.high for b in found.bins if b.images)
    right = sum(b.images * b.accuracy for b in found.bins if b.images)
    assert right == pytest.approx((CALIBRATED.argmax(axis=1) == TRUTH).sum())
    error = sum(b.images * abs(b.accuracy - b.confidence) for b in found.bins if b.images)
    assert found.ece == pytest.approx(error / len(TRUTH))


def test_one_bin_leaves_the_distance_of_the_means():
    found = compute_calibration(TRUTH, CALIBRATED, bins=1)
    accuracy = (CALIBRATED.argmax(axis=1) == TRUTH).mean()
    assert found.ece == pytest.approx(abs(CALIBRATED.max(axis=1).mean(dtype=float) - accuracy))


def test_the_truth_itself_is_perfect():
    found = compute_calibration(TRUTH, np.eye(7, dtype=np.float32)[TRUTH])
    assert (found.ece, found.brier, found.log_loss) == (0, 0, 0)


def test_the_worst_brier_is_two():
    p = np.eye(7, dtype=np.float32)[(TRUTH + 1) % 7]
    assert compute_calibration(TRUTH, p).brier == 2


def test_a_fitted_temperature_betters_a_network_that_is_too_sure():
    sure = apply_temperature(CALIBRATED, 0.4)
    before = compute_calibration(TRUTH, sure)
    after = compute_calibration(TRUTH, apply_temperature(sure, fit_temperature(TRUTH, sure)))
    assert before.ece > 0.1
    assert after.ece < 0.03
    assert after.brier < before.brier
    assert after.log_loss < before.log_loss


def test_a_row_a_bit_above_one_belongs_to_the_last_bin():
    p = np.full((1, 7), 0.0)
    p[0, 0] = 1 + 1e-7
    assert compute_calibration(np.array([0]), p).bins[-1].images == 1


def test_no_images_have_no_calibration():
    found = compute_calibration(TRUTH[:0], CALIBRATED[:0])
    assert np.isnan([found.ece, found.brier, found.log_loss]).all()
    assert {b.images for b in found.bins} == {0}
