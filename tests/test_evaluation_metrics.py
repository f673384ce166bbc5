from fractions import Fraction

import numpy as np
import pytest
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    confusion_matrix,
    recall_score,
    roc_auc_score,
)

from skinmodel.evaluation.metrics import (
    compute_aucs,
    compute_confusion_matrix,
    compute_recalls,
    compute_summary,
)

# Six images of three classes, small enough to work by hand. Predicted: 0, 1, 1, 1, 2, 0.
TRUTH = np.array([0, 0, 1, 1, 2, 2])
PROBABILITIES = np.array(
    [
        [0.7, 0.2, 0.1],
        [0.3, 0.5, 0.2],
        [0.2, 0.5, 0.3],
        [0.1, 0.8, 0.1],
        [0.2, 0.2, 0.6],
        [0.6, 0.1, 0.3],
    ],
    np.float32,
)


@pytest.fixture
def table(rng):
    """400 images of seven uneven classes; scores rounded, so that many tie."""
    truth = rng.choice(7, 400, p=[0.5, 0.15, 0.12, 0.1, 0.06, 0.04, 0.03])
    odds = rng.gamma(1.0, size=(400, 7)) + 1.5 * (truth[:, None] == np.arange(7))
    probabilities = np.round(odds / odds.sum(axis=1, keepdims=True), 2).astype(np.float32)
    assert len(np.unique(probabilities[:, 0])) < 150
    return truth, probabilities


# --- by hand ---


def test_the_confusion_matrix_by_hand_has_the_truth_in_its_rows():
    matrix = compute_confusion_matrix(TRUTH, PROBABILITIES)
    np.testing.assert_array_equal(matrix, [[1, 1, 0], [0, 2, 0], [1, 0, 1]])


def test_recall_accuracy_and_balanced_accuracy_by_hand():
    summary = compute_summary(TRUTH, PROBABILITIES)
    assert summary.images == 6
    assert summary.recalls == (0.5, 1.0, 0.5)
    assert summary.accuracy == pytest.approx(Fraction(4, 6))
    assert summary.balanced_accuracy == pytest.approx(Fraction(2, 3))


def test_auc_by_hand_counts_a_tie_as_one_half():
    # Class 0: .7 beats all four, .3 beats three: 7/8. Class 1: .5 ties with one .5: 7.5/8.
    # Class 2: .6 beats all four, .3 beats three and ties with one: 7.5/8.
    aucs = compute_aucs(TRUTH, PROBABILITIES)
    expected = [Fraction(7, 8), Fraction(15, 16), Fraction(15, 16)]
    assert list(aucs) == [pytest.approx(float(value)) for value in expected]
    macro = sum(expected) / 3
    assert compute_summary(TRUTH, PROBABILITIES).macro_auc == pytest.approx(float(macro))


def test_the_first_class_wins_a_tie_of_probabilities():
    matrix = compute_confusion_matrix(np.array([1]), np.array([[0.4, 0.4, 0.2]], np.float32))
    np.testing.assert_array_equal(matrix, [[0, 0, 0], [1, 0, 0], [0, 0, 0]])


# --- against scikit-learn ---


def test_everything_agrees_with_scikit_learn(table):
    truth, probabilities = table
    predicted = probabilities.argmax(axis=1)
    summary = compute_summary(truth, probabilities)
    np.testing.assert_array_equal(
        compute_confusion_matrix(truth, probabilities), confusion_matrix(truth, predicted)
    )
    assert summary.accuracy == pytest.approx(accuracy_score(truth, predicted), abs=1e-12)
    assert summary.balanced_accuracy == pytest.approx(
        balanced_accuracy_score(truth, predicted), abs=1e-12
    )
    assert summary.recalls == pytest.approx(recall_score(truth, predicted, average=None), abs=1e-12)
    aucs = [roc_auc_score(truth == k, probabilities[:, k]) for k in range(7)]
    np.testing.assert_allclose(compute_aucs(truth, probabilities), aucs, atol=1e-12)
    assert summary.macro_auc == pytest.approx(np.mean(aucs), abs=1e-12)


