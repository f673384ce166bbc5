"""The paired difference of two runs, whichever of the two was saved as the first."""

from dataclasses import replace

from skinmodel.evaluation.bootstrap import Interval
from skinmodel.evaluation.comparison import Comparison, McNemar
from skinmodel.evaluation.comparisons import SavedComparison


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
