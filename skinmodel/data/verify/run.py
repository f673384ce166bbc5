"""One data set verified from the first table to the last pixel."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

import skinmodel
from skinmodel.data import masks
from skinmodel.data.sets.isic2019 import in_ham10000_range
from skinmodel.data.verify import checks, layout
from skinmodel.data.verify.checks import Examined, check_sizes
from skinmodel.data.verify.decoding import count_workers, decode_all
from skinmodel.data.verify.known import check_duplicates, check_known
from skinmodel.data.verify.layout import (
    HAM10000,
    ISIC2019,
    Layout,
    compute_fingerprint,
    list_files,
    list_unfinished,
)
from skinmodel.data.verify.report import SCHEMA, Check, Report, to_remark, to_verdict
from skinmodel.data.verify.tables import read_labels
from skinmodel.errors import DatasetError


def verify(
    data: Path, dataset: str, *, workers: int | None = None, progress: bool = True
) -> Report:
    """Decode every image and mask, and compare the set with what its release says.

    Args:
        data: folder that holds ``HAM10000`` and ``ISIC2019``, or one of these itself.
        dataset: ``ham10000`` or ``isic2019``.
        workers: processes that decode; None for one a core.
        progress: show a progress bar, where there is a terminal.

    Raises:
        UnknownNameError: there is no such data set.
        DatasetError: nothing of it is in ``data``, or a folder may not be read.
    """
    started = time.monotonic()
    release = layout.get_layout(dataset)
    root = layout.find_folder(data, release)
    if root is None:
        raise DatasetError(
            f"Nothing of {release.title} is in '{data / release.folder}' or '{data}'. "
            f"{release.how_to_get}"
        )
    files = list_files(root, release)
    fingerprint = compute_fingerprint(root, files)
    pictures = [file for file in files if file.kind != "table"]
    rows, found = read_labels(root, dataset)
    decoded = decode_all(
        [file.path for file in pictures], workers=workers, progress=progress, title=release.title
    )
    examined = [Examined(file, result) for file, result in zip(pictures, decoded, strict=True)]
    found += _check_images([e for e in examined if e.file.kind == "images"], rows, release)
    if dataset == HAM10000:
        found += _check_masks([e for e in examined if e.file.kind == "masks"], rows, root, release)
    found += check_known(rows, dataset)
    found += _check_at_rest(data, root, release, fingerprint)
    return Report(
        schema=SCHEMA,
        dataset=dataset,
        title=release.title,
        folder=str(root.absolute()),
        skinmodel=skinmodel.__version__,
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=round(time.monotonic() - started, 1),
        workers=count_workers(workers, len(pictures)),
        files=len(pictures),
        bytes=sum(file.bytes for file in pictures),
        fingerprint=fingerprint,
        checks=tuple(found),
    )


def _check_images(
    examined: Sequence[Examined], rows: pd.DataFrame | None, release: Layout
) -> list[Check]:
    files = [e.file for e in examined]
    found = checks.check_presence("images", files, rows, release.image_count)
    found += checks.check_names(files, rows)
    found += checks.check_decoding("images", examined)
    is_fixed = in_ham10000_range if release.name == ISIC2019 else _always
    found += check_sizes("image size", examined, is_fixed)
    return found + check_duplicates(examined, rows)


def _check_masks(
    examined: Sequence[Examined], rows: pd.DataFrame | None, root: Path, release: Layout
) -> list[Check]:
    if not (root / masks.FOLDER).is_dir():
        count = f"{release.image_count:,}"
        advice = "Only the outlines of lesions need them."
        return [Check("masks", "remark", count, f"no folder {masks.FOLDER}", (), advice)]
    files = [e.file for e in examined]
    found = checks.check_presence("masks", files, rows, release.image_count)
    found += checks.check_decoding("masks", examined)
    found += check_sizes("mask size", examined, _always)
    return found + checks.check_masks(examined)


def _check_at_rest(data: Path, root: Path, release: Layout, fingerprint: str) -> list[Check]:
    unfinished = tuple(file.name for file in list_unfinished(data, release))
    words = f"{len(unfinished):,} files of a download in work, or broken off"
    advice = "Let it finish, or start it again." if unfinished else ""
    has_changed = compute_fingerprint(root, list_files(root, release)) != fingerprint
    change = "files changed while it was verified" if has_changed else "none"
    verdict = to_remark(bool(unfinished))
    return [
        Check("download", verdict, "none", words if unfinished else "none", unfinished, advice),
        Check("changes", to_verdict(has_changed), "none", change),
    ]


def _always(_image_id: str) -> bool:
    return True
