"""How much the report's training side gives away of its test side, and what neither has seen."""

from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from skinmodel.data.splits import Split
from skinmodel.diagnoses import CODES


@dataclass(frozen=True)
class LeakageCounts:
    """How many pictures of the test side the training side gives away.

    Attributes:
        pictures: of the test side.
        turned_copy: of these, those of which training holds the original or another copy.
        same_lesion: those of whose lesion training holds another photograph, turned or not.
        either: those of which at least one of both holds.
    """

    pictures: int
    turned_copy: int
    same_lesion: int
    either: int

    def share(self, of: str) -> float:
        """Return one of the counts as a share of the pictures, 0 to 1; NaN if there are none."""
        return float(getattr(self, of)) / self.pictures if self.pictures else float("nan")


@dataclass(frozen=True)
class LeakageReport:
    """What the training side of a split gives away of its test side.

    Attributes:
        total: over all pictures of the test side.
        by_class: by diagnosis code, in class order; every code has an entry.
    """

    total: LeakageCounts
    by_class: dict[str, LeakageCounts]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class UnseenImages:
    """Images or pictures whose lesion no picture of the report's training shows.

    Attributes:
        image_ids: in the order of the index, or of the pictures.
        by_class: how many of each diagnosis code; every code has an entry, 0 included.
    """

    image_ids: tuple[str, ...]
    by_class: dict[str, int]


def compute_leakage_report(pictures: pd.DataFrame, split: Split) -> LeakageReport:
    """Return how much of the test side the training side gives away.

    On HAM10000, of 8,767 test pictures 6,518 (74 %) have a copy of themselves in training, 4,975
    (57 %) another photograph of their lesion, 7,104 (81 %) either; of the 6,554 that are no nevus
    all but 24.

    Args:
        pictures: as ``build_pictures`` returns them.
        split: of these pictures.
    """
    train, test = split.of(pictures, "train"), split.of(pictures, "test")
    copied = test["source_image_id"].isin(train["source_image_id"])
    photographs = train.groupby("group_id")["source_image_id"].nunique()
    others = test["group_id"].map(photographs).fillna(0) - copied.astype(int)
    found = pd.DataFrame({"turned_copy": copied, "same_lesion": others > 0})
    found["either"] = found["turned_copy"] | found["same_lesion"]
    by_class = {code: _count(found[test["truth"] == code]) for code in CODES}
    return LeakageReport(_count(found), by_class)


def unseen_images(
    index: pd.DataFrame, pictures: pd.DataFrame, report: Split, grouped: Split
) -> UnseenImages:
    """Return the images on which both protocols can be compared without a leak.

    These are the images of the grouped split's test folds whose lesion (group) has no picture in
    the report's training. On HAM10000 they are 322 of 2,003, and **all 322 are nevi**: with six
    copies of every other image, nearly all other lesions have a copy in training. What the leak
    does to the six other diagnoses cannot be seen on them; balanced accuracy is the sensitivity
    for nevi there, and AUC is not defined. They are all in the report's test side, so that they
    still had a share in picking its epoch.

    Args:
        index: HAM10000, as ``ham10000.read_index`` returns it.
        pictures: as ``build_pictures`` made them of the index.
        report: the report's split of the pictures.
        grouped: the grouped split of the index.
    """
    return _keep_unseen(grouped.of(index, "test"), pictures, report)


def unseen_pictures(pictures: pd.DataFrame, report: Split) -> UnseenImages:
    """Return the pictures of the report's test side whose lesion its training does not show.

    On HAM10000 they are 1,663 of 8,767: 1,639 nevi, and of the six other diagnoses 24 pictures,
    which are the copies of 4 images.

    Args:
        pictures: as ``build_pictures`` returns them.
        report: the report's split of them.
    """
    return _keep_unseen(report.of(pictures, "test"), pictures, report)


def _keep_unseen(rows: pd.DataFrame, pictures: pd.DataFrame, report: Split) -> UnseenImages:
    unseen = rows[~rows["group_id"].isin(report.of(pictures, "train")["group_id"])]
    counts = unseen["truth"].value_counts()
    return UnseenImages(
        tuple(unseen["image_id"]), {code: int(counts.get(code, 0)) for code in CODES}
    )


def _count(found: pd.DataFrame) -> LeakageCounts:
    return LeakageCounts(
        pictures=len(found), **{name: int(found[name].sum()) for name in found.columns}
    )
