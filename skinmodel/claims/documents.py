"""README and the pages' prose: checked against the reports, and written anew from them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from skinmodel.claims.blocks import write_block
from skinmodel.claims.claim import check, find_places, parse_claim, write_value
from skinmodel.claims.facts import Facts
from skinmodel.claims.markdown import Sentence, find_generated, find_sentences
from skinmodel.errors import ClaimError
from skinmodel.files import write_text

# What makes a sentence one that needs a source: a figure, or a comparison.
_CLAIMING: Final = re.compile(
    r"\d|%|\b(?:more|most|mostly|less|least|fewer|better|best|worse|worst|larger|largest|smaller|"
    r"smallest|higher|highest|lower|lowest|stronger|strongest|weaker|ahead|behind|rarest|sharper|"
    r"gains?|loses?|falls?|drops?|raises?|improves?|beats?|outperforms?|differences?|nearly|often|"
    r"rarely|half|twice|third|too sure|as good as)\b",
    re.IGNORECASE,
)
# Digits of these are part of a name: code, links, formulas, references, data sets and networks.
_NAMES: Final = re.compile(
    r"`[^`]*`|\]\([^)]*\)|https?://\S+|\$[^$]*\$|\[[\d, ]+\]|HAM10000|ISIC[ _]\d+|BCN_20000|"
    r"EfficientNet-Lite\d|SHA-256|(?:Köfler(?:'s report of)?|Datta et al\.|Chapter) \d+"
)


@dataclass(frozen=True)
class Fault:
    """What is wrong with a document.

    Attributes:
        file: the document.
        line: where, from 1.
        text: the sentence, or the call of a generated part.
        reason: what the reports have instead.
    """

    file: Path
    line: int
    text: str
    reason: str

    def __str__(self) -> str:
        """Return the fault in one line, as compilers write it."""
        return f"{self.file}:{self.line}: {self.reason}\n    {self.text}"


def list_documents(root: Path) -> tuple[Path, ...]:
    """Return the documents of the repository that may make claims."""
    return (root / "README.md", *sorted((root / "assets" / "content").glob("*.md")))


def find_faults(file: Path, facts: Facts) -> tuple[Fault, ...]:
    """Return every claim of a document that does not hold, and every generated part that is old.

    Raises:
        ClaimError: a marker cannot be read.
    """
    text = file.read_text(encoding="utf-8")
    found = [
        Fault(file, _line(text, sentence.start), sentence.text, reason)
        for sentence in find_sentences(text)
        for reason in _list_reasons(sentence, facts)
    ]
    for part in find_generated(text):
        if part.body != write_block(part.call, facts):
            reason = "not what the reports say now; run: python -m skinmodel claims --write"
            found.append(Fault(file, _line(text, part.start), part.call, reason))
    return tuple(found)


def find_unmarked(text: str) -> tuple[Sentence, ...]:
    """Return the sentences with a figure or a comparison that no marker holds to a report."""
    return tuple(s for s in find_sentences(text) if not s.claims and needs_source(s.text))


def needs_source(sentence: str) -> bool:
    """Return whether a sentence has a figure or a word of comparison outside names."""
    return _CLAIMING.search(_NAMES.sub(" ", sentence)) is not None


def write_document(file: Path, facts: Facts) -> bool:
    """Write generated parts and marked figures anew; returns whether anything changed.

    What a sentence says in words stays: ``find_faults`` names it where it no longer holds.

    Raises:
        ClaimError: a marker cannot be read, or what is generated has no report.
    """
    text = file.read_text(encoding="utf-8")
    # From the end, so that what stands before keeps its place.
    edits: list[tuple[int, int, str]] = [
        (part.start, part.end, write_block(part.call, facts)) for part in find_generated(text)
    ]
    for sentence in find_sentences(text):
        edits.extend(_correct(text, sentence, facts))
    new = text
    for start, end, words in sorted(edits, reverse=True):
        new = new[:start] + words + new[end:]
    if new != text:
        write_text(file, new)
    return new != text


def _list_reasons(sentence: Sentence, facts: Facts) -> Iterator[str]:
    """Yield what speaks against each claim of a sentence."""
    claims = [parse_claim(text) for text in sentence.claims]
    for claim, place in zip(claims, find_places(claims, sentence.text), strict=True):
        if claim.relation == "=" and place is None:
            yield f"'{claim.text}': the sentence does not say '{claim.other}', or not in this order"
            continue
        try:
            reason = check(claim, facts)
        except ClaimError as error:
            reason = str(error)
        if reason is not None:
            yield f"'{claim.text}' does not hold: {reason}"


def _correct(text: str, sentence: Sentence, facts: Facts) -> Iterator[tuple[int, int, str]]:
    """Yield the edits that bring the figures of one sentence and its marker up to date."""
    if sentence.marker is None:
        return
    claims = [parse_claim(claim) for claim in sentence.claims]
    places = find_places(claims, text[sentence.start : sentence.end])
    written = []
    for claim, place in zip(claims, places, strict=True):
        right = claim.other if place is None else write_value(claim, facts)
        written.append(claim.text.removesuffix(claim.other) + right)
        if place is not None and right != claim.other:
            yield sentence.start + place[0], sentence.start + place[1], right
    if tuple(written) != sentence.claims:
        yield *sentence.marker, f" {'; '.join(written)} "


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1
