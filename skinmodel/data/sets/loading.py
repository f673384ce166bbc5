"""The sets of images that figures are measured on, each under the name the command line gives it.

Nothing is written here: a set is read and checked whole before anything else happens.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final

from skinmodel.data.sets import ham10000_sets, isic2018, isic2019
from skinmodel.data.sets.evaluation_set import EvaluationSet, describe_groups, join_remarks
from skinmodel.data.sets.labelled_folder import read_labelled_folder
from skinmodel.errors import UnknownNameError


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


def load_folder(
    images: Path,
    truth: Path | None = None,
    *,
    allow_missing: bool = False,
    target: str | None = None,
) -> EvaluationSet:
    """Return a set made of any folder of images and what says what they show.

    Every row must have its image and every image its row, except rows without weight. Diagnoses
    the networks have no class for are dropped and counted. Sets of other images or other truth
    have other names: ``folder:NAME-`` and eight digits of their SHA-256.

    Args:
        images: folder of pictures named by image id, with or without ``_downsampled``.
        truth: see ``read_truth_table``; None for a table in the folder, or folders by class.
        allow_missing: count rows without image and images without row instead of refusing them.
        target: see ``read_truth_table``.

    Raises:
        DatasetError: the table is unsound, or table and folder do not speak of the same images;
            lists the ids.
    """
    found = read_labelled_folder(images, truth, allow_missing=allow_missing, target=target)
    index, title = found.selection.index, images.resolve().name
    plain = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:40] or "images"
    rows = "\n".join(
        f"{i},{code}" for i, code in zip(index["image_id"], index["truth"], strict=True)
    )
    known = int(index["image_id"].map(isic2019.in_ham10000_range).sum())
    remarks = [describe_groups(index, found.unit), *found.remarks]
    if known:
        remarks.append(f"{known:,} of the images are HAM10000's, on most of which networks train.")
    return EvaluationSet(
        name=f"folder:{plain}-{hashlib.sha256(rows.encode()).hexdigest()[:8]}",
        title=f"Images in {title}",
        index=index,
        dropped=found.selection.dropped,
        leaks=known > 0,
        remark=join_remarks(remarks),
        layout=found.layout,
        unscored=found.selection.unscored,
        unit=found.unit,
        target=found.target,
    )


def _load_isic2019(data: Path, scc_as_akiec: bool = False) -> EvaluationSet:
    selection = isic2019.read_index(data, scc_as_akiec=scc_as_akiec)
    rows = len(selection.index) + sum(selection.dropped.values())
    remarks = [describe_groups(selection.index)]
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
        remark=join_remarks(remarks),
        layout="isic2019",
        unscored=selection.unscored,
    )


def _load_isic2018(data: Path) -> EvaluationSet:
    selection = isic2018.read_index(data)
    remarks = [describe_groups(selection.index)]
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
        remark=join_remarks(remarks),
        layout="isic2018",
        unscored=selection.unscored,
    )


_LOADERS: Final[Mapping[str, Callable[[Path], EvaluationSet]]] = {
    "ham10000:test": ham10000_sets.load_side,
    "ham10000:val": partial(ham10000_sets.load_side, side="val"),
    "ham10000:test-84px": ham10000_sets.load_84px,
    "isic2019": _load_isic2019,
    "isic2019:scc-as-akiec": partial(_load_isic2019, scc_as_akiec=True),
    "isic2018-test": _load_isic2018,
    "report:test": ham10000_sets.load_report_test,
}
DATASETS: Final = tuple(_LOADERS)
