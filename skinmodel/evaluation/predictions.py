"""The predictions table: where evaluation is cut, so that all after it needs no network."""

from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skinmodel.diagnoses import CODES, class_index
from skinmodel.files import write_atomically

PROBABILITIES: Final = tuple(f"p_{code}" for code in CODES)
DECIMALS: Final = 6


def build_predictions(index: pd.DataFrame, probabilities: NDArray[np.float32]) -> pd.DataFrame:
    """Return the table: image_id, lesion_id, truth (code) and p_CODE, one row an image.

    Args:
        index: N rows with image_id, group_id and truth; the group (lesions joined where two ids
            are one lesion) is what the table calls lesion_id.
        probabilities: float32, (N, K), columns in the order of ``CODES``.
    """
    table = index[["image_id", "group_id", "truth"]].rename(columns={"group_id": "lesion_id"})
    table = table.reset_index(drop=True)
    for column, values in zip(PROBABILITIES, probabilities.T, strict=True):
        table[column] = values
    return table


def write_predictions(path: Path, table: pd.DataFrame) -> None:
    """Write the table as CSV with six decimals, atomically."""
    write_atomically(
        path, lambda file: table.to_csv(file, index=False, float_format=f"%.{DECIMALS}f")
    )


def read_predictions(path: Path) -> pd.DataFrame:
    """Return a table that ``write_predictions`` wrote."""
    return pd.read_csv(path, dtype={"image_id": str, "lesion_id": str, "truth": str})


def to_arrays(
    table: pd.DataFrame,
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.str_]]:
    """Return truth int64 (N,), probabilities float32 (N, K) and lesions str (N,) of a table."""
    truth = np.array([class_index(code) for code in table["truth"]], dtype=np.int64)
    probabilities = table[list(PROBABILITIES)].to_numpy(np.float32)
    return truth, probabilities, table["lesion_id"].to_numpy(str)
