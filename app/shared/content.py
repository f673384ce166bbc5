"""The prose of the pages, kept as Markdown under ``assets/content``."""

import re
from functools import cache
from typing import Final

from skinmodel.claims.markdown import strip_markers
from skinmodel.diagnoses import CODES
from skinmodel.paths import ASSETS

_SECTION: Final = re.compile(r"^## (\w+)\n+(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)


@cache
def read_content(name: str) -> str:
    """Return the Markdown of one page's prose, such as ``about``, without the markers of claims."""
    return strip_markers((ASSETS / "content" / f"{name}.md").read_text(encoding="utf-8"))


@cache
def read_sections(name: str) -> dict[str, str]:
    """Return the texts of a page's prose by the heading they stand under."""
    return {heading: text.strip() for heading, text in _SECTION.findall(read_content(name))}


@cache
def read_diagnosis_texts() -> dict[str, str]:
    """Return one short text a diagnosis, by code.

    Raises:
        ValueError: ``diagnoses.md`` does not hold exactly one section for each diagnosis.
    """
    sections = read_sections("diagnoses")
    if sorted(sections) != sorted(CODES):
        raise ValueError(f"diagnoses.md has sections for {sorted(sections)}, expected {CODES}.")
    return sections
