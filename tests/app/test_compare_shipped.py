"""The figures that ship: scikit-learn's on the committed predictions, and quick to open."""

from collections import Counter

import numpy as np
import pytest
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    confusion_matrix,
    precision_recall_fscore_support,
    roc_auc_score,
)

from app.services import evaluations, pair
from app.services.pair import sort_datasets
from skinmodel import paths
from skinmodel.diagnoses import CODES, get_diagnosis
from skinmodel.evaluation import comparison, predictions
from skinmodel.evaluation import report as report_files
from skinmodel.evaluation.measures import bootstrap, thresholds
from skinmodel.evaluation.predictions import PROBABILITIES, read_predictions
from skinmodel.evaluation.report import PREDICTIONS, find_evaluations

PAGE = "compare/page.py"
MEASURED = sort_datasets(find_evaluations(paths.RESULTS))
SETS = [name for name, measured in MEASURED.items() if len(measured) > 1]


@pytest.fixture
def page(open_dashboard):
    at = open_dashboard().switch_page(PAGE).run()
    assert not at.exception
    return at


def open_section(at, dataset, section):
    at.selectbox(key="compare-dataset").set_value(dataset)
    at.session_state["compare-section"] = section
    at.run()
    assert not at.exception
    assert not at.error
    return at


def read_chosen(at, dataset):
    """Return what both chosen runs said: truth as codes, prediction as codes, probabilities."""
    chosen = [b.value for b in at.selectbox if b.label in ("First network", "Second network")]
    for run_id in chosen:
        table = read_predictions(paths.RESULTS / run_id / dataset / PREDICTIONS)
        probabilities = table[list(PROBABILITIES)].to_numpy()
        said = np.array(CODES)[probabilities.argmax(axis=1)]
        yield table["truth"].to_numpy(str), said, probabilities


def value_of(text):
    return float(text.split()[0].split("\u00a0")[0])


def test_results_ship():
    assert {"ham10000-test", "isic2019"} <= set(SETS)


@pytest.mark.parametrize("dataset", SETS)
def test_the_f1_table_is_scikit_learns(page, dataset):
    at = open_section(page, dataset, "F1")
    shown = at.table[0].value
    names = [f"{get_diagnosis(code).name} ({code})" for code in CODES]
    labels = [c.removeprefix("F1 ") for c in shown.columns if c.startswith("F1 ")]
    for label, (truth, said, _) in zip(labels, read_chosen(at, dataset), strict=True):
        expected = precision_recall_fscore_support(
            truth, said, labels=list(CODES), zero_division=np.nan
        )
        for title, values in zip(("Precision", "Recall", "F1"), expected[:3], strict=True):
            for name, value in zip(names, values, strict=True):
                text = shown.loc[name, f"{title} {label}"]
                if np.isnan(value):
                    assert text == "not defined"
                else:
                    assert value_of(text) == pytest.approx(value, abs=0.00501)
        assert [int(t.replace(",", "")) for t in shown["Support"][:7]] == expected[3].tolist()


@pytest.mark.parametrize("dataset", SETS)
def test_the_headline_figures_are_scikit_learns(page, dataset):
    at = open_section(page, dataset, "Headline")
    shown = at.table[0].value
    for label, read in zip(shown.columns[:2], read_chosen(at, dataset), strict=True):
        truth, said, probabilities = read
        assert value_of(shown.loc["Accuracy", label]) == pytest.approx(
            accuracy_score(truth, said), abs=0.000501
        )
        assert value_of(shown.loc["Balanced accuracy", label]) == pytest.approx(
            balanced_accuracy_score(truth, said), abs=0.000501
        )
        areas = [
            roc_auc_score(truth == code, probabilities[:, k])
            for k, code in enumerate(CODES)
            if 0 < (truth == code).sum() < len(truth)
        ]
        assert value_of(shown.loc["Macro AUC", label]) == pytest.approx(
            np.mean(areas), abs=0.000501
        )


@pytest.mark.parametrize("dataset", SETS)
def test_the_reports_confusion_is_scikit_learns(page, dataset):
    at = open_section(page, dataset, "Confusion")
    chosen = [b.value for b in at.selectbox if b.label in ("First network", "Second network")]
    known = {e.provenance.run_id: e for e in MEASURED[dataset]}
    for run_id, (truth, said, _) in zip(chosen, read_chosen(at, dataset), strict=True):
        report = evaluations.read_report(known[run_id])
        expected = confusion_matrix(truth, said, labels=list(CODES))
        np.testing.assert_array_equal(report.confusion, expected)


def test_every_shipped_pair_of_the_default_choice_has_its_difference_at_hand(page):
    for dataset in SETS:
        at = open_section(page, dataset, "Headline")
        assert "What may be claimed" in at.table[0].value.columns, dataset


def test_opening_the_page_reads_saved_figures_and_draws_nothing(open_dashboard, monkeypatch):
    at = open_dashboard()
    for read in (evaluations._list, evaluations._open_pair, evaluations._read_report):
        read.clear()
    done = Counter()

    def count(name, owner, function):
        before = getattr(owner, function)

        def counted(*given, **named):
            done[name] += 1
            return before(*given, **named)

        monkeypatch.setattr(owner, function, counted)

    count("resamplings", comparison, "resample")
    count("resamplings", thresholds, "resample")
    count("resamplings", bootstrap, "resample")
    count("tables of predictions", predictions.pd, "read_csv")
    count("reports", report_files, "read_report")
    count("reports", pair, "read_report")
    at.switch_page(PAGE).run()
    assert at.table
    shipped = sum(len(measured) for measured in MEASURED.values())
    assert done["resamplings"] == 0
    assert done["tables of predictions"] <= 2 + 1  # the pair's, and the table of the leak
    assert shipped <= done["reports"] <= 2 * shipped
    done.clear()
    at.run()
    assert not done  # what is open stays open


def test_every_run_on_the_chosen_images_is_listed_beside_the_pair(page):
    at = open_section(page, "ham10000-test", "Headline")
    tables = [t.value for t in at.table]
    [table] = [t for t in tables if any("grouped-s1" in str(name) for name in t.index)]
    assert len(table) == len(MEASURED["ham10000-test"]) > 2
    for measured in MEASURED["ham10000-test"]:
        [row] = [name for name in table.index if measured.provenance.run_id in name]
        assert ("leaky" in row) == measured.provenance.leaks
        saved = read_predictions(measured.folder / PREDICTIONS)
        truth = saved["truth"].map(CODES.index).to_numpy()
        chosen = saved[list(PROBABILITIES)].to_numpy().argmax(axis=1)
        shown = float(str(table.loc[row, "Balanced accuracy"]).split()[0])
        assert shown == pytest.approx(balanced_accuracy_score(truth, chosen), abs=6e-4)
