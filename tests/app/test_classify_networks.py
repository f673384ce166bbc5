"""The choice of networks on the Classify page, and which one it calls the strongest."""

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from fakes import FakeClassifier, make_classifiers, make_probabilities, make_record

from app import services
from app.classify.networks import describe_strongest
from app.services.differences import read_differences
from app.shared.report import render_json
from skinmodel import paths
from skinmodel.errors import WeightsError
from skinmodel.evaluation.measures.bootstrap import Interval

NAMES = ("cnn", "cnn_sa", "efficientnet_lite0", "efficientnet_lite0_sa")


@pytest.fixture
def shop(ship, monkeypatch):
    """Four networks ship; counts how often each beside the default pair is loaded."""
    ship(*map(make_record, NAMES))
    loaded = []

    def load(name):
        loaded.append(name)
        return FakeClassifier(name, make_probabilities(mel=0.8))

    monkeypatch.setattr(services, "load_classifier", load)
    services.forget_further_classifiers()
    yield loaded
    services.forget_further_classifiers()


def give(at, data):
    return at.file_uploader[0].upload("lesion.png", data, "image/png").run()


def titles(at):
    return [s.value for s in at.subheader if s.value.startswith(("CNN", "Efficient"))]


def test_the_reports_pair_is_asked_first_and_no_other_is_loaded(
    open_dashboard, shop, picture_bytes
):
    at = give(open_dashboard(), picture_bytes)
    assert titles(at) == ["CNN", "CNN-SA"]
    assert shop == []


def test_a_third_network_is_loaded_once_and_joins(open_dashboard, shop, picture_bytes):
    at = give(open_dashboard(), picture_bytes)
    at.multiselect(key="networks").set_value(["cnn", "cnn_sa", "efficientnet_lite0_sa"]).run()
    assert not at.exception
    assert titles(at) == ["CNN", "CNN-SA", "EfficientNet-Lite0-SA"]
    at.multiselect(key="networks").set_value(["efficientnet_lite0_sa"]).run()
    assert titles(at) == ["EfficientNet-Lite0-SA"]
    assert shop == ["efficientnet_lite0_sa"]
    assert "EfficientNet-Lite0-SA says" in at.error[0].value


def test_a_result_is_saved_of_the_networks_shown_only(open_dashboard, shop, picture_bytes):
    at = give(open_dashboard(), picture_bytes)
    at.multiselect(key="networks").set_value(["cnn_sa"]).run()
    [analysis] = at.session_state["analyses"].values()
    assert set(analysis.predictions) == {"cnn", "cnn_sa"}
    now = datetime(2026, 1, 1, tzinfo=UTC)
    saved = json.loads(render_json(analysis, {"cnn_sa": "CNN-SA"}, (), now))
    assert [r["model"] for r in saved["results"]] == ["cnn_sa"]
    assert {e["model"] for e in saved["explanations"]} <= {"cnn_sa"}


def test_no_network_chosen_says_what_to_do(open_dashboard, shop, picture_bytes):
    at = give(open_dashboard(), picture_bytes)
    at.multiselect(key="networks").set_value([]).run()
    assert not at.exception
    assert "Choose at least one network" in at.info[0].value


def test_a_network_that_cannot_be_loaded_is_named_in_words(
    open_dashboard, shop, picture_bytes, monkeypatch
):
    def fail(name):
        raise WeightsError("The weights are damaged.")

    monkeypatch.setattr(services, "load_classifier", fail)
    at = give(open_dashboard(), picture_bytes)
    at.multiselect(key="networks").set_value(["cnn", "efficientnet_lite0"]).run()
    assert not at.exception
    assert "The weights are damaged" in at.error[0].value


def test_a_default_network_that_is_corrupt_takes_no_other_down(open_dashboard, shop, picture_bytes):
    classifiers = make_classifiers()
    classifiers["cnn"].failure = WeightsError("The weights of cnn are corrupt.")
    classifiers["cnn"].is_held = False
    at = give(open_dashboard(classifiers), picture_bytes)
    assert "The weights of cnn are corrupt" in at.error[0].value
    at.multiselect(key="networks").set_value(["cnn_sa", "efficientnet_lite0"]).run()
    assert [e.value.splitlines()[0] for e in at.error] == ["## ▲ Malignant: melanoma"]
    assert titles(at) == ["CNN-SA", "EfficientNet-Lite0"]


