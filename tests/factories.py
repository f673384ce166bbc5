"""Drawn data sets and shrunk networks that several tests use."""

from pathlib import Path

import numpy as np
import pandas as pd

from skinmodel.data import ham10000
from skinmodel.diagnoses import CODES

LESIONS = 12


def write_drawn_ham10000(folder: Path, images_per_lesion: int = 2, size: int = 80) -> Path:
    """Write HAM10000's layout with 12 drawn lesions a class in three classes' colours."""
    import cv2

    root = folder / "HAM10000"
    parts = [root / "HAM10000_images_part_1", root / "HAM10000_images_part_2"]
    for part in parts:
        part.mkdir(parents=True)
    rng = np.random.default_rng(7)
    rows = []
    number = 0
    for k, code in enumerate(CODES):
        for lesion in range(LESIONS):
            for _ in range(images_per_lesion):
                image_id = f"ISIC_{number:07d}"
                picture = rng.integers(0, 60, (size, size, 3)).astype(np.uint8)
                picture[..., k % 3] += np.uint8(60 + 20 * k)
                cv2.imwrite(str(parts[number % 2] / f"{image_id}.jpg"), picture)
                rows.append(
                    {
                        "lesion_id": f"HAM_{k}{lesion:06d}",
                        "image_id": image_id,
                        "dx": code,
                        "dx_type": "histo",
                        "age": 40.0 + lesion,
                        "sex": "female",
                        "localization": "back",
                    }
                )
                number += 1
    pd.DataFrame(rows).to_csv(root / ham10000.METADATA, index=False)
    return folder


def drawn_index(folder: Path) -> pd.DataFrame:
    """Return the index of a drawn set."""
    return ham10000.read_index(folder, complete=False)
