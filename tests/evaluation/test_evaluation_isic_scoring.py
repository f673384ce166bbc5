"""Our figures beside those of the ISIC challenge's own scorer on the same files.

It counts what is not defined as 1.0; we do not, and the last test shows the difference.
"""

import sys
import zipfile

import numpy as np
import pandas as pd
import pytest

from skinmodel.diagnoses import CODES, DIAGNOSES
from skinmodel.evaluation.measures.metrics import compute_metrics
from skinmodel.evaluation.measures.thresholds import at_threshold, compute_roc

# Version 5.6.0 was written for pandas 1 and 2.
pytestmark = pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")
IMAGES = 250
COLUMNS = [diagnosis.isic2018 for diagnosis in DIAGNOSES]
# It flags above one half, we from the threshold on.
HALF = np.nextafter(0.5, 1)


@pytest.fixture
def scorer(monkeypatch):
    """Scores a truth table and a submission, as files."""
    # It loads its reader of segmentation archives at once: a drop-in for the standard library's,
    # not installed for the want of wheels (see requirements-no-deps.txt).
    monkeypatch.setitem(sys.modules, "zipfile_deflate64", zipfile)
    monkeypatch.setattr(pd.DataFrame, "applymap", pd.DataFrame.map, raising=False)
    from isic_challenge_scoring import ClassificationMetric, ClassificationScore

    def score(folder, truth, probabilities):
        files = folder / "truth.csv", folder / "submission.csv"
        for file, values in zip(files, (np.eye(7)[truth], probabilities), strict=True):
            table = pd.DataFrame(values, columns=COLUMNS)
            table.insert(0, "image", [f"ISIC_{number:07d}" for number in range(len(truth))])
            table.to_csv(file, index=False, float_format="%.6f")
        return ClassificationScore.from_file(*files, ClassificationMetric.BALANCED_ACCURACY)

    return score


@pytest.fixture
def table(rng):
    """Seven uneven classes, and probabilities with the six decimals of the file."""
    truth = rng.choice(7, IMAGES, p=[0.4, 0.2, 0.12, 0.1, 0.08, 0.05, 0.05])
    odds = rng.gamma(0.7, size=(IMAGES, 7)) + 1.5 * (truth[:, None] == np.arange(7))
    probabilities = (odds / odds.sum(axis=1, keepdims=True)).round(6)
    # It counts a tie for the lead as an error, we as the first class.
    assert ((probabilities == probabilities.max(axis=1, keepdims=True)).sum(axis=1) == 1).all()
    return truth, probabilities


def test_balanced_accuracy_auc_and_average_precision_are_the_challenges(scorer, table, tmp_path):
    theirs = scorer(tmp_path, *table)
    ours = compute_metrics(*table)
    assert theirs.overall == pytest.approx(ours.balanced_accuracy, abs=1e-12)
    assert list(theirs.per_category.index) == COLUMNS
    for column, of_class in zip(COLUMNS, ours.classes, strict=True):
        row = theirs.per_category.loc[column]
        assert row["auc"] == pytest.approx(of_class.auc, abs=1e-12)
        assert row["ap"] == pytest.approx(of_class.average_precision, abs=1e-12)
    assert theirs.macro_average["auc"] == pytest.approx(ours.macro_auc, abs=1e-12)
    expected = ours.macro_average_precision
    assert theirs.macro_average["ap"] == pytest.approx(expected, abs=1e-12)


def test_shares_at_one_half_are_the_challenges(scorer, table, tmp_path):
    truth, probabilities = table
    theirs = scorer(tmp_path, truth, probabilities)
    for k, column in enumerate(COLUMNS):
        point = at_threshold(truth == k, probabilities[:, k], HALF)
        assert theirs.per_category.loc[column, "accuracy":"npv"].to_dict() == pytest.approx(
            {
                "accuracy": (point.tp + point.tn) / IMAGES,
                "sensitivity": point.sensitivity,
                "specificity": point.specificity,
                "dice": 2 * point.tp / (2 * point.tp + point.fp + point.fn),
                "ppv": point.ppv,
                "npv": point.npv,
            },
            abs=1e-12,
        )


def test_shares_of_certain_answers_are_those_of_the_confusion_matrix(scorer, table, tmp_path):
    truth, probabilities = table
    certain = np.eye(7)[probabilities.argmax(axis=1)]
    theirs = scorer(tmp_path, truth, certain)
    for column, of_class in zip(COLUMNS, compute_metrics(truth, certain).classes, strict=True):
        row = theirs.per_category.loc[column]
        found = (row["sensitivity"], row["specificity"], row["ppv"], row["dice"])
        ours = (of_class.recall, of_class.specificity, of_class.precision, of_class.f1)
        assert found == pytest.approx(ours, abs=1e-12)


def test_roc_curves_pass_through_the_challenges_points(scorer, table, tmp_path):
    truth, probabilities = table
    theirs = scorer(tmp_path, truth, probabilities)
    for k, column in enumerate(COLUMNS):
        ours = compute_roc(truth == k, probabilities[:, k])
        points = set(zip(ours.thresholds, ours.sensitivity.round(9), strict=True))
        roc = theirs.rocs[column]
        assert len(roc) > 10
        assert set(zip(roc.index, roc["tpr"].round(9), strict=True)) <= points


def test_what_is_not_defined_is_one_there_and_nan_here(scorer, table, tmp_path):
    truth, probabilities = table
    never = probabilities.copy()
    never[:, 6] = 0
    theirs = scorer(tmp_path, truth, never).per_category.loc[COLUMNS[6]]
    assert (theirs["ppv"], theirs["sensitivity"]) == (1.0, 0.0)
    point = at_threshold(truth == 6, never[:, 6], HALF)
    assert np.isnan(point.ppv)
    ours = compute_metrics(truth, never).flat()
    assert np.isnan(ours[f"precision.{CODES[6]}"])
    assert ours[f"recall.{CODES[6]}"] == 0
