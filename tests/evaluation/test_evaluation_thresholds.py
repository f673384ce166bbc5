import numpy as np
import pytest
from sklearn.metrics import (
    average_precision_score,
    confusion_matrix,
    precision_recall_curve,
    roc_auc_score,
    roc_curve,
)

from skinmodel.diagnoses import DIAGNOSES, Malignancy
from skinmodel.errors import ConfigError, UnknownNameError
from skinmodel.evaluation.measures.bootstrap import draw_weights, to_interval
from skinmodel.evaluation.measures.thresholds import (
    TARGETS,
    TITLES,
    at_threshold,
    compute_operating_intervals,
    compute_precision_recall,
    compute_roc,
    compute_target_interval,
    npv_at,
    ppv_at,
    target_of,
    threshold_for_sensitivity,
    threshold_for_specificity,
)

# Ten images, five positive; two scores tie across the truth.
POSITIVE = np.array([1, 1, 0, 1, 1, 0, 0, 1, 0, 0], bool)
SCORE = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.5, 0.4, 0.3, 0.2, 0.1])
NONE, ALL = np.zeros(10, bool), np.ones(10, bool)


@pytest.fixture
def table(rng):
    """400 images of 250 lesions whose rounded scores tie."""
    positive = rng.random(400) < 0.3
    score = np.round(rng.normal(size=400) + positive, 1)
    lesions = np.array([f"L{number:03d}" for number in rng.integers(0, 250, 400)])
    return positive, score, lesions


# --- targets ---


def test_the_targets_are_melanoma_and_all_that_is_not_benign():
    assert TARGETS["melanoma"] == ("mel",)
    wanted = {d.code for d in DIAGNOSES if d.malignancy is not Malignancy.BENIGN}
    assert set(TARGETS["malignant"]) == wanted
    assert TITLES.keys() == TARGETS.keys()


def test_a_targets_score_is_the_sum_of_its_classes():
    # Order of classes: nv, mel, bkl, bcc, akiec, vasc, df.
    p = np.array([[0.1, 0.2, 0.1, 0.3, 0.15, 0.1, 0.05]] * 7)
    positive, score = target_of("malignant", np.arange(7), p)
    np.testing.assert_array_equal(positive, [False, True, False, True, True, False, False])
    assert score == pytest.approx([0.65] * 7)
    positive, score = target_of("melanoma", np.arange(7), p.astype(np.float32))
    np.testing.assert_array_equal(np.flatnonzero(positive), [1])
    assert score.dtype == np.float64
    assert score == pytest.approx([0.2] * 7)


def test_another_target_is_refused_by_name():
    with pytest.raises(UnknownNameError, match=r"no target called 'benign'.*malignant, melanoma"):
        target_of("benign", np.arange(7), np.eye(7))


# --- one threshold, by hand ---


def test_a_threshold_by_hand_flags_what_reaches_it():
    point = at_threshold(POSITIVE, SCORE, 0.5)
    assert (point.tp, point.fp, point.tn, point.fn) == (4, 2, 3, 1)
    shares = (point.sensitivity, point.specificity, point.ppv, point.npv)
    assert shares == pytest.approx((4 / 5, 3 / 5, 4 / 6, 3 / 4))
    assert at_threshold(POSITIVE, SCORE, 0.500001).tp == 3


def test_what_has_nothing_to_be_a_share_of_is_nan():
    nobody, everybody = (at_threshold(POSITIVE, SCORE, t) for t in (2, 0))
    assert np.isnan([nobody.ppv, everybody.npv]).all()
    assert (nobody.sensitivity, nobody.specificity, nobody.npv) == (0, 1, 0.5)
    healthy, ill = (at_threshold(truth, SCORE, 0.5) for truth in (NONE, ALL))
    assert np.isnan([healthy.sensitivity, ill.specificity]).all()
    empty = at_threshold(POSITIVE[:0], SCORE[:0], 0.5)
    assert np.isnan([empty.sensitivity, empty.specificity, empty.ppv, empty.npv]).all()


def test_a_score_in_single_precision_reaches_its_own_threshold():
    score = SCORE.astype(np.float32)
    threshold = threshold_for_sensitivity(POSITIVE, score, 0.8)
    assert at_threshold(POSITIVE, score, threshold).sensitivity == 0.8


# --- a threshold for a wish, by hand ---


