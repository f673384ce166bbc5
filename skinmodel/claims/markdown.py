"""Markdown as sentences, each with the marker that names what it rests on.

A marker is a comment, invisible where the text is rendered, that **follows** its sentence on the
same line (a comment that begins a line would end the paragraph):

    The CNN reaches 0.706. <!-- claim: report/cnn/ham10000-test/accuracy = 0.706 -->

Whole tables and paragraphs that a program writes stand between two lines of their own:

    <!-- generated: results ham10000-test -->
    ...
    <!-- end generated -->
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from skinmodel.errors import ClaimError

_COMMENT: Final = re.compile(r"<!--\s*claim:(.*?)-->", re.DOTALL)
_GENERATED: Final = re.compile(
    r"^<!-- generated: (?P<call>.+?) -->\n(?P<body>.*?)^<!-- end generated -->$",
    re.MULTILINE | re.DOTALL,
)
_LOOSE: Final = re.compile(r"^<!-- (?:generated:.*|end generated) -->\n?", re.MULTILINE)
_FENCE: Final = re.compile(r"^```\w*\n.*?^```$", re.MULTILINE | re.DOTALL)
_CODE_COMMENT: Final = re.compile(r"(?:^| )# (.+)$", re.MULTILINE)
_FORMULA: Final = re.compile(r"^\$\$\n.*?^\$\$$", re.MULTILINE | re.DOTALL)
_HEADING: Final = re.compile(r"#+ +(.*)")
_ITEM: Final = re.compile(r"\s*(?:[-*]|\d+\.) ")
# Not after an initial or one of these: there the point ends no sentence.
_END: Final = re.compile(
    r"(?<!\b[A-Z])(?<!\bal)(?<!\bSci)(?<!\bNat)(?<!\bMed)(?<!\bvs)[.!?][*)\"]*(?=\s+[^\sa-z])"
)


@dataclass(frozen=True)
class Sentence:
    """A sentence of a document.

    Attributes:
        text: as written, spaces and line breaks as one space, without markers.
        section: the heading it stands under; empty before the first.
        start: where it begins in the document, in characters.
        end: where it ends.
        claims: what it says, as its marker has it; empty where it has none.
        marker: where the marker's own text stands in the document; None without one.
    """

    text: str
    section: str
    start: int
    end: int
    claims: tuple[str, ...] = ()
    marker: tuple[int, int] | None = None


@dataclass(frozen=True)
class Generated:
    """A part of a document that a program writes.

    Attributes:
        call: what writes it, with its arguments: ``results ham10000-test``.
        body: what stands there.
        start: where ``body`` begins in the document, in characters.
        end: where it ends.
    """

    call: str
    body: str
    start: int
    end: int


def strip_markers(text: str) -> str:
    """Return a document as its reader sees it: without any marker of this module."""
    return re.sub(r"[ \t]*" + _COMMENT.pattern, "", _LOOSE.sub("", text), flags=re.DOTALL)


def find_generated(text: str) -> tuple[Generated, ...]:
    """Return the parts of a document that a program writes.

    Raises:
        ClaimError: a part has no beginning or no end.
    """
    found = tuple(
        Generated(match["call"], match["body"], match.start("body"), match.end("body"))
        for match in _GENERATED.finditer(text)
    )
    if len(_LOOSE.findall(text)) != 2 * len(found):
        raise ClaimError(
            "A generated part does not begin or does not end. Expected a line '<!-- generated: "
            "CALL -->', what is written, and a line '<!-- end generated -->'."
        )
    return found


def find_sentences(text: str) -> tuple[Sentence, ...]:
    """Return every sentence of a document that no program writes.

    A list item ends a sentence, and so do a row of a table and a comment in a block of code.
    Formulas and diagrams hold none.

    Raises:
        ClaimError: a marker begins a line, follows no sentence, or is not closed.
    """
    if len(_COMMENT.findall(text)) != text.count("<!-- claim"):
        raise ClaimError("A marker '<!-- claim: ... -->' is not closed or not written like this.")
    blocks = (*_find_blocks(text), *_find_code_comments(text))
    return tuple(s for section, at, end in blocks for s in _split(text, section, at, end))


def _find_blocks(text: str) -> Iterator[tuple[str, int, int]]:
    """Yield heading, start and end of every paragraph, list item, table row and code comment."""
    section, start = "", None
    for at, line in _list_lines(_blank(text)):
        heading = _HEADING.match(line)
        begins = not line.strip() or heading or line.startswith("|") or _ITEM.match(line)
        if begins and start is not None:
            yield section, start, at
            start = None
        if heading:
            section = heading[1]
        elif line.strip() and start is None:
            start = at
        if start is not None and line.startswith("|"):
            yield section, start, at + len(line)
            start = None
    if start is not None:
        yield section, start, len(text)


def _list_lines(text: str) -> Iterator[tuple[int, str]]:
    at = 0
    for line in text.splitlines(keepends=True):
        yield at, line
        at += len(line)


def _blank(text: str) -> str:
    """Replace what holds no sentence by spaces, so that all else stays where it is."""
    for pattern in (_GENERATED, _FORMULA, _FENCE):
        text = pattern.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)
    return text


def _find_code_comments(text: str) -> Iterator[tuple[str, int, int]]:
    for fence in _FENCE.finditer(text):
        for comment in _CODE_COMMENT.finditer(text, *fence.span()):
            yield "", *comment.span(1)


def _split(text: str, section: str, start: int, end: int) -> Iterator[Sentence]:
    at = start
    for marker in _COMMENT.finditer(text, start, end):
        line = text[text.rfind("\n", 0, marker.start()) + 1 : marker.start()]
        before = _cut(text, section, at, marker.start())
        if not before or not line.strip():
            raise ClaimError(
                f"The marker '{marker[0]}' follows no sentence on its line. Write it behind its "
                "sentence, on the line on which that ends."
            )
        yield from before[:-1]
        last = before[-1]
        claims = tuple(" ".join(c.split()) for c in marker[1].split(";"))
        yield Sentence(last.text, section, last.start, last.end, claims, marker.span(1))
        at = marker.end()
    yield from _cut(text, section, at, end)


def _cut(text: str, section: str, start: int, end: int) -> list[Sentence]:
    ends = [match.end() for match in _END.finditer(text, start, end)]
    found = []
    for one, other in zip([start, *ends], [*ends, end], strict=True):
        words = " ".join(text[one:other].split())
        if re.search(r"\w", words):
            first = one + len(text[one:other]) - len(text[one:other].lstrip())
            found.append(Sentence(words, section, first, one + len(text[one:other].rstrip())))
    return found
