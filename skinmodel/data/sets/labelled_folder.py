"""Any folder of images with a truth table that says what each of them shows."""

from pathlib import Path

from skinmodel.data.image_files import match_images
from skinmodel.data.sets.evaluation_set import (
    IS_SCC,
    IS_UNKNOWN,
    NOT_SCORED,
    Selection,
    select_rows,
)
from skinmodel.data.truth_tables import SCC, UNKNOWN, read_truth_table
from skinmodel.errors import DatasetError, summarize_ids


def read_index(images: Path, truth: Path) -> tuple[str, Selection]:
    """Select the images that have one of the seven diagnoses.

    Args:
        images: folder of JPEG and PNG files named by image id.
        truth: see ``read_truth_table``.

    Returns:
        The layout of a submission, and the rows left, sorted by image_id, as ``TruthTable`` has
        them, with path. Dropped are: not scored by the challenge, SCC, unknown.

    Raises:
        DatasetError: the table is unsound; a row that is scored has no image, or an image no row;
            no row is left.
    """
    table = read_truth_table(truth)
    rows = table.rows.sort_values("image_id", ignore_index=True)
    rows, strangers = match_images(rows, images)
    homeless = rows.loc[rows["path"].isna() & rows["scored"], "truth_id"]
    faults = []
    if len(homeless):
        faults.append(f"- rows without an image file: {summarize_ids(homeless)}")
    if strangers:
        faults.append(f"- image files without a row: {summarize_ids(strangers)}")
    if faults:
        lines = "\n".join(faults)
        raise DatasetError(
            f"The images in '{images}' are not those of the truth table '{truth}':\n{lines}\nAdd "
            "or remove images or rows until each has its counterpart."
        )
    reasons = {
        NOT_SCORED: ~rows["scored"],
        IS_SCC: rows["truth"] == SCC,
        IS_UNKNOWN: rows["truth"] == UNKNOWN,
    }
    selection = select_rows(rows, reasons)
    if selection.index.empty:
        raise DatasetError(
            f"No row of '{truth}' is left: {len(rows):,} rows, none of them scored and with one of "
            "the seven diagnoses of HAM10000."
        )
    return table.layout, selection
