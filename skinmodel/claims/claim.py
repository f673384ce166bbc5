"""One claim: two figures or a figure and its text, and how they stand to each other.

==========================  =====================================================================
``PATH = 0.706``            the figure, rounded as written, is this text, which the sentence has;
                            several are named in the order in which they stand there
``PATH = 70.6 %``           the same, in hundredths; so is ``16 points``
``PATH < PATH``, ``>``      one is smaller than the other; either may be a number
``PATH larger``             a difference whose 95 % interval lies above 0
``PATH smaller``            below 0
``PATH not shown``          its interval holds 0: no difference is shown
==========================  =====================================================================
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from skinmodel.claims.facts import Facts
from skinmodel.errors import ClaimError
from skinmodel.evaluation.measures.bootstrap import Interval

_NUMBER: Final = re.compile(r"[−-]?\d[\d,]*(?:\.\d+)?")
_JUDGEMENTS: Final = ("larger", "smaller", "not shown")
_HUNDREDTHS: Final = ("%", "points", "point")


@dataclass(frozen=True)
class Claim:
    """A claim as its marker has it.

    Attributes:
        text: the whole claim.
        path: of its figure.
        relation: ``=``, ``<``, ``>`` or one of ``larger``, ``smaller`` and ``not shown``.
        other: what stands right of the relation; empty for a judgement.
    """

    text: str
    path: str
    relation: str
    other: str = ""


def parse_claim(text: str) -> Claim:
    """Return a claim.

    Raises:
        ClaimError: it has another form than those this module lists.
    """
    path, _, rest = text.partition(" ")
    if rest in _JUDGEMENTS:
        return Claim(text, path, rest)
    relation, _, other = rest.partition(" ")
    if relation == "=" and _NUMBER.search(other):
        return Claim(text, path, relation, other)
    if relation in ("<", ">") and other and " " not in other:
        return Claim(text, path, relation, other)
    raise ClaimError(
        f"The claim '{text}' cannot be read. Expected 'PATH = TEXT', 'PATH < PATH', 'PATH > PATH' "
        f"or a difference followed by one of: {', '.join(_JUDGEMENTS)}."
    )


def check(claim: Claim, facts: Facts) -> str | None:
    """Return what speaks against a claim, None where it holds.

    Raises:
        ClaimError: a path names no figure.
    """
    if claim.relation == "=":
        right = write_value(claim, facts)
        return None if right == claim.other else f"it is {right}"
    for text in facts.spread(f"{claim.path} {claim.other}"):
        one, _, other = text.partition(" ")
        if claim.relation in _JUDGEMENTS:
            found = facts.difference(one)
            if judge(found) != claim.relation:
                low, high = 100 * found.low, 100 * found.high
                return f"{one} is {judge(found)} ({low:+.2f} to {high:+.2f} points)"
            continue
        left, limit = _read(one, facts), _read(other, facts)
        if not (left < limit if claim.relation == "<" else left > limit):
            return f"{one} is {left:.4g} and {other} {limit:.4g}"
    return None


def judge(difference: Interval) -> str:
    """Return what may be claimed of a difference, in the words of a claim."""
    if math.isnan(difference.low) or math.isnan(difference.high):
        return "not defined"
    return "larger" if difference.low > 0 else "smaller" if difference.high < 0 else "not shown"


def write_value(claim: Claim, facts: Facts) -> str:
    """Return the right text of a claim ``PATH = TEXT``, rounded as its own text is."""
    number = _NUMBER.search(claim.other)
    assert number is not None  # parse_claim saw to it
    value = facts.value(claim.path)
    unit = claim.other[number.end() :].strip()
    digits = len(number[0].partition(".")[2])
    scaled = 100 * value if unit in _HUNDREDTHS else value
    written = f"{scaled:,.{digits}f}".replace("-", "−")
    return claim.other[: number.start()] + written + claim.other[number.end() :]


def find_places(claims: Sequence[Claim], text: str) -> list[tuple[int, int] | None]:
    """Return where a sentence has the text of each claim ``PATH = TEXT``.

    Claims name their texts in the order of the sentence, so that two figures that happen to be
    written alike are told apart.

    Returns:
        Start and end of each, None for the others and for a text that is not there.
    """
    places: list[tuple[int, int] | None] = []
    at = 0
    for claim in claims:
        words = r"\s+".join(re.escape(word) for word in claim.other.split())
        # No part of a longer number.
        pattern = re.compile(rf"(?<![\d.,−-]){words}(?!\d|[.,]\d)")
        match = pattern.search(text, at) if claim.relation == "=" else None
        places.append(match.span() if match else None)
        at = match.end() if match else at
    return places


def _read(side: str, facts: Facts) -> float:
    return float(side) if re.fullmatch(r"-?\d+(\.\d+)?", side) else facts.value(side)
