"""The figures of every epoch, as a table on disk."""

from pathlib import Path

import pandas as pd

from skinmodel.data.tables import read_table
from skinmodel.errors import ConfigError, DatasetError, escape, summarize_ids
from skinmodel.files import write_atomically

FILE = "history.csv"


def write_history(run: Path, history: list[dict[str, float]]) -> None:
    """Write one row an epoch to ``history.csv``, atomically."""
    table = pd.DataFrame(history).astype({"epoch": int})
    write_atomically(run / FILE, lambda path: table.to_csv(path, index=False))


def read_history(run: Path) -> list[dict[str, float]]:
    """Return the rows that ``write_history`` wrote.

    Raises:
        ConfigError: no such file, no table, or it does not hold one row of numbers an epoch.
    """
    file = run / FILE
    try:
        table = read_table(file)
        values = table.apply(pd.to_numeric, errors="coerce")
        if "epoch" not in values or list(values["epoch"]) != list(range(1, len(values) + 1)):
            raise DatasetError("Its column epoch does not count from 1.")
        if unread := [str(n) for n in table if ((table[n] != "") & values[n].isna()).any()]:
            raise DatasetError(f"Columns hold what is no number: {escape(summarize_ids(unread))}.")
    except DatasetError as error:
        raise ConfigError(
            f"The epochs in '{file}' cannot be read. {error} Restore the file from the repository "
            "or a backup."
        ) from error
    return [{str(k): float(v) for k, v in row.items()} for row in values.to_dict("records")]
