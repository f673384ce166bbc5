"""The one family of errors that this package raises on purpose.

A message says what failed, what was received, what was expected and what to do next. Only the
command line and ``app/services`` turn these into words for a user.
"""

from collections.abc import Iterable


class SkinModelError(Exception):
    """Base of every error a caller may want to show to a user."""


class ImageError(SkinModelError):
    """A file or array is not an image this package accepts."""


class DatasetError(SkinModelError):
    """A data set folder, its metadata or its images are not as released."""


class SplitError(SkinModelError):
    """A split cannot be made, or lets one lesion fall on two sides."""


class UnknownNameError(SkinModelError):
    """A model, recipe, method, data set or diagnosis of this name does not exist."""

    def __init__(self, kind: str, name: str, known: Iterable[str]):
        self.kind = kind
        self.name = name
        self.known = tuple(sorted(known))
        super().__init__(f"There is no {kind} called '{name}'. Known: {', '.join(self.known)}.")

    def __reduce__(self) -> tuple[type["UnknownNameError"], tuple[str, str, tuple[str, ...]]]:
        """Let it travel between processes; an exception is rebuilt from its message otherwise."""
        return type(self), (self.kind, self.name, self.known)


class WeightsError(SkinModelError):
    """Weights are missing, stale, corrupt, or not the ones the manifest names."""


class ConfigError(SkinModelError):
    """A recipe, setting or run cannot be used as given."""


class ClaimError(SkinModelError):
    """A marked sentence cannot be read, or names a figure that no report has."""


class UsageError(SkinModelError):
    """A command was called with arguments that do not go together."""


class WorkerError(SkinModelError):
    """The process that runs the networks ended while it was asked, or could not be started."""


def escape(text: str, limit: int = 200) -> str:
    """Return foreign text fit for a message: no control character reaches a terminal or a log."""
    shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text[: limit + 1])
    return shown if len(shown) <= limit else f"{shown[:limit]}..."


def summarize_ids(ids: Iterable[str], shown: int = 5) -> str:
    """Return the first few of ``ids`` and how many there are, for an error message."""
    items = list(ids)
    head = ", ".join(items[:shown])
    return head if len(items) <= shown else f"{head}, ... ({len(items)} in all)"
