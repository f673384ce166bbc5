"""What may be claimed of a method's maps, and which method a network's measurements favour."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from skinmodel.errors import ConfigError
from skinmodel.explain.registry import METHODS
from skinmodel.faithfulness.report import FILE, FaithfulnessReport, MethodReport, read_report

FOLDER: Final = "ham10000-test-maps"
"""Where the figures that pages quote are, in a run's folder of results."""

LEAST_MAPS: Final = 30
"""Below this many maps on lesions with a mask nothing is claimed of them."""


MOST_ALIKE: Final = 0.5
"""Mean rank correlation with maps of the network with all its weights shuffled, above which a
method is taken to show the architecture rather than what was learned."""

LEAST_EFFECT: Final = 1e-4
"""Mean total variation below which an attention changes no figure that a page prints."""


_IDLE: Final = (
    "Without effect on the answer: with its attention switched off the network says the same. The "
    "map shows what was learned about places, not what the answer rests on."
)
_NOT_LEARNED: Final = (
    "Not what was learned: with all the network's weights shuffled, maps of this kind look much "
    "the same."
)


@dataclass(frozen=True)
class Verdict:
    """Which tests a method's maps pass: for the first four the paired interval lies above 0.

    Attributes:
        knows_place: more mass on the lesion than the map's own mean over other pictures has.
        beats_centre: more mass on the lesion than a Gaussian at the picture's centre has.
        is_used: blanking what it marks costs the leading probability more than blanking as much
            at random.
        follows: its map of a moved picture is nearer to the moved map than to the unmoved one.
        is_learned: with all weights shuffled its maps look different, or show nothing at all.
    """

    knows_place: bool
    beats_centre: bool
    is_used: bool
    follows: bool
    is_learned: bool

    @property
    def passed(self) -> int:
        """Number of tests passed, of 3: following alone says nothing for a map.

        A map that marks all but the lesion follows it, too.
        """
        return sum((self.knows_place, self.beats_centre, self.is_used))

    @property
    def unbeaten(self) -> tuple[str, ...]:
        """Names of the controls that lie on the lesion as well as the map does, in words."""
        found = []
        if not self.knows_place:
            found.append("its own average over other pictures")
        if not self.beats_centre:
            found.append("a blob in the middle of every picture")
        return tuple(found)


def judge(measured: MethodReport) -> Verdict:
    """Return which tests a method passes on the pictures it was measured on."""

    def above(name: str) -> bool:
        interval = measured.differences.get(name)
        return interval is not None and measured.masked >= LEAST_MAPS and interval.low > 0

    return Verdict(
        knows_place=above("mass_over_mean"),
        beats_centre=above("mass_over_gaussian"),
        is_used=above("drop_over_random"),
        follows=above("follow_over_stay"),
        is_learned=_is_learned(measured),
    )


def _is_learned(measured: MethodReport) -> bool:
    if measured.masked < LEAST_MAPS or not measured.shuffled:
        return False
    alike = measured.figures.get(f"weights_{len(measured.shuffled)}")
    # Undefined where the shuffled network's maps are null or even: nothing is left of the shape.
    return alike is not None and not alike.value > MOST_ALIKE


def describe_fault(report: FaithfulnessReport | None, method: str) -> str:
    """Return the remark of a map that does no better than its controls or needs no weights.

    Empty for others, and where nothing was measured, or too few maps.
    """
    measured = None if report is None else report.methods.get(method)
    if measured is None or measured.masked < LEAST_MAPS:
        return ""
    if is_idle(measured):
        return _IDLE
    verdict, unbeaten = judge(measured), judge(measured).unbeaten
    if not unbeaten:
        return "" if verdict.is_learned else _NOT_LEARNED
    verb = "lies" if len(unbeaten) == 1 else "lie"
    return (
        f"No better than its controls: over test lesions {' and '.join(unbeaten)} {verb} on the "
        "lesion as well as this map does."
    )


def is_idle(measured: MethodReport) -> bool:
    """Return whether a soft attention has no effect on the network's answer."""
    return measured.effect is not None and measured.effect < LEAST_EFFECT


def choose_method(methods: Sequence[str], report: FaithfulnessReport | None) -> str:
    """Return the method that a network's own measurements favour.

    Of those whose maps depend on what was learned, the one that passes most tests, of those one
    that follows, of those the one that lies on the lesion most above its own mean; never a slow
    one, one without effect on the answer, or one that was not measured beside another.

    Args:
        methods: names of the network's methods; the first stands where nothing speaks for another.
        report: what was measured; None where nothing was.
    """
    first = methods[0]
    if report is None:
        return first
    measured = {
        name: report.methods[name]
        for name in methods
        if name in report.methods and not METHODS[name].slow and not is_idle(report.methods[name])
    }
    if len(measured) < 2:
        return first
    best = max(measured, key=lambda name: _rank(measured[name]))
    verdict = judge(measured[best])
    return best if verdict.is_learned and verdict.passed else first


def _rank(measured: MethodReport) -> tuple[bool, int, bool, float]:
    verdict, above = judge(measured), measured.differences.get("mass_over_mean")
    far = float("-inf") if above is None or math.isnan(above.value) else above.value
    return verdict.is_learned, verdict.passed, verdict.follows, far


def read_of_run(run_id: str, roots: Sequence[Path]) -> tuple[FaithfulnessReport, Path] | None:
    """Return what was measured of one run and its folder, from the first root that has it.

    Raises:
        ConfigError: the report cannot be read, or is of another run.
    """
    for root in roots:
        folder = root / run_id / FOLDER
        if (folder / FILE).is_file():
            report = read_report(folder)
            if report.run_id != run_id:
                raise ConfigError(
                    f"'{folder / FILE}' speaks of run '{report.run_id}'; '{run_id}' was expected. "
                    "Measure again: python -m skinmodel faithfulness."
                )
            return report, folder
    return None
