import io
import math

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, recall_score

from skinmodel.diagnoses import CODES
from skinmodel.errors import DatasetError
from skinmodel.evaluation.leak import (
    DATASETS,
    FIGURES,
    MeasuredWeights,
    compute_leak_table,
    from_frame,
    to_frame,
)
from skinmodel.evaluation.measures.bootstrap import compute_intervals
from skinmodel.evaluation.predictions import PROBABILITIES, to_arrays

DRAWS = 50


def draw_predictions(seed, images, right, codes=CODES, prefix="ISIC_"):
    """Predictions of which about a share of ``right`` is right; two images a lesion."""
    rng = np.random.default_rng(seed)
    truth = np.array([CODES.index(code) for code in codes])[np.arange(images) % len(codes)]
    scores = rng.random((images, 7))
    hit = rng.random(images) < right
    scores[hit, truth[hit]] += 2.0
    table = pd.DataFrame(
        {
            "image_id": [f"{prefix}{i:07d}" for i in range(images)],
            "lesion_id": [
                f"HAM_{i % len(codes)}_{i // (2 * len(codes)):05d}" for i in range(images)
            ],
            "truth": [CODES[k] for k in truth],
        }
    )
    table[list(PROBABILITIES)] = scores / scores.sum(axis=1, keepdims=True)
    return table


REPORT_TEST = draw_predictions(1, 420, 0.9)
REPORT = MeasuredWeights(
    "CNN, report", draw_predictions(2, 140, 0.7), draw_predictions(3, 210, 0.3, prefix="ISIC_9")
)
OURS = MeasuredWeights(
    "CNN", draw_predictions(4, 140, 0.8), draw_predictions(5, 210, 0.4, prefix="ISIC_9")
)
NEVI = tuple(OURS.ham10000_test["image_id"][OURS.ham10000_test["truth"] == "nv"][:12])
HIDDEN = tuple(REPORT_TEST["image_id"][:70])


def compute(report=REPORT, test=REPORT_TEST, ours=OURS, unseen=NEVI, hidden=HIDDEN):
    rows = compute_leak_table(report, test, ours, unseen, hidden, draws=DRAWS)
    return {(row.weights, row.dataset): row for row in rows}


ROWS = compute()


def test_every_set_of_weights_has_its_rows_in_order():
    assert list(ROWS) == [
        ("CNN, report", "report-test"),
        ("CNN, report", "report-test-given-away"),
        ("CNN, report", "report-test-unseen"),
        ("CNN, report", "unseen"),
        ("CNN, report", "isic2019"),
        ("CNN", "unseen"),
        ("CNN", "ham10000-test"),
        ("CNN", "isic2019"),
    ]
    assert {dataset for _, dataset in ROWS} == set(DATASETS)
    leaky = [dataset for (_, dataset), row in ROWS.items() if row.leaks]
    assert leaky == ["report-test", "report-test-given-away"]


def test_the_parts_of_the_reports_test_are_the_whole():
    whole, given, hidden = (
        ROWS["CNN, report", name]
        for name in ("report-test", "report-test-given-away", "report-test-unseen")
    )
    assert (whole.images, given.images, hidden.images) == (420, 350, 70)
    right = [row.images * row.figures["accuracy"].value for row in (whole, given, hidden)]
    assert right[0] == pytest.approx(right[1] + right[2])


@pytest.mark.parametrize(
    ("key", "table"),
    [
        (("CNN, report", "report-test"), REPORT_TEST),
        (("CNN", "ham10000-test"), OURS.ham10000_test),
        (("CNN", "isic2019"), OURS.isic2019),
        (
            ("CNN", "unseen"),
            OURS.ham10000_test[OURS.ham10000_test["image_id"].isin(NEVI)],
        ),
        (("CNN, report", "report-test-unseen"), REPORT_TEST.iloc[:70]),
    ],
)
def test_figures_are_those_of_the_metrics_on_just_these_images(key, table):
    row = ROWS[key]
    truth, probabilities, lesions = to_arrays(table)
    expected = compute_intervals(truth, probabilities, lesions, draws=DRAWS)
    assert list(row.figures) == list(FIGURES)
    for name, interval in row.figures.items():
        np.testing.assert_equal(interval.to_dict(), expected[name].to_dict())
    assert row.images == len(table)
    assert row.lesions == len(set(lesions))
    predicted = probabilities.argmax(axis=1)
    assert row.figures["accuracy"].value == pytest.approx(accuracy_score(truth, predicted))
    recalls = recall_score(truth, predicted, labels=np.unique(truth), average="macro")
    assert row.figures["balanced_accuracy"].value == pytest.approx(recalls)


