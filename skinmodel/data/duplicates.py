"""Pictures that stand under more than one id, and whether that is known and does no harm."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from skinmodel.data.isic2019 import CONTRADICTORY

Standing = Literal[
    "of one lesion", "of lesions known to be one", "under two diagnoses, as is known", "unknown"
]


@dataclass(frozen=True)
class Identical:
    """Images with one and the same content.

    Attributes:
        ids: two or more, sorted.
        standing: ``of one lesion``: one lesion id, one diagnosis; ``of lesions known to be one``:
            of lesion ids that every split keeps together; ``under two diagnoses, as is known``: in
            ``isic2019.CONTRADICTORY``, which no evaluation uses; ``unknown``: none of these.
    """

    ids: tuple[str, ...]
    standing: Standing


def find_identical(digests: Mapping[str, bytes]) -> list[tuple[str, ...]]:
    """Return the ids that share a digest, each group sorted, the groups by their first id.

    Args:
        digests: by image id; an empty one is of an image that could not be read.
    """
    ids_of: dict[bytes, list[str]] = defaultdict(list)
    for image_id, digest in digests.items():
        if digest:
            ids_of[digest].append(image_id)
    return sorted(tuple(sorted(ids)) for ids in ids_of.values() if len(ids) > 1)


def judge_identical(ids: tuple[str, ...], rows: pd.DataFrame) -> Identical:
    """Say what is known of images with the same content.

    Args:
        ids: of the images.
        rows: indexed by image id, with truth, lesion_id (NaN where none is known) and group_id (the
            lesion it is split with). An id may have no row.
    """
    if set(ids) <= CONTRADICTORY:
        return Identical(ids, "under two diagnoses, as is known")
    known = rows[rows.index.isin(ids)]
    if len(known) < len(ids) or len(known[["group_id", "truth"]].drop_duplicates()) > 1:
        return Identical(ids, "unknown")
    is_one = len(known["lesion_id"].drop_duplicates()) == 1
    return Identical(ids, "of one lesion" if is_one else "of lesions known to be one")
