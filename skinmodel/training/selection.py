"""Which epoch of a run is kept."""

from collections.abc import Sequence


def smooth(values: Sequence[float], epochs: int) -> float:
    """Return the mean of the last ``epochs`` values, or of all where there are fewer.

    Averaging keeps one lucky validation from picking the epoch; see ``is_better``.
    """
    window = values[-epochs:]
    return sum(window) / len(window)


def is_better(values: Sequence[float], epochs: int, best: float) -> bool:
    """Return whether the newest epoch is to be kept instead of the best so far.

    The first whole window wins over every shorter one before it: a lucky start is not picked.
    Shorter windows only serve runs that end before one is whole.

    Args:
        values: the validation figure of every epoch so far, newest last.
        epochs: the width of the smoothing window.
        best: smoothed figure of the epoch kept so far; -1 before the first.
    """
    return len(values) == epochs or bool(smooth(values, epochs) > best)
