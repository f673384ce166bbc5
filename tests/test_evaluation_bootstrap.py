import time

import numpy as np
import pytest

from skinmodel.evaluation.bootstrap import (
    Interval,
    compute_intervals,
    draw_weights,
    resample_aucs,
    resample_recalls,
    to_interval,
)
from skinmodel.evaluation.metrics import compute_aucs, compute_summary

FIGURES = ("accuracy", "balanced_accuracy", "macro_auc")


def make_table(images=300, lesions=180, classes=7, seed=4):
    """Truth, probabilities rounded so that many tie, and the lesion of each image."""
    rng = np.random.default_rng(seed)
    lesion_of = rng.integers(0, lesions, images)
    truth = rng.choice(classes, lesions)[lesion_of]
    odds = rng.gamma(1.0, size=(images, classes)) + (truth[:, None] == np.arange(classes))
    probabilities = np.round(odds / odds.sum(axis=1, keepdims=True), 2).astype(np.float32)
    return truth, probabilities, np.array([f"HAM_{number:04d}" for number in lesion_of])


TRUTH, PROBABILITIES, LESIONS = make_table()


def reindex(weights):
    """The rows that a draw stands for, written out."""
    return np.repeat(np.arange(len(weights)), weights.astype(int))


def test_whole_lesions_are_drawn_as_many_as_there_are():
    weights = draw_weights(LESIONS, 50, 1)
    assert (weights.shape, weights.dtype) == ((50, 300), np.float64)
    _, first, lesion_of = np.unique(LESIONS, return_index=True, return_inverse=True)
    np.testing.assert_array_equal(weights, weights[:, first][:, lesion_of])
    np.testing.assert_array_equal(weights[:, first].sum(axis=1), len(first))
    assert (weights == 0).any()
    assert (weights == 2).any()


def test_every_lesion_is_drawn_once_on_average():
    weights = draw_weights(np.array(["a", "b", "c", "c"]), 4000, 1)
    np.testing.assert_allclose(weights.mean(axis=0), 1.0, atol=0.06)


def test_weights_give_what_writing_the_rows_out_gives():
    weights = draw_weights(LESIONS, 8, 2)
    recalls = resample_recalls(TRUTH, PROBABILITIES, weights)
    aucs = resample_aucs(TRUTH, PROBABILITIES, weights)
    for draw in range(8):
        rows = reindex(weights[draw])
        summary = compute_summary(TRUTH[rows], PROBABILITIES[rows])
        np.testing.assert_allclose(recalls[draw], summary.recalls, atol=1e-12)
        expected = compute_aucs(TRUTH[rows], PROBABILITIES[rows])
        np.testing.assert_allclose(aucs[draw], expected, atol=1e-12)


def test_intervals_are_the_percentiles_of_the_written_out_draws():
    weights = draw_weights(LESIONS, 20, 3)
    summaries = [compute_summary(TRUTH[r], PROBABILITIES[r]) for r in map(reindex, weights)]
    intervals = compute_intervals(TRUTH, PROBABILITIES, LESIONS, draws=20, seed=3)
    assert tuple(intervals) == FIGURES
    for name, interval in intervals.items():
        drawn = [getattr(summary, name) for summary in summaries]
        low, high = np.percentile(drawn, [2.5, 97.5])
        assert interval.low == pytest.approx(low, abs=1e-12)
        assert interval.high == pytest.approx(high, abs=1e-12)
        assert interval.value == getattr(compute_summary(TRUTH, PROBABILITIES), name)


def test_an_interval_contains_its_value():
    for interval in compute_intervals(TRUTH, PROBABILITIES, LESIONS, draws=200).values():
        assert interval.low < interval.value < interval.high


def test_the_seed_decides_the_draws():
    first = compute_intervals(TRUTH, PROBABILITIES, LESIONS, draws=40, seed=5)
    assert first == compute_intervals(TRUTH, PROBABILITIES, LESIONS, draws=40, seed=5)
    assert first != compute_intervals(TRUTH, PROBABILITIES, LESIONS, draws=40, seed=6)


def test_more_pictures_of_the_same_lesions_are_no_more_evidence():
    copies = [np.repeat(column, 4, axis=0) for column in (TRUTH, PROBABILITIES, LESIONS)]
    once = compute_intervals(TRUTH, PROBABILITIES, LESIONS, draws=60)
    fourfold = compute_intervals(*copies, draws=60)
    for name in FIGURES:
        assert fourfold[name].low == pytest.approx(once[name].low, abs=1e-12)
        assert fourfold[name].high == pytest.approx(once[name].high, abs=1e-12)


def test_more_lesions_are_more_evidence():
    few = compute_intervals(*make_table(200, 120), draws=200)
    many = compute_intervals(*make_table(3200, 1920), draws=200)
    for name in FIGURES:
        assert many[name].high - many[name].low < 0.5 * (few[name].high - few[name].low)


def test_the_interval_is_the_central_95_percent_of_the_defined_draws():
    drawn = np.array([*range(101), np.nan, np.nan], float)
    assert to_interval(50.0, drawn) == Interval(50.0, pytest.approx(2.5), pytest.approx(97.5))


def test_no_defined_draw_gives_no_bounds():
    interval = to_interval(float("nan"), np.full(3, np.nan))
    assert np.isnan([interval.value, interval.low, interval.high]).all()


def test_a_class_of_one_lesion_is_left_out_of_the_draws_without_it():
    truth, probabilities = TRUTH % 2, PROBABILITIES[:, :3]
    truth[0] = 2
    lesions = LESIONS.copy()
    lesions[0] = "HAM_alone"
    weights = draw_weights(lesions, 50, 1)
    absent = weights[:, 0] == 0
    assert absent.any()
    assert not absent.all()
    for drawn in (
        resample_recalls(truth, probabilities, weights),
        resample_aucs(truth, probabilities, weights),
    ):
        np.testing.assert_array_equal(np.isnan(drawn[:, 2]), absent)
        assert not np.isnan(drawn[:, :2]).any()
    for interval in compute_intervals(truth, probabilities, lesions, draws=50).values():
        assert not np.isnan([interval.value, interval.low, interval.high]).any()


def test_auc_of_one_class_alone_has_no_interval_but_accuracy_has():
    intervals = compute_intervals(np.zeros(300, np.int64), PROBABILITIES, LESIONS, draws=20)
    auc = intervals["macro_auc"]
    assert np.isnan([auc.value, auc.low, auc.high]).all()
    accuracy = intervals["accuracy"]
    assert accuracy.low < accuracy.value < accuracy.high


def test_no_images_have_no_intervals():
    intervals = compute_intervals(TRUTH[:0], PROBABILITIES[:0], LESIONS[:0], draws=20)
    for interval in intervals.values():
        assert np.isnan([interval.value, interval.low, interval.high]).all()


def test_an_interval_as_json_is_plain():
    assert Interval(0.5, 0.4, 0.6).to_dict() == {"value": 0.5, "low": 0.4, "high": 0.6}


@pytest.mark.benchmark
def test_a_thousand_draws_over_two_thousand_images_take_seconds():
    table = make_table(2000, 1400)
    start = time.perf_counter()
    compute_intervals(*table, draws=1000)
    assert time.perf_counter() - start < 30
