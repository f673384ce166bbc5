from dataclasses import asdict
from fractions import Fraction

import numpy as np
import pytest
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    balanced_accuracy_score,
    confusion_matrix,
    precision_recall_fscore_support,
    roc_auc_score,
)

from skinmodel.diagnoses import CODES
from skinmodel.errors import ConfigError
from skinmodel.evaluation.measures.metrics import BY_CLASS, OVERALL, compute_metrics

NAN = float("nan")
# Six images of the first three classes, small enough to work by hand; the other four never occur
# and are never predicted. Predicted: 0, 1, 1, 1, 2, 0.
TRUTH = np.array([0, 0, 1, 1, 2, 2])
PROBABILITIES = np.zeros((6, 7), np.float32)
PROBABILITIES[:, :3] = [
    [0.7, 0.2, 0.1],
    [0.3, 0.5, 0.2],
    [0.2, 0.5, 0.3],
    [0.1, 0.8, 0.1],
    [0.2, 0.2, 0.6],
    [0.6, 0.1, 0.3],
]


def by_class(metrics, figure):
    return [getattr(of_class, figure) for of_class in metrics.classes]


def fractions(*texts):
    """The first classes as given, the others undefined."""
    return pytest.approx(
        [float(Fraction(t)) for t in texts] + [NAN] * (7 - len(texts)), nan_ok=True
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
    metrics = compute_metrics(TRUTH, PROBABILITIES)
    rows = [row[:3] for row in metrics.confusion[:3]]
    assert rows == [(1, 1, 0), (0, 2, 0), (1, 0, 1)]
    assert metrics.images == np.sum(metrics.confusion) == 6
    assert by_class(metrics, "support") == [2, 2, 2, 0, 0, 0, 0]


def test_every_class_by_hand():
    metrics = compute_metrics(TRUTH, PROBABILITIES)
    assert by_class(metrics, "precision") == fractions("1/2", "2/3", "1")
    assert by_class(metrics, "recall") == fractions("1/2", "1", "1/2")
    # A class that does not occur has no recall, but it is never called either: specificity 1.
    specificity = [float(Fraction(t)) for t in ("3/4", "3/4", "1", "1", "1", "1", "1")]
    assert by_class(metrics, "specificity") == pytest.approx(specificity)
    assert by_class(metrics, "f1") == fractions("1/2", "4/5", "2/3")


def test_auc_by_hand_counts_a_tie_as_one_half():
    # Class 0: .7 beats all four, .3 beats three: 7/8. Class 1: .5 ties with one .5: 7.5/8.
    # Class 2: .6 beats all four, .3 beats three and ties with one: 7.5/8.
    metrics = compute_metrics(TRUTH, PROBABILITIES)
    assert by_class(metrics, "auc") == fractions("7/8", "15/16", "15/16")
    assert metrics.macro_auc == pytest.approx(float(Fraction(11, 12)))


def test_average_precision_by_hand_takes_tied_scores_as_one_step():
    # Class 0: right at .7 (1/1), wrong at .6, right at .3 (2/3): half of each.
    # Classes 1 and 2: right at the top (1/1), then one right and one wrong tie (2/3).
    metrics = compute_metrics(TRUTH, PROBABILITIES)
    assert by_class(metrics, "average_precision") == fractions("5/6", "5/6", "5/6")
    assert metrics.macro_average_precision == pytest.approx(5 / 6)


def test_overall_figures_by_hand():
    # The first five images: supports 2, 2, 1; precision 1, 2/3, 1; recall 1/2, 1, 1.
    metrics = compute_metrics(TRUTH[:5], PROBABILITIES[:5])
    expected = {
        "accuracy": "4/5",
        "balanced_accuracy": "5/6",
        "macro_precision": "8/9",
        "macro_recall": "5/6",
        "macro_f1": "37/45",
        "weighted_precision": "13/15",
        "weighted_recall": "4/5",
        "weighted_f1": "59/75",
    }
    for name, fraction in expected.items():
        assert getattr(metrics, name) == pytest.approx(float(Fraction(fraction))), name


def test_the_first_class_wins_a_tie_of_probabilities():
    probabilities = np.array([[0.4, 0.4, 0.2, 0, 0, 0, 0]], np.float32)
    assert compute_metrics(np.array([1]), probabilities).confusion[1] == (1, 0, 0, 0, 0, 0, 0)


# --- against scikit-learn ---


def expect_from_scikit_learn(truth, probabilities):
    """Every figure by scikit-learn, by flat name; also for classes that do not occur."""
    predicted = probabilities.argmax(axis=1)
    labels = list(range(7))

    def shares(average):
        return precision_recall_fscore_support(
            truth, predicted, labels=labels, average=average, zero_division=np.nan
        )

    one = truth[:, None] == np.arange(7)
    rest = [k for k in labels if 0 < one[:, k].sum() < len(truth)]
    auc = [roc_auc_score(one[:, k], probabilities[:, k]) if k in rest else NAN for k in labels]
    area = [
        average_precision_score(one[:, k], probabilities[:, k]) if one[:, k].any() else NAN
        for k in labels
    ]
    columns = dict(zip(("precision", "recall", "f1"), shares(None), strict=False))
    columns |= {"auc": auc, "average_precision": area}
    names = ("precision", "recall", "f1")
    return {
        "accuracy": accuracy_score(truth, predicted),
        "macro_auc": np.nanmean(auc),
        "macro_average_precision": np.nanmean(area),
        **dict(zip([f"macro_{n}" for n in names], shares("macro"), strict=False)),
        **dict(zip([f"weighted_{n}" for n in names], shares("weighted"), strict=False)),
        **{f"{n}.{code}": v[k] for n, v in columns.items() for k, code in enumerate(CODES)},
    }


@pytest.mark.parametrize("present", [7, 4])
def test_everything_agrees_with_scikit_learn(table, present):
    rows = table[0] < present
    truth, probabilities = table[0][rows], table[1][rows]
    metrics = compute_metrics(truth, probabilities)
    predicted = probabilities.argmax(axis=1)
    expected = confusion_matrix(truth, predicted, labels=range(7))
    np.testing.assert_array_equal(metrics.confusion, expected)
    flat = metrics.flat()
    for name, value in expect_from_scikit_learn(truth, probabilities).items():
        assert flat.pop(name) == pytest.approx(value, abs=1e-12, nan_ok=True), name
    left = {f"specificity.{code}" for code in CODES} | {"balanced_accuracy"}
    assert flat.keys() == left
    for k, code in enumerate(CODES):
        others = truth != k
        specificity = (predicted[others] != k).mean()
        assert flat[f"specificity.{code}"] == pytest.approx(specificity, abs=1e-12)


def test_balanced_accuracy_and_macro_auc_agree_with_scikit_learns_own_means(rng):
    truth = rng.integers(0, 7, 300)
    probabilities = rng.dirichlet(np.ones(7), 300)
    metrics = compute_metrics(truth, probabilities)
    auc = roc_auc_score(truth, probabilities, multi_class="ovr", average="macro")
    assert metrics.macro_auc == pytest.approx(auc, abs=1e-12)
    balanced = balanced_accuracy_score(truth, probabilities.argmax(axis=1))
    assert metrics.balanced_accuracy == pytest.approx(balanced, abs=1e-12)


# --- identities ---


def test_shares_of_one_table_hang_together(table):
    metrics = compute_metrics(*table)
    assert metrics.accuracy == pytest.approx(metrics.weighted_recall, abs=1e-12)
    assert metrics.balanced_accuracy == metrics.macro_recall
    for of_class in metrics.classes:
        harmonic = 2 / (1 / of_class.precision + 1 / of_class.recall)
        assert of_class.f1 == pytest.approx(harmonic, abs=1e-12)


def test_one_answer_to_everything_has_the_figures_of_chance(table):
    truth, _ = table
    always = np.tile(np.array([1, 0, 0, 0, 0, 0, 0], np.float32), (len(truth), 1))
    metrics = compute_metrics(truth, always)
    assert metrics.balanced_accuracy == pytest.approx(1 / 7)
    assert metrics.macro_auc == 0.5
    prevalence = np.bincount(truth, minlength=7) / len(truth)
    assert metrics.accuracy == pytest.approx(prevalence[0])
    assert by_class(metrics, "average_precision") == pytest.approx(prevalence)
    assert by_class(metrics, "specificity") == [0, 1, 1, 1, 1, 1, 1]


def test_the_truth_itself_is_perfect(table):
    truth, _ = table
    flat = compute_metrics(truth, np.eye(7, dtype=np.float32)[truth]).flat()
    assert set(flat.values()) == {1.0}


def test_turned_scores_turn_the_auc_round_one_half(table):
    truth, probabilities = table
    turned = by_class(compute_metrics(truth, -probabilities), "auc")
    auc = np.array(by_class(compute_metrics(truth, probabilities), "auc"))
    assert turned == pytest.approx(1 - auc, abs=1e-12)


def test_ranked_figures_know_only_the_order_of_the_scores(table):
    truth, probabilities = table
    metrics, stretched = (compute_metrics(truth, p) for p in (probabilities, probabilities**3))
    for figure in ("auc", "average_precision"):
        assert by_class(stretched, figure) == by_class(metrics, figure)


def test_neither_the_order_of_images_nor_doubling_them_changes_a_figure(table, rng):
    truth, probabilities = table
    metrics = compute_metrics(truth, probabilities)
    rows = rng.permutation(np.tile(np.arange(len(truth)), 2))
    doubled = compute_metrics(truth[rows], probabilities[rows])
    assert doubled.images == 2 * metrics.images
    assert doubled.flat() == pytest.approx(metrics.flat(), abs=1e-12)


# --- undefined ---


def test_a_class_that_does_not_occur_is_left_out_of_the_means():
    metrics = compute_metrics(TRUTH[:4], PROBABILITIES[:4])
    assert by_class(metrics, "recall") == fractions("1/2", "1")
    assert metrics.balanced_accuracy == 0.75
    assert np.isnan(by_class(metrics, "auc")[2])
    assert metrics.macro_auc == pytest.approx(np.mean(by_class(metrics, "auc")[:2]))


def test_a_class_never_predicted_has_no_precision_and_an_f1_of_nought():
    metrics = compute_metrics(np.array([0, 1]), PROBABILITIES[[0, 0]])
    of_class = metrics.classes[1]
    assert np.isnan(of_class.precision)
    assert (of_class.recall, of_class.f1, of_class.specificity) == (0, 0, 1)
    assert metrics.macro_precision == 0.5


def test_nothing_but_the_class_has_no_auc_and_no_specificity():
    metrics = compute_metrics(np.zeros(3, np.int64), PROBABILITIES[:3])
    assert np.isnan(by_class(metrics, "auc")).all()
    assert np.isnan([metrics.macro_auc, metrics.classes[0].specificity]).all()
    assert metrics.balanced_accuracy == pytest.approx(1 / 3)


def test_no_images_have_no_figures():
    metrics = compute_metrics(TRUTH[:0], PROBABILITIES[:0])
    assert metrics.images == 0
    assert np.isnan(list(metrics.flat().values())).all()
    assert np.shape(metrics.confusion) == (7, 7)


# --- form ---


def test_flat_names_every_figure_once():
    metrics = compute_metrics(TRUTH, PROBABILITIES)
    flat = metrics.flat()
    assert tuple(flat)[: len(OVERALL)] == OVERALL
    assert len(flat) == len(OVERALL) + len(BY_CLASS) * len(CODES)
    assert flat["recall.mel"] == metrics.classes[1].recall == 1.0
    assert flat["macro_f1"] == metrics.macro_f1
    assert {type(value) for value in flat.values()} == {float}


def test_metrics_are_plain_values():
    data = asdict(compute_metrics(TRUTH, PROBABILITIES))
    assert {type(cell) for row in data["confusion"] for cell in row} == {int}
    assert {type(value) for value in data["classes"][0].values()} == {int, float}


@pytest.mark.parametrize("shape", [(5, 7), (6, 3), (6,)])
def test_probabilities_of_other_images_or_classes_are_refused(shape):
    with pytest.raises(ConfigError, match=r"expected \(6, 7\)"):
        compute_metrics(TRUTH, np.zeros(shape, np.float32))
