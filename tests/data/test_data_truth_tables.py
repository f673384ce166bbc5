import numpy as np
import pandas as pd
import pytest
from factories import write_one_hot

from skinmodel.data.truth_tables import COLUMN_CODES, ISIC_COLUMNS, read_truth_table
from skinmodel.diagnoses import CODES
from skinmodel.errors import DatasetError

ISIC2018 = [(f"ISIC_{n:07d}", code) for n, code in enumerate(CODES)]
ISIC2019 = [*ISIC2018, ("ISIC_0000007_downsampled", "scc"), ("ISIC_0000008", "unk")]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "truth.csv"


def refuse(path):
    with pytest.raises(DatasetError) as caught:
        read_truth_table(path)
    message = str(caught.value)
    assert f"'{path}'" in message
    return message


def edit(path, change, rows=ISIC2018, layout="isic2018"):
    """Write a sound table, then what ``change`` makes of its cells as a frame of text."""
    write_one_hot(path, layout, rows)
    change(pd.read_csv(path, dtype=str, keep_default_na=False)).to_csv(path, index=False)
    return path


def test_the_columns_are_those_of_the_official_files_in_their_order():
    assert " ".join(ISIC_COLUMNS["isic2018"]) == "MEL NV BCC AKIEC BKL DF VASC"
    assert " ".join(ISIC_COLUMNS["isic2019"]) == "MEL NV BCC AK BKL DF VASC SCC UNK"
    for layout, columns in ISIC_COLUMNS.items():
        assert set(columns) == set(COLUMN_CODES[layout])
        assert set(CODES) <= set(COLUMN_CODES[layout].values())


@pytest.mark.parametrize(("layout", "rows"), [("isic2018", ISIC2018), ("isic2019", ISIC2019)])
def test_both_formats_are_told_by_their_columns(path, layout, rows):
    write_one_hot(path, layout, rows)
    table = read_truth_table(path)
    assert table.layout == layout
    assert list(table.rows["truth_id"]) == [name for name, _ in rows]
    assert list(table.rows["truth"]) == [code for _, code in rows]
    assert table.rows["scored"].all()
    assert list(table.rows.index) == list(range(len(rows)))


def test_ids_are_joined_without_downsampled_and_kept_as_spelled(path):
    write_one_hot(path, "isic2019", ISIC2019)
    row = read_truth_table(path).rows.iloc[7]
    assert row["image_id"] == row["group_id"] == "ISIC_0000007"
    assert row["truth_id"] == "ISIC_0000007_downsampled"


def test_columns_may_stand_in_any_order(path):
    edit(path, lambda table: table[table.columns[::-1]])
    assert list(read_truth_table(path).rows["truth"]) == list(CODES)


def test_numbers_may_be_written_in_other_ways(path):
    edit(path, lambda table: table.replace({"1.0": "1", "0.0": "0e0"}))
    assert list(read_truth_table(path).rows["truth"]) == list(CODES)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.drop(columns=["MEL", "DF"]), "It lacks MEL, DF."),
        (lambda t: t.drop(columns="image"), "It lacks image."),
        (lambda t: t.assign(SEX="male"), "It has SEX besides."),
        (lambda t: t.assign(AK="0.0"), "It has AK besides."),
        (lambda t: t.rename(columns={"AKIEC": "akiec"}), "MEL, NV, BCC, akiec, BKL, DF, VASC."),
        (lambda t: t.assign(score_weight="1.0"), "It has score_weight besides."),
    ],
)
def test_other_columns_are_refused_with_what_was_found_and_expected(path, change, words):
    message = refuse(edit(path, change))
    assert words in message
    assert "Expected: image, MEL, NV, BCC, AKIEC, BKL, DF, VASC; or image, MEL," in message


def set_cells(column, cells):
    def change(table):
        for row, cell in cells.items():
            table.loc[row, column] = cell
        return table

    return change


@pytest.mark.parametrize("cell", ["yes", "", "nan", "NA", "inf", "1,0", "0x1", "1.0.0"])
def test_what_is_no_number_is_listed_by_id(path, cell):
    message = refuse(edit(path, set_cells("MEL", {2: cell, 4: cell})))
    assert "- values that are no numbers: ISIC_0000002, ISIC_0000004\n" in message


@pytest.mark.parametrize("cell", ["1.0", "0.5", "-1", "2", "1e-9"])
def test_rows_that_are_not_one_hot_are_listed_by_id(path, cell):
    message = refuse(edit(path, set_cells("MEL", {2: cell})))
    assert "- rows that are not one 1 and otherwise 0: ISIC_0000002\n" in message


def test_a_row_of_zeros_is_not_one_hot(path):
    message = refuse(edit(path, set_cells("NV", {0: "0.0"})))
    assert "otherwise 0: ISIC_0000000\n" in message


@pytest.mark.parametrize("twin", ["ISIC_0000001", "ISIC_0000001_downsampled"])
def test_an_image_may_stand_in_one_row_only(path, twin):
    message = refuse(edit(path, set_cells("image", {5: twin})))
    assert f"- images that stand in more than one row: {twin}\n" in message


@pytest.mark.parametrize(
    "name",
    [
        *(
            "../ISIC_1",
            "/etc/passwd",
            "a\\b",
            ".",
            "..",
            "a/../b",
            "C:ISIC_1",
            "=cmd()",
            "-1",
            "@x",
        ),
        *("a\nb", "a\tb", "a\x1b[31m", "a,b", "<b>", "x" * 101, "_downsampled"),
    ],
)
def test_ids_that_are_no_plain_names_are_refused_by_line(path, name):
    message = refuse(edit(path, set_cells("image", {1: name})))
    assert "ids that are missing or no plain names: " in message
    assert f"{name[:40]!r} (line " in message
    assert "\x1b" not in message


