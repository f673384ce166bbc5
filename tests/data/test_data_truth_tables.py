import numpy as np
import pandas as pd
import pytest
from factories import write_one_hot

from skinmodel.data.label_columns import ISIC_COLUMNS
from skinmodel.data.truth_tables import COLUMN_CODES, read_truth_table
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
        (lambda t: t.rename(columns={"image": "photo"}), "no column names the image"),
        (lambda t: t[["image"]], "none its diagnosis (dx, diagnosis, diagnosis_1, target"),
        (lambda t: t[["image", "MEL"]], "nearest known is ISIC 2018's truth: image, MEL, NV,"),
        (lambda t: t.assign(AK="0.0"), "The columns AKIEC, AK of"),
    ],
)
def test_other_columns_are_refused_with_what_was_found_and_what_is_nearest(path, change, words):
    assert words in refuse(edit(path, change))


def test_a_refusal_names_the_first_columns_of_a_wide_table(path):
    names = [f"pixel{number:04d}" for number in range(785)]
    path.write_text(",".join(names) + "\n" + ",".join("1" * 785) + "\n")
    message = refuse(path)
    assert "pixel0000, pixel0001" in message
    assert "... (785 in all)" in message
    assert len(message) < 1000


@pytest.mark.parametrize(
    ("change", "unused"),
    [
        (lambda t: t.assign(SEX="male", doctor="x"), ("doctor",)),
        (lambda t: t.rename(columns=str.lower), ()),
        (lambda t: t.reset_index().rename(columns={"index": "Unnamed: 0"}), ()),
        (lambda t: t.assign(image=t["image"] + ".JPG"), ()),
        (lambda t: t.replace({"1.0": "True", "0.0": "FALSE"}), ()),
        (lambda t: t.replace({"1.0": "1,0", "0.0": "0"}), ()),
        (lambda t: t.rename(columns={"MEL": "Melanoma", "VASC": "vascular-lesions"}), ()),
    ],
)
def test_a_one_hot_table_is_read_as_people_save_it(path, change, unused):
    table = read_truth_table(edit(path, change))
    assert list(table.rows["truth"]) == list(CODES)
    assert list(table.rows["truth_id"]) == [name for name, _ in ISIC2018]
    assert (table.layout, table.unused, table.unit) == ("isic2018", unused, "image")


def test_some_of_the_classes_are_enough(path):
    edit(path, lambda t: t[["image", "NV", "MEL"]][:2])
    assert list(read_truth_table(path).rows["truth"]) == ["nv", "mel"]


def set_cells(column, cells):
    def change(table):
        for row, cell in cells.items():
            table.loc[row, column] = cell
        return table

    return change


@pytest.mark.parametrize("cell", ["yes", "", "nan", "NA", "inf", "0x1", "1.0.0"])
def test_what_is_no_number_is_listed_by_id_and_value(path, cell):
    message = refuse(edit(path, set_cells("MEL", {2: cell, 4: cell})))
    assert (
        f"- values that are no numbers: ISIC_0000002 ('{cell}'), ISIC_0000004 ('{cell}')\n"
        in message
    )


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
    assert f"score_weight other than 0 and 1: ISIC_0000008 ('{weight}')\n" in message


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


@pytest.mark.parametrize("column", ["dx", "DX", "label", "diagnosis_code"])
def test_diagnoses_may_be_codes_in_any_case_or_names(path, column):
    words = ["MEL", "Melanocytic Nevi", "basal-cell_carcinoma", "AK", "Bowen's disease", "scc"]
    lines = "".join(f"i{n}.jpg;{word}\n" for n, word in enumerate(words))
    path.write_text(f"image_id;{column}\n{lines}", encoding="utf-8")
    rows = read_truth_table(path).rows
    assert list(rows["truth"]) == ["mel", "nv", "bcc", "akiec", "akiec", "scc"]
    assert list(rows["image_id"]) == [f"i{n}" for n in range(6)]


ARCHIVE = """isic_id,source,diagnosis_1,diagnosis_2,diagnosis_3,diagnosis_4,patient_id,age,sex
I0,x,Malignant,Malignant melanocytic proliferations (Melanoma),Melanoma in situ,,P1,50,male
I1,x,Benign,Benign melanocytic proliferations,Nevus,"Nevus, Spitz",P1,50,male
I2,x,Indeterminate,Indeterminate epidermal proliferations,Solar or actinic keratosis,,P2,,
I3,x,Malignant,Malignant melanocytic proliferations (Melanoma),Melanoma metastasis,,,80,female
I4,x,Benign,Benign other,Scar,,,20,female
I5,x,Malignant,Malignant epidermal proliferations,"Squamous cell carcinoma, Invasive",,,70,male
I6,x,,,,,,70,male
"""


def test_the_archives_terms_are_put_into_classes_and_what_fits_none_stays_in_words(path):
    path.write_text(ARCHIVE, encoding="utf-8")
    table = read_truth_table(path)
    assert list(table.rows["truth"]) == ["mel", "nv", "akiec", "-", "-", "scc", "-"]
    words = list(table.rows["words"])
    assert [words[i] for i in (1, 3, 4, 6)] == [
        *("Nevus, Spitz", "Melanoma metastasis", "Scar", "none given")
    ]
    assert list(table.rows["group_id"]) == ["P1", "P1", "P2", "I3", "I4", "I5", "I6"]
    assert (table.unit, table.unused, table.target) == ("patient", ("source",), None)


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("image_name,patient_id,target\na,P,1\nb,P,0\n", "melanoma"),
        ("isic_id,target\na,1.0\nb,0.0\n", "malignant"),
        ("isic_id,diagnosis,target\na,melanoma,1\nb,unknown,0\n", "melanoma"),
        ("image_name,diagnosis,target\na,basal cell carcinoma,1\nb,nevus,0\n", "malignant"),
        ("image,benign_malignant\na,malignant\nb,Benign\n", "malignant"),
    ],
)
def test_two_classes_are_one_target_against_the_rest(path, text, target):
    path.write_text(text, encoding="utf-8")
    table = read_truth_table(path)
    assert (table.target, list(table.rows["truth"])) == (target, [target, "rest"])
    assert read_truth_table(path, "malignant").target == "malignant"


def test_two_classes_are_0_and_1_and_what_is_undecided_is_kept_in_words(path):
    path.write_text("isic_id,target\na,2\nb,0\n", encoding="utf-8")
    assert "- target other than 0 and 1: a ('2')\n" in refuse(path)
    path.write_text("isic_id,benign_malignant\na,indeterminate\nb,benign\n", encoding="utf-8")
    rows = read_truth_table(path).rows
    assert list(rows["truth"]) == ["-", "rest"]
    assert rows["words"][0] == "indeterminate"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("akiec", "wart", "their names, scc and unk: ISIC_0034526 ('wart')"),
        ("\tNA\t", "\told\t", "ages that are no years from 0 to 150: ISIC_0034526"),
        ("\tNA\t", "\tinf\t", "ages that are no years from 0 to 150: ISIC_0034526"),
        ("\tNA\t", "\t-3\t", "ages that are no years from 0 to 150: ISIC_0034526"),
        ("head/neck", "=1+1", "localization that is no plain name: ISIC_0034526"),
        ("HAMTEST_0000001", "<img>", "lesion_id that is no plain name: ISIC_0034526"),
    ],
)
def test_faults_of_the_metadata_format_are_listed_by_id(path, old, new, words):
    assert HAM.count(old) == 1
    path.write_text(HAM.replace(old, new), encoding="utf-8")
    assert words in refuse(path)
