"""What every set of images says that figures are measured on, and which rows it leaves out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import pandas as pd

from skinmodel.data.truth_tables import Unit


@dataclass(frozen=True, eq=False)
class EvaluationSet:
    """Images with their true diagnoses, none of them left out in silence.

    Attributes:
        name: as on the command line.
        title: in words.
        index: one row an image: image_id, transform (how the image is turned first; only where
            pictures are copies), truth_id (as the truth table spells it), group_id (what
            is resampled as one: the lesion, or the image itself where no lesion id is known), truth
            (a code of ``CODES``), path; and where known lesion_id (NaN where not), age (years, NaN
            where unknown), sex, site, dx_type and source (``unknown`` where not).
        dropped: number of rows of the truth that are not in the index, by reason in a fixed order.
        leaks: True when networks trained by the grouped split, as those shipped, may have been
            trained on lesions of this set.
        remark: what a reader must know beside the figures; empty if nothing.
        layout: ``isic2018`` or ``isic2019``: the columns of a submission.
        unscored: truth_id of rows the challenge gives no weight; its scorer wants a row for each.
        split_fingerprint: the split of HAM10000 that keeps these images from training; None where
            they are not HAM10000's. A run of any other split may have been trained on them.
    """

    name: str
    title: str
    index: pd.DataFrame = field(repr=False)
    dropped: dict[str, int]
    leaks: bool
    remark: str
    layout: str
    unscored: tuple[str, ...] = ()
    split_fingerprint: str | None = None
    unit: Unit = "lesion"
    target: str | None = None

    def folder(self, views: int = 1) -> str:
        """Return what a folder with results on this set is called, as ``ham10000-test-8-views``."""
        return self.name.replace(":", "-") + ("" if views == 1 else f"-{views}-views")


def describe_groups(index: pd.DataFrame, unit: Unit = "lesion") -> str:
    """Return how many images of a set have no known group, in words; empty where all have one.

    Args:
        index: with group_id, and lesion_id and patient_id where the set has them.
        unit: what is known of the images.
    """
    if unit == "patient":
        return _describe_patients(index)
    known = int(index["lesion_id"].notna().sum()) if "lesion_id" in index else 0
    alone = len(index) - known
    if not alone:
        return ""
    share = f"{alone:,} of the {len(index):,} images" if known else "The images"
    return (
        f"{share} have no lesion id and count as lesions of their own: where some show one lesion, "
        "the intervals are too narrow."
    )


def _describe_patients(index: pd.DataFrame) -> str:
    alone = int(index["patient_id"].isna().sum())
    said = "The intervals resample patients."
    if not alone:
        return said
    return (
        f"{said} {alone:,} of the {len(index):,} images have no patient id and count by lesion or "
        "as patients of their own: where some are of one patient, the intervals are too narrow."
    )


def join_remarks(remarks: list[str]) -> str:
    """Return the remarks that are not empty as one."""
    return " ".join(remark for remark in remarks if remark)


NOT_SCORED: Final = "not scored by the challenge"
MISSING: Final = "image file missing"
IS_SCC: Final = "squamous cell carcinoma: no class of the networks"
IS_UNKNOWN: Final = "unknown diagnosis: no class of the networks"


@dataclass(frozen=True, eq=False)
class Selection:
    """What is left of a truth table to be evaluated.

    Attributes:
        index: the rows left, without ``scored``.
        dropped: number of rows dropped, by reason in a fixed order.
        unscored: truth_id of the rows dropped that the challenge gives no weight; a submission
            needs a row for each.
    """

    index: pd.DataFrame = field(repr=False)
    dropped: dict[str, int]
    unscored: tuple[str, ...] = ()


def select_rows(rows: pd.DataFrame, reasons: Mapping[str, "pd.Series[bool]"]) -> Selection:
    """Return the rows no reason to drop them applies to.

    Args:
        rows: as in ``TruthTable``.
        reasons: reason -> one bool a row. A row to which several apply counts under the first.
    """
    left = pd.Series(True, index=rows.index)
    dropped = {}
    for reason, applies in reasons.items():
        dropped[reason] = int((left & applies).sum())
        left &= ~applies
    index = rows[left].drop(columns="scored").reset_index(drop=True)
    return Selection(index, dropped, tuple(rows.loc[~left & ~rows["scored"], "truth_id"]))
