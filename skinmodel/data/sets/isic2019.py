"""The training set of ISIC 2019 in its official layout, without what is HAM10000.

Source: challenge.isic-archive.com/data/#2019; it joins HAM10000 (Tschandl et al. 2018), BCN_20000
(Combalia et al. 2019) and MSK (Codella et al. 2017), CC BY-NC 4.0.
"""

from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from skinmodel.data.image_files import match_images, to_image_id
from skinmodel.data.sets.evaluation_set import IS_SCC, IS_UNKNOWN, MISSING, Selection, select_rows
from skinmodel.data.sets.ham10000_files import find_roots, find_table
from skinmodel.data.tables import read_table
from skinmodel.data.truth_tables import SCC, UNKNOWN, read_truth_table
from skinmodel.errors import DatasetError, summarize_ids

TRUTH: Final = "ISIC_2019_Training_GroundTruth.csv"
METADATA: Final = "ISIC_2019_Training_Metadata.csv"
IMAGES: Final = "ISIC_2019_Training_Input"
ROW_COUNT: Final = 25_331
METADATA_COLUMNS: Final = ("image", "age_approx", "anatom_site_general", "lesion_id", "sex")
HOW_TO_GET: Final = (
    "Download ISIC 2019 with: python -m skinmodel data download isic2019 --data DIR. Or fetch "
    f"{TRUTH}, {METADATA} and {IMAGES} by hand from challenge.isic-archive.com/data, and name the "
    "folder that holds them with --data or SKINMODEL_DATA."
)

# HAM10000 is this range of ids, without a gap: 34320 - 24306 + 1 = 10,015.
_HAM_FIRST, _HAM_LAST = "ISIC_0024306", "ISIC_0034320"
# Two pictures of BCN_20000 that each stand under two ids, once as mel and once as nv.
CONTRADICTORY: Final = frozenset({"ISIC_0067502", "ISIC_0067980", "ISIC_0069013", "ISIC_0071017"})
# Groups whose pictures are the same files under other ids (found by hashing the images): one
# lesion must not be drawn as if it were two. The last joins an image without a lesion id.
SAME_LESION: Final = {
    "BCN_0002919": "BCN_0002049",
    "BCN_0004816": "BCN_0001604",
    "ISIC_0012127": "MSK4_0011472",
}
_SOURCES: Final = {"BCN": "BCN_20000", "HAM": "HAM10000", "MSK": "MSK"}

IN_HAM10000: Final = "in HAM10000"
CONTRADICTED: Final = "same picture under two diagnoses"


def find_root(data: Path) -> Path:
    """Return the folder with the truth table: ``data/ISIC2019`` or ``data`` itself.

    Raises:
        DatasetError: neither holds ``ISIC_2019_Training_GroundTruth.csv``.
    """
    for root in (data / "ISIC2019", data):
        if (root / TRUTH).is_file():
            return root
    raise DatasetError(f"No {TRUTH} in '{data}' or '{data / 'ISIC2019'}'. {HOW_TO_GET}")


def read_index(data: Path, *, scc_as_akiec: bool = False) -> Selection:
    """Select the images outside HAM10000 that have one of the seven diagnoses.

    AK counts as akiec. A row is dropped for the first reason that applies: in HAM10000 (by the id
    range, the prefix of the lesion id, or HAM10000's metadata where it is in ``data``), image file
    missing, one picture under two diagnoses, SCC, unknown.

    Args:
        data: folder that holds ``ISIC2019``, or that folder itself.
        scc_as_akiec: count SCC as akiec instead of dropping it: what is akiec in HAM10000 stands
            in ISIC 2019 as AK or SCC.

    Returns:
        The rows left, sorted by image_id: image_id, truth_id (as the truth table spells it),
        group_id (lesion_id, or the image's own id where none is known; identical pictures joined),
        lesion_id, truth, path, sex, age (years, NaN where unknown), site, source. And the number of
        rows dropped, by reason in the order above.

    Raises:
        DatasetError: a table is unsound, the tables do not speak of the same images, or image
            files stand in no row.
    """
    root, rows = find_root(data), read_rows(data)
    rows, strangers = match_images(rows, root / IMAGES)
    if strangers:
        raise DatasetError(
            f"Images in '{root / IMAGES}' stand in no row of {TRUTH}: {summarize_ids(strangers)}. "
            f"{HOW_TO_GET}"
        )
    reasons = {
        IN_HAM10000: rows["in_ham10000"],
        MISSING: rows["path"].isna(),
        CONTRADICTED: rows["image_id"].isin(CONTRADICTORY),
    }
    if scc_as_akiec:
        rows["truth"] = rows["truth"].replace(SCC, "akiec")
    else:
        reasons[IS_SCC] = rows["truth"] == SCC
    reasons[IS_UNKNOWN] = rows["truth"] == UNKNOWN
    order = ["image_id", "truth_id", "group_id", "lesion_id", "truth", "path"]
    rows = rows[[*order, "sex", "age", "site", "source", "scored"]]
    selection = select_rows(rows, reasons)
    if selection.index.empty:
        counts = "; ".join(f"{reason}: {count:,}" for reason, count in selection.dropped.items())
        raise DatasetError(f"No image of ISIC 2019 in '{root}' is left ({counts}). {HOW_TO_GET}")
    return selection


