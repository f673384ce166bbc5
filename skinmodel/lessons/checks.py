"""Questions at the end of a chapter, written as Markdown: one right answer of several, explained.

**What is asked?**

- [ ] A wrong answer.
- [x] The right answer.

Why it is right.
"""

import re
from dataclasses import dataclass
from typing import Final

from skinmodel.errors import ConfigError

_QUESTION: Final = re.compile(r"^\*\*(.+)\*\*$", re.MULTILINE)
_OPTION: Final = re.compile(r"^- \[(?P<mark>[ x])\] (?P<text>.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Check:
    """One question.

    Attributes:
        question: in words.
        options: the answers offered, in order.
        right: index of the right one.
        why: why it is right.
    """

    question: str
    options: tuple[str, ...]
    right: int
    why: str


def parse_checks(text: str) -> tuple[Check, ...]:
    """Return the questions of one chapter.

    Args:
        text: Markdown as the module shows it.

    Raises:
        ConfigError: a question lacks one right answer among two or more, or the reason.
    """
    _, *parts = _QUESTION.split(text)
    return tuple(_parse(*pair) for pair in zip(parts[::2], parts[1::2], strict=True))


def _parse(question: str, rest: str) -> Check:
    found = list(_OPTION.finditer(rest))
    marks = [option["mark"] for option in found]
    why = " ".join(rest[found[-1].end() :].split()) if found else ""
    if len(found) < 2 or marks.count("x") != 1 or not why:
        raise ConfigError(
            f"The question '{question[:60]}' has {len(found)} answers, {marks.count('x')} of them "
            f"right, and {'a' if why else 'no'} reason; expected two or more answers, one of them "
            "marked [x], and a sentence that says why."
        )
    options = tuple(option["text"].strip() for option in found)
    return Check(question, options, marks.index("x"), why)
