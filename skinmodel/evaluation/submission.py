"""Predictions in the form the ISIC challenges take them, for anyone's own scorer."""

from pathlib import Path

import numpy as np
import pandas as pd

from skinmodel.data.evaluation_set import EvaluationSet
from skinmodel.data.truth_tables import COLUMN_CODES, ISIC_COLUMNS
from skinmodel.diagnoses import CODES
from skinmodel.errors import DatasetError, summarize_ids
from skinmodel.evaluation.predictions import DECIMALS
from skinmodel.files import write_atomically


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