def test_missing_ids_are_told_by_line(path):
    message = refuse(edit(path, set_cells("image", {1: "", 3: " "})))
    assert "no plain names: none (line 3), none (line 5)\n" in message


@pytest.mark.parametrize("name", ["Muttermal 3 (links)", "nan", "Läsion-7.b", "1"])
def test_other_plain_names_are_ids(path, name):
    edit(path, set_cells("image", {1: name}))
    assert read_truth_table(path).rows["image_id"][1] == name


def test_every_fault_is_told_at_once_and_long_lists_are_counted(path):
    def change(table):
        table.loc[0, "image"] = "../x"
        table.loc[1, "MEL"] = "high"
        table.loc[2:, "VASC"] = "1.0"
        table.loc[4, "image"] = "ISIC_0000003"
        return table

    rows = [*ISIC2018, *((f"ISIC_{n:07d}", "nv") for n in range(10, 20))]
    message = refuse(edit(path, change, rows))
    assert "'../x' (line 2)" in message
    assert "more than one row: ISIC_0000003" in message
    assert "no numbers: ISIC_0000001" in message
    assert "otherwise 0: ISIC_0000002, ISIC_0000003, ISIC_0000003, ISIC_0000006, " in message
    assert ", ... (14 in all)" in message
    assert message.endswith("Correct these rows.")


def test_rows_without_weight_are_not_scored(path):
    weights = ["1.0", "0.0", "1"] * 3
    edit(
        path, lambda t: t.assign(score_weight=weights, validation_weight="?"), ISIC2019, "isic2019"
    )
    rows = read_truth_table(path).rows
    assert list(rows["scored"]) == [w != "0.0" for w in weights]


@pytest.mark.parametrize("weight", ["0.5", "2", "-1", "", "all"])
def test_weights_that_figures_here_would_not_heed_are_refused(path, weight):
    weights = ["1.0"] * 8 + [weight]
    message = refuse(edit(path, lambda t: t.assign(score_weight=weights), ISIC2019, "isic2019"))
    assert "score_weight other than 0 and 1: ISIC_0000008\n" in message


def test_the_image_the_challenge_ignores_is_not_scored(path):
    write_one_hot(path, "isic2018", [*ISIC2018, ("ISIC_0035068", "nv")])
    rows = read_truth_table(path).rows
    assert list(rows.loc[~rows["scored"], "truth_id"]) == ["ISIC_0035068"]


HAM = """lesion_id\timage_id\tdx\tdx_type\tage\tsex\tlocalization\tdataset
HAMTEST_0000000\tISIC_0034524\tnv\tfollow_up\t40.0\tfemale\tback\tvidir_molemax
HAMTEST_0000000\tISIC_0034525\tnv\tfollow_up\t40.0\tfemale\tback\tvidir_molemax
\tISIC_0035068\tnv\t\t\t\t\t
HAMTEST_0000001\tISIC_0034526\takiec\thisto\tNA\t\thead/neck\trosendahl
"""


def test_the_metadata_format_gives_lesions_and_subgroups(path):
    path.write_text(HAM, encoding="utf-8")
    table = read_truth_table(path)
    rows = table.rows.set_index("image_id")
    assert table.layout == "isic2018"
    assert list(rows["truth"]) == ["nv", "nv", "nv", "akiec"]
    assert list(rows["group_id"]) == [
        *("HAMTEST_0000000", "HAMTEST_0000000", "ISIC_0035068", "HAMTEST_0000001")
    ]
    assert list(rows["lesion_id"].isna()) == [False, False, True, False]
    assert list(rows["age"].isna()) == [False, False, True, True]
    assert rows["age"].dtype == np.float64
    assert list(rows["sex"]) == ["female", "female", "unknown", "unknown"]
    assert list(rows["site"]) == ["back", "back", "unknown", "head/neck"]
    assert list(rows["source"]) == ["vidir_molemax", "vidir_molemax", "unknown", "rosendahl"]
    assert list(rows["scored"]) == [True, True, False, True]


def test_image_ids_and_diagnoses_are_enough_of_the_metadata_format(path):
    path.write_text("dx,image_id\nmel,a\nnv,b\n", encoding="utf-8")
    rows = read_truth_table(path).rows
    assert list(rows["truth"]) == ["mel", "nv"]
    assert list(rows["group_id"]) == ["a", "b"]
    assert not {"lesion_id", "sex", "age"} & set(rows)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("akiec", "scc", "dx other than nv, mel, bkl, bcc, akiec, vasc, df: ISIC_0034526"),
        ("akiec", "AKIEC", "dx other than nv, mel, bkl, bcc, akiec, vasc, df: ISIC_0034526"),
        ("\tNA\t", "\told\t", "ages that are no years from 0 to 150: ISIC_0034526"),
        ("\tNA\t", "\tinf\t", "ages that are no years from 0 to 150: ISIC_0034526"),
        ("\tNA\t", "\t-3\t", "ages that are no years from 0 to 150: ISIC_0034526"),
        ("head/neck", "=1+1", "localization that is no plain name: ISIC_0034526"),
        ("HAMTEST_0000001", "<img>", "lesion_id that is no plain name: ISIC_0034526"),
        ("\tdataset", "\tdoctor", "It has doctor besides."),
    ],
)
def test_faults_of_the_metadata_format_are_listed_by_id(path, old, new, words):
    assert HAM.count(old) == 1
    path.write_text(HAM.replace(old, new), encoding="utf-8")
    assert words in refuse(path)
