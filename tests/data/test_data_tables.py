import re

import pytest

from skinmodel.data import tables
from skinmodel.data.tables import read_table
from skinmodel.errors import DatasetError


@pytest.fixture
def write(tmp_path):
    def write(content):
        path = tmp_path / "truth.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def refuse(path):
    with pytest.raises(DatasetError) as caught:
        read_table(path)
    message = str(caught.value)
    assert f"'{path}'" in message
    return message


def test_cells_are_text_as_they_stand_and_rows_know_their_line(write):
    table = read_table(write('image,MEL\nISIC_1,1.0\n\n"a, b",NA\n 007 , nan \n'))
    assert list(table.columns) == ["image", "MEL"]
    assert table.to_numpy().tolist() == [["ISIC_1", "1.0"], ["a, b", "NA"], ["007", "nan"]]
    assert list(table.index) == [2, 4, 5]


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfimage,MEL\nISIC_1,1\n",
        b"image,MEL\r\nISIC_1,1\r\n",
        b"image,MEL\nISIC_1,1",
        b"image\tMEL\nISIC_1\t1\n",
        b'"image","MEL"\n"ISIC_1","1"\n',
        b"image,MEL\nISIC_1,1\n,\n\n",
        b"image;MEL\nISIC_1;1\n",
        b'"image";"MEL"\r\n"ISIC_1";"1"\r\n',
        "image,MEL\nISIC_1,1\n".encode("utf-16"),
        "image\tMEL\r\nISIC_1\t1\r\n".encode("utf-16"),
    ],
    ids=[
        *("byte-order-mark", "crlf", "no-last-newline", "tabs", "quoted", "empty-lines"),
        *("semicolons", "quoted-semicolons", "utf-16", "utf-16-tabs"),
    ],
)
def test_other_spellings_of_one_table(write, content):
    table = read_table(write(content))
    assert list(table.columns) == ["image", "MEL"]
    assert table.to_numpy().tolist() == [["ISIC_1", "1"]]


def test_the_commonest_separator_of_the_header_is_taken_and_none_within_quotes(write):
    table = read_table(write('image;"MEL, in situ, or invasive";NV\nISIC_1;1,0;0,0\n'))
    assert list(table.columns) == ["image", "MEL, in situ, or invasive", "NV"]
    assert table.to_numpy().tolist() == [["ISIC_1", "1,0", "0,0"]]


def test_columns_without_a_name_are_called_by_their_place(write):
    table = read_table(write(",image,MEL,\n0,ISIC_1,1,\n"))
    assert list(table.columns) == ["Unnamed: 0", "image", "MEL", "Unnamed: 3"]


@pytest.mark.parametrize("content", ["", "\n\n", "\ufeff", "  \n , ,\n"])
def test_an_empty_file_is_said_to_be_empty(write, content):
    assert "is empty" in refuse(write(content))


def test_a_header_alone_is_no_table(write):
    assert "has a header and no rows" in refuse(write("image,MEL\n"))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\x89PNG\r\n\x1a\n\x00\x00", "not text in UTF-8"),
        ("image,MEL\nISIC_1,1\n".encode("utf-16-le"), "binary file"),
        (b"image,MEL\nISIC\x001,1\n", "binary file"),
        (b"image,MEL\nM\xfcller,1\n", "not text in UTF-8"),
    ],
    ids=["png", "utf-16", "nul", "latin-1"],
)
def test_what_is_no_text_is_refused_with_its_first_bytes(write, content, words):
    message = refuse(write(content))
    assert words in message
    assert repr(content[:8]) in message
    assert "CSV in UTF-8" in message


def test_uneven_rows_are_told_by_line(write):
    rows = "".join("ISIC_1,1,0\n" for _ in range(6))
    message = refuse(write(f"image,MEL\nISIC_0,1\n{rows}ISIC_9\n"))
    assert "7 rows with more or fewer cells than the 2" in message
    assert "lines 3, 4, 5, 6, 7, ..." in message


@pytest.mark.parametrize(
    "content",
    ['image,MEL\n"ISIC_1,1\n', 'image,MEL\n"ISIC"_1,1\n', "image,MEL\n" + "x" * 200_000 + ",1\n"],
    ids=["open-quote", "text-after-quote", "endless-cell"],
)
def test_damaged_csv_is_told_by_line(write, content):
    assert re.search(r"is not a CSV table: line \d+: ", refuse(write(content)))


def test_headers_must_name_a_column_once(write):
    message = refuse(write("image,MEL,MEL\nISIC_1,1,0\n"))
    assert "columns of one name" in message


def test_a_table_larger_than_the_limit_is_refused(write, monkeypatch):
    content = "image,MEL\nISIC_1,1\n"
    monkeypatch.setattr(tables, "MAX_BYTES", len(content))
    assert len(read_table(write(content))) == 1
    assert "is larger than" in refuse(write(content + "\n"))


def test_a_folder_or_nothing_is_no_table(tmp_path):
    assert "There is no file" in refuse(tmp_path)
    assert "There is no file" in refuse(tmp_path / "nowhere.csv")


class Counted(str):
    """A column's name that counts how often it is compared."""

    __slots__ = ()
    comparisons = 0

    def __eq__(self, other):
        Counted.comparisons += 1
        return super().__eq__(other)

    __hash__ = str.__hash__


def test_wide_tables_cost_no_time_and_are_refused_in_a_sentence(write, monkeypatch):
    header = [f"c{number}" for number in range(tables.MAX_COLUMNS)]
    line = ",".join(header)
    assert read_table(write(f"{line}\n{line}\n")).shape == (1, tables.MAX_COLUMNS)
    message = refuse(write(f"{line},one\n{line},1\n"))
    assert "has 1,001 columns, and 1,000 are the most" in message
    assert len(message) < 500
    # Each name against each other one would be a million comparisons.
    tables._check_header(tmp := write("x"), [Counted(name) for name in header])
    assert Counted.comparisons < 10 * len(header), tmp
