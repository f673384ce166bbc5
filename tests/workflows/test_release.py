import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import factories
import numpy as np
import pytest

from skinmodel.cli.main import main
from skinmodel.data import cache
from skinmodel.data.sets.loading import load_evaluation_set
from skinmodel.data.splits import split_grouped
from skinmodel.errors import ConfigError, DatasetError
from skinmodel.evaluation.measures.bootstrap import compute_intervals
from skinmodel.evaluation.measures.calibration import (
    apply_temperature,
    compute_calibration,
    fit_temperature,
)
from skinmodel.evaluation.measures.metrics import compute_metrics
from skinmodel.evaluation.predictions import read_predictions, to_arrays
from skinmodel.evaluation.report import find_evaluations, read_report
from skinmodel.imaging.images import read
from skinmodel.inference import parity
from skinmodel.inference.quick import QuickClassifier, open_named
from skinmodel.results import DISCLAIMER
from skinmodel.training.run_folder import CONFIG, RESULT, read_finished, read_history
from skinmodel.weights import store
from skinmodel.weights.manifest import read_manifest, write_manifest
from skinmodel.workflows import release as module
from skinmodel.workflows.evaluate import predict_all
from skinmodel.workflows.release import release

FOLDERS = {
    "val": "ham10000-val",
    "val_8_views": "ham10000-val-8-views",
    "test": "ham10000-test",
    "test_8_views": "ham10000-test-8-views",
}
FIGURES = ("accuracy", "balanced_accuracy", "macro_auc")


@pytest.fixture(scope="module")
def shipped(world, tmp_path_factory):
    folder = tmp_path_factory.mktemp("shipped")
    return release(world.run, world.data, folder / "weights", folder / "results")


@pytest.fixture
def run(world, tmp_path):
    """A copy of the finished run, to be spoilt."""
    copy = tmp_path / "run"
    copy.mkdir()
    for file in world.run.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    return copy


def test_every_result_is_written(world, shipped):
    assert sorted(p.name for p in shipped.folder.iterdir()) == [
        "ham10000-test",
        "ham10000-test-8-views",
        "ham10000-val",
        "ham10000-val-8-views",
        "history.csv",
        "recipe.json",
        "release.json",
    ]
    assert shipped.folder.name == world.run_ids["cnn_sa"]
    finished = read_finished(world.run)
    assert json.loads((shipped.folder / "recipe.json").read_text()) == finished.config
    assert read_history(shipped.folder) == finished.history
    report = json.loads((shipped.folder / "release.json").read_text())
    assert report == shipped.summary
    assert report["disclaimer"] == DISCLAIMER
    assert (report["run_id"], report["model"]) == (finished.result.run_id, "cnn_sa")
    assert report["epoch"] == finished.result.epoch
    assert report["training_hours"] == pytest.approx(finished.result.seconds / 3600)


def test_the_record_names_the_compact_weights_and_where_they_come_from(world, shipped):
    folder = shipped.folder.parents[1] / "weights"
    finished = read_finished(world.run)
    assert read_manifest(folder) == (shipped.record,)
    assert shipped.record.form == "compact"
    assert shipped.record.recipe == finished.config
    assert shipped.record.split == finished.data["split"]
    assert shipped.record.metrics == shipped.summary["shipped"]
    assert shipped.summary["weights_bytes"] == shipped.record.bytes
    assert (folder / shipped.record.file).stat().st_size == shipped.record.bytes
    assert store.verify(folder, shipped.record) is store.WeightsState.OK
    assert store.verify_graph(folder, shipped.record) is store.WeightsState.OK


@pytest.mark.parametrize("name", FOLDERS)
def test_the_predictions_are_of_the_folds_they_are_named_after(world, shipped, name):
    table = read_predictions(shipped.folder / FOLDERS[name] / "predictions.csv")
    index = factories.drawn_index(world.data)
    rows = split_grouped(index).of(index, "val" if name.startswith("val") else "test")
    assert table["image_id"].tolist() == rows["image_id"].tolist()
    assert table["lesion_id"].tolist() == rows["group_id"].tolist()
    assert table["truth"].tolist() == rows["truth"].tolist()
    report = read_report(shipped.folder / FOLDERS[name])
    assert (report.images, report.lesions) == (len(rows), rows["group_id"].nunique())
    assert report.provenance.leaks is False


@pytest.mark.parametrize("name", FOLDERS)
def test_the_figures_are_those_of_the_predictions_written(shipped, name):
    arrays = to_arrays(read_predictions(shipped.folder / FOLDERS[name] / "predictions.csv"))
    metrics = compute_metrics(*arrays[:2])
    intervals = compute_intervals(*arrays)
    recorded = shipped.record.metrics[name]
    assert recorded == shipped.summary["shipped"][name]
    assert tuple(recorded) == FIGURES
    for figure in FIGURES:
        assert recorded[figure]["value"] == pytest.approx(getattr(metrics, figure), abs=1e-12)
        assert recorded[figure] == pytest.approx(asdict(intervals[figure]), abs=1e-12)