@pytest.mark.parametrize(
    ("least", "threshold", "specificity"),
    [(0.0, 0.9, 1), (0.2, 0.9, 1), (0.21, 0.8, 1), (0.8, 0.5, 0.6), (1.0, 0.3, 0.4)],
)
def test_the_threshold_for_a_sensitivity_costs_the_least_specificity(least, threshold, specificity):
    assert threshold_for_sensitivity(POSITIVE, SCORE, least) == threshold
    point = at_threshold(POSITIVE, SCORE, threshold)
    assert point.sensitivity >= least
    assert point.specificity == specificity


@pytest.mark.parametrize(
    ("least", "threshold", "sensitivity"),
    [(0.0, 0.1, 1), (0.4, 0.3, 1), (0.41, 0.5, 0.8), (0.8, 0.6, 0.6), (1.0, 0.8, 0.4)],
)
def test_the_threshold_for_a_specificity_costs_the_least_sensitivity(least, threshold, sensitivity):
    assert threshold_for_specificity(POSITIVE, SCORE, least) == threshold
    point = at_threshold(POSITIVE, SCORE, threshold)
    assert point.specificity >= least
    assert point.sensitivity == sensitivity


def test_a_specificity_out_of_reach_flags_nobody():
    threshold = threshold_for_specificity(~POSITIVE, SCORE, 1.0)
    assert np.isfinite(threshold)
    point = at_threshold(~POSITIVE, SCORE, threshold)
    assert (point.tp, point.fp) == (0, 0)


def test_no_threshold_where_the_wish_is_not_defined():
    assert np.isnan(threshold_for_sensitivity(NONE, SCORE, 0.9))
    assert np.isnan(threshold_for_specificity(ALL, SCORE, 0.9))
    assert np.isnan(threshold_for_sensitivity(POSITIVE[:0], SCORE[:0], 0.9))
    assert np.isnan(threshold_for_specificity(POSITIVE[:0], SCORE[:0], 0.9))


@pytest.mark.parametrize("least", [-0.1, 1.1, 90, float("nan")])
def test_a_wish_that_is_no_share_is_refused(least):
    with pytest.raises(ConfigError, match=r"sensitivity .* is no share"):
        threshold_for_sensitivity(POSITIVE, SCORE, least)
    with pytest.raises(ConfigError, match=r"specificity .* is no share"):
        threshold_for_specificity(POSITIVE, SCORE, least)


def test_no_other_threshold_does_better(table):
    positive, score, _ = table
    points = [at_threshold(positive, score, t) for t in np.unique(score)]
    for least in np.linspace(0, 1, 41):
        chosen = at_threshold(positive, score, threshold_for_sensitivity(positive, score, least))
        best = max(p.specificity for p in points if p.sensitivity >= least)
        assert chosen.specificity == best
        chosen = at_threshold(positive, score, threshold_for_specificity(positive, score, least))
        within = [p.sensitivity for p in points if p.specificity >= least]
        assert chosen.sensitivity == max(within, default=0)


# --- curves ---


def test_the_roc_curve_is_scikit_learns(table):
    positive, score, _ = table
    fpr, tpr, thresholds = roc_curve(positive, score)
    curve = compute_roc(positive, score)
    np.testing.assert_array_equal(curve.thresholds, thresholds)
    np.testing.assert_allclose(curve.sensitivity, tpr, atol=1e-12)
    np.testing.assert_allclose(1 - curve.specificity, fpr, atol=1e-12)
    area = np.trapezoid(curve.sensitivity, 1 - curve.specificity)
    assert area == pytest.approx(roc_auc_score(positive, score), abs=1e-12)


def test_the_precision_recall_curve_is_scikit_learns_without_the_point_made_up(table):
    positive, score, _ = table
    precision, recall, thresholds = precision_recall_curve(positive, score)
    curve = compute_precision_recall(positive, score)
    np.testing.assert_array_equal(curve.thresholds, thresholds[::-1])
    np.testing.assert_allclose(curve.precision, precision[-2::-1], atol=1e-12)
    np.testing.assert_allclose(curve.recall, recall[-2::-1], atol=1e-12)
    area = (np.diff(curve.recall, prepend=0) * curve.precision).sum()
    assert area == pytest.approx(average_precision_score(positive, score), abs=1e-12)


def test_every_point_of_the_curves_is_that_of_its_threshold(table):
    positive, score, _ = table
    roc, curve = compute_roc(positive, score), compute_precision_recall(positive, score)
    for t, sensitivity, specificity in zip(
        roc.thresholds, roc.sensitivity, roc.specificity, strict=True
    ):
        point = at_threshold(positive, score, t)
        assert (sensitivity, specificity) == pytest.approx((point.sensitivity, point.specificity))
    for t, ppv, recall in zip(curve.thresholds, curve.precision, curve.recall, strict=True):
        point = at_threshold(positive, score, t)
        assert (ppv, recall) == pytest.approx((point.ppv, point.sensitivity))
        matrix = confusion_matrix(positive, score >= t).ravel().tolist()
        assert [point.tn, point.fp, point.fn, point.tp] == matrix


