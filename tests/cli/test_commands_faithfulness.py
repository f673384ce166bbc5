"""The command on drawn pictures with masks and tiny networks: files, resuming, runs under way."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from factories import drawn_index, train_tiny_world, use_tiny_world

from skinmodel.cli import faithfulness
from skinmodel.cli.main import main
from skinmodel.data.masks import FOLDER
from skinmodel.diagnoses import CODES
from skinmodel.explain import probe
from skinmodel.faithfulness import session
from skinmodel.faithfulness.report import FaithfulnessReport, read_images, read_report
from skinmodel.results import DISCLAIMER
from skinmodel.training.run_folder import RESULT, locked, read_finished
from skinmodel.weights import store


def add_masks(data: Path) -> None:
    """Write a mask for every drawn picture but one."""
    folder = data / "HAM10000" / FOLDER
    folder.mkdir()
    for number, image_id in enumerate(drawn_index(data)["image_id"][1:]):
        mask = np.zeros((80, 80), np.uint8)
        cv2.circle(mask, (30 + number % 25, 40), 12, 255, -1)
        cv2.imwrite(str(folder / f"{image_id}_segmentation.png"), mask)


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    made = train_tiny_world(tmp_path_factory.getbasetemp())
    folder = tmp_path_factory.mktemp("maps")
    shutil.copytree(made.data, folder / "data")
    shutil.copytree(made.home, folder / "home")
    add_masks(folder / "data")
    with pytest.MonkeyPatch.context() as patch:
        use_tiny_world(patch, folder / "home")
        arguments = ["faithfulness", "--data", str(folder / "data"), "--sample", "14"]
        assert main([*arguments, "--balanced", "--model", "cnn_sa"]) == 0
        yield made, folder, arguments


def results(folder: Path, run_id: str, side: str = "test") -> Path:
    return folder / "home" / "evaluations" / run_id / f"ham10000-{side}-maps"


def test_one_report_and_one_table_a_network_with_a_row_a_picture_and_method(measured):
    made, folder, _ = measured
    out = results(folder, made.run_ids["cnn_sa"])
    report, table = read_report(out), read_images(out)
    assert (report.model, report.images, report.balanced, report.seed) == ("cnn_sa", 14, True, 1)
    assert not report.leaks
    assert report.disclaimer == DISCLAIMER
    quick = ["soft_attention", "grad_cam", "grad_cam_plus_plus", "layer_cam"]
    assert list(report.methods) == quick
    assert len(table) == 4 * 14
    assert table["image_id"].nunique() == 14
    assert dict(table["truth"].value_counts()) == dict.fromkeys(CODES, 4 * 2)
    soft = report.methods["soft_attention"]
    assert soft.layer == "soft_attention"
    assert soft.cells == (5, 5)
    assert soft.placement[0] > 0.2  # layers without padding: the cells lie in the middle
    rows = table[table["method"] == "soft_attention"]
    assert soft.figures["mass"].value == pytest.approx(rows["mass"].mean(), rel=1e-4)
    assert soft.figures["mass"].low <= soft.figures["mass"].value <= soft.figures["mass"].high
    paired = (rows["mass"] - rows["mass_mean"]).mean()
    assert soft.differences["mass_over_mean"].value == pytest.approx(paired, abs=1e-4)


@pytest.mark.parametrize(("recipe", "guided"), [({"guidance": 1.0}, True), ({}, False)])
def test_whether_outlines_guided_the_attention_is_read_from_the_recipe(
    measured, monkeypatch, recipe, guided
):
    made, _, _ = measured
    record, folder = store.find(made.run_ids["cnn_sa"])
    told = {name: v for name, v in record.recipe.items() if name != "guidance"} | recipe
    monkeypatch.setattr(store, "find", lambda _: (replace(record, recipe=told), folder))
    source, _ = faithfulness._load("cnn_sa")
    assert source.guided is guided


def test_a_file_holds_no_nan_and_comes_back_as_it_was(measured):
    made, folder, _ = measured
    out = results(folder, made.run_ids["cnn_sa"])
    text = (out / "faithfulness.json").read_text(encoding="utf-8")
    assert "NaN" not in text
    plain = json.loads(text)
    assert FaithfulnessReport.from_dict(plain).to_dict() == plain


def test_soft_attention_does_not_change_until_the_cascade_reaches_its_layer(measured):
    made, folder, _ = measured
    soft = read_report(results(folder, made.run_ids["cnn_sa"])).methods["soft_attention"]
    assert soft.figures["weights_1"].value == pytest.approx(1.0)
    assert soft.figures[f"weights_{len(soft.shuffled)}"].value < 0.9
    assert list(soft.shuffled) == sorted(soft.shuffled)


def test_measuring_again_asks_the_network_nothing(measured, monkeypatch, tmp_path):
    made, folder, arguments = measured

    def refuse(*_, **__):
        raise AssertionError("the network was asked again")

    monkeypatch.setattr(probe.Probe, "predict", refuse)
    monkeypatch.setattr(probe.Probe, "explain", refuse)
    again = [*arguments, "--balanced", "--model", "cnn_sa", "--out", str(tmp_path)]
    assert main(again) == 0
    first = read_images(results(folder, made.run_ids["cnn_sa"]))
    pd.testing.assert_frame_equal(first, read_images(tmp_path))
    assert main([*again, "--seed", "2"]) == 1  # other chance, so it would have to be asked


def test_a_stopped_measurement_goes_on_where_it_was(measured, monkeypatch, tmp_path, capsys):
    _, _, arguments = measured
    monkeypatch.setattr(session, "CHUNK", 7)
    asked, whole = [], probe.Probe.predict

    def stop(self, pixels):
        asked.append(len(pixels))
        if len(asked) == 4:
            raise KeyboardInterrupt
        return whole(self, pixels)

    command = [*arguments, "--seed", "3", "--model", "cnn", "--methods", "grad_cam"]
    command += ["--out", str(tmp_path)]
    monkeypatch.setattr(probe.Probe, "predict", stop)
    assert main(command) == 130
    assert asked == [7, 7 * 10, 7 * 11, 7]  # the picture, chance, the map; then the next seven
    assert not list(tmp_path.iterdir())
    monkeypatch.setattr(probe.Probe, "predict", whole)
    counted = []
    monkeypatch.setattr(probe.Probe, "predict", lambda s, p: counted.append(len(p)) or whole(s, p))
    assert main(command) == 0
    assert counted == [7, 7 * 10, 7 * 11]
    assert "Results: " in capsys.readouterr().out


def test_a_larger_sample_finds_what_was_measured_of_the_smaller_one(
    measured, monkeypatch, tmp_path
):
    _, folder, _ = measured
    monkeypatch.setattr(session, "CHUNK", 5)
    command = ["faithfulness", "--data", str(folder / "data"), "--model", "cnn", "--seed", "4"]
    command += ["--methods", "grad_cam", "--out", str(tmp_path)]
    assert main([*command, "--sample", "5"]) == 0
    small, counted, whole = read_images(tmp_path), [], probe.Probe.predict
    monkeypatch.setattr(probe.Probe, "predict", lambda s, p: counted.append(len(p)) or whole(s, p))
    assert main([*command, "--sample", "8"]) == 0
    assert counted == [3, 3 * 10, 3 * 11]
    again = read_images(tmp_path).head(5)
    for name in ("image_id", "mass", "deletion", "drop_random", "follow_turn"):
        pd.testing.assert_series_equal(small[name], again[name])


def test_the_folder_of_a_run_is_measured_while_it_is_being_trained(measured, tmp_path):
    made, _, arguments = measured
    run_id = read_finished(made.run).result.run_id
    with locked(made.run):
        command = [*arguments, "--split", "val", "--model", str(made.run)]
        assert main([*command, "--methods", "soft_attention", "--out", str(tmp_path)]) == 0
    report = read_report(tmp_path)
    assert (report.run_id, report.dataset) == (run_id, "ham10000:val")
    assert list(report.methods) == ["soft_attention"]
    assert "flattering" in report.remark


def test_maps_can_be_placed_over_the_whole_picture(measured, tmp_path):
    _, _, arguments = measured
    command = [*arguments, "--stretched", "--methods", "soft_attention", "--model", "cnn_sa"]
    assert main([*command, "--out", str(tmp_path)]) == 0
    report = read_report(tmp_path)
    assert report.placed == "stretched"
    assert report.methods["soft_attention"].placement == (0, 0, 1, 1)


@pytest.mark.parametrize(
    ("wrong", "status", "said"),
    [
        (["--model", "cnn", "--methods", "soft_attention"], 2, "soft_attention"),
        (["--model", "cnn", "--sample", "0"], 2, "--sample is 0"),
        (["--model", "cnn", "--seed", "-1"], 2, "--seed is -1"),
        (["--model", "nothing"], 1, "no weights for 'nothing'"),
    ],
)
def test_what_cannot_be_measured_is_said(measured, capsys, wrong, status, said):
    _, _, arguments = measured
    assert main([*arguments, *wrong]) == status
    assert said in capsys.readouterr().err


def test_data_without_masks_are_refused(measured, capsys):
    made, _, _ = measured
    assert main(["faithfulness", "--model", "cnn", "--data", str(made.data)]) == 1
    assert "no lesion mask" in capsys.readouterr().err
    assert (made.run / RESULT).exists()