@pytest.mark.parametrize(("name", "views"), [("val", 1), ("test", 1), ("test_8_views", 8)])
def test_the_predictions_are_what_the_shipped_weights_answer(
    world, shipped, name, views, monkeypatch
):
    monkeypatch.setattr("skinmodel.paths.SHIPPED_WEIGHTS", shipped.folder.parents[1] / "weights")
    table = read_predictions(shipped.folder / FOLDERS[name] / "predictions.csv")
    classifier = open_named("cnn_sa")
    assert isinstance(classifier, QuickClassifier)
    assert classifier.record == shipped.record
    paths = dict(factories.drawn_index(world.data)[["image_id", "path"]].to_numpy())
    pictures = [read(module.Path(paths[image_id])) for image_id in table["image_id"]]
    found = classifier.predict(pictures, views)
    np.testing.assert_allclose(found, to_arrays(table)[1], atol=6e-7)


def test_the_temperature_is_fitted_on_validation_and_kept_with_the_weights(shipped):
    temperature = shipped.record.temperature
    assert shipped.summary["temperature"] == temperature != 1
    truth, p, _ = to_arrays(read_predictions(shipped.folder / FOLDERS["val"] / "predictions.csv"))
    assert fit_temperature(truth, apply_temperature(p, 1 / temperature)) == pytest.approx(
        temperature, rel=1e-3
    )
    for name in FOLDERS.values():
        report = read_report(shipped.folder / name)
        assert report.provenance.temperature == temperature


def test_calibration_before_is_that_of_the_shipped_weights_without_temperature(world, shipped):
    raw = module._load(
        read_finished(world.run),
        store.load_weights(shipped.record, shipped.folder.parents[1] / "weights"),
    )
    assert raw.temperature == 1
    for name in ("val", "test"):
        folder = shipped.folder / FOLDERS[name]
        truth, _, _ = to_arrays(read_predictions(folder / "predictions.csv"))
        said = predict_all(raw, load_evaluation_set(f"ham10000:{name}", world.data), progress=False)
        found = read_report(folder).calibration
        expected = compute_calibration(truth, said)
        assert found["before"].log_loss == pytest.approx(expected.log_loss, abs=1e-3)
        assert found["before"].brier == pytest.approx(expected.brier, abs=1e-3)
        assert abs(found["before"].log_loss - found["after"].log_loss) > 2e-3


def test_the_float_weights_are_measured_beside_the_compact_ones(shipped):
    exact = shipped.summary["float32"]
    assert tuple(exact) == ("test",)
    for figure in FIGURES:
        interval = exact["test"][figure]
        assert 0 <= interval["low"] <= interval["value"] <= interval["high"] <= 1


def test_its_evaluations_are_found_by_what_they_are(shipped):
    found = find_evaluations(shipped.folder.parent)
    assert {(e.provenance.dataset, e.provenance.views) for e in found} == {
        ("ham10000:val", 1),
        ("ham10000:val", 8),
        ("ham10000:test", 1),
        ("ham10000:test", 8),
    }
    assert {e.folder.name for e in found} == set(FOLDERS.values())


def test_releasing_again_replaces_the_record(world, shipped, tmp_path):
    weights = tmp_path / "weights"
    weights.mkdir()
    for file in (shipped.folder.parents[1] / "weights").iterdir():
        (weights / file.name).write_bytes(file.read_bytes())
    data = (shipped.folder.parents[1] / "weights" / shipped.record.file).read_bytes()
    finished = read_finished(world.run)
    again = module.publish_run(finished, weights, data, {"val": {"loss": 1.0}}, "compact", 1.5)
    assert read_manifest(weights) == (again,)
    assert again.sha256 == shipped.record.sha256


def refuse(monkeypatch):
    """Make sure that nothing is measured or written."""

    def fail(*_):
        raise AssertionError("measured")

    monkeypatch.setattr(module, "predict_all", fail)
    monkeypatch.setattr(module, "evaluate", fail)
    monkeypatch.setattr(module, "publish_run", fail)


def test_an_unfinished_run_is_refused(world, run, tmp_path, monkeypatch):
    refuse(monkeypatch)
    (run / RESULT).unlink()
    with pytest.raises(ConfigError, match=r"no finished run.*--resume"):
        release(run, world.data, tmp_path / "weights", tmp_path / "results")
    with pytest.raises(ConfigError, match="no finished run"):
        release(tmp_path / "nowhere", world.data, tmp_path / "weights", tmp_path / "results")


@pytest.mark.parametrize(
    "change",
    [{"fingerprint": "0" * 64}, {"seed": 3}, {"name": "report", "leaks": True}],
)
def test_a_run_of_another_split_is_refused(world, run, tmp_path, monkeypatch, change):
    refuse(monkeypatch)
    settings = json.loads((run / CONFIG).read_text())
    settings["data"]["split"] |= change
    (run / CONFIG).write_text(json.dumps(settings))
    with pytest.raises(ConfigError, match="its test folds would not be unseen"):
        release(run, world.data, tmp_path / "weights", tmp_path / "results")
    assert not (tmp_path / "weights").exists()
    assert not (tmp_path / "results").exists()


