import math
import re
import shutil

import numpy as np
import pytest

from skinmodel.data.sets.ham10000 import CLASS_COUNTS
from skinmodel.errors import ConfigError, UnknownNameError
from skinmodel.evaluation.published import (
    KOEFLER_2023,
    ClassificationTable,
    Row,
    read_publication,
)

PUBLICATION = read_publication()
MEASURED = [t for t in PUBLICATION.tables if isinstance(t, ClassificationTable)]


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


@pytest.mark.parametrize("table", MEASURED, ids=lambda table: table.about.number)
def test_a_class_is_contradicted_where_no_counts_print_as_it_does(table):
    contradicted = {row for row, _ in table.about.contradictions}
    for row in table.rows:
        assert (row.name in contradicted) == (not counts_behind(row, table.support)), row


def list_f1(row):
    """Return the F1, as two digits, of all counts behind a row's precision and recall.

    Where no counts print so, those of the two ends of what is printed.
    """
    counted = {
        f"{2 * found / (predicted + row.support):.2f}"
        for found in range(1, row.support + 1)
        if rounds_to(found / row.support, row.recall)
        for predicted in range(found, 500)
        if rounds_to(found / predicted, row.precision)
    }
    ends = [(row.precision + e, row.recall + e) for e in (-0.005, 0.005)]
    return counted or {f"{2 * p * r / (p + r):.2f}" for p, r in ends}


def check_class(row, text):
    """Work out what is said of a class's row; every number in it."""
    n = [float(number.rstrip(".")) for number in re.findall(r"[\d.]*\d", text.replace("F1", ""))]
    if text.startswith("A recall"):
        recall, cases, low, low_share, high, high_share = n
        assert (recall, cases, high) == (row.recall, row.support, low + 1)
        assert (f"{low / cases:.2f}", f"{high / cases:.2f}") == (
            f"{low_share:.2f}",
            f"{high_share:.2f}",
        )
        assert low / cases < recall - 0.005 < recall + 0.005 < high / cases
    elif text.startswith("A precision"):
        precision, recall, found, cases, few, few_share, many, many_share = n
        assert (precision, recall, cases) == (row.precision, row.recall, row.support)
        assert [k for k in range(row.support + 1) if rounds_to(k / cases, recall)] == [found]
        assert many == few + 1
        shares = (found / few, found / many)
        assert [f"{share:.2f}" for share in shares] == [f"{few_share:.2f}", f"{many_share:.2f}"]
        assert shares[1] < precision - 0.005 < precision + 0.005 < shares[0]
    else:
        f1, precision, recall, cases, *given = n
        assert (f1, precision, recall) == (row.f1, row.precision, row.recall)
        assert cases == row.support
        possible = list_f1(row)
        assert {f"{value:.2f}" for value in given} == {min(possible), max(possible)}
        assert not min(given) <= f1 <= max(given)


def expect_of_the_whole(table):
    """What the rows of a table say against its averages and its accuracy, in words."""
    figures = np.array([[row.precision, row.recall, row.f1] for row in table.rows])
    supports = np.array([row.support for row in table.rows])
    assert {supports.sum()} == {table.support, table.macro.support, table.weighted.support}
    low, high = (np.clip(figures + e, 0, 1) for e in (-0.005, 0.005))
    fewest = (low[:, 1] * supports / high[:, 0]).sum()
    most = (high[:, 1] * supports / low[:, 0]).sum()
    if not math.floor(fewest) <= table.support <= math.ceil(most):
        yield (
            "Accuracy",
            f"Precision and recall mean that {fewest:,.0f} to {most:,.0f} pictures were given a "
            f"class, but each of the {table.support:,} gets one.",
        )
    for row, means in (
        (table.macro, figures.mean(axis=0)),
        (table.weighted, np.average(figures, axis=0, weights=supports)),
    ):
        printed = (row.precision, row.recall, row.f1)
        for name, said, mean in zip(("precision", "recall", "F1"), printed, means, strict=True):
            if abs(said - mean) > 0.01 + 1e-9:
                text = f"The mean {name} is printed as {said:.2f}, but the rows give {mean:.2f}."
                yield row.name, text
    share = np.average(figures[:, 1], weights=supports)
    if abs(table.accuracy - share) > 0.01 + 1e-9:
        yield (
            "Accuracy",
            f"Accuracy is printed as {table.accuracy:.2f}, but the recalls of the classes and "
            f"their supports give {share:.2f}.",
        )
    if table.accuracy != table.weighted.recall:
        yield (
            table.weighted.name,
            "The average recall weighted by support is the accuracy by definition, but they are "
            f"printed as {table.weighted.recall:.2f} and {table.accuracy:.2f}.",
        )


@pytest.mark.parametrize("table", MEASURED, ids=lambda table: table.about.number)
def test_every_contradiction_is_said_and_right_in_each_of_its_numbers(table):
    classes = {row.name: row for row in table.rows}
    of_classes = [c for c in table.about.contradictions if c[0] in classes]
    for name, text in of_classes:
        check_class(classes[name], text)
    rest = [c for c in table.about.contradictions if c[0] not in classes]
    assert rest == list(expect_of_the_whole(table))


def test_the_count_tables_add_up_and_say_nothing_against_themselves():
    for table in (PUBLICATION.get("1"), PUBLICATION.get("2")):
        assert table.about.contradictions == ()
        for i, total in enumerate(table.total):
            assert total in (None, sum(counts[i] or 0 for _, counts in table.rows))
    for _, (observations, factor, total) in PUBLICATION.get("2").rows:
        assert total == observations * (factor or 1)


def test_the_confusion_matrix_is_contradicted_where_a_cell_has_anothers_name():
    printed = PUBLICATION.get("3")
    expected = [
        (
            f"Actual {actual}",
            f"What is actually {actual} and predicted {predicted} is called a {name}; it is a "
            f"{actual == predicted} {'positive' if predicted else 'negative'}.",
        )
        for actual, predicted, name in printed.cells
        if name != f"{actual == predicted} {'Positive' if predicted else 'Negative'}"
    ]
    said = [(row, text.lower()) for row, text in printed.about.contradictions]
    assert said == [(row, text.lower()) for row, text in expected]
    assert len(said) == 2


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
