"""Both label tables written by hand, small enough to count on paper."""

from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
from factories import write_one_hot

from skinmodel.data.sets import ham10000, isic2019
from skinmodel.diagnoses import CODES

# Image number, lesion, diagnosis, how confirmed, age, sex, site. Two images a diagnosis, in one
# lesion, except nv: four images in three lesions, the last two of which nothing is known.
_NEVI = (
    (0, "HAM_A", "nv", "histo", "45.0", "female", "back"),
    (1, "HAM_A", "nv", "follow_up", "45.0", "female", "back"),
    (2, "HAM_B", "nv", "follow_up", "", "unknown", "unknown"),
    (3, "HAM_C", "nv", "follow_up", "", "unknown", "unknown"),
)
HAM_ROWS = (
    *_NEVI,
    *(
        (4 + 2 * k + i, f"HAM_{code}", code, "histo", "80.0", "male", "face")
        for k, code in enumerate(CODES[1:])
        for i in range(2)
    ),
)
OUTSIDE = (  # image, diagnosis, lesion, age, site, sex
    ("ISIC_0060001", "nv", "BCN_1", "30.0", "anterior torso", "female"),
    ("ISIC_0060002", "nv", "BCN_1", "30.0", "anterior torso", "female"),
    ("ISIC_0060003", "scc", "", "", "", ""),
)


def name_ham(number: int) -> str:
    return f"ISIC_{24306 + number:07d}"


def write_small_release(folder: Path, patch: pytest.MonkeyPatch) -> Path:
    """Write the tables below ``folder``; they are taken for the whole release from then on."""
    found = Counter(row[2] for row in HAM_ROWS)
    patch.setattr(ham10000, "CLASS_COUNTS", dict(found))
    patch.setattr(isic2019, "ROW_COUNT", len(HAM_ROWS) + len(OUTSIDE))
    _write_ham10000(folder / "HAM10000")
    _write_isic2019(folder / "ISIC2019")
    return folder


def _write_ham10000(folder: Path) -> None:
    folder.mkdir(parents=True)
    columns = ["lesion_id", "image_id", "dx", "dx_type", "age", "sex", "localization"]
    lines = [(lesion, name_ham(n), *rest) for n, lesion, *rest in HAM_ROWS]
    pd.DataFrame(lines, columns=columns).to_csv(folder / ham10000.METADATA, index=False)


def _write_isic2019(folder: Path) -> None:
    folder.mkdir(parents=True)
    # ISIC 2019 calls the first of the two akiec a squamous cell carcinoma.
    truths = [(name_ham(n), dx) for n, _, dx, *_ in HAM_ROWS]
    first = next(i for i, (_, dx) in enumerate(truths) if dx == "akiec")
    truths[first] = (truths[first][0], "scc")
    write_one_hot(folder / isic2019.TRUTH, "isic2019", [*truths, *(r[:2] for r in OUTSIDE)])
    known = [(name_ham(n), age, "", lesion, sex) for n, lesion, _, _, age, sex, _ in HAM_ROWS]
    known += [(image, age, site, lesion, sex) for image, _, lesion, age, site, sex in OUTSIDE]
    table = pd.DataFrame(known, columns=list(isic2019.METADATA_COLUMNS))
    table.to_csv(folder / isic2019.METADATA, index=False)
