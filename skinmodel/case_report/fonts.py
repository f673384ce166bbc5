"""The typeface of printed cases: FiraGO, which has Latin, Cyrillic, Greek, Arabic and more.

It comes with the package ``pymupdf-fonts`` (SIL Open Font License), so that a report looks alike on
every machine and needs no font of the system. It has no Chinese, Japanese or Korean: text with such
characters is refused by name rather than printed as boxes.
"""

import io
import unicodedata
from functools import cache
from pathlib import Path
from typing import Final

import pymupdf_fonts
from fontTools.ttLib import TTFont

from skinmodel.errors import UsageError

FAMILY: Final = "FiraGO"
SHAPED: Final = "FiraGO shaped"
"""The same with its layout tables, for scripts whose letters join or stack."""

STYLES: Final = {"": "figo", "B": "figbo"}
_LAYOUT: Final = ("GSUB", "GPOS", "GDEF")
_FIRST_SHAPED, _LAST_SHAPED = 0x0590, 0x1FFF  # Hebrew to Thai and beyond, before punctuation
_GREEK_EXTENDED: Final = range(0x1F00, 0x2000)
_PLAIN: Final = range(0x1E00, 0x1F00)  # Latin with marks
SCRIPTS: Final = "Latin, Cyrillic, Greek, Arabic, Hebrew, Devanagari, Georgian and Thai"
_LINE_ENDS: Final = "\n\t"


def write_fonts(folder: Path, shaped: bool = False) -> dict[tuple[str, str], Path]:
    """Write the font's files, which the library of the report reads.

    Args:
        folder: where to.
        shaped: also write the regular style with its layout tables; a file with them takes many
            times longer to cut down to the letters used.

    Returns:
        The files by family and style.
    """
    found = {(FAMILY, style): (f"{name}-plain", _strip(name)) for style, name in STYLES.items()}
    if shaped:
        found[SHAPED, ""] = (STYLES[""], _read(STYLES[""]))
    files = {}
    for key, (name, data) in found.items():
        files[key] = folder / f"{name}.ttf"
        files[key].write_bytes(data)
    return files


def needs_shaping(text: str) -> bool:
    """Return whether text has letters that join, stack or run from right to left."""
    return any(
        _FIRST_SHAPED <= ord(c) <= _LAST_SHAPED
        and ord(c) not in _GREEK_EXTENDED
        and ord(c) not in _PLAIN
        for c in text
    )


def check_text(text: str, what: str) -> str:
    """Return text as it can be printed: composed, with plain line ends.

    Args:
        text: as given.
        what: names it in the message.

    Raises:
        UsageError: it holds characters that the font does not have.
    """
    clean = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    clean = clean.expandtabs(4)
    missing = sorted({c for c in clean if c not in _LINE_ENDS and ord(c) not in _covered()})
    if missing:
        shown = ", ".join(f"'{c}' ({_name(c)})" for c in missing[:3])
        more = f" and {len(missing) - 3} others" if len(missing) > 3 else ""
        raise UsageError(
            f"{what} cannot be printed: the report's font has no {shown}{more}. It has {SCRIPTS}. "
            "Write it in one of these scripts, or leave it out."
        )
    return clean


def _name(character: str) -> str:
    return unicodedata.name(character, f"U+{ord(character):04X}").lower()


@cache
def _read(name: str) -> bytes:
    return bytes(pymupdf_fonts.fontbuffers[name]())


@cache
def _strip(name: str) -> bytes:
    """Return a style without its layout tables."""
    font = TTFont(io.BytesIO(_read(name)))
    for table in _LAYOUT:
        if table in font:
            del font[table]
    data = io.BytesIO()
    font.save(data)
    return data.getvalue()


@cache
def _covered() -> frozenset[int]:
    """Return the code points that both styles have."""
    cmaps = (TTFont(io.BytesIO(_read(n)), lazy=True).getBestCmap() for n in STYLES.values())
    return frozenset.intersection(*map(frozenset, cmaps))
