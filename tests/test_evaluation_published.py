import shutil
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from sklearn.metrics import classification_report

from skinmodel.data.ham10000 import CLASS_COUNTS
from skinmodel.diagnoses import CODES
from skinmodel.errors import ConfigError, UnknownNameError
from skinmodel.evaluation.contradictions import Contradiction, find_contradictions
from skinmodel.evaluation.published import (
    KOEFLER_2023,
    About,
    ClassificationTable,
    ConfusionLayout,
    CountTable,
    Row,
    read_publication,
)

PUBLICATION = read_publication()
MEASURED = [t for t in PUBLICATION.tables if isinstance(t, ClassificationTable)]
ABOUT = About("9", "drawn", "drawn", "drawn", None, None, ())

# Which rows of which table cannot be, found by hand and by a search over all counts (below).
CONTRADICTED = {
    "1": [],
    "2": [],
    "3": [("Actual True", "layout"), ("Actual False", "layout")],
    "4a": [],
    "4b": [],
    "4c": [],
    "5a": [
        ("mel", "f1"),
        ("bcc", "precision"),
        ("bcc", "f1"),
        ("ak", "recall"),
        ("df", "precision"),
        ("Accuracy", "predicted"),
        *[("Macro Avg", "average")] * 3,
        *[("Weighted Avg", "average")] * 3,
        ("Accuracy", "accuracy"),
        ("Weighted Avg", "accuracy"),
    ],
    "5b": [
        ("bkl", "recall"),
        ("ak", "recall"),
        ("vasc", "recall"),
        *[("Macro Avg", "average")] * 3,
        *[("Weighted Avg", "average")] * 3,
        ("Accuracy", "accuracy"),
        ("Weighted Avg", "accuracy"),
    ],
}


def draw_table(rng, images=400):
    """A table as scikit-learn prints it for drawn predictions: consistent by construction."""
    truth = np.concatenate([np.arange(7), rng.choice(7, images, p=[0.4, 0.2, *[0.08] * 5])])
    right = rng.random(len(truth)) < 0.6
    predicted = np.where(right, truth, rng.integers(0, 7, len(truth)))
    report = classification_report(
        truth, predicted, target_names=CODES, output_dict=True, zero_division=0
    )

    def to_row(name, code):
        figures = report[name]
        values = [round(figures[key], 2) for key in ("precision", "recall", "f1-score")]
        return Row(name, code, *values, int(figures["support"]))

    return ClassificationTable(
        ABOUT,
        tuple(to_row(code, code) for code in CODES),
        round(report["accuracy"], 2),
        len(truth),
        to_row("macro avg", None),
        to_row("weighted avg", None),
    )


def change(table, i, **values):
    rows = list(table.rows)
    rows[i] = replace(rows[i], **values)
    return replace(table, rows=tuple(rows))


def rounds_to(value, printed):
    return abs(value - printed) < 0.005 + 1e-9


def counts_behind(row, images):
    """All (found, predicted) that print as the row does, by trying every one; see its F1 too."""
    return [
        (found, predicted)
        for found in range(row.support + 1)
        if rounds_to(found / row.support, row.recall)
        for predicted in range(max(found, 1), images - row.support + found + 1)
        if rounds_to(found / predicted, row.precision)
        and rounds_to(2 * found / (predicted + row.support), row.f1)
    ]


def test_all_tables_are_there_in_the_reports_order():
    numbers = [table.about.number for table in PUBLICATION.tables]
    assert numbers == ["1", "2", "3", "4a", "4b", "4c", "5a", "5b"]
    assert [t.about.number for t in PUBLICATION.tables if t.about.leaks] == ["4a", "4b", "5a", "5b"]
    assert PUBLICATION.citation.startswith("Markus Köfler, Skin Cancer Classification")
    assert PUBLICATION.year == 2023
    for table in PUBLICATION.tables:
        assert table.about.title
        assert table.about.protocol.endswith(".")
        assert all(remark.endswith(".") for remark in table.about.remarks)


