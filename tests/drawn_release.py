"""Both drawn data sets as if they were the releases: whole, sound, with masks."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from factories import (
    ISIC_DROPPED,
    LESIONS,
    draw_picture,
    use_tiny_world,
    write_drawn_ham10000,
    write_drawn_isic2019,
)

from skinmodel.data import masks
from skinmodel.data.sets import isic2019
from skinmodel.data.truth_tables import read_truth_table
from skinmodel.data.verify import checks, decoding, layout, tables
from skinmodel.data.verify.decoding import Decoded, decode_file
from skinmodel.diagnoses import CODES

SIZE = 80
COUNT = 2 * LESIONS * len(CODES)
ROWS = COUNT + 35 + sum(ISIC_DROPPED.values())
LOST = "ISIC_0073001"
"""The drawn ISIC 2019 has a row and no image of it, as if it were akiec."""


def write_drawn_release(folder: Path) -> Path:
    """Write both sets and HAM10000's masks; nothing is missing."""
    data = write_drawn_isic2019(write_drawn_ham10000(folder, size=SIZE))
    outlines = data / "HAM10000" / masks.FOLDER
    outlines.mkdir()
    for number in range(COUNT):
        mask = np.zeros((SIZE, SIZE), np.uint8)
        cv2.circle(mask, (40, 40), 10 + number % 20, 255, -1)
        cv2.imwrite(str(outlines / f"ISIC_{number:07d}{masks.SUFFIX}.png"), mask)
    picture = draw_picture(np.random.default_rng(5), 3, 84)
    cv2.imwrite(str(data / "ISIC2019" / isic2019.IMAGES / f"{LOST}.jpg"), picture)
    return data


_DONE: dict[bytes, Decoded] = {}


def _decode_once(path: Path) -> Decoded:
    """Decode a file; one of the same bytes is not decoded again, which is most of a test's time."""
    data = path.read_bytes() if os.access(path, os.R_OK) else None
    if data is None:
        return decode_file(path)
    if data not in _DONE:
        _DONE[data] = decode_file(path)
    return _DONE[data]


def use_drawn_release(patch: pytest.MonkeyPatch, data: Path, home: Path) -> None:
    """Take what ``write_drawn_release`` has written for the releases."""
    use_tiny_world(patch, home)
    patch.setattr(decoding, "decode_file", _decode_once)
    truth = read_truth_table(data / "ISIC2019" / isic2019.TRUTH).rows
    counts = truth["truth"].value_counts()
    named = int((truth["truth_id"] != truth["image_id"]).sum())
    patch.setattr(isic2019, "ROW_COUNT", ROWS)
    patch.setattr(isic2019, "_HAM_FIRST", "ISIC_0000000")
    patch.setattr(isic2019, "_HAM_LAST", f"ISIC_{COUNT - 1:07d}")
    patch.setattr(layout, "FIRST_PART_COUNT", COUNT // 2)
    patch.setattr(checks, "RELEASED", (SIZE, SIZE))
    patch.setattr(tables, "LESION_COUNT", LESIONS * len(CODES))
    patch.setattr(tables, "DOWNSAMPLED_COUNT", named)
    patch.setattr(
        tables,
        "ISIC2019_CLASS_COUNTS",
        {code: int(counts[code]) for code in tables.ISIC2019_CLASS_COUNTS},
    )
