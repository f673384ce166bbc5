import tracemalloc

import numpy as np
import pytest
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    balanced_accuracy_score,
    precision_recall_fscore_support,
    roc_auc_score,
)

from skinmodel.diagnoses import CODES
from skinmodel.evaluation.measures import bootstrap
from skinmodel.evaluation.measures.bootstrap import (
    Interval,
    compute_intervals,
    draw_weights,
    resample,
    to_interval,
)
from skinmodel.evaluation.measures.metrics import NAMES, WeightedFigures, compute_metrics


def make_table(images=300, lesions=180, seed=4):
    """Truth, probabilities rounded so that many tie, and the lesion of each image."""
    rng = np.random.default_rng(seed)
    lesion_of = rng.integers(0, lesions, images)
    truth = rng.choice(7, lesions)[lesion_of]
    odds = rng.gamma(1.0, size=(images, 7)) + (truth[:, None] == np.arange(7))
    probabilities = np.round(odds / odds.sum(axis=1, keepdims=True), 2).astype(np.float32)
    return truth, probabilities, np.array([f"HAM_{number:04d}" for number in lesion_of])


TRUTH, PROBABILITIES, LESIONS = make_table()


def draw(lesions, draws, seed):
    return np.concatenate(list(draw_weights(lesions, draws, seed)))


def write_out(weights):
    """The rows that a draw stands for."""
    return np.repeat(np.arange(len(weights)), weights.astype(int))


# --- the draws ---


def test_whole_lesions_are_drawn_as_many_as_there_are():
    weights = draw(LESIONS, 50, 1)
    assert (weights.shape, weights.dtype) == ((50, 300), np.float64)
    _, first, lesion_of = np.unique(LESIONS, return_index=True, return_inverse=True)
    np.testing.assert_array_equal(weights, weights[:, first][:, lesion_of])
    np.testing.assert_array_equal(weights[:, first].sum(axis=1), len(first))
    assert (weights == 0).any()
    assert (weights == 2).any()


def test_every_lesion_is_drawn_once_on_average():
    weights = draw(np.array(["a", "b", "c", "c"]), 4000, 1)
    np.testing.assert_allclose(weights.mean(axis=0), 1.0, atol=0.06)


def test_the_size_of_the_blocks_does_not_change_the_draws(monkeypatch):
    whole = draw(LESIONS, 50, 1)
    monkeypatch.setattr(bootstrap, "_BLOCK", 7 * len(LESIONS))
    sizes = [len(block) for block in draw_weights(LESIONS, 50, 1)]
    assert sizes == [7] * 7 + [1]
    np.testing.assert_array_equal(draw(LESIONS, 50, 1), whole)


# --- each draw is what scikit-learn gives for the rows drawn ---


def test_every_draw_is_what_writing_the_rows_out_gives():
    weights = draw(LESIONS, 8, 2)
    figures = WeightedFigures(TRUTH, PROBABILITIES)(weights)
    assert tuple(figures) == NAMES
    for number in range(8):
        rows = write_out(weights[number])
        expected = compute_metrics(TRUTH[rows], PROBABILITIES[rows]).flat()
        found = {name: values[number] for name, values in figures.items()}
        assert found == pytest.approx(expected, abs=1e-12)


def test_every_draw_is_what_scikit_learn_gives():
    weights = draw(LESIONS, 6, 3)
    figures = WeightedFigures(TRUTH, PROBABILITIES)(weights)
    predicted = PROBABILITIES.argmax(axis=1)
    names = ("precision", "recall", "f1")
    for number, weight in enumerate(weights):
        rows = write_out(weight)
        truth, answers = TRUTH[rows], predicted[rows]
        found = {name: values[number] for name, values in figures.items()}
        expected = {
            "accuracy": accuracy_score(truth, answers),
            "balanced_accuracy": balanced_accuracy_score(truth, answers),
        }
        for average, prefix in (("macro", "macro_"), ("weighted", "weighted_")):
            shares = precision_recall_fscore_support(truth, answers, average=average)
            expected |= {f"{prefix}{n}": v for n, v in zip(names, shares[:3], strict=True)}
        for k, code in enumerate(CODES):
            # Weighted, as the draw is made, and written out: both must be the same.
            scores, one = PROBABILITIES[:, k], np.equal(TRUTH, k)
            weighted = average_precision_score(one, scores, sample_weight=weight)
            expected[f"average_precision.{code}"] = weighted
            assert average_precision_score(one[rows], scores[rows]) == pytest.approx(weighted)
            expected[f"auc.{code}"] = roc_auc_score(one, scores, sample_weight=weight)
        for name, value in expected.items():
            assert found[name] == pytest.approx(value, abs=1e-12), name