def test_table_4_has_the_figures_and_supports_of_the_report():
    cnn, attention = PUBLICATION.get("4a"), PUBLICATION.get("4b")
    assert (cnn.accuracy, attention.accuracy) == (0.88, 0.91)
    assert cnn.rows[6] == Row("df", "df", 0.56, 1.0, 0.72, 228)
    for table in (cnn, attention):
        assert [row.support for row in table.rows] == [2213, 2204, 2176, 1018, 647, 281, 228]
        assert table.support == 8767
    assert PUBLICATION.get("4c").about.model == "VGG16+SA"


def test_actinic_keratosis_of_table_5_is_the_code_akiec():
    row = PUBLICATION.get("5a").rows[4]
    assert (row.name, row.code, row.recall, row.support) == ("ak", "akiec", 0.34, 7)


def test_the_counts_of_tables_1_and_2_are_those_of_the_release():
    first, second = PUBLICATION.get("1"), PUBLICATION.get("2")
    observed = sorted(counts[0] for _, counts in second.rows)
    assert observed == sorted(CLASS_COUNTS.values())
    assert observed == sorted(counts[0] for _, counts in first.rows if counts[0] is not None)
    assert dict(first.rows)["Other / Unknown"] == (None, None)
    assert second.total == (10_015, None, 26_565)


def test_a_table_of_no_such_number_is_refused():
    with pytest.raises(UnknownNameError, match="no table called '6'"):
        PUBLICATION.get("6")


@pytest.mark.parametrize("number", list(CONTRADICTED))
def test_the_contradictions_of_the_report_are_these(number):
    found = find_contradictions(PUBLICATION.get(number))
    assert [(c.row, c.kind) for c in found] == CONTRADICTED[number]
    assert {c.table for c in found} <= {number}


@pytest.mark.parametrize("table", MEASURED, ids=lambda table: table.about.number)
def test_a_class_is_contradicted_where_no_counts_print_as_it_does(table):
    contradicted = {c.row for c in find_contradictions(table)}
    for row in table.rows:
        assert (row.name in contradicted) == (not counts_behind(row, table.support)), row


@pytest.mark.parametrize("table", MEASURED, ids=lambda table: table.about.number)
def test_averages_are_contradicted_where_the_rows_give_another(table):
    figures = np.array([[row.precision, row.recall, row.f1] for row in table.rows])
    supports = np.array([row.support for row in table.rows])
    off = 0
    for row, means in (
        (table.macro, figures.mean(axis=0)),
        (table.weighted, np.average(figures, axis=0, weights=supports)),
    ):
        off += int((np.abs(means - [row.precision, row.recall, row.f1]) > 0.01 + 1e-9).sum())
    found = [c for c in find_contradictions(table) if c.kind == "average"]
    assert len(found) == off


def test_a_contradiction_is_said_with_its_numbers():
    texts = {(c.row, c.kind): c.text for c in find_contradictions(PUBLICATION.get("5a"))}
    assert texts["ak", "recall"] == (
        "A recall of 0.34 with 7 cases cannot be: 2 found give 0.29 and 3 found give 0.43."
    )
    assert texts["df", "precision"] == (
        "A precision of 0.35 cannot be: the recall of 0.75 means 3 of 4 found, and 8 predicted "
        "give 0.38 and 9 predicted give 0.33."
    )
    assert texts["bcc", "f1"].endswith("which give 0.62 to 0.63.")
    assert "0.60 and 0.70" in texts["Weighted Avg", "accuracy"]


def test_what_scikit_learn_prints_never_contradicts_itself(rng):
    for _ in range(60):
        assert find_contradictions(draw_table(rng, int(rng.integers(20, 500)))) == ()


