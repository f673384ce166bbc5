import json
from dataclasses import replace

import factories
import numpy as np
import pandas as pd
import pytest
from factories import TINY_INPUT
from sklearn.metrics import average_precision_score, roc_auc_score

from skinmodel import paths
from skinmodel.cli.main import main
from skinmodel.data.report.protocol import apply_transform, build_pictures
from skinmodel.data.sets.loading import load_evaluation_set
from skinmodel.data.splits import split_grouped
from skinmodel.errors import ConfigError, DatasetError
from skinmodel.evaluation.measures.metrics import compute_metrics
from skinmodel.evaluation.predictions import read_predictions, to_arrays
from skinmodel.evaluation.report import find_evaluations, read_report
from skinmodel.evaluation.two_classes import (
    describe,
    read_two_class_report,
    survey_two_class_reports,
)
from skinmodel.imaging import images
from skinmodel.imaging.preprocess import resize
from skinmodel.inference.classifier import Classifier
from skinmodel.results import DISCLAIMER
from skinmodel.workflows.evaluate import evaluate, evaluate_two_classes, knows, predict_all

FILES = ["predictions.csv", "report.json", "submission.csv"]


class ByColour:
    """Answers by the mean colour, so that every picture has an answer of its own."""

    run_id = "colour-s1-0a1b2c3d"
    spec = factories.TINY_MODELS["cnn"]
    preprocessing = TINY_INPUT
    temperature = 2.0

    def __init__(self):
        self.seen = []

    def predict(self, pictures, views=1):
        self.seen += [np.array(p) for p in pictures]
        means = np.stack([p.reshape(-1, 3).mean(axis=0) for p in pictures])
        rows = np.repeat(means, [3, 2, 2], axis=1) + np.arange(7) + views
        return (rows / rows.sum(axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def dataset(world):
    return load_evaluation_set("ham10000:test", world.data)


@pytest.fixture(scope="module")
def split(world):
    return split_grouped(factories.drawn_index(world.data)).to_dict()


def test_every_image_has_its_own_answer_in_the_order_of_the_index(dataset):
    network = ByColour()
    found = predict_all(network, dataset, progress=False)
    pictures = [images.read(paths.Path(p)) for p in dataset.index["path"]]
    assert len(network.seen) == len(pictures) == 32
    for seen, picture in zip(network.seen, pictures, strict=True):
        np.testing.assert_array_equal(seen, picture)
    np.testing.assert_array_equal(found, ByColour().predict(pictures))


def test_more_images_than_a_chunk_stay_in_order(dataset):
    many = replace(dataset, index=pd.concat([dataset.index] * 5, ignore_index=True))
    many.index["image_id"] = [f"{i}-{n}" for n, i in enumerate(many.index["image_id"])]
    once = predict_all(ByColour(), dataset, progress=False)
    np.testing.assert_array_equal(
        predict_all(ByColour(), many, progress=False), np.tile(once, (5, 1))
    )


def test_files_and_report_hold_the_same_figures(dataset, split, tmp_path):
    report = evaluate(ByColour(), split, dataset, tmp_path / "out", views=8, progress=False)
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == FILES
    table = read_predictions(tmp_path / "out" / "predictions.csv")
    assert table["image_id"].tolist() == dataset.index["image_id"].tolist()
    truth, probabilities, lesions = to_arrays(table)
    np.testing.assert_allclose(
        probabilities, predict_all(ByColour(), dataset, views=8, progress=False), atol=6e-7
    )
    metrics = compute_metrics(truth, probabilities)
    assert report.metrics["balanced_accuracy"].value == metrics.balanced_accuracy
    assert report.confusion == metrics.confusion
    assert (report.images, report.lesions) == (32, len(set(lesions)))
    assert report.disclaimer == DISCLAIMER
    origin = report.provenance
    assert (origin.run_id, origin.views, origin.temperature) == ("colour-s1-0a1b2c3d", 8, 2.0)
    assert (origin.leaks, origin.dataset, origin.model) == (False, "ham10000:test", "cnn")
    assert origin.images_per_second > 0
    assert read_report(tmp_path / "out").to_dict() == report.to_dict()


def test_a_run_of_another_split_is_marked_as_leaky_on_these_lesions(dataset, split, tmp_path):
    other = {**split, "name": "report", "fingerprint": "0" * 64}
    assert (knows(split, dataset), knows(other, dataset)) == (False, True)
    report = evaluate(ByColour(), other, dataset, tmp_path, progress=False)
    assert report.provenance.leaks
    assert "every figure is too good" in report.provenance.remark


def test_pictures_of_the_reports_protocol_are_turned_as_in_training(world, dataset, split):
    pictures = build_pictures(dataset.index)
    pictures["path"] = dataset.index["path"].to_numpy()[pictures["source_row"]]
    network = ByColour()
    predict_all(network, replace(dataset, index=pictures), progress=False)
    for seen, row in zip(network.seen, pictures.itertuples(), strict=True):
        square = resize(images.read(paths.Path(row.path)), TINY_INPUT)
        np.testing.assert_array_equal(seen, apply_transform(square[None], [row.transform])[0])


def test_images_that_cannot_be_read_are_all_named_and_nothing_is_written(dataset, split, tmp_path):
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff not an image")
    index = dataset.index.copy()
    for row in (3, 20):
        index.loc[row, "path"] = str(tmp_path / "broken.jpg")
    index.loc[25, "path"] = str(tmp_path / "nowhere.jpg")
    with pytest.raises(DatasetError, match="cannot be read") as refused:
        evaluate(ByColour(), split, replace(dataset, index=index), tmp_path / "out", progress=False)
    for row in (3, 20, 25):
        assert index.loc[row, "image_id"] in str(refused.value)
    assert "Nothing was written" in str(refused.value)
    assert not (tmp_path / "out").exists()


def test_images_that_cannot_be_read_are_left_out_and_said_where_asked_for(dataset, split, tmp_path):
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff not an image")
    index = dataset.index.copy()
    lost = [index.loc[row, "image_id"] for row in (3, 20)]
    index.loc[[3, 20], "path"] = str(tmp_path / "broken.jpg")
    broken, out = replace(dataset, index=index), tmp_path / "out"
    report = evaluate(ByColour(), split, broken, out, progress=False, skip=True)
    table = read_predictions(out / "predictions.csv")
    kept = ~dataset.index["image_id"].isin(lost)
    assert table["image_id"].tolist() == dataset.index["image_id"][kept].tolist()
    whole = predict_all(ByColour(), dataset, progress=False)
    np.testing.assert_allclose(to_arrays(table)[1], whole[kept], atol=6e-7)
    assert report.images == 30
    assert report.provenance.dropped["image file cannot be read"] == 2
    assert "2 of 32 images could not be read: the figures are of the others." in (
        report.provenance.remark
    )
    listed = pd.read_csv(out / "unreadable.csv")
    assert listed["image_id"].tolist() == lost
    assert listed["reason"].str.startswith("The JPEG file is damaged").all()
    index["path"] = str(tmp_path / "nowhere.jpg")
    with pytest.raises(DatasetError, match=r"\(32 in all\)"):
        evaluate(ByColour(), split, broken, out, progress=False, skip=True)


def test_of_two_classes_only_what_is_defined_is_reported(dataset, split, tmp_path):
    truth = dataset.index["truth"].map(lambda code: "melanoma" if code == "mel" else "rest")
    two = replace(
        dataset, index=dataset.index.assign(truth=truth), target="melanoma", unit="patient"
    )
    report = evaluate_two_classes(ByColour(), split, two, tmp_path / "out", progress=False)
    score = predict_all(ByColour(), two, progress=False).round(6)
    positive = (truth == "melanoma").to_numpy()
    assert report.figures["auc"].value == pytest.approx(roc_auc_score(positive, score[:, 1]))
    assert report.figures["average_precision"].value == pytest.approx(
        average_precision_score(positive, score[:, 1])
    )
    leads = score.argmax(axis=1) == 1
    assert report.figures["sensitivity"].value == (leads & positive).sum() / positive.sum()
    assert report.figures["specificity"].value == (~leads & ~positive).sum() / (~positive).sum()
    assert (report.images, report.positives) == (32, int(positive.sum()))
    assert report.intervals["unit"] == "patient"
    kept = read_two_class_report(tmp_path / "out" / "two_classes.json")
    assert kept.to_dict() == report.to_dict()
    assert not (tmp_path / "out" / "report.json").exists()
    told = describe(report)
    assert "Melanoma against the rest. Other figures need diagnoses" in told
    assert DISCLAIMER in told


def test_a_damaged_report_of_two_classes_is_named(tmp_path):
    file = tmp_path / "run" / "set" / "two_classes.json"
    file.parent.mkdir(parents=True)
    file.write_text('{"schema_version": 1, "target": "moles"}')
    found, damaged = survey_two_class_reports([tmp_path])
    assert found == ()
    assert f"The report '{file}' cannot be read" in str(damaged[0])


def test_a_folder_that_cannot_be_written_is_named(dataset, split, tmp_path):
    (tmp_path / "out").write_text("in the way")
    with pytest.raises(ConfigError, match=r"could not be written to .*--out"):
        evaluate(ByColour(), split, dataset, tmp_path / "out", progress=False)


def test_the_command_measures_a_stored_run_and_says_what_it_found(world, tmp_path, capsys):
    run = world.run_ids["cnn_sa"]
    out = tmp_path / "out"
    arguments = ["evaluate", "--model", run, "--data", str(world.data), "--out", str(out)]
    assert main([*arguments, "--dataset", "ham10000:test"]) == 0
    printed = capsys.readouterr().out
    report = read_report(out)
    assert report.provenance.run_id == run
    assert f"macro_auc {report.metrics['macro_auc'].value:.4f} [" in printed
    assert "32 images, 16 lesions, 1 view(s)" in printed
    assert DISCLAIMER in printed
    classifier = Classifier.load(run)
    table = read_predictions(out / "predictions.csv")
    index = load_evaluation_set("ham10000:test", world.data).index
    pictures = [images.read(paths.Path(p)) for p in index["path"]]
    np.testing.assert_allclose(to_arrays(table)[1], classifier.predict(pictures), atol=6e-7)


def test_the_command_keeps_results_where_the_page_finds_them(world, monkeypatch, capsys):
    name = world.run_ids["cnn"]
    arguments = ["evaluate", "--model", name, "--dataset", "ham10000:test", "--views", "8"]
    assert main([*arguments, "--data", str(world.data)]) == 0
    [found] = find_evaluations(paths.evaluations())
    assert found.folder.name == "ham10000-test-8-views"
    assert found.provenance.run_id == name
    capsys.readouterr()


def test_the_command_measures_any_folder_with_a_truth_table(world, dataset, tmp_path, capsys):
    folder = tmp_path / "pictures"
    folder.mkdir()
    rows = ["image,MEL,NV,BCC,AKIEC,BKL,DF,VASC"]
    columns = dict(zip(("mel", "nv", "bcc", "akiec", "bkl", "df", "vasc"), range(7), strict=True))
    for number, row in enumerate(dataset.index.itertuples()):
        (folder / f"own_{number}.jpg").write_bytes(paths.Path(row.path).read_bytes())
        one_hot = ["1.0" if columns[row.truth] == k else "0.0" for k in range(7)]
        rows.append(",".join([f"own_{number}", *one_hot]))
    (tmp_path / "truth.csv").write_text("\n".join(rows))
    arguments = ["evaluate", "--model", world.run_ids["cnn"], "--out", str(tmp_path / "out")]
    given = ["--images", str(folder), "--truth", str(tmp_path / "truth.csv")]
    assert main([*arguments, *given]) == 0
    assert read_report(tmp_path / "out").images == 32
    submission = pd.read_csv(tmp_path / "out" / "submission.csv")
    assert list(submission.columns) == rows[0].split(",")
    table = read_predictions(tmp_path / "out" / "predictions.csv").set_index("image_id")
    found = submission.set_index("image").loc[table.index, "MEL"]
    np.testing.assert_allclose(found, table["p_mel"], atol=1e-6)
    capsys.readouterr()


@pytest.mark.parametrize(
    "given",
    [
        [],
        ["--truth", "CSV"],
        ["--dataset", "isic2019", "--images", "DIR", "--truth", "CSV"],
        ["--dataset", "isic2019"],
    ],
)
def test_wrong_usage_ends_with_2(world, capsys, given):
    assert main(["evaluate", "--model", world.run_ids["cnn"], *given]) == 2
    assert "--data" in capsys.readouterr().err


def test_a_broken_truth_table_leaves_no_output(world, tmp_path, capsys):
    (tmp_path / "truth.csv").write_text("image,MEL\na,1\n")
    arguments = ["evaluate", "--model", world.run_ids["cnn"], "--out", str(tmp_path / "out")]
    given = ["--images", str(tmp_path), "--truth", str(tmp_path / "truth.csv")]
    assert main([*arguments, *given]) == 1
    assert "truth table" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_report_that_is_damaged_is_named(tmp_path):
    (tmp_path / "report.json").write_text("{")
    with pytest.raises(ConfigError, match=r"report.json' cannot be read .*evaluate"):
        read_report(tmp_path)
    (tmp_path / "report.json").write_text(json.dumps({"schema_version": 1}))
    with pytest.raises(ConfigError, match="cannot be read"):
        read_report(tmp_path)
