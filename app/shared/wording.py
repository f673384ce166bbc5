"""Numbers and names as the pages print them."""

from typing import Final

from skinmodel.diagnoses import Malignancy, get_diagnosis
from skinmodel.wording import join_words as join_words
from skinmodel.wording import lower_first as lower_first
from skinmodel.wording import percent as percent
from skinmodel.wording import upper_first as upper_first

_OUTSIDE: Final = {
    "scc": ("Squamous cell carcinoma", Malignancy.MALIGNANT),
    "unk": ("None of the eight diagnoses", None),
}
"""Diagnoses of ISIC 2019 that the networks have no class for."""

_CONFIRMATIONS: Final = {
    "histo": "confirmed by histopathology",
    "follow_up": "confirmed by follow-up",
    "consensus": "confirmed by consensus of experts",
    "confocal": "confirmed by confocal microscopy",
}


def name_diagnosis(code: str) -> str:
    """Return a diagnosis in words: one of the seven, or ``scc`` and ``unk`` of ISIC 2019."""
    return _OUTSIDE[code][0] if code in _OUTSIDE else get_diagnosis(code).name


def find_malignancy(code: str) -> Malignancy | None:
    """Return how a diagnosis is treated in the clinic; None for ``unk``, which is none."""
    return _OUTSIDE[code][1] if code in _OUTSIDE else get_diagnosis(code).malignancy


def describe_confirmation(dx_type: str) -> str:
    """Return how a diagnosis was confirmed, as it stands inside a sentence.

    Args:
        dx_type: as HAM10000 writes it, or ``unknown``.
    """
    if dx_type == "unknown":
        return "how it was confirmed is not recorded"
    return _CONFIRMATIONS.get(dx_type, f"confirmed ({dx_type})")
