"""Counts, shares and names as the Datasets page prints them."""

from collections.abc import Mapping
from typing import Final

from app.shared.wording import name_diagnosis
from skinmodel.data.counts.tables import HAM10000, ISIC2019
from skinmodel.diagnoses import CODES, get_diagnosis

TITLES: Final[Mapping[str, str]] = {HAM10000: "HAM10000", ISIC2019: "ISIC 2019"}
ORIGINS: Final[Mapping[str, str]] = {HAM10000: "How confirmed", ISIC2019: "Source"}
NO_BREAK: Final = "\u00a0"
"""Keeps a number and its sign on one line in a narrow table."""

_VALUES: Final = {
    "histo": "histopathology",
    "follow_up": "follow-up",
    "consensus": "consensus of experts",
    "confocal": "confocal microscopy",
}


def share(count: int, total: int) -> str:
    """Return a part of a whole in percent; counts are exact, so that 0 and 100 % may stand.

    >>> [share(count, 10_015).replace(NO_BREAK, " ") for count in (1113, 0, 10_015, 1, 10_014)]
    ['11.1 %', '0 %', '100 %', '< 0.1 %', '> 99.9 %']
    """
    if total == 0:
        return "–"
    percent = 100 * count / total
    if count in (0, total):
        text = f"{percent:.0f}"
    elif percent < 0.05:
        text = f"<{NO_BREAK}0.1"
    else:
        text = f">{NO_BREAK}99.9" if percent >= 99.95 else f"{percent:.1f}"
    return f"{text}{NO_BREAK}%"


def count_and_share(count: int, total: int) -> str:
    """Return ``1,113 (11.1 %)``; of nothing there is no share."""
    return f"{count:,} ({share(count, total)})" if total else f"{count:,}"


def label_diagnosis(code: str, dataset: str | None = None) -> str:
    """Return a diagnosis with its code, and with ISIC 2019's own where it differs.

    Args:
        code: of the diagnosis.
        dataset: ``ham10000``, ``isic2019``, or None where both are meant.
    """
    if code not in CODES:
        return f"{name_diagnosis(code)} · {code}"
    column = get_diagnosis(code).isic2019
    if column.lower() == code or dataset == HAM10000:
        return f"{name_diagnosis(code)} · {code}"
    return f"{name_diagnosis(code)} · {code}/{column}"


def name_value(value: str) -> str:
    """Return a value of the metadata in words."""
    return _VALUES.get(value, value)


def write_years(age: float) -> str:
    """Return an age in years, or that it is unknown."""
    return "unknown" if age != age else f"{age:g}"
