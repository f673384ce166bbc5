"""The table of predictions, and the same as a submission to the ISIC challenge."""

import re
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skinmodel.data.label_columns import ISIC_COLUMNS
from skinmodel.data.sets.evaluation_set import EvaluationSet
from skinmodel.data.tables import read_table
from skinmodel.data.truth_tables import COLUMN_CODES
from skinmodel.diagnoses import CODES, class_index
from skinmodel.errors import ConfigError, DatasetError, escape, summarize_ids
from skinmodel.evaluation.measures.calibration import DECIMALS
from skinmodel.files import write_atomically

PROBABILITIES: Final = tuple(f"p_{code}" for code in CODES)
# What no page takes for Markdown and no spreadsheet for a formula.
_PLAIN: Final = re.compile(r"\w[\w .,;:()&/+-]{0,99}")
_ROUNDING: Final = 1e-4  # seven values of six decimals, from float32


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
    """Return a table that ``write_predictions`` wrote, checked row by row.

    Columns may stand in any order. Figures are computed from nothing else, so that a table that is
    not one of predictions must not pass.

    Raises:
        ConfigError: no such file, no table, a column is missing, a truth is no diagnosis, or a
            row's probabilities are not in [0, 1] or do not sum to 1.
    """
    try:
        table = read_table(path)
        _check_columns(table)
        values = table[list(PROBABILITIES)].apply(pd.to_numeric, errors="coerce").to_numpy(float)
        _check_rows(table, values)
    except DatasetError as error:
        raise ConfigError(
            f"The predictions '{path}' cannot be read. {error} Restore them from the repository, "
            "or make them again with: python -m skinmodel evaluate."
        ) from error
    return table.assign(**dict(zip(PROBABILITIES, values.T, strict=True))).reset_index(drop=True)


def _check_columns(table: pd.DataFrame) -> None:
    missing = [
        name for name in ("image_id", "lesion_id", "truth", *PROBABILITIES) if name not in table
    ]
    if missing:
        raise DatasetError(
            f"It lacks the columns {', '.join(missing)}; it has "
            f"{', '.join(escape(str(name), 40) for name in table.columns[:12])}."
        )


def _check_rows(table: pd.DataFrame, values: NDArray[np.float64]) -> None:
    """Refuse rows that are no predictions; the lines of the file are named."""
    numbers = np.isfinite(values).all(axis=1)
    shares = numbers & ((values >= 0) & (values <= 1)).all(axis=1)
    sums = np.abs(np.nan_to_num(values).sum(axis=1) - 1) <= _ROUNDING
    ids = (table["image_id"], table["lesion_id"])
    faults = {
        "whose image or lesion is missing or no plain name": np.array(
            [not (_PLAIN.fullmatch(i) and _PLAIN.fullmatch(k)) for i, k in zip(*ids, strict=True)]
        ),
        f"of a truth other than {', '.join(CODES)}": ~table["truth"].isin(CODES),
        "with probabilities that are no numbers": ~numbers,
        "with probabilities outside 0 to 1": numbers & ~shares,
        "whose probabilities do not sum to 1": shares & ~sums,
    }
    told = [
        f"rows {what}: {summarize_ids(f'line {line}' for line in table.index[wrong])}"
        for what, wrong in faults.items()
        if np.any(wrong)
    ]
    if told:
        raise DatasetError(f"It has {'; '.join(told)}.")


def to_arrays(
    table: pd.DataFrame,
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.str_]]:
    """Return truth int64 (N,), probabilities float32 (N, K) and lesions str (N,) of a table."""
    truth = np.array([class_index(code) for code in table["truth"]], dtype=np.int64)
    probabilities = table[list(PROBABILITIES)].to_numpy(np.float32)
    return truth, probabilities, table["lesion_id"].to_numpy(str)


def write_submission(path: Path, predictions: pd.DataFrame, dataset: EvaluationSet) -> None:
    """Write ``submission.csv``, atomically: image, and the columns of the truth in their order.

    The ids are spelled as in the truth. Diagnoses the networks have no class for (SCC and UNK of
    ISIC 2019) are 0.0 throughout. Rows without weight get 0.0 in every column, since the
    challenge's scorer refuses a file without them. Rows that were dropped for another reason are
    absent: score the file against the truth without them.

    Args:
        path: the file.
        predictions: one row an image of the set: image_id and p_CODE, 0 to 1.
        dataset: the set they are of.

    Raises:
        DatasetError: predictions and set are not of the same images, or a value is no probability.
        OSError: the file cannot be written.
    """
    table = build_submission(predictions, dataset)
    write_atomically(
        path, lambda file: table.to_csv(file, index=False, float_format=f"%.{DECIMALS}f")
    )


def build_submission(predictions: pd.DataFrame, dataset: EvaluationSet) -> pd.DataFrame:
    """Return the table ``write_submission`` writes, in the order of the predictions."""
    spelled = dict(zip(dataset.index["image_id"], dataset.index["truth_id"], strict=True))
    ids = predictions["image_id"]
    odd = [*sorted(set(ids) ^ spelled.keys()), *ids[ids.duplicated()]]
    if odd:
        raise DatasetError(
            f"The predictions are not one for each image of {dataset.title}: {summarize_ids(odd)}. "
            "Make them anew with: python -m skinmodel evaluate."
        )
    table = pd.DataFrame({"image": ids.map(spelled).reset_index(drop=True)})
    for column in ISIC_COLUMNS[dataset.layout]:
        code = COLUMN_CODES[dataset.layout][column]
        table[column] = predictions[f"p_{code}"].to_numpy(np.float64) if code in CODES else 0.0
    values = table.drop(columns="image")
    wrong = table["image"][~((values >= 0) & (values <= 1)).all(axis=1)]
    if len(wrong):
        raise DatasetError(
            f"Predictions that are no probabilities from 0 to 1: {summarize_ids(wrong)}. Make them "
            "anew with: python -m skinmodel evaluate."
        )
    unscored = pd.DataFrame({"image": list(dataset.unscored)}, dtype="str")
    rest = unscored.assign(**dict.fromkeys(ISIC_COLUMNS[dataset.layout], 0.0))
    return pd.concat([table, rest], ignore_index=True) if len(rest) else table
