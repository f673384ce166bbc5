"""Files that the program reads back, as somebody else may have left them: refused in a sentence."""

import json
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from measured import CNN, CNN_SA, make_index, write_evaluation

from skinmodel.errors import ConfigError, WeightsError
from skinmodel.evaluation.comparison import (
    check_of_one,
    compare_evaluations,
    read_comparison,
    write_comparison,
)
from skinmodel.evaluation.leak import FIGURES, read_leak_table
from skinmodel.evaluation.predictions import PROBABILITIES, read_predictions, write_predictions
from skinmodel.evaluation.report import (
    FILE,
    PREDICTIONS,
    find_evaluations,
    read_report,
    survey_evaluations,
)
from skinmodel.files import MAX_DEPTH, read_json
from skinmodel.training.run_folder import read_history
from skinmodel.weights.manifest import MANIFEST, read_manifest


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """Two runs measured on the same images."""
    root = tmp_path_factory.mktemp("sound")
    for run_id, model, skill in ((CNN, "cnn", 1.5), (CNN_SA, "cnn_sa", 2.0)):
        write_evaluation(root, run_id, model, make_index(60), skill=skill)
    return root


@pytest.fixture
def folder(sound, tmp_path):
    """One evaluation, to be damaged."""
    source = sound / CNN / "ham10000-test"
    for name in (FILE, PREDICTIONS):
        (tmp_path / name).write_bytes((source / name).read_bytes())
    return tmp_path


def refuse_predictions(folder):
    with pytest.raises(ConfigError) as refused:
        read_predictions(folder / PREDICTIONS)
    message = str(refused.value)
    assert message.startswith(f"The predictions '{folder / PREDICTIONS}' cannot be read.")
    assert "python -m skinmodel evaluate" in message
    assert len(message) < 700
    return message


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda t: t.assign(**dict.fromkeys(PROBABILITIES, math.nan)), "are no numbers"),
        (lambda t: t.assign(**dict.fromkeys(PROBABILITIES, 1.0)), "do not sum to 1"),
        (lambda t: t.assign(**dict.fromkeys(PROBABILITIES, 0.0)), "do not sum to 1"),
        (lambda t: t.assign(p_nv=t["p_nv"] - 2, p_mel=t["p_mel"] + 2), "outside 0 to 1"),
        (lambda t: t.assign(p_nv=math.inf), "are no numbers"),
        (lambda t: t.assign(p_nv="much"), "are no numbers"),
        (lambda t: t.drop(columns=["p_df"]), "lacks the columns p_df"),
        (lambda t: t.drop(columns=["lesion_id", "truth"]), "lacks the columns lesion_id, truth"),
        (lambda t: t.assign(truth="wart"), "truth other than nv, mel"),
        (lambda t: t.assign(truth=""), "truth other than"),
        (lambda t: t.assign(lesion_id=""), "missing or no plain name"),
        (lambda t: t.assign(image_id="![x](http://evil.example/a.png)"), "no plain name"),
        (lambda t: t.assign(lesion_id="=cmd()"), "no plain name"),
        (lambda t: t[:0], "a header and no rows"),
    ],
)
def test_tables_that_are_no_predictions_give_no_figures(folder, change, fault):
    table = pd.read_csv(folder / PREDICTIONS)
    change(table).to_csv(folder / PREDICTIONS, index=False)
    assert fault in refuse_predictions(folder)


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: b"",
        lambda data: data.replace(b"mel", b"m\0l", 1),
        lambda data: data[: len(data) // 2],
        lambda data: b"\xff\xfe" + data,
        lambda data: data.replace(b"\n", b",1\n", 3),
        lambda data: b'"' + data,
    ],
    ids=["empty", "NUL", "half", "UTF-16", "uneven", "open quote"],
)
def test_damaged_tables_are_told_in_a_sentence(folder, damage):
    path = folder / PREDICTIONS
    path.write_bytes(damage(path.read_bytes()))
    refuse_predictions(folder)


def test_a_table_saved_again_with_semicolons_says_the_same(folder):
    path = folder / PREDICTIONS
    before = read_predictions(path)
    path.write_bytes(path.read_bytes().replace(b",", b";"))
    pd.testing.assert_frame_equal(read_predictions(path), before)


def test_one_damaged_row_is_named_by_its_line(folder):
    lines = (folder / PREDICTIONS).read_text().splitlines()
    lines[7] = ",".join([*lines[7].split(",")[:3], *["0.9"] * 7])
    (folder / PREDICTIONS).write_text("\n".join(lines))
    assert "do not sum to 1: line 8." in refuse_predictions(folder)


def change_report(folder, path, value):
    """Put ``value`` at ``path`` of the report, or remove what is there."""
    values = json.loads((folder / FILE).read_text())
    *way, last = path
    inner = values
    for key in way:
        inner = inner[key]
    if value is None:
        del inner[last]
    else:
        inner[last] = value
    (folder / FILE).write_text(json.dumps(values))


