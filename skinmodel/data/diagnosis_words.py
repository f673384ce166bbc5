"""What data sets call a diagnosis, as the networks' classes: codes in any case, names spelled out.

The table is data, in ``assets/mappings``, with where each word comes from.
"""

import csv
import re
from collections.abc import Iterable
from functools import cache
from typing import Final

from skinmodel import paths
from skinmodel.diagnoses import CODES

FILE: Final = paths.ASSETS / "mappings" / "diagnosis_words.csv"
SCC: Final = "scc"
UNKNOWN: Final = "unk"
"""Diagnoses of ISIC 2019 that the networks have no class for."""
NO_CLASS: Final = "-"
"""Stands for any other diagnosis."""
KNOWN: Final = (*CODES, SCC, UNKNOWN, NO_CLASS)

_SPACES: Final = re.compile(r"[\s_-]+")
_LEFT_OUT: Final = re.compile(r"['’`]")


def to_code(words: str) -> str | None:
    """Return the code of a diagnosis in words; None where the table does not have it.

    Case does not count, hyphens and underscores are spaces, and a kind after a comma is passed
    over where the whole is unknown.

    >>> to_code("MEL"), to_code("Nevus, Spitz"), to_code("Solar-or-actinic keratosis")
    ('mel', 'nv', 'akiec')
    """
    plain = _simplify(words)
    known = read_words()
    return known.get(plain) or known.get(plain.split(",")[0].strip())


def to_code_of_terms(terms: Iterable[str]) -> str | None:
    """Return the code of a diagnosis given from the narrowest to the widest term.

    The first that the table has decides; empty terms are passed over.
    """
    found = (to_code(term) for term in terms if term)
    return next((code for code in found if code), None)


@cache
def read_words() -> dict[str, str]:
    """Return the table: words as ``to_code`` takes them, to codes of ``KNOWN``."""
    with FILE.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(line for line in file if not line.startswith("#"))
        return {_simplify(row["words"]): row["code"] for row in rows}


def _simplify(words: str) -> str:
    return _SPACES.sub(" ", _LEFT_OUT.sub("", words.lower())).strip()
