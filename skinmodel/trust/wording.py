"""How far an answer can be trusted, in sentences that pages, tables and reports share."""

from typing import Final

from skinmodel.diagnoses import get_diagnosis
from skinmodel.results import Figure, LabelSet, Outcome, Threshold, Trust

SHOWN_LEVEL: Final = 0.90
"""Coverage of the set that is shown; the other levels are in the files."""
SHOWN_SENSITIVITY: Final = 0.95
"""Sensitivity of the thresholds that are shown."""

_TARGETS: Final = {
    "melanoma": "melanomas",
    "malignant": "malignant and pre-malignant lesions",
}


def describe_trust(trust: Trust) -> tuple[str, ...]:
    """Return everything there is to say beside an answer, a sentence or two each."""
    lines = [f"{str(trust.gate.outcome).capitalize()}: {r}" for r in trust.gate.reasons]
    lines += [describe_threshold(t) for t in trust.thresholds if t.level == SHOWN_SENSITIVITY]
    lines += [describe_set(s) for s in trust.sets if s.level == SHOWN_LEVEL]
    if not trust.calibrated:
        lines.append(RAW)
    return tuple(lines)


RAW: Final = (
    "The probabilities are the network's own: calibration on HAM10000 would make it too sure of a "
    "picture unlike those."
)


def describe_gate(trust: Trust) -> str:
    """Return the gate's reasons in one text; empty where the picture is answered."""
    return "" if trust.gate.outcome is Outcome.ANSWERED else " ".join(trust.gate.reasons)


def describe_threshold(threshold: Threshold) -> str:
    """Return on which side of a threshold an answer is, and what the threshold is worth."""
    found = f"{percents(threshold.sensitivity)} of test {_TARGETS[threshold.target]}"
    where = f"at specificity {percents(threshold.specificity)}"
    if threshold.above:
        return f"Above the threshold that finds {found}, {where}: have it looked at."
    return (
        f"Below the threshold that finds {found}, {where}. The others lie below it too: this is "
        "no all-clear."
    )


def describe_set(labels: LabelSet) -> str:
    """Return a set of diagnoses, and how often such sets hold the truth."""
    names = [name[0].lower() + name[1:] for name in (get_diagnosis(c).name for c in labels.codes)]
    listed = "no diagnosis reaches what it needs" if not names else " or ".join(names)
    abroad = ""
    if labels.abroad is not None:
        abroad = f", but {percents(labels.abroad)} of ISIC 2019's small copies"
    return (
        f"With {100 * labels.level:.0f} % coverage on pictures like HAM10000's: {listed}. Such "
        f"sets held the truth in {percents(labels.coverage)} of its test pictures{abroad}."
    )


def percents(figure: Figure) -> str:
    """Return a share with its interval, as ``91 % (87 to 95)``."""
    value, low, high = (100 * part for part in (figure.value, figure.low, figure.high))
    return f"{value:.0f} % ({low:.0f} to {high:.0f})"
