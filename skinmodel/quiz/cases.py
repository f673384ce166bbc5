"""The pictures a quiz asks about."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import pandas as pd

from skinmodel.diagnoses import CODES

Source = Literal[
    "HAM10000, test folds", "HAM10000, perhaps seen in training", "drawing made by this program"
]

UNSEEN: Final[Source] = "HAM10000, test folds"
PERHAPS_SEEN: Final[Source] = "HAM10000, perhaps seen in training"
DRAWING: Final[Source] = "drawing made by this program"
DRAWINGS_A_CLASS: Final = 12
"""Variants of each drawn diagnosis: enough for a session of 50 without a picture twice."""

_FIRST_SEED: Final = 100  # apart from the samples of the Classify page


@dataclass(frozen=True)
class Case:
    """One picture with its confirmed diagnosis.

    Attributes:
        image_id: of the data set, or the name of a drawing.
        lesion: what all pictures of one lesion share.
        code: the confirmed diagnosis.
        confirmed_by: as HAM10000 writes it, such as ``histo``; empty for a drawing.
        source: a photograph, and whether the networks may have been trained on its lesion, or a
            drawing.
        path: of the photograph; empty for a drawing.
        seed: of the drawing; 0 for a photograph.
        age: in years; None where it is not known.
        sex: as HAM10000 writes it; empty where it is not known.
        site: of the body, as HAM10000 writes it; empty where it is not known.
    """

    image_id: str
    lesion: str
    code: str
    confirmed_by: str
    source: Source
    path: str = ""
    seed: int = 0
    age: float | None = None
    sex: str = ""
    site: str = ""


def read_cases(held_out: pd.DataFrame, *, unseen: bool) -> tuple[Case, ...]:
    """Return the photographs of the test folds.

    Args:
        held_out: rows of HAM10000's index that belong to the test folds, with image_id, group_id,
            truth, dx_type, path, age, sex and localization.
        unseen: whether every network was trained on the very split that these folds are of.
    """
    source = UNSEEN if unseen else PERHAPS_SEEN
    return tuple(
        Case(
            image_id=str(row.image_id),
            lesion=str(row.group_id),
            code=str(row.truth),
            confirmed_by=str(row.dx_type),
            source=source,
            path=str(row.path),
            age=_to_years(row.age),
            sex=_known(row.sex),
            site=_known(row.localization),
        )
        for row in held_out.itertuples()
    )


def draw_cases(codes: Sequence[str] = CODES) -> tuple[Case, ...]:
    """Return drawings, each of a lesion of its own; they are painted when they are shown."""
    return tuple(
        Case(
            image_id=f"drawing-{code}-{number:02d}",
            lesion=f"drawing-{code}-{number:02d}",
            code=code,
            confirmed_by="",
            source=DRAWING,
            seed=_FIRST_SEED + number,
        )
        for code in codes
        for number in range(DRAWINGS_A_CLASS)
    )


def _to_years(value: Any) -> float | None:
    return None if pd.isna(value) else float(value)


def _known(value: Any) -> str:
    text = "" if pd.isna(value) else str(value)
    return "" if text == "unknown" else text
