"""Conformal sets and risk against coverage: by hand, by identity, by simulation."""

import numpy as np
import pytest

from skinmodel.evaluation.measures.calibration import compute_calibration, compute_ece_interval
from skinmodel.evaluation.measures.conformal import fit_quantiles, make_sets, measure_sets
from skinmodel.evaluation.measures.selective import compute_risk_area, compute_risk_curve


def draw(count, seed):
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.full(7, 0.4), count)
    truth = np.array([rng.choice(7, p=row) for row in probabilities])
    return truth, probabilities.astype(np.float32), np.arange(count).astype(str)


def test_a_quantile_by_hand():
    # Nine pictures: for 80 % of (9 + 1) the eighth largest probability of the truth decides.
    probabilities = np.full((9, 7), 0.01)
    probabilities[:, 0] = np.arange(9) / 10 + 0.05
    least = fit_quantiles(np.zeros(9, int), probabilities, np.arange(9).astype(str), 0.8)
    assert least == pytest.approx(np.full(7, 0.15))
    # 95 % of ten is more than nine pictures can promise: every diagnosis is in the set.
    none = fit_quantiles(np.zeros(9, int), probabilities, np.arange(9).astype(str), 0.95)
    assert make_sets(probabilities, none).all()


@pytest.mark.parametrize("level", [0.8, 0.9, 0.95])
def test_sets_hold_the_truth_as_often_as_promised_in_each_class(level):
    truth, probabilities, lesions = draw(4000, 1)
    least = fit_quantiles(truth, probabilities, lesions, level)
    truth, probabilities, _ = draw(20000, 2)
    sets = make_sets(probabilities, least)
    found = measure_sets(truth, sets, np.ones((1, len(truth))))
    assert found["coverage"][0] == pytest.approx(level, abs=0.02)
    assert found["coverage_df"][0] == pytest.approx(level, abs=0.05)
    assert found["size"][0] == pytest.approx(sets.sum(axis=1).mean())


def test_risk_by_hand():
    truth = np.array([1, 0, 1, 0])
    probabilities = np.zeros((4, 7))
    for row, (code, sure) in enumerate([(1, 0.9), (0, 0.8), (0, 0.7), (1, 0.6)]):
        probabilities[row, code] = sure
    curve = compute_risk_curve(truth, probabilities, points=4)
    assert curve.coverage == pytest.approx([0.25, 0.5, 0.75, 1])
    assert curve.accuracy == pytest.approx([1, 1, 2 / 3, 1 / 2])
    assert curve.melanoma_sensitivity == pytest.approx([1, 1, 1 / 2, 1 / 2])
    area = compute_risk_area(truth, probabilities, np.array(list("abcd")), draws=20)
    assert area.value == pytest.approx((0 + 0 + 1 / 3 + 1 / 2) / 4)
    assert area.low <= area.value <= area.high


def test_the_interval_of_the_calibration_error_is_about_its_value():
    truth, probabilities, lesions = draw(500, 3)
    interval = compute_ece_interval(truth, probabilities, lesions)
    assert interval.value == pytest.approx(compute_calibration(truth, probabilities).ece)
    assert interval.low < interval.high
