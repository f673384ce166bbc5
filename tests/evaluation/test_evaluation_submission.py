import re

import numpy as np
import pandas as pd
import pytest

from skinmodel.data.sets.evaluation_set import EvaluationSet
from skinmodel.diagnoses import CODES
from skinmodel.errors import DatasetError
from skinmodel.evaluation.predictions import (
    PROBABILITIES,
    build_predictions,
    build_submission,
    write_submission,
)

IDS = ["ISIC_0000002", "ISIC_0000001", "ISIC_0000003"]
SPELLED = ["ISIC_0000002", "ISIC_0000001_downsampled", "ISIC_0000003"]


def make_set(layout="isic2018", unscored=()):
    truth = ["nv", "mel", "df"]
    index = pd.DataFrame({"image_id": IDS, "truth_id": SPELLED, "group_id": IDS, "truth": truth})
    return EvaluationSet("x", "a drawn set", index, {}, False, "", layout, unscored)


@pytest.fixture
def predictions(rng):
    probabilities = rng.dirichlet(np.ones(7), 3).astype(np.float32)
    probabilities[0] = np.eye(7)[0]  # without a fraction anywhere
    return build_predictions(make_set().index, probabilities)


COLUMNS = {
    "isic2018": "image,MEL,NV,BCC,AKIEC,BKL,DF,VASC",
    "isic2019": "image,MEL,NV,BCC,AK,BKL,DF,VASC,SCC,UNK",
}
CODE_OF = {"MEL": "mel", "NV": "nv", "BCC": "bcc", "AKIEC": "akiec", "AK": "akiec", "BKL": "bkl"}
CODE_OF |= {"DF": "df", "VASC": "vasc"}


@pytest.mark.parametrize("layout", COLUMNS)
def test_columns_are_those_of_the_truth_with_the_right_probabilities(tmp_path, predictions, layout):
    path = tmp_path / "results" / "submission.csv"
    write_submission(path, predictions, make_set(layout))
    assert path.read_text().splitlines()[0] == COLUMNS[layout]
    table = pd.read_csv(path)
    assert list(table["image"]) == SPELLED
    for column in table.columns[1:]:
        if column in CODE_OF:
            np.testing.assert_allclose(
                table[column], predictions[f"p_{CODE_OF[column]}"], rtol=0, atol=5e-7
            )
        else:
            assert column in ("SCC", "UNK")
            assert (table[column] == 0.0).all()


@pytest.mark.parametrize("layout", COLUMNS)
def test_every_value_is_written_as_a_float_from_0_to_1(tmp_path, predictions, layout):
    """The challenge's scorer takes a column without a decimal point for one of whole numbers."""
    path = tmp_path / "submission.csv"
    write_submission(path, predictions, make_set(layout, ("ISIC_0035068",)))
    for line in path.read_text().splitlines()[1:]:
        for cell in line.split(",")[1:]:
            assert re.fullmatch(r"[01]\.\d{6}", cell)
    values = pd.read_csv(path).drop(columns="image")
    assert (values.dtypes == np.float64).all()
    assert values.to_numpy().min() >= 0
    assert values.to_numpy().max() <= 1


def test_rows_without_weight_are_there_and_zero(predictions):
    table = build_submission(predictions, make_set(unscored=("ISIC_0035068", "ISIC_0000009")))
    assert list(table["image"]) == [*SPELLED, "ISIC_0035068", "ISIC_0000009"]
    assert (table.iloc[3:, 1:] == 0.0).all(axis=None)
    assert table.iloc[:3, 1:].sum(axis=1).to_numpy() == pytest.approx(1, abs=1e-6)


def test_rows_keep_the_order_of_the_predictions(predictions):
    turned = predictions.iloc[::-1]
    table = build_submission(turned, make_set())
    assert list(table["image"]) == SPELLED[::-1]
    assert table["MEL"].to_numpy() == pytest.approx(predictions["p_mel"].to_numpy()[::-1])


@pytest.mark.parametrize(
    ("change", "ids"),
    [
        (lambda t: t[:2], "ISIC_0000003"),
        (lambda t: pd.concat([t, t[:1]]), "ISIC_0000002"),
        (lambda t: t.assign(image_id=t["image_id"].replace(IDS[0], "z")), "ISIC_0000002, z"),
    ],
    ids=["one-less", "one-twice", "another"],
)
def test_predictions_of_other_images_are_refused_and_nothing_is_written(
    tmp_path, predictions, change, ids
):
    path = tmp_path / "submission.csv"
    with pytest.raises(DatasetError, match=f"one for each image of a drawn set: {ids}\\. Make"):
        write_submission(path, change(predictions), make_set())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("value", [-0.01, 1.01, np.nan, np.inf])
@pytest.mark.parametrize("column", PROBABILITIES)
def test_what_is_no_probability_is_refused_and_nothing_is_written(
    tmp_path, predictions, column, value
):
    predictions.loc[1, column] = value
    with pytest.raises(DatasetError, match=f"from 0 to 1: {SPELLED[1]}"):
        write_submission(tmp_path / "submission.csv", predictions, make_set())
    assert list(tmp_path.iterdir()) == []


def test_every_class_of_the_networks_has_its_column():
    assert set(CODE_OF.values()) == set(CODES)
