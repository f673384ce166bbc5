"""Which images show one and the same lesion."""

from pathlib import Path
from typing import Final

import pandas as pd

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
