"""The official test set of ISIC 2018 Task 3, as the challenge or Harvard Dataverse gives it out.

Source: challenge.isic-archive.com/data/#2018, or with HAM10000 at doi:10.7910/DVN/DBW86T; CC BY-NC
4.0. The truth has 1,512 rows, of which the challenge scores 1,511 (see ``NEVER_SCORED``).
"""

from pathlib import Path
from typing import Final

from skinmodel.data.image_files import match_images
from skinmodel.data.sets.evaluation_set import MISSING, NOT_SCORED, Selection, select_rows
from skinmodel.data.truth_tables import read_truth_table
from skinmodel.errors import DatasetError, summarize_ids

SCORED_COUNT: Final = 1_511
NAME: Final = "ISIC2018_Task3_Test_GroundTruth"
IMAGE_FOLDERS: Final = ("ISIC2018_Task3_Test_Input", "ISIC2018_Task3_Test_Images")
FOLDERS: Final = ("ISIC2018", "HAM10000", ".")
HOW_TO_GET: Final = (
    f"Download the ISIC 2018 Task 3 test set ({NAME} and {IMAGE_FOLDERS[0]}) from "
    f"challenge.isic-archive.com, or {IMAGE_FOLDERS[1]} and {NAME} from doi:10.7910/DVN/DBW86T, "
    "unpack it in a folder ISIC2018 and name the folder above it with --data or SKINMODEL_DATA."
)


def find_files(data: Path) -> tuple[Path, Path]:
    """Return the truth table and the image folder, which stand side by side.

    They are looked for in ``data/ISIC2018``, ``data/HAM10000`` and ``data``; the table may lie in
    the folder of its own that the challenge's archive unpacks to.

    Raises:
        DatasetError: no folder holds both.
    """
    for root in (data / folder for folder in FOLDERS):
        tables = [root / f"{NAME}.csv", root / NAME / f"{NAME}.csv", root / f"{NAME}.tab"]
        truth = next((table for table in tables if table.is_file()), None)
        images = next((root / f for f in IMAGE_FOLDERS if (root / f).is_dir()), None)
        if truth is not None and images is not None:
            return truth, images
    raise DatasetError(
        f"No ISIC 2018 Task 3 test set in '{data / FOLDERS[0]}', '{data / FOLDERS[1]}' or "
        f"'{data}': {NAME}.csv beside a folder {' or '.join(IMAGE_FOLDERS)} was expected. "
        f"{HOW_TO_GET}"
    )


def read_index(data: Path) -> Selection:
    """Select the images the challenge scores.

    Args:
        data: folder that holds ``ISIC2018``, or that folder itself.

    Returns:
        The rows left, sorted by image_id: image_id, truth_id, truth, group_id, path, and the
        metadata of HAM10000's format where the table has it (see ``TruthTable``). And the number
        of rows dropped, by reason: not scored by the challenge, image file missing.

    Raises:
        DatasetError: the table is unsound, or image files stand in no row of it.
    """
    truth, images = find_files(data)
    rows = read_truth_table(truth).rows.sort_values("image_id", ignore_index=True)
    rows, strangers = match_images(rows, images)
    if strangers:
        raise DatasetError(
            f"Images in '{images}' stand in no row of '{truth}': {summarize_ids(strangers)}. "
            f"{HOW_TO_GET}"
        )
    selection = select_rows(rows, {NOT_SCORED: ~rows["scored"], MISSING: rows["path"].isna()})
    if selection.index.empty:
        raise DatasetError(f"No image in '{images}' is one that '{truth}' speaks of. {HOW_TO_GET}")
    return selection
