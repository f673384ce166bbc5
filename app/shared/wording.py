"""Numbers and names as the pages print them."""

from collections.abc import Iterable
from typing import Final

from skinmodel.diagnoses import Malignancy, get_diagnosis

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


def percent(share: float) -> str:
    """Return a share in [0, 1] as a percentage that never claims certainty.

    >>> percent(0.7234), percent(0.9999), percent(0.0002)
    ('72.3 %', '> 99.9 %', '< 0.1 %')
    """
    if share > 0.999:
        return "> 99.9 %"
    if share < 0.001:
        return "< 0.1 %"
    return f"{100 * share:.1f} %"


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


def lower_first(name: str) -> str:
    """Return a name as it stands inside a sentence."""
    return name[:1].lower() + name[1:]


def upper_first(words: str) -> str:
    """Return words as they begin a sentence."""
    return words[:1].upper() + words[1:]


def join_words(words: Iterable[str]) -> str:
    """Return ``a``, ``a and b`` or ``a, b and c``."""
    items = list(words)
    return " and ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)