# --- intervals ---


def test_intervals_are_the_percentiles_of_the_written_out_draws():
    rows = [write_out(weights) for weights in draw(LESIONS, 20, 3)]
    drawn = [compute_metrics(TRUTH[r], PROBABILITIES[r]).flat() for r in rows]
    intervals = compute_intervals(TRUTH, PROBABILITIES, LESIONS, draws=20, seed=3)
    values = compute_metrics(TRUTH, PROBABILITIES).flat()
    assert tuple(intervals) == NAMES
    for name, interval in intervals.items():
        low, high = np.percentile([figures[name] for figures in drawn], [2.5, 97.5])
        assert interval.low == pytest.approx(low, abs=1e-12)
        assert interval.high == pytest.approx(high, abs=1e-12)
        assert interval.value == values[name]


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
    for name in NAMES:
        assert fourfold[name].low == pytest.approx(once[name].low, abs=1e-12)
        assert fourfold[name].high == pytest.approx(once[name].high, abs=1e-12)


def test_more_lesions_are_more_evidence():
    few = compute_intervals(*make_table(200, 120), draws=200)
    many = compute_intervals(*make_table(3200, 1920), draws=200)
    for name in ("accuracy", "balanced_accuracy", "macro_f1", "macro_auc", "recall.mel"):
        assert many[name].high - many[name].low < 0.5 * (few[name].high - few[name].low)


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    """95 % intervals of a share known to be 0.7, over 300 tables of 100 lesions."""
    rng = np.random.default_rng(8)
    lesions = np.array([f"L{number:03d}" for number in range(100)])
    covered = 0
    for seed in range(300):
        right = (rng.random(100) < 0.7).astype(float)

        def share(weights, right=right):
            return {"share": weights @ right / weights.sum(axis=1)}

        interval = to_interval(right.mean(), resample(share, lesions, 200, seed)["share"])
        covered += interval.low <= 0.7 <= interval.high
    assert 0.90 < covered / 300 < 0.98


def test_the_interval_is_the_central_95_percent_of_the_defined_draws():
    drawn = np.array([*range(101), np.nan, np.nan], float)
    assert to_interval(50.0, drawn) == Interval(50.0, pytest.approx(2.5), pytest.approx(97.5))


# --- undefined ---


def test_no_defined_draw_gives_no_bounds():
    interval = to_interval(float("nan"), np.full(3, np.nan))
    assert np.isnan([interval.value, interval.low, interval.high]).all()


def test_a_class_of_one_lesion_is_left_out_of_the_draws_without_it():
    truth = TRUTH % 2
    truth[0] = 2
    lesions = LESIONS.copy()
    lesions[0] = "HAM_alone"
    weights = draw(lesions, 50, 1)
    absent = weights[:, 0] == 0
    assert absent.any()
    assert not absent.all()
    figures = WeightedFigures(truth, PROBABILITIES)(weights)
    for figure in ("recall", "auc", "average_precision"):
        np.testing.assert_array_equal(np.isnan(figures[f"{figure}.bkl"]), absent)
        assert not np.isnan(figures[f"{figure}.nv"]).any()
    assert not np.isnan(figures["balanced_accuracy"]).any()
    interval = compute_intervals(truth, PROBABILITIES, lesions, draws=50)["auc.bkl"]
    assert not np.isnan([interval.value, interval.low, interval.high]).any()


def test_auc_of_one_class_alone_has_no_interval_but_accuracy_has():
    intervals = compute_intervals(np.zeros(300, np.int64), PROBABILITIES, LESIONS, draws=20)
    auc = intervals["macro_auc"]
    assert np.isnan([auc.value, auc.low, auc.high]).all()
    accuracy = intervals["accuracy"]
    assert accuracy.low < accuracy.value < accuracy.high


def test_no_images_have_no_intervals():
    intervals = compute_intervals(TRUTH[:0], PROBABILITIES[:0], LESIONS[:0], draws=20)
    assert tuple(intervals) == NAMES
    for interval in intervals.values():
        assert np.isnan([interval.value, interval.low, interval.high]).all()


def test_an_interval_as_json_is_plain():
    assert Interval(0.5, 0.4, 0.6).to_dict() == {"value": 0.5, "low": 0.4, "high": 0.6}


# --- cost ---


def test_memory_stays_bounded_for_a_large_set():
    """13,000 images, as ISIC 2019 has outside HAM10000: all draws at once would be 1 GB and more.

    Memory does not depend on the number of draws, so that a few blocks of them show it.
    """
    table = make_table(13_000, 11_000)
    tracemalloc.start()
    compute_intervals(*table, draws=60)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100e6
