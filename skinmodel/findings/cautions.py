"""When not to trust a result, read off its numbers and its picture, worded for a clinician.

The thresholds are choices, not measured operating points: they mark results that a careful reader
would look at twice. Each says why it stands where it does.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from skinmodel.diagnoses import DIAGNOSES, Malignancy, get_diagnosis
from skinmodel.results import Prediction
from skinmodel.wording import join_words, lower_first, percent

LOW_CONFIDENCE: Final = 0.5
"""Below one half, the network itself holds its first choice for more likely wrong than right."""

SMALL_MARGIN: Final = 0.15
"""With two diagnoses this close, the network hardly prefers one; both deserve to be read."""

NOTABLE_RISK: Final = 0.10
"""Malignant and pre-malignant diagnoses together, under a benign first choice.

One in ten, because a missed melanoma costs a patient far more than a second look.
"""

TRAINED_ASPECT: Final = 600 / 450
"""Width over height of HAM10000, the pictures the networks were trained on."""

MAX_DISTORTION: Final = 1.5
"""Networks squeeze every picture to a square; half as much again as in training bends shapes."""


def describe_agreement(predictions: Sequence[Prediction], titles: Mapping[str, str]) -> str:
    """Return one sentence on whether the networks agree.

    Args:
        predictions: one a network, of the same picture.
        titles: what the page calls each network, by registry name.
    """
    codes = {p.code for p in predictions}
    if len(codes) == 1:
        name = lower_first(predictions[0].diagnosis.name)
        who = {1: titles[predictions[0].model], 2: "Both networks"}.get(
            len(predictions), f"All {len(predictions)} networks"
        )
        verb = "says" if len(predictions) == 1 else "say"
        return f"{who} {verb}: {name}."
    sayings = join_words(
        f"{titles[p.model]} says {lower_first(p.diagnosis.name)} ({percent(p.confidence)})"
        for p in predictions
    )
    return f"The networks disagree: {sayings}."


def agree(predictions: Sequence[Prediction]) -> bool:
    """Return whether every network has the same leading diagnosis."""
    return len({p.code for p in predictions}) == 1


def compute_cautions(
    predictions: Sequence[Prediction], titles: Mapping[str, str], shape: tuple[int, ...]
) -> tuple[str, ...]:
    """Return what speaks against trusting this result, most serious first.

    Args:
        predictions: one a network, of the same picture.
        titles: what the page calls each network, by registry name.
        shape: (H, W, 3) of the picture.

    Returns:
        Full sentences; empty where no threshold is crossed, which is no proof of anything.
    """
    found = [*_warn_of_hidden_risk(predictions, titles)]
    if not agree(predictions):
        found.append(_warn_of_disagreement(predictions))
    for prediction in predictions:
        found.extend(_warn_of_doubt(prediction, titles[prediction.model]))
    return (*found, *_warn_of_shape(shape))


def compute_risk(prediction: Prediction) -> float:
    """Return the summed probability of the malignant and pre-malignant diagnoses, in [0, 1]."""
    return sum(
        p
        for d, p in zip(DIAGNOSES, prediction.probabilities, strict=True)
        if d.malignancy is not Malignancy.BENIGN
    )


def _warn_of_hidden_risk(
    predictions: Sequence[Prediction], titles: Mapping[str, str]
) -> tuple[str, ...]:
    hidden = [
        p
        for p in predictions
        if p.diagnosis.malignancy is Malignancy.BENIGN and compute_risk(p) >= NOTABLE_RISK
    ]
    if not hidden:
        return ()
    shares = join_words(f"{percent(compute_risk(p))} from {titles[p.model]}" for p in hidden)
    return (
        "A benign diagnosis leads, but malignant and pre-malignant ones together still get "
        f"{shares}. Do not read this as an all-clear.",
    )


def _warn_of_disagreement(predictions: Sequence[Prediction]) -> str:
    kinds = {p.diagnosis.malignancy is Malignancy.BENIGN for p in predictions}
    if len(kinds) == 2:
        return (
            "The networks do not agree on whether the lesion is benign. Neither answer can be "
            "relied on here."
        )
    return "The networks name different diagnoses. At least one of them is wrong."


def _warn_of_doubt(prediction: Prediction, title: str) -> tuple[str, ...]:
    ranked = sorted(zip(prediction.probabilities, DIAGNOSES, strict=True), key=lambda r: -r[0])
    (first, _), (second, runner_up) = ranked[:2]
    leading = lower_first(get_diagnosis(prediction.code).name)
    if first < LOW_CONFIDENCE:
        return (
            f"{title} is unsure: its first choice, {leading}, gets only {percent(first)}, less "
            "than all the others together.",
        )
    if first - second < SMALL_MARGIN:
        return (
            f"{title} hesitates between {leading} ({percent(first)}) and "
            f"{lower_first(runner_up.name)} ({percent(second)}).",
        )
    return ()


def _warn_of_shape(shape: tuple[int, ...]) -> tuple[str, ...]:
    height, width = shape[:2]
    stretch = (width / height) / TRAINED_ASPECT
    if max(stretch, 1 / stretch) <= MAX_DISTORTION:
        return ()
    return (
        f"The picture is {width} x {height} pixels. The networks squeeze every picture to a square "
        "and were trained on 4:3, so the lesion's shape is distorted. Crop it to about 4:3 around "
        "the lesion.",
    )
