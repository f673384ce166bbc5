"""The paired difference of two runs, whichever of the two was saved as the first."""

from dataclasses import replace
from pathlib import Path

from skinmodel.evaluation.bootstrap import Interval
from skinmodel.evaluation.comparison import Comparison, McNemar
from skinmodel.evaluation.comparisons import SavedComparison, read_comparison
from skinmodel.evaluation.report import Provenance


def read_either_way(root: Path, first: Provenance, second: Provenance) -> Comparison | None:
    """Return the saved difference of two evaluations, second minus first; None where none is saved.

    One kept with the two runs exchanged is turned around.

    Raises:
        ConfigError: the file is damaged.
    """
    kept = read_comparison(root, first, second)
    if kept is None and (other := read_comparison(root, second, first)) is not None:
        kept = turn_around(other)
    return None if kept is None else kept.comparison


def turn_around(saved: SavedComparison) -> SavedComparison:
    """Return the same comparison with first and second exchanged."""
    found = saved.comparison
    turned = Comparison(
        {name: _negate(interval) for name, interval in found.differences.items()},
        _exchange(found.images),
        _exchange(found.lesions),
    )
    return replace(saved, first=saved.second, second=saved.first, comparison=turned)


def _negate(interval: Interval) -> Interval:
    return Interval(-interval.value, -interval.high, -interval.low)


def _exchange(test: McNemar) -> McNemar:
    return McNemar(test.only_second, test.only_first, test.p)