def test_every_kind_of_contradiction_is_found_where_it_is_planted(rng):
    table = draw_table(rng)
    row = table.rows[3]

    def kinds(changed):
        return {c.kind for c in find_contradictions(changed)}

    few = replace(row, precision=0.5, recall=0.5, f1=0.5, support=4)
    small = replace(table, rows=(*table.rows[:3], few, *table.rows[4:]))
    assert "f1" in kinds(change(table, 3, f1=round(row.f1 + 0.1, 2)))
    assert "recall" in kinds(change(small, 3, recall=0.6))
    assert "precision" in kinds(change(small, 3, precision=0.47))
    assert "sum" in kinds(change(table, 3, support=row.support + 1))
    assert "predicted" in kinds(change(table, 0, precision=round(table.rows[0].precision / 2, 2)))
    assert kinds(replace(table, accuracy=table.accuracy - 0.1)) == {"accuracy"}
    macro = replace(table.macro, recall=table.macro.recall + 0.02)
    assert kinds(replace(table, macro=macro)) == {"average"}


def test_a_class_that_is_never_predicted_or_never_found_is_no_contradiction():
    rows = [Row(code, code, 1.0, 1.0, 1.0, 10) for code in CODES]
    rows[2] = Row("bkl", "bkl", 0.0, 0.0, 0.0, 10)
    rows[0] = Row("nv", "nv", 0.5, 1.0, 0.67, 10)
    macro = Row("macro avg", None, 0.79, 0.86, 0.81, 70)
    table = ClassificationTable(
        ABOUT, tuple(rows), 0.86, 70, macro, replace(macro, name="weighted")
    )
    assert find_contradictions(table) == ()


def test_a_count_table_is_added_up_and_multiplied():
    good = CountTable(
        ABOUT,
        ("observations", "factor", "total"),
        (("a", (3, None, 3)), ("b", (2, 6, 12))),
        (5, None, 15),
    )
    assert find_contradictions(good) == ()
    wrong = replace(good, rows=(("a", (3, None, 3)), ("b", (2, 6, 13))))
    assert find_contradictions(wrong) == (
        Contradiction(
            "9", "Total", "sum", "The total of total is printed as 15, but its rows add to 16."
        ),
        Contradiction("9", "b", "sum", "2 observations times 6 are 12, not 13."),
    )


def test_a_right_confusion_matrix_is_no_contradiction():
    cells = (
        (True, True, "True Positive"),
        (True, False, "False Negative"),
        (False, True, "False Positive"),
        (False, False, "True Negative"),
    )
    assert find_contradictions(ConfusionLayout(ABOUT, cells)) == ()
    printed = PUBLICATION.get("3")
    assert [c.row for c in find_contradictions(printed)] == ["Actual True", "Actual False"]
    assert all(a != b for a, b in pairwise(name for _, _, name in printed.cells))


@pytest.mark.parametrize(
    ("file", "old", "new", "why"),
    [
        ("table_4a.csv", "0.92,0.88", "0.92,high", "could not convert string to float"),
        ("table_4a.csv", "mel,", "melanoma,", "KeyError: 'melanoma'"),
        ("table_4a.csv", "Macro Avg", "Macro", "last rows are"),
        ("table_1.csv", "Total", "Sum", "last row are Sum, expected Total"),
        ("table_2.csv", "852", "852,1", "number of columns"),
        ("table_3.csv", "predicted_true", "predicted", "columns are"),
        ("source.toml", 'kind = "layout"', "kind = ", "TOMLDecodeError"),
        ("source.toml", "year = 2023", "", "year"),
    ],
)
def test_a_damaged_file_is_refused_by_name(tmp_path, file, old, new, why):
    folder = tmp_path / "published"
    shutil.copytree(KOEFLER_2023, folder)
    text = (folder / file).read_text(encoding="utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ConfigError, match=f"{file}'.*{why}"):
        read_publication(folder)


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"source\.toml' cannot be read"):
        read_publication(tmp_path / "nowhere")
