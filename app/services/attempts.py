"""Asking skinmodel: an error becomes words, a failure is not cached, a changed file is read anew.

Neither page nor log learns from an error what a user sent; no page learns the server's folders.
"""

import logging
import re
import secrets
import traceback
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import Final, TypeVar

import streamlit as st

from skinmodel import paths
from skinmodel.errors import SkinModelError

_QUOTED: Final = re.compile(r"'((?:/|[A-Za-z]:\\)[^'\n]+)'")
_SHOWN: Final = 2  # a file and its folder


def hide_folders(sentence: str) -> str:
    """Return ``sentence`` with the server's folders left out of the paths that stand in quotes.

    What lies in the program, in the data folder or in the user's own folder is named from there, so
    that whoever runs the server finds it.
    """
    return _QUOTED.sub(lambda found: f"'{_shorten(found[1])}'", sentence)


def _shorten(path: str) -> str:
    data = paths.data_dir()
    roots = {
        "SKINMODEL_HOME": paths.home(),
        **({} if data is None else {"SKINMODEL_DATA": data}),
        "": paths.ROOT,
    }
    for name, root in roots.items():
        if Path(path).is_relative_to(root):
            return str(Path(name) / Path(path).relative_to(root))
    parts = PureWindowsPath(path).parts  # takes both kinds of slashes
    return "/".join(("...", *parts[1:][-_SHOWN:]))


class FramesOnly(logging.Filter):
    """Replaces an exception by its type and frames; its message may quote what a user sent."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Strip the message of the record's exception, and of what caused it."""
        if record.exc_info and record.exc_info[1]:
            record.exc_text = _describe(record.exc_info[1])
            record.exc_info = None
        return True


def build_logger(name: str) -> logging.Logger:
    """Return a logger to standard error that strips messages of exceptions."""
    logger = logging.getLogger(name)
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger.handlers, logger.filters, logger.propagate = [handler], [FramesOnly()], False
    return logger


def _describe(error: BaseException | None) -> str:
    parts = []
    while error is not None:
        frames = "".join(traceback.format_tb(error.__traceback__))
        # An error of the networks' process brings its own frames along.
        beyond = getattr(error, "frames", "")
        parts.append(f"{type(error).__module__}.{type(error).__qualname__}\n{frames}{beyond}")
        error = error.__cause__ or error.__context__
    return "caused by: ".join(parts)


Stamps = tuple[tuple[str, int], ...]


def stamp(files: Iterable[Path]) -> Stamps:
    """Return what changes when one of the files is written, added or removed."""
    return tuple((str(f), f.stat().st_mtime_ns) for f in sorted(files) if f.is_file())


Result = TypeVar("Result")


_FAILED: Final = "failed-"


@dataclass(frozen=True)
class Problem:
    """Something that could not be done, in words for the person in front of the page.

    Attributes:
        sentence: what was wrong and what to do next.
        file: the name of the file it is about, as the browser gave it; mostly empty. It is shown
            to who sent it, and nowhere kept but beside this sentence.
    """

    sentence: str
    file: str = ""

    @classmethod
    def of(cls, error: SkinModelError) -> "Problem":
        """Return what an error raised on purpose says, without the server's folders."""
        shown = hide_folders(str(error))
        if shown != str(error):
            _LOGGER.warning("%s", error)  # for whoever runs the server
        return cls(shown)


_LOGGER: Final = build_logger(__name__)


def attempt(action: Callable[[], Result]) -> Result | Problem:
    """Return what ``action`` returns, or why it could not be done.

    An error raised on purpose speaks for itself. Anything else is logged under a reference that
    the sentence names; no traceback reaches the page.
    """
    try:
        return action()
    except SkinModelError as error:
        return Problem.of(error)
    except Exception:
        reference = secrets.token_hex(4)
        _LOGGER.exception("Unexpected error, reference %s", reference)
        return Problem(
            "Something went wrong inside the program, not through anything you did. Try again or "
            f"use another picture. If it happens again, report reference {reference}: the "
            "server's log has the details, without your picture."
        )


def attempt_once(subject: str, key: Hashable, action: Callable[[], Result]) -> Result | Problem:
    """Return what ``attempt`` does, but try only once a session what has failed.

    For what takes long to fail, such as a data folder that is not whole. Another session, such as
    the same page loaded anew, tries again, and so does this one after ``forget_attempts``.

    Args:
        subject: what is attempted.
        key: what of it.
        action: see ``attempt``.
    """
    kept: dict[Hashable, Problem] = st.session_state.setdefault(f"{_FAILED}{subject}", {})
    if key in kept:
        return kept[key]
    found = attempt(action)
    if isinstance(found, Problem):
        kept[key] = found
    return found


def forget_attempts(subject: str) -> None:
    """Have this session try again what has failed of a subject."""
    st.session_state.pop(f"{_FAILED}{subject}", None)
