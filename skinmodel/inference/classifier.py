"""A trained network that answers: probabilities, predictions and explanations."""

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from skinmodel.diagnoses import CODES, class_index
from skinmodel.errors import ConfigError, WeightsError
from skinmodel.evaluation.measures.calibration import apply_temperature
from skinmodel.explain.probe import Probe, build_explainer
from skinmodel.explain.registry import (
    GRAD_CAM,
    SOFT_ATTENTION,
    Explainer,
    get_method,
    methods_of,
    place_map,
)
from skinmodel.imaging import preprocess
from skinmodel.imaging.preprocess import Preprocessing
from skinmodel.inference.activations import ActivationReader
from skinmodel.inference.views import average_views, make_views
from skinmodel.models.registry import ModelSpec, get_spec
from skinmodel.results import Explanation, Prediction
from skinmodel.weights import store
from skinmodel.weights.record import WeightsRecord

# Every batch has this size, filled up where need be: one graph is traced, and an image gets the
# same answer alone as among others. Eight is one image in its eight views.
BATCH: Final = 8


class Classifier:
    """One trained network; safe to share between threads.

    Args:
        spec: the network.
        weights: every weight by its path, float32.
        preprocessing: how an image becomes its input.
        run_id: the training run the weights come from.
        temperature: what its answers are calibrated with; 1 leaves them as they are.
        record: what the manifest says of the weights; None for a run that is not published.
        model: the network already built, for a shrunk one in tests; None builds it from the spec.

    Raises:
        WeightsError: the weights are not those of this network.
    """

    def __init__(
        self,
        spec: ModelSpec,
        weights: Mapping[str, NDArray[np.float32]],
        preprocessing: Preprocessing,
        run_id: str,
        temperature: float = 1.0,
        record: WeightsRecord | None = None,
        model: Any = None,
    ):
        self.spec = spec
        self.preprocessing = preprocessing
        self.run_id = run_id
        self.temperature = temperature
        self.record = record
        # Weights are assigned next, so drawing 57 million random ones would be a second wasted.
        self._model = spec.build(kernel_initializer="zeros") if model is None else model
        _assign(self._model, weights, run_id)
        shape = (BATCH, preprocessing.height, preprocessing.width, 3)
        self._run = tf.function(
            lambda inputs: self._model(inputs, training=False),
            input_signature=[tf.TensorSpec(shape, tf.float32)],
        )
        self._explainers: dict[str, Explainer] = {}
        self._readers: dict[tuple[str, ...], ActivationReader] = {}
        self._lock = threading.RLock()

    @classmethod
    def load(cls, name: str) -> "Classifier":
        """Return the classifier of a model's or a run's stored weights, checked by SHA-256.

        Args:
            name: registry name of a model, or the id of a run in the store.

        Raises:
            WeightsError: nothing of this name is stored, or the weights are missing, corrupt, or
                of a network that the program no longer has.
        """
        return cls.from_stored(*store.find(name))

    @classmethod
    def from_stored(cls, record: WeightsRecord, folder: Path) -> "Classifier":
        """Return the classifier of the weights that a record names, checked by SHA-256.

        Args:
            record: from a manifest.
            folder: where its file is.

        Raises:
            WeightsError: the weights are missing, corrupt, or of a network that the program no
                longer has.
        """
        weights = store.load_weights(record, folder)
        spec = get_spec(record.model)
        return cls(spec, weights, record.preprocessing, record.run_id, record.temperature, record)

    @property
    def methods(self) -> tuple[str, ...]:
        """Names of the methods that can explain this network, the slow ones last."""
        return methods_of(self.spec)

    def predict(self, images: Sequence[NDArray[np.uint8]], views: int = 1) -> NDArray[np.float32]:
        """Return calibrated class probabilities.

        Args:
            images: N arrays, uint8, (H, W, 3), RGB, 0-255; sizes may differ.
            views: 1, or 8 to average over all flips and quarter turns.

        Returns:
            float32, (N, K), rows summing to 1, columns in the order of ``CODES``; the same for
            an image whatever stands beside it.

        Raises:
            ConfigError: no images, or another number of views.
            ImageError: an image is no such array.
        """
        if not len(images):
            raise ConfigError("There is no image to classify; give at least one.")
        inputs = make_views(preprocess.apply(images, self.preprocessing), views)
        averaged = average_views(self._predict_inputs(inputs), views)
        return apply_temperature(averaged, self.temperature)

    def classify(self, images: Sequence[NDArray[np.uint8]], views: int = 1) -> list[Prediction]:
        """Return one prediction an image; arguments and errors are those of ``predict``."""
        return [
            Prediction(self.spec.name, self.run_id, tuple(float(p) for p in row), self.temperature)
            for row in self.predict(images, views)
        ]

    def explain(
        self, image: NDArray[np.uint8], method: str, code: str | None = None
    ) -> Explanation:
        """Return where the network looked on one image.

        Args:
            image: uint8, (H, W, 3), RGB, 0-255.
            method: one of ``methods``.
            code: the diagnosis the map is to speak for; None for the most probable one. Methods
                that know no class take no notice of it.

        Raises:
            ImageError: ``image`` is no such array.
            UnknownNameError: the network has no such method, or there is no such diagnosis.
        """
        chosen = get_method(method, self.spec)
        layer = chosen.layer(self.spec)
        assert layer is not None
        inputs = preprocess.apply([image], self.preprocessing)
        if not chosen.per_class:
            code = None
        elif code is None:
            code = CODES[int(self._predict_inputs(inputs)[0].argmax())]
        with self._lock:
            explainer = self._explainer(method)
            found = explainer(inputs, class_index(code) if code else 0)
            placement = place_map(method, self._model, self.spec)
        return Explanation(
            model=self.spec.name,
            run_id=self.run_id,
            method=method,
            layer=layer,
            code=code,
            values=found.values,
            heads=found.heads,
            placement=placement,
        )

    def activations(
        self, image: NDArray[np.uint8], layers: Sequence[str]
    ) -> dict[str, NDArray[np.float32]]:
        """Return what some layers hand on for one image.

        Args:
            image: uint8, (H, W, 3), RGB, 0-255.
            layers: names as ``ActivationReader`` reads them: a layer's own for its output, with
                ``/linear`` for a Conv2D or Dense before its activation, ``/input`` for what
                enters it, ``/1`` for its second output.

        Returns:
            float32 by name, without the batch axis.

        Raises:
            ConfigError: ``layers`` is empty.
            ImageError: ``image`` is no such array.
            UnknownNameError: the network has no such layer.
        """
        inputs = preprocess.apply([image], self.preprocessing)
        names = tuple(layers)
        with self._lock:
            if names not in self._readers:
                self._readers[names] = ActivationReader(self._model, names)
            return dict(self._readers[names](inputs))

    def probe(self) -> Probe:
        """Return the network for measuring its maps; while it is used, nothing else may use it."""
        return Probe(self._model, self.spec, self.preprocessing, self.temperature)

    def warm_up(self) -> None:
        """Trace the graphs of answers and usual maps, so that the first image waits for nothing."""
        blank = np.zeros((self.preprocessing.height, self.preprocessing.width, 3), np.uint8)
        self.predict([blank])
        for method in (SOFT_ATTENTION, GRAD_CAM):
            if method in self.methods:
                self.explain(blank, method, CODES[0])

    def _predict_inputs(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        rows = []
        for start in range(0, len(inputs), BATCH):
            chunk = inputs[start : start + BATCH]
            padded = np.zeros((BATCH, *chunk.shape[1:]), np.float32)
            padded[: len(chunk)] = chunk
            with self._lock:
                rows.append(self._run(tf.constant(padded)).numpy()[: len(chunk)])
        return np.concatenate(rows)

    def _explainer(self, method: str) -> Explainer:
        if method not in self._explainers:
            self._explainers[method] = build_explainer(method, self._model, self.spec)
        return self._explainers[method]


def load_ready(record: WeightsRecord, folder: Path) -> Classifier:
    """Return a stored network with every graph traced; takes seconds.

    What the networks' own process loads them by (see ``worker``); arguments and errors are those
    of ``Classifier.from_stored``.
    """
    classifier = Classifier.from_stored(record, folder)
    classifier.warm_up()
    return classifier


def _assign(model: Any, weights: Mapping[str, NDArray[np.float32]], run_id: str) -> None:
    variables = {v.path: v for v in model.variables if str(v.dtype) == "float32"}
    wrong = sorted(
        {*variables.keys()} ^ {*weights.keys()}
        | {
            name
            for name in variables.keys() & weights.keys()
            if tuple(variables[name].shape) != weights[name].shape
        }
    )
    if wrong:
        raise WeightsError(
            f"The weights of run '{run_id}' do not fit the network '{model.name}': missing, "
            f"unknown or of another shape are {', '.join(wrong[:5])} ({len(wrong)} in all). They "
            "come from another version; train the network again."
        )
    for name, variable in variables.items():
        variable.assign(weights[name])
