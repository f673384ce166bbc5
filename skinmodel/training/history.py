"""The figures of every epoch, as a table on disk."""

from pathlib import Path

import pandas as pd

from skinmodel.files import write_atomically

FILE = "history.csv"


def write_history(run: Path, history: list[dict[str, float]]) -> None:
    """Write one row an epoch to ``history.csv``, atomically."""
    table = pd.DataFrame(history).astype({"epoch": int})
    write_atomically(run / FILE, lambda path: table.to_csv(path, index=False))


def read_history(run: Path) -> list[dict[str, float]]:
    """Return the rows that ``write_history`` wrote."""
    table = pd.read_csv(run / FILE)
    return [{str(k): float(v) for k, v in row.items()} for row in table.to_dict("records")]