def read_rows(data: Path) -> pd.DataFrame:
    """Return every row of the release, HAM10000 included, without a look for image files.

    Args:
        data: folder that holds ``ISIC2019``, or that folder itself.

    Returns:
        One row an image, sorted by image_id: the columns of ``TruthTable.rows`` (truth may be
        ``scc`` or ``unk``), sex, age, site and source as ``read_index`` describes them, and
        in_ham10000 (bool).

    Raises:
        DatasetError: a table is unsound, or the tables do not speak of the same images.
    """
    root = find_root(data)
    rows = read_truth_table(root / TRUTH).rows.sort_values("image_id", ignore_index=True)
    rows = _add_metadata(rows, root / METADATA)
    return rows.assign(in_ham10000=_is_ham10000(rows, data))


def _add_metadata(rows: pd.DataFrame, path: Path) -> pd.DataFrame:
    table = read_table(path)
    missing = [name for name in METADATA_COLUMNS if name not in table.columns]
    if missing:
        raise DatasetError(
            f"'{path}' lacks the columns {', '.join(missing)}; it has "
            f"{', '.join(table.columns[:20])}. {HOW_TO_GET}"
        )
    table = table.assign(image_id=table["image"].map(to_image_id))
    twice = table.loc[table["image_id"].duplicated(), "image_id"]
    unmatched = sorted(set(rows["image_id"]) ^ set(table["image_id"]))
    if len(twice) or unmatched:
        raise DatasetError(
            f"'{path}' and {TRUTH} do not speak of the same images, each once: "
            f"{summarize_ids([*twice, *unmatched])}. {HOW_TO_GET}"
        )
    known = table.set_index("image_id").loc[rows["image_id"]].reset_index()
    known = known.where(known != "")
    lesions = known["lesion_id"]
    groups = lesions.fillna(known["image_id"]).replace(SAME_LESION)
    return rows.assign(
        lesion_id=lesions,
        group_id=groups,
        sex=known["sex"].fillna("unknown"),
        age=_to_years(known, path),
        site=known["anatom_site_general"].fillna("unknown"),
        source=lesions.str[:3].map(_SOURCES).fillna("unknown"),
    )


def _to_years(known: pd.DataFrame, path: Path) -> "pd.Series[float]":
    years = pd.to_numeric(known["age_approx"], errors="coerce").astype(np.float64)
    wrong = known.loc[known["age_approx"].notna() & ~years.between(0, 150), "image_id"]
    if len(wrong):
        raise DatasetError(
            f"'{path}' has ages that are no years from 0 to 150: {summarize_ids(wrong)}. "
            f"{HOW_TO_GET}"
        )
    return years


def _is_ham10000(rows: pd.DataFrame, data: Path) -> "pd.Series[bool]":
    is_ham = rows["image_id"].map(in_ham10000_range) | (rows["source"] == "HAM10000")
    for folder in find_roots(data):
        if (path := find_table(folder)) is not None:
            table = read_table(path)
            if "image_id" in table:
                is_ham |= rows["image_id"].isin(table["image_id"])
    return is_ham


def in_ham10000_range(image_id: str) -> bool:
    """Return whether an ISIC id is one of HAM10000's, which are ISIC_0024306 to ISIC_0034320."""
    return len(image_id) == len(_HAM_FIRST) and _HAM_FIRST <= image_id <= _HAM_LAST
