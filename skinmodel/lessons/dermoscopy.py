"""Two scores of dermoscopy for melanocytic lesions: the seven-point checklist and the ABCD rule.

Argenziano et al., Arch. Dermatol. 134 (1998), 1563-1570, and Br. J. Dermatol. 164 (2011), 785-790,
for the checklist; Nachbar et al., J. Am. Acad. Dermatol. 30 (1994), 551-559, for the rule.
"""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Final

from skinmodel.errors import ConfigError

SEVEN_POINTS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "atypical network": 2,
        "blue-white veil": 2,
        "atypical vessels": 2,
        "irregular streaks": 1,
        "irregular dots and globules": 1,
        "irregular blotch": 1,
        "regression structures": 1,
    }
)
"""Points of each criterion; the names are those of ``skinmodel.drawings.signs.SIGNS``."""

SUSPICIOUS_POINTS: Final = 3
"""From so many points on the lesion is to be taken for a melanoma (1998)."""

REVISED_POINTS: Final = 1
"""The revised, lower threshold for excision (2011)."""

COLOURS: Final = ("white", "red", "light brown", "dark brown", "blue-grey", "black")
STRUCTURES: Final = ("network", "structureless area", "branched streaks", "dots", "globules")
MOST_ASYMMETRY: Final = 2
MOST_BORDER: Final = 8
SUSPICIOUS_TDS: Final = 4.75
MALIGNANT_TDS: Final = 5.45


def add_points(found: Collection[str]) -> int:
    """Return the points of the seven-point checklist.

    Args:
        found: the criteria seen, names of ``SEVEN_POINTS``.

    Raises:
        ConfigError: one is none of the seven.
    """
    unknown = sorted(set(found) - set(SEVEN_POINTS))
    if unknown:
        raise ConfigError(
            f"{unknown} are no criteria of the checklist; it knows {sorted(SEVEN_POINTS)}."
        )
    return sum(SEVEN_POINTS[name] for name in set(found))


def compute_tds(asymmetry: int, border: int, colours: int, structures: int) -> float:
    """Return the total dermoscopy score, 1.3 A + 0.1 B + 0.5 C + 0.5 D, from 1.0 to 8.9.

    Args:
        asymmetry: axes, of two at right angles, in which colours, structures or outline differ.
        border: eighths of the border in which the pigment ends abruptly, 0 to 8.
        colours: how many of ``COLOURS``, 1 to 6.
        structures: how many of ``STRUCTURES``, 1 to 5.

    Raises:
        ConfigError: a count is outside its range.
    """
    ranges = {
        "asymmetry": (asymmetry, 0, MOST_ASYMMETRY),
        "border": (border, 0, MOST_BORDER),
        "colours": (colours, 1, len(COLOURS)),
        "structures": (structures, 1, len(STRUCTURES)),
    }
    for name, (value, least, most) in ranges.items():
        if not least <= value <= most:
            raise ConfigError(f"The {name} score was {value}; it runs from {least} to {most}.")
    return (13 * asymmetry + border + 5 * colours + 5 * structures) / 10


def read_tds(score: float) -> str:
    """Return what a total dermoscopy score stands for: benign, suspicious or malignant.

    >>> read_tds(4.7), read_tds(4.8), read_tds(5.5)
    ('benign', 'suspicious', 'malignant')
    """
    if score > MALIGNANT_TDS:
        return "malignant"
    return "suspicious" if score >= SUSPICIOUS_TDS else "benign"