def test_macro_auc_agrees_with_scikit_learns_own_mean(rng):
    truth = rng.integers(0, 7, 300)
    probabilities = rng.dirichlet(np.ones(7), 300)
    expected = roc_auc_score(truth, probabilities, multi_class="ovr", average="macro")
    assert compute_summary(truth, probabilities).macro_auc == pytest.approx(expected, abs=1e-12)


# --- identities ---


def test_accuracy_is_the_recalls_weighted_by_support(table):
    truth, probabilities = table
    summary = compute_summary(truth, probabilities)
    support = np.bincount(truth, minlength=7)
    assert summary.accuracy == pytest.approx(np.average(summary.recalls, weights=support))


def test_one_answer_to_everything_has_the_balanced_accuracy_of_chance(table):
    truth, _ = table
    always = np.tile(np.array([1, 0, 0, 0, 0, 0, 0], np.float32), (len(truth), 1))
    summary = compute_summary(truth, always)
    assert summary.balanced_accuracy == pytest.approx(1 / 7)
    assert summary.macro_auc == 0.5
    assert summary.accuracy == pytest.approx((truth == 0).mean())


def test_the_truth_itself_is_perfect(table):
    truth, _ = table
    summary = compute_summary(truth, np.eye(7, dtype=np.float32)[truth])
    assert (summary.accuracy, summary.balanced_accuracy, summary.macro_auc) == (1, 1, 1)


def test_turned_scores_turn_the_auc_round_one_half(table):
    truth, probabilities = table
    turned = compute_aucs(truth, -probabilities)
    np.testing.assert_allclose(turned, 1 - compute_aucs(truth, probabilities), atol=1e-12)


def test_auc_knows_only_the_order_of_the_scores(table):
    truth, probabilities = table
    aucs = compute_aucs(truth, probabilities)
    np.testing.assert_allclose(compute_aucs(truth, np.exp(3 * probabilities)), aucs, atol=1e-12)


def test_neither_the_order_of_images_nor_doubling_them_changes_a_figure(table, rng):
    truth, probabilities = table
    summary = compute_summary(truth, probabilities)
    rows = rng.permutation(np.tile(np.arange(len(truth)), 2))
    doubled = compute_summary(truth[rows], probabilities[rows])
    assert doubled.images == 2 * summary.images
    assert doubled.accuracy == pytest.approx(summary.accuracy, abs=1e-12)
    assert doubled.recalls == pytest.approx(summary.recalls, abs=1e-12)
    assert doubled.macro_auc == pytest.approx(summary.macro_auc, abs=1e-12)


# --- undefined ---


def test_a_class_that_does_not_occur_is_nan_and_left_out_of_the_means():
    probabilities = PROBABILITIES[:4]
    summary = compute_summary(TRUTH[:4], probabilities)
    np.testing.assert_array_equal(summary.recalls, [0.5, 1.0, np.nan])
    assert summary.balanced_accuracy == 0.75
    aucs = compute_aucs(TRUTH[:4], probabilities)
    assert list(np.isnan(aucs)) == [False, False, True]
    assert summary.macro_auc == pytest.approx(aucs[:2].mean())


def test_auc_is_nan_where_nothing_but_the_class_occurs():
    summary = compute_summary(np.zeros(3, np.int64), PROBABILITIES[:3])
    assert np.isnan(compute_aucs(np.zeros(3, np.int64), PROBABILITIES[:3])).all()
    assert np.isnan(summary.macro_auc)
    assert summary.balanced_accuracy == pytest.approx(1 / 3)


def test_no_images_have_no_figures():
    summary = compute_summary(TRUTH[:0], PROBABILITIES[:0])
    assert summary.images == 0
    figures = [summary.accuracy, summary.balanced_accuracy, summary.macro_auc, *summary.recalls]
    assert np.isnan(figures).all()
    assert np.isnan(compute_recalls(np.zeros((3, 3), np.int64))).all()


def test_a_summary_as_json_is_plain():
    data = compute_summary(TRUTH, PROBABILITIES).to_dict()
    assert set(data) == {"images", "accuracy", "balanced_accuracy", "macro_auc", "recalls"}
    assert [type(data[key]) for key in data] == [int, float, float, float, tuple]
    assert all(type(value) is float for value in data["recalls"])