def test_curves_of_one_side_alone_are_nan_on_the_other():
    healthy, ill = compute_roc(NONE, SCORE), compute_roc(ALL, SCORE)
    assert np.isnan(healthy.sensitivity).all()
    assert np.isnan(ill.specificity).all()
    assert (healthy.specificity[[0, -1]] == [1, 0]).all()
    assert np.isnan(compute_precision_recall(NONE, SCORE).recall).all()
    assert (compute_precision_recall(NONE, SCORE).precision == 0).all()


@pytest.mark.parametrize("images", [0, 1])
def test_curves_of_hardly_any_images(images):
    roc = compute_roc(POSITIVE[:images], SCORE[:images])
    assert len(roc.thresholds) == images + 1
    assert roc.thresholds[0] == np.inf
    assert len(compute_precision_recall(POSITIVE[:images], SCORE[:images]).recall) == images


# --- predictive values at another prevalence ---


def test_predictive_values_by_hand():
    # Of 1000 patients 10 are ill: 9 found, 1 missed; 198 of 990 flagged in vain.
    assert ppv_at(0.9, 0.8, 0.01) == pytest.approx(9 / 207)
    assert npv_at(0.9, 0.8, 0.01) == pytest.approx(792 / 793)


def test_predictive_values_at_the_data_sets_own_prevalence_are_its_own(table):
    positive, score, _ = table
    for threshold in (-0.5, 0.3, 1.0):
        point = at_threshold(positive, score, threshold)
        given = (point.sensitivity, point.specificity, positive.mean())
        assert ppv_at(*given) == pytest.approx(point.ppv)
        assert npv_at(*given) == pytest.approx(point.npv)


def test_predictive_values_at_the_ends():
    assert (ppv_at(0.9, 0.8, 0), npv_at(0.9, 0.8, 0)) == (0, 1)
    assert (ppv_at(0.9, 0.8, 1), npv_at(0.9, 0.8, 1)) == (1, 0)
    assert np.isnan([ppv_at(0, 1, 0.1), npv_at(1, 0, 0.1)]).all()
    assert np.isnan([ppv_at(np.nan, 1, 0.1), npv_at(np.nan, 1, 0.1)]).all()


@pytest.mark.parametrize("prevalence", [-0.01, 1.5, float("nan")])
def test_a_prevalence_that_is_no_share_is_refused(prevalence):
    for value_at in (ppv_at, npv_at):
        with pytest.raises(ConfigError, match=r"prevalence .* is no share"):
            value_at(0.9, 0.8, prevalence)


# --- intervals ---


def test_operating_intervals_are_those_of_the_rows_written_out(table):
    positive, score, lesions = table
    found = compute_operating_intervals(positive, score, lesions, 0.4, draws=30, seed=2)
    area = compute_target_interval(positive, score, lesions, draws=30, seed=2)
    points, areas = [], []
    for weights in np.concatenate(list(draw_weights(lesions, 30, 2))):
        rows = np.repeat(np.arange(len(weights)), weights.astype(int))
        points.append(at_threshold(positive[rows], score[rows], 0.4))
        areas.append(roc_auc_score(positive[rows], score[rows]))
    point = at_threshold(positive, score, 0.4)
    for name in ("sensitivity", "specificity"):
        drawn = np.array([getattr(p, name) for p in points])
        expected = to_interval(getattr(point, name), drawn).to_dict()
        assert found[name].to_dict() == pytest.approx(expected, abs=1e-12)
    expected = to_interval(roc_auc_score(positive, score), np.array(areas)).to_dict()
    assert area.to_dict() == pytest.approx(expected, abs=1e-12)


def test_intervals_are_not_defined_where_the_share_is_not():
    lesions = np.arange(10).astype(str)
    found = compute_operating_intervals(NONE, SCORE, lesions, 0.5, draws=20)
    assert np.isnan(list(found["sensitivity"].to_dict().values())).all()
    assert found["specificity"].low < 0.4 < found["specificity"].high
    area = compute_target_interval(NONE, SCORE, lesions, draws=20)
    assert np.isnan(list(area.to_dict().values())).all()