@pytest.mark.parametrize("corrupt", [("cnn",), ("cnn", "cnn_sa")])
def test_the_warm_up_fails_only_where_no_network_can_be_used(ship, monkeypatch, corrupt):
    ship(*map(make_record, NAMES))

    class Process:
        """In place of the networks' process."""

        def ask(self, task):
            if task.network.record.model in corrupt:
                raise WeightsError(f"The weights of {task.network.record.model} are corrupt.")

    monkeypatch.setattr(services, "get_process", Process)
    if len(corrupt) == 2:
        with pytest.raises(WeightsError, match="weights of cnn are corrupt"):
            services.load_classifiers()
    else:
        assert list(services.load_classifiers()) == ["cnn", "cnn_sa"]


def measured(model, value, low, high):
    figure = {"value": value, "low": low, "high": high}
    return replace(make_record(model), metrics={"test": {"balanced_accuracy": figure}})


MEASURED = [
    measured("cnn", 0.57, 0.52, 0.61),
    measured("efficientnet_lite0", 0.70, 0.65, 0.75),
    measured("efficientnet_lite0_sa", 0.66, 0.61, 0.71),
]


def test_the_strongest_is_called_better_by_its_paired_differences_alone():
    differences = {
        ("cnn", "efficientnet_lite0"): Interval(0.13, 0.09, 0.17),
        ("efficientnet_lite0_sa", "efficientnet_lite0"): Interval(0.04, -0.01, 0.09),
    }
    sentence = describe_strongest(MEASURED, differences)
    assert "EfficientNet-Lite0 0.70 (0.65 to 0.75)" in sentence
    assert "CNN 0.57 (0.52 to 0.61)" in sentence
    assert "**EfficientNet-Lite0** did better than CNN (+13.0 points, +9.0 to +17.0)," in sentence
    assert "and EfficientNet-Lite0-SA (+4.0 points, −1.0 to +9.0) no difference" in sentence


def test_overlapping_intervals_do_not_hide_a_difference_that_is_there():
    records = [measured("cnn", 0.57, 0.52, 0.61), measured("cnn_sa", 0.59, 0.54, 0.64)]
    sentence = describe_strongest(records, {("cnn", "cnn_sa"): Interval(0.026, 0.001, 0.055)})
    assert "**CNN-SA** did better than CNN" in sentence
    assert "no difference" not in sentence


def test_of_pairs_without_a_saved_difference_nothing_is_said():
    sentence = describe_strongest(MEASURED, {})
    assert "0.70 (0.65 to 0.75)" in sentence
    assert "better" not in sentence
    assert "no difference" not in sentence


def test_the_shipped_networks_are_compared_as_the_saved_comparisons_say():
    records = services.read_records()
    differences = read_differences(records, "balanced_accuracy")
    assert len(differences) == len(records) * (len(records) - 1)
    for file in (paths.RESULTS / "comparisons").glob("ham10000-test--*"):
        saved = json.loads(file.read_text(encoding="utf-8"))
        first, second = saved["first"], saved["second"]
        if {first["run_id"], second["run_id"]} <= {r.run_id for r in records}:
            gap = differences[first["model"], second["model"]]
            assert vars(gap) == saved["comparison"]["differences"]["balanced_accuracy"]
    assert describe_strongest(records, differences)


def test_a_damaged_comparison_is_not_a_difference(monkeypatch, tmp_path):
    shutil.copytree(paths.RESULTS, tmp_path / "results")
    monkeypatch.setattr(paths, "RESULTS", tmp_path / "results")
    records = services.read_records()
    for file in (paths.RESULTS / "comparisons").glob("ham10000-test--*"):
        file.write_text("{}", encoding="utf-8")
    assert read_differences(records, "balanced_accuracy") == {}


def test_networks_of_other_splits_are_not_ranked():
    other = measured("cnn_sa", 0.9, 0.88, 0.92)
    other = replace(other, split={**other.split, "fingerprint": "e" * 64})
    assert describe_strongest([measured("cnn", 0.57, 0.52, 0.61), other], {}) == ""
