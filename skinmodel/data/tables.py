"""CSV tables, read without trusting them: every cell as text, every row whole; harmless cells."""

import codecs
import csv
import io
import re
from collections import Counter
from pathlib import Path
from typing import Final

import pandas as pd

from skinmodel.errors import DatasetError

MAX_BYTES: Final = 32 * 1024 * 1024
"""Largest table accepted, in bytes; the truth table of ISIC 2019 has 1.3 million."""

MAX_COLUMNS: Final = 1000
"""Most columns accepted; the truth table of ISIC 2019 has ten, HAM10000's metadata eight."""

EMPTY: Final = ("", "NA", "N/A", "NaN", "nan", "null", "None")
"""Cells that say nothing."""

UNNAMED: Final = "Unnamed: "
"""How the name of a column begins that has none in the file; the number of its place follows."""

_DELIMITERS: Final = (",", "\t", ";")  # the first where they are equally frequent
_QUOTED: Final = re.compile(r'"[^"]*"')


def read_table(path: Path) -> pd.DataFrame:
    """Return a table's cells as they stand, without blanks at their ends.

    Commas, semicolons or tabs separate the columns, whichever its header has most of, whatever the
    file is called. A byte order mark and rows of empty cells are passed over. Columns without a
    name, as row numbers have that were saved too, are called ``Unnamed: N`` by their place.

    Args:
        path: a text file in UTF-8, or in UTF-16 with a byte order mark, of at most ``MAX_BYTES``.

    Returns:
        str columns named as in the header; the index is each row's line number in the file.

    Raises:
        DatasetError: no such file, or it is empty, too large, too wide, no text or no table.
    """
    text = _read_text(path)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=_find_delimiter(text), strict=True)
    try:
        cells = ((lines.line_num, [cell.strip() for cell in row]) for row in lines)
        numbered = [(number, row) for number, row in cells if any(row)]
    except csv.Error as error:
        raise DatasetError(
            f"'{path}' is not a CSV table: line {lines.line_num}: {error}."
        ) from error
    if not numbered:
        raise DatasetError(f"'{path}' is empty; a table with a header was expected.")
    (_, header), *rows = numbered
    _check_header(path, header)
    uneven = [number for number, row in rows if len(row) != len(header)]
    if uneven:
        shown = ", ".join(map(str, uneven[:5]))
        raise DatasetError(
            f"'{path}' has {len(uneven):,} rows with more or fewer cells than the {len(header)} of "
            f"its header (lines {shown}{', ...' if len(uneven) > 5 else ''}). Restore the file."
        )
    if not rows:
        raise DatasetError(f"'{path}' has a header and no rows.")
    index = pd.Index([number for number, _ in rows], name="line")
    names = [name or f"{UNNAMED}{place}" for place, name in enumerate(header)]
    return pd.DataFrame([row for _, row in rows], columns=names, index=index, dtype="str")


def _find_delimiter(text: str) -> str:
    """Return what separates the columns; a comma where the header has one column only."""
    header = _QUOTED.sub("", text.lstrip("\r\n").split("\n", 1)[0])
    return max(_DELIMITERS, key=header.count)


def to_cell(text: str) -> str:
    """Return ``text`` for a CSV that a spreadsheet may open: one that it would compute is quoted.

    >>> to_cell("=1+1"), to_cell("a.jpg")
    ("'=1+1", 'a.jpg')
    """
    return f"'{text}" if text.lstrip()[:1] in ("=", "+", "-", "@") and text.strip() else text


def _read_text(path: Path) -> str:
    if not path.is_file():
        raise DatasetError(f"There is no file '{path}'; a CSV table was expected there.")
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise DatasetError(f"'{path}' cannot be read ({error.strerror}).") from error
    if len(content) > MAX_BYTES:
        raise DatasetError(
            f"'{path}' is larger than {MAX_BYTES // 2**20} MB, the most that is read of a table. "
            "Check that it is a truth table."
        )
    is_wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = content.decode("utf-16" if is_wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise DatasetError(
            f"'{path}' is not text in UTF-8 ({error.reason} at byte {error.start:,}); it begins "
            f"with {content[:8]!r}. Save the table again as CSV in UTF-8."
        ) from error
    if "\0" in text:
        raise DatasetError(
            f"'{path}' is a binary file, or text that is not in UTF-8; it begins with "
            f"{content[:8]!r}. Save the table again as CSV in UTF-8."
        )
    return text


def _check_header(path: Path, header: list[str]) -> None:
    if len(header) > MAX_COLUMNS:
        shown = ", ".join(f"'{name[:40]}'" for name in header[:12])
        raise DatasetError(
            f"'{path}' has {len(header):,} columns, and {MAX_COLUMNS:,} are the most that is read "
            f"of a table; the first: {shown}. Keep the image's id and its diagnosis."
        )
    twice = sorted(name for name, count in Counter(header).items() if name and count > 1)
    if twice:
        shown = ", ".join(f"'{name[:40]}'" for name in header[:12])
        raise DatasetError(f"'{path}' has columns of one name; its header is {shown}.")
