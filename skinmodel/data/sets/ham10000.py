"""HAM10000 as released: its index, its images on disk, and which images show one lesion."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd

from skinmodel.data.diagnosis_words import to_code
from skinmodel.data.image_files import to_image_id
from skinmodel.data.sets.ham10000_files import HOW_TO_GET as HOW_TO_GET
from skinmodel.data.sets.ham10000_files import IMAGE_FOLDERS as IMAGE_FOLDERS
from skinmodel.data.sets.ham10000_files import METADATA as METADATA
from skinmodel.data.sets.ham10000_files import find_images, find_metadata
from skinmodel.data.sets.ham10000_files import find_root as find_root
from skinmodel.data.tables import EMPTY, read_table
from skinmodel.diagnoses import CODES
from skinmodel.errors import DatasetError, escape, summarize_ids

PAIRS_FILE: Final = Path(__file__).with_name("same_lesion_pairs.csv")


def read_same_lesion_pairs() -> list[tuple[str, str]]:
    """Return image pairs that show one lesion under two ids (Abhishek et al., Sci. Data 2025)."""
    table = pd.read_csv(PAIRS_FILE, comment="#", dtype=str)
    return list(zip(table["image_id_a"], table["image_id_b"], strict=True))


def join_lesions(index: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with group_id: the lesion that each must be split with.

    Lesions joined by a known pair, also through a chain of pairs, share the smallest of their
    lesion ids. A pair of which one image is absent joins nothing.

    Args:
        index: rows with image_id and lesion_id.

    Returns:
        The rows with group_id, str, added or replaced.
    """
    lesion_of = dict(zip(index["image_id"], index["lesion_id"], strict=True))
    parent: dict[str, str] = {}

    def root(lesion: str) -> str:
        while lesion in parent:
            lesion = parent[lesion]
        return lesion

    for a, b in read_same_lesion_pairs():
        if a in lesion_of and b in lesion_of:
            first, second = sorted((root(lesion_of[a]), root(lesion_of[b])))
            if first != second:
                parent[second] = first
    return index.assign(group_id=index["lesion_id"].map(root))


COLUMNS: Final = ("lesion_id", "image_id", "dx", "dx_type", "age", "sex", "localization")
IMAGE_COUNT: Final = 10_015
CLASS_COUNTS: Final = {
    "nv": 6705,
    "mel": 1113,
    "bkl": 1099,
    "bcc": 514,
    "akiec": 327,
    "vasc": 142,
    "df": 115,
}


@dataclass(frozen=True)
class Defect:
    """One thing that is not as released.

    Attributes:
        what: the defect in words.
        ids: the image ids at fault; empty where the defect is a count.
        fatal: True when no index can be made; False when the set is merely incomplete.
    """

    what: str
    ids: tuple[str, ...] = ()
    fatal: bool = False

    def __str__(self) -> str:
        """Return the defect with the first ids at fault."""
        return f"{self.what}: {summarize_ids(self.ids)}" if self.ids else self.what


def inspect(data: Path) -> tuple[pd.DataFrame, tuple[Defect, ...]]:
    """Read the index and collect every defect instead of stopping at the first.

    Args:
        data: folder that holds ``HAM10000``, or that folder itself.

    Returns:
        The index of all usable rows (known diagnosis and lesion, one row an id, image present),
        sorted by ``image_id``: image_id, lesion_id, group_id (see ``groups``), truth, dx_type, age
        (years, NaN where unknown), sex, localization, path. And the defects found.

    Raises:
        DatasetError: there is no metadata, or it lacks a column.
    """
    path = find_metadata(data)
    table = _read_metadata(path)
    defects = list(_check_rows(table))
    usable = table[table["dx"].isin(CODES)].dropna(subset=["image_id", "lesion_id"])
    usable = usable.drop_duplicates("image_id").sort_values("image_id")
    files, twice = find_images(path.parent)
    present = usable["image_id"].isin(files.keys())
    if not present.all():
        missing = tuple(usable.loc[~present, "image_id"])
        defects.append(Defect("images named in the metadata are missing", missing))
    if twice := tuple(i for i in twice if i in set(usable["image_id"])):
        defects.append(Defect("images with more than one file, of which one is taken", twice))
    usable = usable[present].reset_index(drop=True)
    usable["age"] = pd.to_numeric(usable["age"], errors="coerce").astype(float)
    usable["path"] = usable["image_id"].map(files)
    index = join_lesions(usable).rename(columns={"dx": "truth"})
    order = ["image_id", "lesion_id", "group_id", "truth", "dx_type", "age", "sex"]
    return index[[*order, "localization", "path"]], tuple(defects)


