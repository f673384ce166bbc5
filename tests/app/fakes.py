"""Networks for page tests: the interface of ``RemoteClassifier`` without a process behind it."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from skinmodel.diagnoses import CODES
from skinmodel.models.registry import get_spec
from skinmodel.results import Explanation, Prediction
from skinmodel.weights.record import SCHEMA_VERSION, WeightsRecord


def make_probabilities(**shares: float) -> tuple[float, ...]:
    """Return seven probabilities: those given by code, the rest shared out evenly."""
    left = (1.0 - sum(shares.values())) / (len(CODES) - len(shares))
    return tuple(shares.get(code, left) for code in CODES)


def make_record(model: str, leaks: bool = False) -> WeightsRecord:
    """Return a record as the shipped manifest would hold it."""
    return WeightsRecord(
        schema_version=SCHEMA_VERSION,
        model=model,
        run_id=f"grouped-{model}-0123abcd",
        file=f"{model}.safetensors",
        bytes=1,
        sha256="0" * 64,
        form="compact",
        preprocessing=get_spec(model).preprocessing,
        temperature=1.25,
        recipe={"name": "grouped"},
        recipe_fingerprint="0123abcd",
        split={"name": "grouped", "seed": 1, "fingerprint": "f" * 64, "leaks": leaks},
        classes=CODES,
        versions=dict.fromkeys(("keras", "numpy", "python", "skinmodel", "tensorflow"), "1"),
        metrics={
            "test": {
                "balanced_accuracy": {"value": 0.25, "low": 0.2, "high": 0.3},
                "macro_auc": {"value": 0.75, "low": 0.7, "high": 0.8},
            }
        },
        created="2026-01-01T00:00:00+00:00",
        licence="CC BY-NC 4.0",
    )


class FakeClassifier:
    """A network that says what it is told to, and counts how often it is asked."""

    def __init__(self, model: str, probabilities: tuple[float, ...], null_for: str | None = None):
        self.spec = get_spec(model)
        self.record = make_record(model)
        self.null_for = null_for
        self.is_held = True
        self.has_tensorflow = True
        self.failure: Exception | None = None
        self.predicted = 0
        self.explained: list[tuple[str, str | None]] = []
        self._probabilities = probabilities

    @property
    def methods(self) -> tuple[str, ...]:
        return ("soft_attention", "grad_cam") if self.spec.attention_layer else ("grad_cam",)

    def can_explain(self, _method: str) -> bool:
        return self.has_tensorflow

    def can_read(self, _layers: Sequence[str]) -> bool:
        return self.has_tensorflow

    def load_tensorflow(self) -> None:
        self.has_tensorflow = True

    def classify(self, images: Sequence[NDArray[np.uint8]], views: int = 1) -> list[Prediction]:
        if self.failure is not None:
            raise self.failure
        assert views == 1
        self.predicted += 1
        run = self.record.run_id
        temperature = self.record.temperature
        return [Prediction(self.spec.name, run, self._probabilities, temperature) for _ in images]

    def explain(
        self, image: NDArray[np.uint8], method: str, code: str | None = None
    ) -> Explanation:
        assert image.dtype == np.uint8
        self.explained.append((method, code))
        row, column = np.mgrid[-1:1:8j, -1:1:8j]
        values = np.exp(-3 * ((row - 0.3) ** 2 + column**2)).astype(np.float32)
        layer, heads = self.spec.cam_layer, None
        if method == "soft_attention":
            layer = str(self.spec.attention_layer)
            one = values / values.sum()
            heads = np.stack([np.roll(one, k, axis=k % 2) for k in range(12)], axis=2)
            values = heads.sum(axis=2)
        explanation = Explanation(
            self.spec.name, self.record.run_id, method, layer, code, values, heads
        )
        if code is not None and code == self.null_for:
            return replace(explanation, values=np.zeros_like(values))
        return explanation


AGREEING = {
    "cnn": make_probabilities(nv=0.91, bkl=0.05),
    "cnn_sa": make_probabilities(nv=0.86, bkl=0.09),
}
DISAGREEING = {
    "cnn": make_probabilities(nv=0.48, mel=0.36),
    "cnn_sa": make_probabilities(mel=0.55, nv=0.30),
}


def make_classifiers(
    probabilities: dict[str, tuple[float, ...]] = AGREEING, null_for: str | None = None
) -> dict[str, FakeClassifier]:
    """Return one fake for each network named."""
    return {name: FakeClassifier(name, p, null_for) for name, p in probabilities.items()}
