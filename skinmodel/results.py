"""Results with their provenance: what every page, file and table of this project is made of."""

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from skinmodel.diagnoses import CODES, Diagnosis, get_diagnosis
from skinmodel.errors import ConfigError
from skinmodel.imaging.placement import WHOLE, Placement

DISCLAIMER: Final = "Research and teaching tool, not a medical device."


@dataclass(frozen=True)
class Prediction:
    """What one model says of one image.

    Attributes:
        model: registry name of the model, such as ``cnn_sa``.
        run_id: the training run its weights come from.
        probabilities: K floats in [0, 1] that sum to 1, in the order of ``CODES``.
        temperature: what they were calibrated with (see ``measures.calibration``); 1 for raw
            ones.
    """

    model: str
    run_id: str
    probabilities: tuple[float, ...]
    temperature: float = 1.0

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

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON, with the disclaimer."""
        return {
            "model": self.model,
            "run_id": self.run_id,
            "prediction": self.code,
            "probabilities": dict(zip(CODES, self.probabilities, strict=True)),
            "temperature": self.temperature,
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