PICTURE = "x`![](http://evil.example/a.png)"


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        (["schema_version"], 999, "schema_version 999, this program reads 1"),
        (["schema_version"], None, "schema_version None"),
        (["provenance", "run_id"], PICTURE, "run_id is"),
        (["provenance", "run_id"], "../../elsewhere", "run_id is"),
        (["provenance", "model"], PICTURE, "model is"),
        (["provenance", "dataset"], "../..", "dataset is"),
        (["provenance", "dataset_title"], "a\nb", "cannot be printed"),
        (["provenance", "remark"], "x" * 5000, "too long"),
        (["provenance", "temperature"], -1, "temperature"),
        (["metrics", "accuracy"], None, "metrics lack accuracy"),
        (["metrics", "accuracy", "value"], 7.0, "metrics outside 0 to 1: accuracy"),
        (["targets", "melanoma"], None, "targets lack melanoma"),
        (["calibration", "after"], None, "calibration lack after"),
        (["intervals", "draws"], "many", "no whole number"),
        (["intervals", "draws"], None, "intervals lack draws"),
        (["images"], 3, "does not count the 3 images"),
        (["confusion"], [[1]], "is not 7 x 7"),
        (["confusion", 0, 0], -1, "does not count"),
        (["subgroups", 0, "value"], PICTURE, "no plain words"),
    ],
)
def test_reports_that_no_program_of_ours_writes_are_refused(folder, path, value, fault):
    assert read_report(folder)
    change_report(folder, path, value)
    with pytest.raises(ConfigError, match=r"cannot be read .*skinmodel evaluate") as refused:
        read_report(folder)
    assert fault in str(refused.value)


DEEP = "[" * 50_000


@pytest.mark.parametrize("text", ["", "[]", "null", "{", DEEP, "\0", '{"schema_version": 1}'])
def test_reports_that_are_none_are_refused(folder, text):
    (folder / FILE).write_text(text)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_report(folder)


def test_nesting_is_read_to_a_depth_only(tmp_path):
    path = tmp_path / "a.json"
    for depth, is_fine in (
        (MAX_DEPTH - 1, True),
        (MAX_DEPTH, False),
        (500, False),
        (90_000, False),
    ):
        path.write_text("[" * depth + "1" + "]" * depth)
        if is_fine:
            assert read_json(path, 10**6)
        else:
            with pytest.raises(ValueError, match="nested"):
                read_json(path, 10**6)


def test_a_manifest_nested_deeply_is_refused_in_a_sentence(tmp_path):
    (tmp_path / MANIFEST).write_text(DEEP)
    with pytest.raises(WeightsError, match=r"cannot be read .*nested.*Restore it"):
        read_manifest(tmp_path)


def test_the_rest_is_found_and_the_damaged_run_named(sound, tmp_path):
    for file in sound.glob("*/*/*"):
        copy = tmp_path / file.relative_to(sound)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(file.read_bytes())
    (tmp_path / CNN / "ham10000-test" / FILE).write_text(DEEP)
    found, [damaged] = survey_evaluations(tmp_path)
    assert [e.provenance.run_id for e in found] == [CNN_SA]
    assert CNN in str(damaged)
    with pytest.raises(ConfigError, match=CNN):
        find_evaluations(tmp_path)


def test_a_report_and_predictions_of_two_evaluations_are_not_put_together(folder):
    table = read_predictions(folder / PREDICTIONS)
    check_of_one(read_report(folder), table, folder)
    turned = table.assign(p_nv=table["p_mel"], p_mel=table["p_nv"])
    with pytest.raises(ConfigError, match="not of one evaluation"):
        check_of_one(read_report(folder), turned, folder)


def test_damaged_comparisons_are_refused(sound, tmp_path):
    saved = compare_evaluations(*find_evaluations(sound))
    file = write_comparison(tmp_path, saved)
    values = json.loads(file.read_text())
    del values["comparison"]["differences"]["accuracy"]
    for text in (json.dumps(values), DEEP):
        file.write_text(text)
        with pytest.raises(ConfigError, match=r"cannot be read .*skinmodel compare"):
            read_comparison(tmp_path, saved.first, saved.second)


@pytest.mark.parametrize(
    "text",
    ["", "epoch\n", "loss\n1\n", "epoch,loss\n1,much\n", "epoch,loss\n2,1\n", "epoch loss\n1 2\n"],
)
def test_damaged_epochs_are_refused(tmp_path, text):
    (tmp_path / "history.csv").write_text(text)
    with pytest.raises(ConfigError, match=r"history\.csv' cannot be read"):
        read_history(tmp_path)


def test_a_figure_of_an_epoch_may_be_undefined(tmp_path):
    (tmp_path / "history.csv").write_text("epoch,val_macro_auc\n1,\n2,0.5\n")
    first, second = read_history(tmp_path)
    assert math.isnan(first["val_macro_auc"])
    assert second == {"epoch": 2.0, "val_macro_auc": 0.5}


def test_damaged_leak_tables_are_refused(tmp_path):
    file = tmp_path / "leak.csv"
    row = {"weights": "w", "dataset": "isic2019", "images": 3, "lesions": 2, "missing": ""}
    row |= {f"{name}{end}": 0.5 for name in FIGURES for end in ("", "_low", "_high")}
    pd.DataFrame([row | {"macro_auc": math.nan}]).to_csv(file, index=False)
    [read] = read_leak_table(file)
    assert math.isnan(read.figures["macro_auc"].value)
    assert read.missing == ()
    for broken in ({"images": "many"}, {"accuracy": "high"}, {"images": ""}):
        pd.DataFrame([row | broken]).to_csv(file, index=False)
        with pytest.raises(ConfigError, match=r"leak\.csv' cannot be read"):
            read_leak_table(file)
    file.write_text("weights\nw\n")
    with pytest.raises(ConfigError, match="lacks the columns dataset"):
        read_leak_table(file)


def test_what_was_written_comes_back_as_it_was(sound, tmp_path):
    for name in (CNN, CNN_SA):
        table = read_predictions(sound / name / "ham10000-test" / PREDICTIONS)
        write_predictions(tmp_path / PREDICTIONS, table)
        pd.testing.assert_frame_equal(read_predictions(tmp_path / PREDICTIONS), table)
        assert np.isfinite(table[list(PROBABILITIES)].to_numpy()).all()
    report = read_report(sound / CNN / "ham10000-test")
    assert replace(report, images=report.images) == report
