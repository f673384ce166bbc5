"""The sets of images that figures are measured on, each under the name the command line gives it.

Nothing is written here: a set is read and checked whole before anything else happens.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Final

import pandas as pd

from skinmodel.data import ham10000, isic2018, isic2019, labelled_folder
from skinmodel.data.image_files import match_images
from skinmodel.data.report_leakage import compute_leakage_report
from skinmodel.data.report_protocol import build_pictures, split_report
from skinmodel.data.selection import MISSING
from skinmodel.data.splits import split_grouped
from skinmodel.errors import DatasetError, UnknownNameError


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

    def folder(self, views: int = 1) -> str:
        """Return what a folder with results on this set is called, as ``ham10000-test-8-views``."""
        return self.name.replace(":", "-") + ("" if views == 1 else f"-{views}-views")


def load_evaluation_set(name: str, data: Path) -> EvaluationSet:
    """Return the set of this name.

    Args:
        name: one of ``DATASETS``.
        data: folder that holds HAM10000, ISIC2019 and ISIC2018 in their official layouts.

    Raises:
        UnknownNameError: there is no such set.
        DatasetError: what it needs is not in ``data``, or not sound.
    """
    if name not in _LOADERS:
        raise UnknownNameError("data set", name, DATASETS)
    return _LOADERS[name](data)


def load_folder(images: Path, truth: Path) -> EvaluationSet:
    """Return a set made of any folder of images and a truth table in one of the known formats.

    Every row must have its image and every image its row, except rows without weight. Diagnoses
    the networks have no class for are dropped and counted. Sets of other images or other truth
    have other names: ``folder:NAME-`` and eight digits of their SHA-256.

    Args:
        images: folder of JPEG and PNG files named by image id, with or without ``_downsampled``.
        truth: see ``read_truth_table``.

    Raises:
        DatasetError: the table is unsound, or table and folder do not speak of the same images;
            lists the ids.
    """
    layout, selection = labelled_folder.read_index(images, truth)
    index, title = selection.index, images.resolve().name
    plain = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:40] or "images"
    rows = "\n".join(
        f"{i},{code}" for i, code in zip(index["image_id"], index["truth"], strict=True)
    )
    known = int(index["image_id"].map(isic2019.in_ham10000_range).sum())
    remarks = [_describe_groups(index)]
    if known:
        remarks.append(f"{known:,} of the images are HAM10000's, on most of which networks train.")
    return EvaluationSet(
        name=f"folder:{plain}-{hashlib.sha256(rows.encode()).hexdigest()[:8]}",
        title=f"Images in {title}",
        index=index,
        dropped=selection.dropped,
        leaks=known > 0,
        remark=_join(remarks),
        layout=layout,
        unscored=selection.unscored,
    )


def _load_ham10000(data: Path, side: str = "test") -> EvaluationSet:
    whole = ham10000.read_index(data)
    split = split_grouped(whole)
    index = split.of(whole, side).rename(columns={"localization": "site"})
    index.insert(1, "truth_id", index["image_id"])
    known = {name: index[name].fillna("unknown") for name in ("sex", "site", "dx_type")}
    test = EvaluationSet(
        name="ham10000:test",
        title="HAM10000, test lesions",
        index=index.assign(**known),
        dropped={},
        leaks=False,
        remark="",
        layout="isic2018",
        split_fingerprint=split.fingerprint,
    )
    if side == "test":
        return test
    remark = "Epoch and temperature were chosen on these images: their figures are flattering."
    title = "HAM10000, validation lesions"
    return replace(test, name="ham10000:val", title=title, remark=remark)


def _load_ham10000_84px(data: Path) -> EvaluationSet:
    test = _load_ham10000(data)
    folder = isic2019.find_root(data) / isic2019.IMAGES
    index, _ = match_images(test.index, folder)
    missing = index["path"].isna()
    if missing.all():
        raise DatasetError(
            f"'{folder}' holds none of HAM10000's {len(index):,} test images. {isic2019.HOW_TO_GET}"
        )
    return replace(
        test,
        name="ham10000:test-84px",
        title="HAM10000, test lesions, from the copies in ISIC 2019",
        index=index[~missing].reset_index(drop=True),
        dropped={MISSING: int(missing.sum())},
        remark=(
            "The images of ham10000:test as they stand in ISIC 2019's folder: set beside "
            "ham10000:test they show what resolution costs, beside isic2019 what the other "
            "population costs."
        ),
    )


def _load_report_test(data: Path) -> EvaluationSet:
    whole = ham10000.read_index(data)
    pictures = build_pictures(whole)
    split = split_report(pictures)
    index = split.of(pictures, "test")
    sources = whole.iloc[index["source_row"]].reset_index(drop=True)
    known = {name: sources[name].fillna("unknown") for name in ("sex", "dx_type")}
    known["site"] = sources["localization"].fillna("unknown")
    index.insert(1, "truth_id", index["image_id"])
    given_away = compute_leakage_report(pictures, split).total
    return EvaluationSet(
        name="report:test",
        title="HAM10000, the report's own test (leaky)",
        index=index.assign(path=sources["path"], age=sources["age"], **known),
        dropped={},
        leaks=True,
        remark=(
            f"Of these {given_away.pictures:,} pictures, {given_away.turned_copy:,} have a turned "
            f"copy of themselves in the report's training and {given_away.either:,} at least "
            "their own lesion. The test also picks the epoch."
        ),
        layout="isic2018",
    )


def _load_isic2019(data: Path, scc_as_akiec: bool = False) -> EvaluationSet:
    selection = isic2019.read_index(data, scc_as_akiec=scc_as_akiec)
    rows = len(selection.index) + sum(selection.dropped.values())
    remarks = [_describe_groups(selection.index)]
    if rows != isic2019.ROW_COUNT:
        remarks.append(
            f"The truth table has {rows:,} rows where the release has {isic2019.ROW_COUNT:,}."
        )
    view = ", SCC counted as akiec" if scc_as_akiec else ""
    return EvaluationSet(
        name="isic2019:scc-as-akiec" if scc_as_akiec else "isic2019",
        title=f"ISIC 2019 outside HAM10000{view}",
        index=selection.index,
        dropped=selection.dropped,
        leaks=False,
        remark=_join(remarks),
        layout="isic2019",
        unscored=selection.unscored,
    )


def _load_isic2018(data: Path) -> EvaluationSet:
    selection = isic2018.read_index(data)
    remarks = [_describe_groups(selection.index)]
    count = len(selection.index)
    if count != isic2018.SCORED_COUNT:
        remarks.append(
            f"{count:,} images where the challenge scores {isic2018.SCORED_COUNT:,}: this is not "
            "the official test set as it was given out."
        )
    return EvaluationSet(
        name="isic2018-test",
        title="ISIC 2018 Task 3, official test set",
        index=selection.index,
        dropped=selection.dropped,
        leaks=False,
        remark=_join(remarks),
        layout="isic2018",
        unscored=selection.unscored,
    )


def _describe_groups(index: pd.DataFrame) -> str:
    known = int(index["lesion_id"].notna().sum()) if "lesion_id" in index else 0
    alone = len(index) - known
    if not alone:
        return ""
    share = f"{alone:,} of the {len(index):,} images" if known else "The images"
    return (
        f"{share} have no lesion id and count as lesions of their own: where some show one lesion, "
        "the intervals are too narrow."
    )


def _join(remarks: list[str]) -> str:
    return " ".join(remark for remark in remarks if remark)


_LOADERS: Final[Mapping[str, Callable[[Path], EvaluationSet]]] = {
    "ham10000:test": _load_ham10000,
    "ham10000:val": partial(_load_ham10000, side="val"),
    "ham10000:test-84px": _load_ham10000_84px,
    "isic2019": _load_isic2019,
    "isic2019:scc-as-akiec": partial(_load_isic2019, scc_as_akiec=True),
    "isic2018-test": _load_isic2018,
    "report:test": _load_report_test,
}
DATASETS: Final = tuple(_LOADERS)
