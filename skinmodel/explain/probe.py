"""Explainers of a loaded network, built and asked for the map of a picture."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from skinmodel.evaluation.measures.calibration import apply_temperature
from skinmodel.explain.registry import SMOOTH_GRAD, SOFT_ATTENTION, Explainer, get_method, place_map
from skinmodel.imaging import preprocess
from skinmodel.imaging.placement import Placement
from skinmodel.imaging.preprocess import Preprocessing
from skinmodel.models.registry import ModelSpec


def build_explainer(name: str, model: Any, spec: ModelSpec) -> Explainer:
    """Return the explainer of a loaded network (loads TensorFlow)."""
    method = get_method(name, spec)
    layer = method.layer(spec)
    assert layer is not None
    if method.name == SOFT_ATTENTION:
        from skinmodel.explain.soft_attention_map import SoftAttentionMap

        return SoftAttentionMap(model, layer)
    if method.slow:
        from skinmodel.explain.many_passes import FasterScoreCam, SmoothGrad

        return SmoothGrad(model) if name == SMOOTH_GRAD else FasterScoreCam(model, layer)
    from skinmodel.explain.grad_cam import GradCam

    return GradCam(model, layer, name)


BATCH: Final = 64


class Probe:
    """One network, for measuring its maps; not for several threads.

    Args:
        model: the network with its weights.
        spec: what it is.
        preprocessing: how pixels become its input.
        temperature: what its answers are calibrated with.
        answer: the network's probabilities, float32, (N, K), of float32 inputs, not calibrated;
            never called while weights are mixed up.
    """

    def __init__(
        self,
        model: Any,
        spec: ModelSpec,
        preprocessing: Preprocessing,
        temperature: float,
        answer: Callable[[NDArray[np.float32]], NDArray[np.float32]],
    ):
        self._model = model
        self._spec = spec
        self._preprocessing = preprocessing
        self._temperature = temperature
        self._answer = answer
        self._explainers: dict[str, Explainer] = {}

    def predict(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return calibrated probabilities, float32, (N, K).

        Args:
            pixels: uint8, (N, height, width, 3), RGB, at the size of the network's input.
        """
        rows = [
            self._answer(self._scale(pixels[start : start + BATCH]))
            for start in range(0, len(pixels), BATCH)
        ]
        return apply_temperature(np.concatenate(rows), self._temperature)

    def explain(
        self, method: str, pixels: NDArray[np.uint8], class_indices: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Return one map a picture, float32, (N, h, w), >= 0, unnormalised.

        Args:
            method: name of a method the network has.
            pixels: see ``predict``.
            class_indices: int64, (N,), the diagnosis each map speaks for.
        """
        if method not in self._explainers:
            self._explainers[method] = build_explainer(method, self._model, self._spec)
        explainer = self._explainers[method]
        maps = [
            explainer.explain_many(
                self._scale(pixels[start : start + BATCH]), class_indices[start : start + BATCH]
            )
            for start in range(0, len(pixels), BATCH)
        ]
        return np.concatenate(maps)

    def place(self, method: str) -> Placement:
        """Return where in the picture the cells of a method's maps look."""
        return place_map(method, self._model, self._spec)

    def count_weighted_layers(self) -> int:
        """Return how many layers have weights."""
        return len(self._weighted())

    def measure_effect(self, pixels: NDArray[np.uint8]) -> float | None:
        """Return how much the soft attention changes the answers.

        Args:
            pixels: see ``predict``.

        Returns:
            The mean total variation, 0 to 1, between the answers and those with gamma = 0, none
            calibrated; None for a network without gamma.
        """
        found = [layer for layer in self._model.layers if layer.name == self._spec.attention_layer]
        if not found or not hasattr(found[0], "gamma"):
            return None
        gamma, before = found[0].gamma, float(found[0].gamma)
        parts = []
        for start in range(0, len(pixels), BATCH):
            inputs = self._scale(pixels[start : start + BATCH])
            own = np.asarray(self._model(inputs, training=False))
            try:
                gamma.assign(0.0)
                without = np.asarray(self._model(inputs, training=False))
            finally:
                gamma.assign(before)
            parts.append(np.abs(own - without).sum(axis=1) / 2)
        return float(np.concatenate(parts).mean())

    @contextmanager
    def mixed_up(self, layers: int, seed: int) -> Iterator[None]:
        """Shuffle the weights of the last ``layers`` layers for as long as this is entered.

        The cascading randomisation of Adebayo et al. (NeurIPS 2018), from the output
        down. Each array's values change places among themselves, so that their size stays what it
        was and activations do not vanish, which would show nothing but that.

        Args:
            layers: how many of those with weights, counted from the output.
            seed: of the shuffling; a longer cascade shuffles the same layers alike.
        """
        chosen = self._weighted()[::-1][:layers]
        before = {layer.name: layer.get_weights() for layer in chosen}
        rng = np.random.default_rng(seed)
        try:
            for layer in chosen:
                layer.set_weights(
                    [rng.permutation(w.ravel()).reshape(w.shape) for w in layer.get_weights()]
                )
            yield
        finally:
            for layer in chosen:
                layer.set_weights(before[layer.name])

    def _weighted(self) -> list[Any]:
        return [layer for layer in self._model.layers if layer.weights]

    def _scale(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        return preprocess.scale(pixels, self._preprocessing)
