"""The seven diagnoses of HAM10000, in the class order of the report (Köfler 2023, Table 4)."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from skinmodel.errors import UnknownNameError


class Malignancy(StrEnum):
    """How a diagnosis is treated in the clinic."""

    MALIGNANT = "malignant"
    PREMALIGNANT = "pre-malignant"
    BENIGN = "benign"


SYMBOLS: Final = {
    Malignancy.MALIGNANT: "▲",
    Malignancy.PREMALIGNANT: "◆",
    Malignancy.BENIGN: "●",
}
"""Shapes that tell the three kinds apart without colour."""


@dataclass(frozen=True)
class Diagnosis:
    """One class.

    Attributes:
        code: the ``dx`` value of HAM10000's metadata.
        name: the name in words.
        malignancy: malignant, pre-malignant or benign.
        isic2018: its column in ISIC 2018 Task 3 truth tables.
        isic2019: its column in ISIC 2019 truth tables.
    """

    code: str
    name: str
    malignancy: Malignancy
    isic2018: str
    isic2019: str


DIAGNOSES: Final = (
    Diagnosis("nv", "Melanocytic nevus", Malignancy.BENIGN, "NV", "NV"),
    Diagnosis("mel", "Melanoma", Malignancy.MALIGNANT, "MEL", "MEL"),
    Diagnosis("bkl", "Benign keratosis-like lesion", Malignancy.BENIGN, "BKL", "BKL"),
    Diagnosis("bcc", "Basal cell carcinoma", Malignancy.MALIGNANT, "BCC", "BCC"),
    Diagnosis(
        "akiec",
        "Actinic keratosis / intraepithelial carcinoma",
        Malignancy.PREMALIGNANT,
        "AKIEC",
        "AK",
    ),
    Diagnosis("vasc", "Vascular lesion", Malignancy.BENIGN, "VASC", "VASC"),
    Diagnosis("df", "Dermatofibroma", Malignancy.BENIGN, "DF", "DF"),
)
CODES: Final = tuple(d.code for d in DIAGNOSES)


def class_index(code: str) -> int:
    """Return the column of ``code`` in every probability array of this package.

    Raises:
        UnknownNameError: ``code`` is none of the seven.
    """
    if code not in CODES:
        raise UnknownNameError("diagnosis", code, CODES)
    return CODES.index(code)


def get_diagnosis(code: str) -> Diagnosis:
    """Return the diagnosis of ``code``; raises UnknownNameError for any other word."""
    return DIAGNOSES[class_index(code)]
