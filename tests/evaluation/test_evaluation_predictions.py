import numpy as np
import pandas as pd
import pytest

from skinmodel.diagnoses import CODES
from skinmodel.errors import UnknownNameError
from skinmodel.evaluation.predictions import (
    build_predictions,
    read_predictions,
    to_arrays,
    write_predictions,
)

INDEX = pd.DataFrame(
    {
        "image_id": ["ISIC_0000003", "ISIC_0000001", "ISIC_0000002"],
        "lesion_id": ["HAM_0000007", "HAM_0000008", "HAM_0000009"],
        "group_id": ["HAM_0000007", "HAM_0000007", "HAM_0000009"],
        "truth": ["mel", "nv", "df"],
        "age": [50.0, np.nan, 30.0],
    },
    index=[10, 20, 30],
)


@pytest.fixture
def probabilities(rng):
    return rng.dirichlet(np.ones(7), 3).astype(np.float32)


def test_the_table_has_one_row_an_image_and_one_column_a_class(probabilities):
    table = build_predictions(INDEX, probabilities)
    assert list(table.columns) == [
        *("image_id", "lesion_id", "truth"),
        *("p_nv", "p_mel", "p_bkl", "p_bcc", "p_akiec", "p_vasc", "p_df"),
    ]
    assert list(table.index) == [0, 1, 2]
    assert list(table["image_id"]) == list(INDEX["image_id"])
    np.testing.assert_array_equal(table[[f"p_{code}" for code in CODES]], probabilities)


def test_its_lesion_is_the_joined_one_so_that_resampling_keeps_pairs_whole(probabilities):
    assert list(build_predictions(INDEX, probabilities)["lesion_id"]) == list(INDEX["group_id"])


def test_the_index_is_left_as_it_was(probabilities):
    before = INDEX.copy()
    build_predictions(INDEX, probabilities)
    pd.testing.assert_frame_equal(INDEX, before)


@pytest.mark.parametrize("shape", [(2, 7), (3, 6), (3, 8)])
def test_probabilities_of_another_shape_are_refused(shape):
    with pytest.raises(ValueError, match=r"[Ll]ength|zip"):
        build_predictions(INDEX, np.zeros(shape, np.float32))


def test_a_table_comes_back_from_disk_to_six_decimals(probabilities, tmp_path):
    table = build_predictions(INDEX, probabilities)
    write_predictions(tmp_path / "new" / "predictions.csv", table)
    back = read_predictions(tmp_path / "new" / "predictions.csv")
    assert list(back.columns) == list(table.columns)
    for column in ("image_id", "lesion_id", "truth"):
        assert list(back[column]) == list(table[column])
    np.testing.assert_allclose(to_arrays(back)[1], probabilities, atol=5.1e-7)


def test_a_written_table_is_plain_csv_and_writes_again_unchanged(probabilities, tmp_path):
    first, second = tmp_path / "1.csv", tmp_path / "2.csv"
    write_predictions(first, build_predictions(INDEX, np.full((3, 7), 1 / 7, np.float32)))
    lines = first.read_text().splitlines()
    assert lines[0] == "image_id,lesion_id,truth,p_nv,p_mel,p_bkl,p_bcc,p_akiec,p_vasc,p_df"
    assert lines[1] == "ISIC_0000003,HAM_0000007,mel" + ",0.142857" * 7
    write_predictions(second, read_predictions(first))
    assert second.read_bytes() == first.read_bytes()


def test_ids_of_digits_stay_text(probabilities, tmp_path):
    index = INDEX.assign(image_id=["007", "1e5", "12"], group_id=["01", "1", "1.0"])
    write_predictions(tmp_path / "p.csv", build_predictions(index, probabilities))
    back = read_predictions(tmp_path / "p.csv")
    assert list(back["image_id"]) == ["007", "1e5", "12"]
    assert list(back["lesion_id"]) == ["01", "1", "1.0"]


def test_arrays_are_what_metrics_and_resampling_take(probabilities):
    truth, values, lesions = to_arrays(build_predictions(INDEX, probabilities))
    assert (truth.dtype, values.dtype, lesions.dtype.kind) == (np.int64, np.float32, "U")
    np.testing.assert_array_equal(truth, [1, 0, 6])
    np.testing.assert_array_equal(values, probabilities)
    np.testing.assert_array_equal(lesions, INDEX["group_id"].to_numpy(str))


def test_columns_in_another_order_are_read_by_name(probabilities):
    table = build_predictions(INDEX, probabilities)
    turned = table[table.columns[::-1]]
    np.testing.assert_array_equal(to_arrays(turned)[1], probabilities)


def test_a_truth_of_another_name_is_refused(probabilities):
    table = build_predictions(INDEX.assign(truth=["mel", "scc", "df"]), probabilities)
    with pytest.raises(UnknownNameError, match="no diagnosis called 'scc'"):
        to_arrays(table)


def test_a_disk_that_fills_up_keeps_the_old_table(probabilities, tmp_path, monkeypatch):
    path = tmp_path / "p.csv"
    table = build_predictions(INDEX, probabilities)
    write_predictions(path, table)
    before = path.read_bytes()

    def fill_up(self, file, **options):
        file.write_text("image_id,le")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_csv", fill_up)
    with pytest.raises(OSError, match="No space left"):
        write_predictions(path, table[:1])
    assert path.read_bytes() == before