def read_index(data: Path, *, complete: bool = True) -> pd.DataFrame:
    """Return the index that ``inspect`` describes, or refuse.

    Args:
        data: folder that holds ``HAM10000``, or that folder itself.
        complete: also refuse a set that is not the whole release.

    Raises:
        DatasetError: a fatal defect, or any defect where ``complete`` is asked for.
    """
    index, defects = inspect(data)
    refused = [d for d in defects if d.fatal or complete]
    if refused or index.empty:
        lines = "\n".join(f"- {d}" for d in refused) or "- no usable image"
        raise DatasetError(f"HAM10000 in '{data}' is not as released:\n{lines}\n{HOW_TO_GET}")
    return index


def read_unused_columns(data: Path) -> tuple[str, ...]:
    """Return the columns of the metadata that nothing here uses, as they are spelled.

    Raises:
        DatasetError: there is no metadata, or it is no table.
    """
    columns = read_table(find_metadata(data)).columns
    known = (*COLUMNS, "dataset")
    return tuple(name for name in columns if name.lower() not in known)


def _read_metadata(path: Path) -> pd.DataFrame:
    table = read_table(path)
    found = ", ".join(escape(name, 40) for name in table.columns[:20])
    table = table.rename(columns={n: n.lower() for n in table.columns if n.lower() in COLUMNS})
    missing = [c for c in COLUMNS if c not in table.columns]
    if missing:
        raise DatasetError(
            f"'{path}' lacks the columns {', '.join(missing)}; it has {found}. {HOW_TO_GET}"
        )
    table = table[list(COLUMNS)].where(~table[list(COLUMNS)].isin(EMPTY)).reset_index(drop=True)
    codes = table["dx"].map(to_code, na_action="ignore")
    return table.assign(
        image_id=table["image_id"].map(to_image_id, na_action="ignore"),
        dx=codes.fillna(table["dx"]),
    )


def _check_rows(table: pd.DataFrame) -> list[Defect]:
    defects = []
    nameless = int(table["image_id"].isna().sum())
    if nameless:
        defects.append(Defect(f"{nameless:,} rows without an image id", fatal=True))
    homeless = tuple(table.loc[table["lesion_id"].isna(), "image_id"].dropna())
    if homeless:
        # Without its lesion an image could fall on any side of a split, beside its own twin.
        defects.append(Defect("images without a lesion id", homeless, fatal=True))
    table = table.dropna(subset="image_id")
    twice = tuple(table.loc[table["image_id"].duplicated(), "image_id"])
    if twice:
        defects.append(Defect("image ids stand in the metadata more than once", twice, fatal=True))
    unknown = table[~table["dx"].isin(CODES)]
    if len(unknown):
        words = ", ".join(sorted({str(dx) for dx in unknown["dx"]}))
        ids = tuple(unknown["image_id"])
        defects.append(Defect(f"diagnoses other than {', '.join(CODES)} ({words})", ids, True))
    no_age = table["age"].notna() & pd.to_numeric(table["age"], errors="coerce").isna()
    if no_age.any():
        words = ", ".join(sorted({str(age) for age in table.loc[no_age, "age"]}))
        defects.append(
            Defect(f"ages that are no number ({words})", tuple(table["image_id"][no_age]))
        )
    if len(table) != IMAGE_COUNT:
        defects.append(Defect(f"{len(table):,} rows where the release has {IMAGE_COUNT:,}"))
    counts = table["dx"].value_counts()
    for code, expected in CLASS_COUNTS.items():
        found = int(counts.get(code, 0))
        if found != expected:
            defects.append(Defect(f"{found:,} images of {code} where the release has {expected:,}"))
    return defects