def test_a_run_of_other_pixels_is_refused(world, run, tmp_path, monkeypatch):
    refuse(monkeypatch)
    settings = json.loads((run / CONFIG).read_text())
    trained_on = settings["data"]["pixels_sha256"]
    settings["data"]["pixels_sha256"] = "0" * 64
    (run / CONFIG).write_text(json.dumps(settings))
    with pytest.raises(ConfigError, match=rf"SHA-256 {trained_on}, but .* trained on {'0' * 64}"):
        release(run, world.data, tmp_path / "weights", tmp_path / "results")
    assert not (tmp_path / "results").exists()


def test_another_decoder_is_refused_although_the_pixels_trained_on_are_still_kept(
    world, run, tmp_path, monkeypatch
):
    refuse(monkeypatch)
    monkeypatch.setattr(cache, "read_decoders", lambda: {"pil": "another"})
    monkeypatch.setattr("skinmodel.imaging.images.read", lambda path: read(path) ^ 1)
    with pytest.raises(ConfigError, match="figures would be those of other pictures"):
        release(run, world.data, tmp_path / "weights", tmp_path / "results")


def test_results_that_cannot_be_written_ship_no_weights(world, tmp_path):
    (tmp_path / "results").write_text("in the way")
    with pytest.raises(ConfigError, match="could not be written"):
        release(world.run, world.data, tmp_path / "weights", tmp_path / "results")
    assert not (tmp_path / "weights").exists()


def test_an_incomplete_set_is_refused(world, run, tmp_path, monkeypatch):
    refuse(monkeypatch)
    monkeypatch.setattr("skinmodel.data.sets.ham10000.IMAGE_COUNT", 10_015)
    with pytest.raises(DatasetError, match="not as released"):
        release(run, world.data, tmp_path / "weights", tmp_path / "results")


def test_the_command_says_what_was_shipped(world, shipped, monkeypatch, capsys, tmp_path):
    asked = []
    monkeypatch.setattr(module, "release", lambda *given: asked.append(given) or shipped)
    arguments = ["--weights", "W", "--results", str(tmp_path)]
    assert main(["release", str(world.run), "--data", str(world.data), *arguments]) == 0
    assert asked == [(world.run, world.data, module.Path("W"), tmp_path)]
    out = capsys.readouterr().out
    assert out.startswith(f"{shipped.record.run_id}: ")
    assert f"temperature {shipped.record.temperature:.3f}" in out
    for form, names in (("float32", ("test",)), ("shipped", FOLDERS)):
        for name in names:
            value = shipped.summary[form][name]["balanced_accuracy"]["value"]
            [line] = [ln for ln in out.splitlines() if ln.startswith(f"{form} {name}: ")]
            assert f"balanced_accuracy {value:.4f} [" in line


def test_the_command_refuses_what_cannot_be_shipped(world, run, capsys):
    assert main(["release", str(run)]) == 2
    (run / RESULT).unlink()
    assert main(["release", str(run), "--data", str(world.data)]) == 1
    err = capsys.readouterr().err
    assert "No data folder is named" in err
    assert "holds no finished run" in err
    assert "Traceback" not in err


def test_the_results_command_shows_the_released_figures(shipped, capsys):
    assert main(["results", "--results", str(shipped.folder.parent)]) == 0
    out = capsys.readouterr().out
    value = shipped.record.metrics["test_8_views"]["macro_auc"]["value"]
    assert f"{value:.3f} (" in out
    assert shipped.record.run_id in out
    assert DISCLAIMER in out


def test_both_engines_answer_alike_and_the_command_line_says_so(
    world, shipped, monkeypatch, capsys
):
    monkeypatch.setattr("skinmodel.paths.SHIPPED_WEIGHTS", shipped.folder.parents[1] / "weights")
    monkeypatch.setenv("SKINMODEL_HOME", str(shipped.folder / "nobody"))
    assert main(["weights", "verify"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [
        "ok",
        "ok",
        "same",
    ]
    monkeypatch.setattr(parity, "LARGEST", 0.0)
    assert main(["weights", "verify"]) == 1
    assert "apart; at most 0 is allowed" in capsys.readouterr().out


def test_graphs_are_written_anew_as_release_wrote_them(world, shipped, tmp_path, monkeypatch):
    folder = shipped.folder.parents[1] / "weights"
    copy = Path(shutil.copytree(folder, tmp_path / "weights"))
    write_manifest(copy, [replace(shipped.record, graph=None)])
    (copy / shipped.record.graph.file).unlink()
    monkeypatch.setattr("skinmodel.paths.SHIPPED_WEIGHTS", copy)
    assert main(["weights", "graphs"]) == 0
    assert read_manifest(copy) == (shipped.record,)
    assert store.load_graph(shipped.record, copy) == store.load_graph(shipped.record, folder)
