"""The gate: whether a picture is one that a network can judge, and if not, why.

Two measures are added up, each in units of its own spread on validation pictures: how unlike the
training pictures it looks (``trust.picture``), and how unlike theirs the network's features of it
are. Beside them stand single measures of quality, such as blur or a black border.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from skinmodel.results import Gate, Outcome
from skinmodel.trust.picture import GREYS, GROUP_OF, GROUPS, NAMES
from skinmodel.trust.subspace import Scores, Subspace

Rows = NDArray[np.floating]

DECLINED_AT_MOST: Final = 0.02
CAUTIONED_AT_MOST: Final = 0.10
"""Shares of validation pictures that the gate may decline, and give a caution."""

_STRANGE_DECLINED: Final = 0.005
_QUALITY_TAIL: Final = 0.0025
_MARGIN: Final = 0.005  # of cautions: a score that rounding moves may not break the promise
_DARK: Final = 12.0  # of a cell's CIELAB lightness: black to the eye

_LIGHT: Final = NAMES.index("L-0.5")
_LOWEST, _HIGHEST = NAMES.index("L-0.02"), NAMES.index("L-0.98")
_CELL_LIGHTS: Final = [
    i for i, name in enumerate(NAMES) if name.startswith("cell-") and "L" in name
]

# Measure of quality -> sides of it that are a fault, and what is said.
_FAULTS: Final[Mapping[tuple[str, str], str]] = {
    ("sharpness", "low"): "It has less fine detail than all but a few pictures of HAM10000: it may "
    "be blurred or enlarged.",
    (
        "sharpness",
        "high",
    ): "It has more fine detail than all but a few pictures of HAM10000: it may "
    "be noisy or full of hair.",
    ("lightness", "low"): "It is darker than all but a few pictures of HAM10000.",
    ("lightness", "high"): "It is brighter than all but a few pictures of HAM10000.",
    ("contrast", "low"): "It has less contrast than all but a few pictures of HAM10000.",
    ("black", "high"): "A black border or black corners cover more of it than of all but a few "
    "pictures of HAM10000.",
}
QUALITIES: Final = ("sharpness", "lightness", "contrast", "black")

_LOOKS: Final[Mapping[str, str]] = {
    "brightness": "it is far brighter, darker or more even",
    "colour": "its colours are others",
    "detail": "it has another kind of detail",
    "layout": "light, dark and colour lie elsewhere",
    "features": "the network finds in it what they do not have",
}
_DECLINED: Final = (
    "This does not look like a dermoscopic picture of a lesion: beside those the network was "
    "trained on, {why}."
)
_UNUSUAL: Final = "It is unlike most pictures the network was trained on: {why}."


@dataclass(frozen=True, eq=False)
class GateModel:
    """What one network's gate knows.

    Attributes:
        picture: of the training pictures' descriptions.
        features: of the network's features of them.
        centres: median on validation pictures of the score of ``picture`` and of ``features``.
        spreads: likewise, distance from there to the score that 1.5 % exceed.
        caution: sum of both, in spreads, above which a picture is unusual.
        decline: likewise, above which it is declined.
        groups: float32, (G,), mean squared deviation of each group of ``picture.GROUPS`` that 1 %
            of validation pictures exceed.
        low: by quality, below which it is a fault.
        high: by quality, above which it is a fault.
    """

    picture: Subspace
    features: Subspace
    centres: tuple[float, float]
    spreads: tuple[float, float]
    caution: float
    decline: float
    groups: NDArray[np.float32]
    low: Mapping[str, float]
    high: Mapping[str, float]

    def score(self, described: Rows, features: Rows) -> tuple[Scores, Scores]:
        """Return how unlike the training pictures N pictures are, in spreads, float64, (N,) each.

        Args:
            described: float32, (N, D), from ``picture.describe``.
            features: float32, (N, F), of the network.
        """
        looks = (self.picture.score(described) - self.centres[0]) / self.spreads[0]
        found = (self.features.score(features) - self.centres[1]) / self.spreads[1]
        return looks, found

    def judge(
        self, described: Rows, features: Rows, size: tuple[int, int], side: int
    ) -> tuple[Gate, bool]:
        """Return what becomes of one picture, and whether it is foreign.

        A foreign picture is one that is declined, unusual or too small: calibration on HAM10000
        makes a network too sure of those.

        Args:
            described: float32, (D,), from ``picture.describe``.
            features: float32, (F,), of the network.
            size: (H, W) of the picture as it was given, in pixels.
            side: shorter side of the network's input, in pixels.
        """
        (looks,), (found,) = self.score(described[None], features[None])
        strange = looks + found
        why = self._explain(described, looks, found)
        small = min(size) < side
        reasons = []
        if self.decline < strange:
            reasons.append(_DECLINED.format(why=why))
        elif self.caution < strange:
            reasons.append(_UNUSUAL.format(why=why))
        if small:
            reasons.append(
                f"The picture has {size[1]} x {size[0]} pixels, fewer than the {side} a side that "
                "the network looks at: detail is missing, and melanomas are missed more often."
            )
        reasons += [text for fault, text in _FAULTS.items() if self._has(described, *fault)]
        outcome = Outcome.CAUTION if reasons else Outcome.ANSWERED
        if self.decline < strange:
            outcome = Outcome.DECLINED
        return Gate(outcome, tuple(reasons)), bool(small or self.caution < strange)

    def _has(self, described: Rows, quality: str, side: str) -> bool:
        value = float(measure_quality(described[None])[quality][0])
        return value < self.low[quality] if side == "low" else value > self.high[quality]

    def _explain(self, described: Rows, looks: float, found: float) -> str:
        """Return which of the measures stands out most, in words."""
        if found > looks:
            return _LOOKS["features"]
        ratios = measure_groups(self.picture, described[None])[0] / self.groups
        return _LOOKS[GROUPS[int(ratios.argmax())]]


def measure_quality(described: Rows) -> dict[str, Scores]:
    """Return the single measures of quality of N descriptions, float64, (N,) each, by name.

    ``sharpness`` is the logarithm of the finest detail's energy, ``lightness`` the median and
    ``contrast`` the span of CIELAB's L, ``black`` the share of 36 cells that are black.
    """
    values = described.astype(np.float64)
    return {
        "sharpness": values[:, GREYS],
        "lightness": values[:, _LIGHT],
        "contrast": values[:, _HIGHEST] - values[:, _LOWEST],
        "black": (values[:, _CELL_LIGHTS] < _DARK).mean(axis=1),
    }


def measure_groups(picture: Subspace, described: Rows) -> NDArray[np.float32]:
    """Return the mean squared deviation of each group of measures, float32, (N, G)."""
    squares = picture.deviations(described) ** 2
    groups = [squares[:, number == GROUP_OF].mean(axis=1) for number in range(len(GROUPS))]
    return np.stack(groups, axis=1)


def fit_gate(picture: Subspace, features: Subspace, described: Rows, seen: Rows) -> GateModel:
    """Return a gate whose limits are set on validation pictures.

    Half a percent of them is declined: measured on drawings of other things, a limit as loose as
    that still declines nearly all, and a stricter one would turn down many more pictures of other
    clinics. Cautions take what is left of a tenth.

    Args:
        picture: fitted on training pictures.
        features: likewise, of the network.
        described: float32, (N, D), of validation pictures.
        seen: float32, (N, F), the network's features of them.
    """
    scores = picture.score(described), features.score(seen)
    centres = tuple(float(np.median(score)) for score in scores)
    spreads = tuple(
        float(np.quantile(score, 0.985)) - centre
        for score, centre in zip(scores, centres, strict=True)
    )
    strange = sum(
        (score - centre) / spread
        for score, centre, spread in zip(scores, centres, spreads, strict=True)
    )
    strange = np.asarray(strange)
    decline = float(np.quantile(strange, 1 - _STRANGE_DECLINED))
    qualities = measure_quality(described)
    low = {name: float(np.quantile(v, _QUALITY_TAIL)) for name, v in qualities.items()}
    high = {name: float(np.quantile(v, 1 - _QUALITY_TAIL)) for name, v in qualities.items()}
    faulty = np.zeros(len(described), bool)
    for quality, side in _FAULTS:
        value = qualities[quality]
        faulty |= value < low[quality] if side == "low" else value > high[quality]
    return GateModel(
        picture=picture,
        features=features,
        centres=(centres[0], centres[1]),
        spreads=(spreads[0], spreads[1]),
        caution=_find_caution(strange, decline, faulty),
        decline=decline,
        groups=np.quantile(measure_groups(picture, described), 0.99, axis=0).astype(np.float32),
        low=low,
        high=high,
    )


def _find_caution(strange: Scores, decline: float, faulty: NDArray[np.bool_]) -> float:
    """Return the lowest limit with which all cautions together stay within their share."""
    answered = strange[(strange <= decline) & ~faulty]
    faults = int((faulty & (strange <= decline)).sum())
    left = int((CAUTIONED_AT_MOST - _MARGIN) * len(strange)) - faults
    return float(np.sort(answered)[::-1][left]) if left < len(answered) else float(answered.min())
