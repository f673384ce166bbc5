"""Counts of the data sets, by the path that a claim names them with; see ``facts``."""

import pandas as pd

from skinmodel.data.counts import ALL, DATASETS, Counts
from skinmodel.errors import ClaimError


def find_count(counts: Counts, table: str, *parts: str) -> float:
    """Return the count behind ``counts/TABLE/...``.

    Raises:
        ClaimError: lesions are asked for where one may stand on both sides.
        KeyError: there is no such row or column.
        ValueError: the path has too many or too few parts.
    """
    if table in DATASETS and parts[0] == "missing":
        _, field = parts
        return _sum(counts.missing, "images", dataset=table, field=field)
    if table in DATASETS:
        what, code = parts
        by_class = counts.by_class(table, what)
        return sum(by_class.values()) if code == ALL else by_class[code]
    if table == "augmentation":
        column, code = parts
        rows = counts.augmentation
        return _sum(rows, column) if code == ALL else _sum(rows, column, diagnosis=code)
    if table == "leakage":
        split, code, column = parts
        names = ("pictures", "either") if column == "unseen" else (column,)
        first, *rest = (_sum(counts.leakage, n, split=split, diagnosis=code) for n in names)
        return first - sum(rest)
    side, what = parts
    if what == "lesions" and table != "grouped":
        raise ClaimError("A lesion may stand on both sides of the report's split.")
    return _sum(counts.splits, what, split=table, side=side)


def _sum(rows: pd.DataFrame, column: str, **chosen: str) -> float:
    """Return the sum of a column over the rows with these words; KeyError where none has them."""
    for name, word in chosen.items():
        rows = rows[rows[name] == word]
    if rows.empty:
        raise KeyError(" ".join(chosen.values()))
    return float(rows[column].sum())
