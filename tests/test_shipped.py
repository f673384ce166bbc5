"""What ships: both networks, sound, small enough, and as good as the files beside them say."""

import json
import subprocess
import sys

import numpy as np
import pytest

from skinmodel import paths
from skinmodel.data.sets import ham10000
from skinmodel.data.splits import split_grouped
from skinmodel.evaluation.measures.bootstrap import compute_intervals
from skinmodel.evaluation.predictions import read_predictions, to_arrays
from skinmodel.evaluation.report import read_report
from skinmodel.weights.manifest import read_manifest
from skinmodel.weights.state import WeightsState
from skinmodel.weights.store import verify, verify_graph

MOST_BYTES = 50_000_000
LEAST = {"macro_auc": 0.92, "balanced_accuracy": 0.55}  # with 8 views
MOST_LOST = 0.005  # of balanced accuracy, against float32
FOLDERS = {"test": "ham10000-test", "test_8_views": "ham10000-test-8-views"}
RECORDS = read_manifest(paths.SHIPPED_WEIGHTS)


def results_of(record):
    return paths.RESULTS / record.run_id


def read_summary(record):
    return json.loads((results_of(record) / "release.json").read_text())


def test_four_networks_ship():
    assert {r.model for r in RECORDS} == {
        "cnn",
        "cnn_sa",
        "efficientnet_lite0",
        "efficientnet_lite0_sa",
    }


@pytest.mark.parametrize("record", RECORDS, ids=lambda r: r.model)
class TestShippedRecord:
    def test_file_is_the_recorded_one_and_small(self, record):
        assert verify(paths.SHIPPED_WEIGHTS, record) is WeightsState.OK
        assert record.bytes <= MOST_BYTES

    def test_split_does_not_leak(self, record):
        assert record.split["name"] == "grouped"
        assert not record.leaks

    def test_it_is_good_enough_to_ship(self, record):
        for figure, least in LEAST.items():
            assert record.metrics["test_8_views"][figure]["value"] >= least

    @pytest.mark.parametrize("views", FOLDERS)
    def test_figures_are_those_of_the_committed_predictions(self, record, views):
        folder = results_of(record) / FOLDERS[views]
        recomputed = compute_intervals(*to_arrays(read_predictions(folder / "predictions.csv")))
        reported = read_report(folder).metrics
        assert reported.keys() == recomputed.keys()
        for figure, interval in recomputed.items():
            assert reported[figure].to_dict() == pytest.approx(interval.to_dict(), nan_ok=True)
        for figure, shown in record.metrics[views].items():
            assert shown == pytest.approx(reported[figure].to_dict())

    def test_compact_form_costs_at_most_half_a_point(self, record):
        summary = read_summary(record)
        exact = summary["float32"]["test"]["balanced_accuracy"]["value"]
        shipped = summary["shipped"]["test"]["balanced_accuracy"]["value"]
        assert abs(exact - shipped) <= MOST_LOST  # a gain by rounding is as suspect as a loss

    def test_temperature_is_the_one_fitted_on_validation(self, record):
        report = read_report(results_of(record) / "ham10000-val")
        assert read_summary(record)["temperature"] == record.temperature
        assert report.provenance.temperature == record.temperature

    def test_history_ends_with_the_recipe(self, record):
        rows = (results_of(record) / "history.csv").read_text().splitlines()
        assert len(rows) == 1 + record.recipe["epochs"]
        recipe = json.loads((results_of(record) / "recipe.json").read_text())
        assert recipe == record.recipe

    @pytest.mark.data
    def test_predictions_are_of_the_test_folds(self, record, ham10000_dir):
        index = ham10000.read_index(ham10000_dir)
        split = split_grouped(index)
        assert split.fingerprint == record.split["fingerprint"]
        table = read_predictions(results_of(record) / "ham10000-test" / "predictions.csv")
        assert list(table["image_id"]) == list(split.of(index, "test")["image_id"])


@pytest.mark.parametrize("record", RECORDS, ids=lambda r: r.model)
def test_both_engines_give_the_shipped_networks_answers(record):
    from skinmodel.drawings import draw as drawings
    from skinmodel.inference.classifier import Classifier
    from skinmodel.inference.parity import LARGEST, measure_parity
    from skinmodel.inference.quick import QuickClassifier

    assert verify_graph(paths.SHIPPED_WEIGHTS, record) is WeightsState.OK
    slow = Classifier.from_stored(record, paths.SHIPPED_WEIGHTS)
    quick = QuickClassifier.from_stored(record, paths.SHIPPED_WEIGHTS, lambda: slow)
    assert measure_parity(quick, slow) <= LARGEST == 1e-5
    picture = drawings.draw_lesion("nv", seed=1)
    features = [classifier.features([picture]) for classifier in (quick, slow)]
    np.testing.assert_allclose(*features, atol=1e-4)
    ours, theirs = (c.explain(picture, quick.methods[0], "nv") for c in (quick, slow))
    assert ours.placement == theirs.placement
    assert (ours.layer, ours.code, ours.run_id) == (theirs.layer, theirs.code, record.run_id)
    np.testing.assert_allclose(ours.values, theirs.values, atol=1e-4)
    assert quick.record == record


def test_one_picture_is_answered_on_the_command_line_without_tensorflow():
    code = (
        "import sys\n"
        "from skinmodel.cli.main import main\n"
        "picture, model = 'assets/samples/drawing_mel.jpg', 'efficientnet_lite0_sa'\n"
        "status = main(['predict', picture, '--model', model, '--explain', 'soft_attention'])\n"
        "print('HEAVY', sorted({'tensorflow', 'keras'} & sys.modules.keys()))\n"
        "sys.exit(status)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=paths.ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "HEAVY []" in done.stdout
    assert "efficientnet_lite0_sa-" in done.stdout
