"""What all networks asked say together, the worst case first: the line a result begins with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from skinmodel.diagnoses import SYMBOLS, Malignancy
from skinmodel.findings.cautions import NOTABLE_RISK, agree, compute_risk, describe_agreement
from skinmodel.results import Prediction, join_gates
from skinmodel.wording import join_words, lower_first, percent


class Kind(StrEnum):
    """What the line warns of; each has a colour, an icon and a first word of its own."""

    DECLINED = "declined"
    MALIGNANT = "malignant"
    PREMALIGNANT = "pre-malignant"
    UNCLEAR = "unclear"
    BENIGN = "benign"


_KINDS: Final = {
    Malignancy.MALIGNANT: Kind.MALIGNANT,
    Malignancy.PREMALIGNANT: Kind.PREMALIGNANT,
    Malignancy.BENIGN: Kind.BENIGN,
}
_SEVERITY: Final = tuple(Malignancy)  # the worst first


@dataclass(frozen=True)
class Verdict:
    """The line a result begins with.

    Attributes:
        kind: what it warns of.
        headline: a few words, such as ``Malignant: melanoma``.
        sentence: who says what, and how surely.
    """

    kind: Kind
    headline: str
    sentence: str


def compute_verdict(
    predictions: Sequence[Prediction], titles: Mapping[str, str], declined: str = ""
) -> Verdict:
    """Return what the networks say together.

    The worst of their first choices gives the headline: one network's melanoma is not outvoted. A
    benign one gets it only where malignant and pre-malignant diagnoses stay below
    ``NOTABLE_RISK`` with every network.

    Args:
        predictions: one a network, of the same picture; at least one.
        titles: what the page calls each network, by registry name.
        declined: why no diagnosis is given, where something beside the networks' own gates says so.
    """
    gate = join_gates(p.trust.gate for p in predictions if p.trust is not None)
    if not declined and gate is not None and gate.declined:
        declined = " ".join(gate.reasons)
    if declined:
        return Verdict(Kind.DECLINED, "No answer for this picture", declined)
    worst = min(predictions, key=lambda p: (_SEVERITY.index(p.diagnosis.malignancy), -p.confidence))
    kind = _KINDS[worst.diagnosis.malignancy]
    name = lower_first(worst.diagnosis.name)
    sentence = _say(predictions, titles, worst)
    if kind is Kind.BENIGN:
        risk = max(map(compute_risk, predictions))
        if risk >= NOTABLE_RISK:
            return Verdict(Kind.UNCLEAR, f"Benign first, but no all-clear: {name}", sentence)
        if not agree(predictions):
            return Verdict(Kind.UNCLEAR, "Benign, but which is disputed", sentence)
    symbol = SYMBOLS[worst.diagnosis.malignancy]
    return Verdict(kind, f"{symbol} {str(kind).capitalize()}: {name}", sentence)


def _say(predictions: Sequence[Prediction], titles: Mapping[str, str], worst: Prediction) -> str:
    if not agree(predictions):
        ordered = sorted(predictions, key=lambda p: p is not worst)
        return describe_agreement(ordered, titles)
    shares = join_words(
        f"{percent(p.confidence)} ({titles[p.model]})"
        if len(predictions) > 1
        else percent(p.confidence)
        for p in predictions
    )
    return f"{describe_agreement(predictions, titles)[:-1]}, at {shares}."
