"""What pages say of a map that was measured: every figure comes from the run's own file."""

import math
from typing import Final

from app.shared.wording import upper_first
from skinmodel.evaluation.measures.bootstrap import Interval
from skinmodel.explain.registry import SOFT_ATTENTION
from skinmodel.faithfulness.report import FaithfulnessReport, MethodReport
from skinmodel.faithfulness.verdict import LEAST_MAPS, describe_fault, is_idle, judge

UNMEASURED = "It was not measured whether this method's maps lie on the lesion."
"""Said where nothing is known of a method's maps."""

GUIDED: Final = (
    "It was taught where to lie by outlines of training lesions, drawn by hand: that it lies on a "
    "lesion is no finding of the network's own."
)
"""Said of a soft attention that masks have guided."""


def describe_measured(report: FaithfulnessReport | None, method: str) -> str:
    """Return in a few sentences what a method's maps were worth on test lesions.

    Args:
        report: what was measured of the network; None where nothing was.
        method: the method shown.
    """
    measured = None if report is None else report.methods.get(method)
    if report is None or measured is None or measured.masked < LEAST_MAPS:
        return UNMEASURED
    figures = measured.figures
    words = (
        f"On {measured.masked:,} pictures of test lesions this map put "
        f"{percent(figures['mass'])} of its mass on the lesion (its own average: "
        f"{percent(figures['mass_mean'])}; a blob in the middle: "
        f"{percent(figures['mass_gaussian'])}); blanking the fifth that it marks most "
        f"{describe_drop(figures['drop'])} (a fifth at random: {points(figures['drop_random'])})."
    )
    told = GUIDED if report.guided and method == SOFT_ATTENTION else ""
    parts = (words, describe_effect(measured), told, describe_bias(report))
    return " ".join(part for part in parts if part)


def describe_mark(report: FaithfulnessReport | None, method: str) -> str:
    """Return the warning for a map that ``describe_fault`` finds fault with; empty for others."""
    remark = describe_fault(report, method)
    head, _, rest = remark.partition(": ")
    return (
        f"**{head}.** {upper_first(rest)} Do not read it as a sign that the network found the "
        "lesion."
        if remark
        else ""
    )


def describe_drop(drop: Interval) -> str:
    """Return what blanking does to the leading probability, in words."""
    if math.isnan(drop.value):
        return "was not measured"
    verb = "lowers" if drop.value >= 0 else "raises"
    return f"{verb} the leading probability by {points(drop, signed=False)}"


def describe_effect(measured: MethodReport) -> str:
    """Return what switching a soft attention off changes; empty where that was not measured."""
    if measured.effect is None:
        return ""
    if is_idle(measured):
        return "Switched off, it changes no probability."
    return (
        f"Switched off, it moves {100 * measured.effect:.1f} points of probability to other "
        "diagnoses."
    )


def describe_bias(report: FaithfulnessReport) -> str:
    """Return what makes the figures of a report too good; empty if nothing does."""
    return "The network was trained on pictures of these lesions." if report.leaks else ""


def percent(share: Interval) -> str:
    """Return a share in percent.

    >>> percent(Interval(0.512, 0.4, 0.6))
    '51 %'
    """
    return "not defined" if math.isnan(share.value) else f"{100 * share.value:.0f} %"


def points(difference: Interval, *, signed: bool = True) -> str:
    """Return a difference of probabilities in points.

    >>> points(Interval(-0.0123, -0.02, 0.1)), points(Interval(-0.0123, 0, 0), signed=False)
    ('−1.2 points', '1.2 points')
    """
    if math.isnan(difference.value):
        return "not defined"
    value = 100 * difference.value
    text = f"{value:.1f}" if signed else f"{abs(value):.1f}"
    return f"{text} points".replace("-", "−")


def describe_claim(measured: MethodReport) -> str:
    """Return in one sentence what may be claimed of a method's maps."""
    if measured.masked < LEAST_MAPS:
        return "Nothing: too few maps were measured."
    if is_idle(measured):
        return "The network's answer does not depend on it."
    verdict = judge(measured)
    if not verdict.is_learned:
        place = "It does not show what was learned"
    elif verdict.knows_place and verdict.beats_centre:
        place = "It shows where this lesion is"
    elif verdict.knows_place:
        place = "It differs from picture to picture towards the lesion, but a blob in the middle "
        place += "does as well"
    else:
        place = "It shows no more than where lesions usually are"
    used = "the network uses what it marks" if verdict.is_used else "its use is not shown"
    moves = "it moves with the lesion" if verdict.follows else "it does not move with the lesion"
    same = "" if verdict.is_learned else "; it looks much the same with random weights"
    return f"{place}; {used}; {moves}{same}."


def list_claims(measured: MethodReport) -> tuple[str, ...]:
    """Return what may be said of a method's maps and what may not, one sentence a test."""
    if measured.masked < LEAST_MAPS:
        return (f"Measured on {measured.masked:,} maps only: nothing is claimed.",)
    verdict = judge(measured)
    idle = ("The network's answer does not depend on it.",) if is_idle(measured) else ()
    return (
        *idle,
        "Lies on the lesion more than its own average does: it knows where this lesion is."
        if verdict.knows_place
        else "Lies on the lesion no more than its own average does: it may only know where lesions "
        "usually are.",
        "Lies on the lesion more than a blob in the middle of every picture."
        if verdict.beats_centre
        else "A blob in the middle of every picture lies on the lesion as well or better.",
        "The network uses what it marks: blanking that costs more than blanking as much at random."
        if verdict.is_used
        else "That the network uses what it marks is not shown: blanking as much at random costs "
        "as much.",
        "Moves with the lesion when the picture is shifted, turned or cropped."
        if verdict.follows
        else "Stays where it was, as much as it moves, when the picture is shifted, turned or "
        "cropped.",
        "Changes when the network's weights are shuffled: it shows what was learned."
        if verdict.is_learned
        else "Looks much the same when all the network's weights are shuffled: it shows how the "
        "network is built more than what it learned.",
    )