def test_a_class_without_a_case_is_named_and_its_figures_stay_undefined():
    row = ROWS["CNN", "unseen"]
    assert row.missing == tuple(code for code in CODES if code != "nv")
    nan = [name for name, interval in row.figures.items() if math.isnan(interval.value)]
    assert nan == ["macro_auc", *(f"recall.{code}" for code in row.missing)]
    assert math.isnan(row.figures["macro_auc"].low)
    accuracy = row.figures["accuracy"]
    assert row.figures["recall.nv"] == accuracy == row.figures["balanced_accuracy"]
    assert row.remark == (
        "No case of mel, bkl, bcc, akiec, vasc, df: balanced accuracy is the sensitivity for nv "
        "alone and macro AUC is not defined."
    )
    assert ROWS["CNN", "ham10000-test"].missing == ()
    assert ROWS["CNN", "ham10000-test"].remark == ""


def test_two_classes_are_averaged_and_the_remark_says_so():
    table = OURS.ham10000_test
    two = tuple(table["image_id"][table["truth"].isin(["nv", "mel"])])
    row = compute(unseen=two)["CNN", "unseen"]
    assert not math.isnan(row.figures["macro_auc"].value)
    assert row.remark.endswith("balanced accuracy and macro AUC are means over nv, mel.")


def test_no_unseen_image_gives_a_row_in_which_nothing_is_defined():
    row = compute(unseen=())["CNN, report", "unseen"]
    assert (row.images, row.lesions, row.missing) == (0, 0, CODES)
    assert all(math.isnan(interval.value) for interval in row.figures.values())
    assert row.remark == "No image: nothing is defined."


def test_without_isic_2019_its_rows_are_left_out():
    report = MeasuredWeights(REPORT.title, REPORT.ham10000_test)
    datasets = [dataset for _, dataset in compute(report=report)]
    assert datasets.count("isic2019") == 1
    assert len(datasets) == 7


def test_intervals_draw_lesions_and_repeat_by_seed():
    row = ROWS["CNN, report", "report-test"]
    assert compute()["CNN, report", "report-test"] == row
    apart = REPORT_TEST.assign(lesion_id=REPORT_TEST["image_id"])
    accuracy = row.figures["accuracy"]
    assert accuracy.low < accuracy.value < accuracy.high
    other = compute(test=apart)["CNN, report", "report-test"].figures["accuracy"]
    assert other.value == accuracy.value
    assert other != accuracy


def test_the_order_of_the_rows_of_a_table_does_not_matter_to_the_figures():
    shuffled = REPORT_TEST.sample(frac=1, random_state=3)
    row = compute(test=shuffled)["CNN, report", "report-test"]
    for name, interval in ROWS["CNN, report", "report-test"].figures.items():
        assert row.figures[name].value == pytest.approx(interval.value)


def test_the_table_survives_as_csv():
    rows = tuple(ROWS.values())
    text = to_frame(rows).to_csv(index=False)
    for frame in (to_frame(rows), pd.read_csv(io.StringIO(text))):
        again = from_frame(frame)
        assert len(again) == len(rows)
        for before, after in zip(rows, again, strict=True):
            assert (after.weights, after.dataset, after.missing, after.leaks) == (
                before.weights,
                before.dataset,
                before.missing,
                before.leaks,
            )
            assert (after.images, after.lesions) == (before.images, before.lesions)
            for name in FIGURES:
                kept, made = after.figures[name].to_dict(), before.figures[name].to_dict()
                # Equal but for the last bit, which a reader of CSV may lose; NaN equals NaN.
                np.testing.assert_allclose(list(kept.values()), list(made.values()), rtol=1e-12)


def test_a_table_of_another_form_is_no_leak_table():
    with pytest.raises(DatasetError, match=r"lacks the columns recall\.df_high"):
        from_frame(to_frame(ROWS.values()).drop(columns="recall.df_high"))


def test_images_that_were_not_measured_are_named():
    with pytest.raises(DatasetError, match="lack images to compare on: ISIC_X, ISIC_Y"):
        compute(unseen=[*NEVI, "ISIC_Y", "ISIC_X"])
    with pytest.raises(DatasetError, match="lack images to compare on: ISIC_Z"):
        compute(hidden=["ISIC_Z"])


def test_an_image_measured_twice_is_refused():
    twice = pd.concat([REPORT_TEST, REPORT_TEST.iloc[:2]])
    with pytest.raises(DatasetError, match="report-test have images twice: ISIC_0000000, ISIC_"):
        compute(test=twice)


def test_a_table_without_probabilities_is_refused():
    with pytest.raises(DatasetError, match="lacks the columns p_df"):
        compute(test=REPORT_TEST.drop(columns="p_df"))
