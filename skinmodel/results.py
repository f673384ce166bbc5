"""Results with their provenance: what every page, file and table of this project is made of."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from skinmodel.diagnoses import CODES, Diagnosis, get_diagnosis
from skinmodel.errors import ConfigError
from skinmodel.imaging.placement import WHOLE, Placement

DISCLAIMER: Final = "Research and teaching tool, not a medical device."


class Outcome(StrEnum):
    """What the gate before an answer decides, the mildest first."""

    ANSWERED = "answered"
    CAUTION = "caution"
    DECLINED = "declined"


@dataclass(frozen=True)
class Gate:
    """Whether a picture is one that a network can judge.

    Attributes:
        outcome: what is to become of the answer.
        reasons: why, full sentences, the most serious first; none where it is answered.
    """

    outcome: Outcome
    reasons: tuple[str, ...] = ()

    @property
    def declined(self) -> bool:
        """True where the answer is to be withheld unless somebody insists."""
        return self.outcome is Outcome.DECLINED

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"outcome": str(self.outcome), "reasons": list(self.reasons)}


def join_gates(gates: Iterable[Gate]) -> Gate | None:
    """Return the strictest outcome with every reason once, strictest first; None of none."""
    order = list(Outcome)
    ranked = sorted(gates, key=lambda gate: -order.index(gate.outcome))
    reasons = dict.fromkeys(reason for gate in ranked for reason in gate.reasons)
    return Gate(ranked[0].outcome, tuple(reasons)) if ranked else None


@dataclass(frozen=True)
class Figure:
    """A measured share with its 95 % interval; NaN where it is not defined."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class LabelSet:
    """The diagnoses that hold the true one with a chosen probability (a conformal set).

    Attributes:
        level: the coverage aimed at, such as 0.9.
        codes: diagnoses in the set, the most probable first; may be empty.
        coverage: share of HAM10000's test pictures whose set held the truth.
        abroad: the same on ISIC 2019 outside HAM10000; None where it was not measured.
    """

    level: float
    codes: tuple[str, ...]
    coverage: Figure
    abroad: Figure | None = None


@dataclass(frozen=True)
class Threshold:
    """An answer beside a threshold that finds a chosen share of a target.

    Attributes:
        target: ``melanoma`` or ``malignant``.
        level: the sensitivity the threshold was chosen for, on validation lesions.
        threshold: of the summed probability of the target's diagnoses.
        score: that sum for this picture, of calibrated probabilities.
        sensitivity: of the threshold, on HAM10000's test lesions.
        specificity: likewise.
    """

    target: str
    level: float
    threshold: float
    score: float
    sensitivity: Figure
    specificity: Figure

    @property
    def above(self) -> bool:
        """Whether this picture is one that the threshold finds."""
        return self.score >= self.threshold


@dataclass(frozen=True)
class Trust:
    """How far one answer can be trusted, from what was measured of its network.

    Attributes:
        gate: whether the picture is one that the network can judge.
        raw: probabilities before calibration, in the order of ``CODES``.
        calibrated: whether the answer's probabilities are calibrated; they are raw where the gate
            finds the picture foreign, since calibration makes a network too sure there.
        sets: of the calibrated probabilities, by rising level.
        thresholds: likewise, by target, then rising level.
    """

    gate: Gate
    raw: tuple[float, ...]
    calibrated: bool = True
    sets: tuple[LabelSet, ...] = ()
    thresholds: tuple[Threshold, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "gate": self.gate.to_dict(),
            "calibrated": self.calibrated,
            "raw_probabilities": dict(zip(CODES, self.raw, strict=True)),
            "sets": [asdict(part) for part in self.sets],
            "thresholds": [{**asdict(part), "above": part.above} for part in self.thresholds],
        }


@dataclass(frozen=True)
class Prediction:
    """What one model says of one image.

    Attributes:
        model: registry name of the model, such as ``cnn_sa``.
        run_id: the training run its weights come from.
        probabilities: K floats in [0, 1] that sum to 1, in the order of ``CODES``.
        temperature: what they were calibrated with (see ``measures.calibration``); 1 for raw
            ones.
        trust: how far the answer can be trusted; None where nothing was measured for that.
    """

    model: str
    run_id: str
    probabilities: tuple[float, ...]
    temperature: float = 1.0
    trust: Trust | None = None

    @property
    def declined(self) -> bool:
        """True where the picture is none that the network can judge."""
        return self.trust is not None and self.trust.gate.declined

    @property
    def code(self) -> str:
        """Code of the most probable diagnosis; the first in class order where two tie."""
        return CODES[int(np.argmax(self.probabilities))]

    @property
    def diagnosis(self) -> Diagnosis:
        """The most probable diagnosis."""
        return get_diagnosis(self.code)

    @property
    def confidence(self) -> float:
        """Probability of the most probable diagnosis."""
        return max(self.probabilities)

    def to_dict(self, *, force: bool = True) -> dict[str, Any]:
        """Return plain values for JSON, with the disclaimer.

        Args:
            force: give the answer also where the gate declines the picture; without, only why.
        """
        origin = {"model": self.model, "run_id": self.run_id}
        trust = {} if self.trust is None else self.trust.to_dict()
        if self.declined and not force:
            return {**origin, "gate": trust["gate"], "disclaimer": DISCLAIMER}
        return {
            **origin,
            "prediction": self.code,
            "probabilities": dict(zip(CODES, self.probabilities, strict=True)),
            "temperature": self.temperature,
            **trust,
            "disclaimer": DISCLAIMER,
        }


@dataclass(frozen=True)
class Explanation:
    """Where one model looked on one image, before any scaling or colour.

    Attributes:
        model: registry name of the model.
        run_id: the training run its weights come from.
        method: a name of ``explain.registry.METHODS``.
        layer: name of the layer the map is read from.
        code: the diagnosis the map speaks for; None where the method knows no class.
        values: float32, (h, w), >= 0, unnormalised.
        heads: float32, (h, w, M), one map a head, each summing to 1; None without heads.
        head: number, from 1, of the one head that ``values`` is; None for all of them together and
            where there are none.
    """

    model: str
    run_id: str
    method: str
    layer: str
    code: str | None
    values: NDArray[np.float32]
    heads: NDArray[np.float32] | None = None
    head: int | None = None
    placement: Placement = WHOLE

    def of_head(self, number: int) -> "Explanation":
        """Return the map of one head alone; nothing is computed for it.

        Args:
            number: from 1 to M.

        Raises:
            ConfigError: there is no such head.
        """
        count = 0 if self.heads is None else self.heads.shape[-1]
        if self.heads is None or not 1 <= number <= count:
            raise ConfigError(
                f"The map by {self.method} of {self.model} has {count} heads; head {number} was "
                f"asked for. Name one from 1 to {count}, or take the map as it is."
            )
        return replace(self, values=np.ascontiguousarray(self.heads[..., number - 1]), head=number)

    @property
    def raw_maximum(self) -> float:
        """Largest value of the map in the method's own unit."""
        return float(self.values.max())

    @property
    def is_null(self) -> bool:
        """True when the map holds no positive evidence: nothing may be drawn from it."""
        return not self.raw_maximum > 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON, without the per-head maps."""
        return {
            "model": self.model,
            "run_id": self.run_id,
            "method": self.method,
            **({} if self.head is None else {"head": self.head}),
            "layer": self.layer,
            "diagnosis": self.code,
            "raw_maximum": self.raw_maximum,
            "is_null": self.is_null,
            "placement": self.placement.to_list(),
            "values": self.values.astype(float).tolist(),
            "disclaimer": DISCLAIMER,
        }
