"""A trained network that answers: probabilities, predictions and explanations."""

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from skinmodel.diagnoses import CODES, class_index
from skinmodel.errors import WeightsError
from skinmodel.explain.probe import Probe, build_explainer
from skinmodel.explain.registry import (
    GRAD_CAM,
    SOFT_ATTENTION,
    Explainer,
    get_method,
    place_map,
)
from skinmodel.imaging import preprocess
from skinmodel.imaging.preprocess import Preprocessing
from skinmodel.inference.activations import ActivationReader
from skinmodel.inference.base import BaseClassifier
from skinmodel.inference.engine import (
    ATTENTION,
    BULK,
    FEATURES,
    LOGITS,
    Engine,
    OnnxEngine,
    Outputs,
)
from skinmodel.models.registry import ModelSpec, get_spec
from skinmodel.results import Explanation
from skinmodel.trust.guard import read_guard
from skinmodel.weights import store
from skinmodel.weights.record import WeightsRecord


class Classifier(BaseClassifier):
    """One trained network in TensorFlow; safe to share between threads.

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
        super().__init__(spec, preprocessing, run_id, temperature, record)
        # Weights are assigned next, so drawing 57 million random ones would be a second wasted.
        self._model = spec.build(kernel_initializer="zeros") if model is None else model
        _assign(self._model, weights, run_id)
        shape = (None, preprocessing.height, preprocessing.width, 3)
        compute = _Computation(self._model, spec.attention_layer)
        self._run = tf.function(compute, input_signature=[tf.TensorSpec(shape, tf.float32)])
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
        loaded = cls(spec, weights, record.preprocessing, record.run_id, record.temperature, record)
        loaded.guard = read_guard(record, folder)
        return loaded

    def compute(self, inputs: NDArray[np.float32]) -> Outputs:
        """Return what the network makes of preprocessed inputs, as ``Engine.run``."""
        parts = []
        for start in range(0, len(inputs), BULK):
            chunk = tf.constant(inputs[start : start + BULK])
            with self._lock:
                parts.append({name: part.numpy() for name, part in self._run(chunk).items()})
        found = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        return Outputs(found[LOGITS], found[FEATURES], found.get(ATTENTION))

    def build_graph(self) -> bytes | None:
        """Return the network's graph, see ``graph``; None where TensorFlow has to answer."""
        from skinmodel.inference.graph import build_graph, find_unknown

        if find_unknown(self._model):
            return None
        return build_graph(self._model, self.spec.attention_layer)

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
            code = CODES[int(self.compute(inputs).logits[0].argmax())]
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
        graph = self.build_graph()
        engine: Engine | None = None
        if graph is not None:  # its answers take less time, and measuring asks for thousands
            weights = {v.path: np.asarray(v) for v in self._model.variables if _is_weight(v)}
            engine = OnnxEngine(graph, weights)

        def answer(inputs: NDArray[np.float32]) -> NDArray[np.float32]:
            return (self.compute(inputs) if engine is None else engine.run(inputs)).probabilities

        return Probe(self._model, self.spec, self.preprocessing, self.temperature, answer)

    def warm_up(self) -> None:
        """Trace the graphs of answers and usual maps, so that the first image waits for nothing."""
        blank = np.zeros((self.preprocessing.height, self.preprocessing.width, 3), np.uint8)
        self.predict([blank])
        for method in (SOFT_ATTENTION, GRAD_CAM):
            if method in self.methods:
                self.explain(blank, method, CODES[0])

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


class _Computation:
    """Everything that ``Outputs`` holds in one pass.

    The last layer is a Dense with its softmax inside; here it stops before that.
    """

    def __init__(self, model: Any, attention_layer: str | None):
        self._last = model.layers[-1]
        outputs = {FEATURES: self._last.input}
        if attention_layer is not None:
            outputs[ATTENTION] = model.get_layer(attention_layer).output[1]
        self._model = keras.Model(model.input, outputs)

    def __call__(self, inputs: Any) -> dict[str, Any]:
        found = self._model(inputs, training=False)
        features = tf.cast(found[FEATURES], tf.float32)
        logits = tf.matmul(features, self._last.kernel) + self._last.bias
        return {**found, FEATURES: features, LOGITS: logits}


def _is_weight(variable: Any) -> bool:
    return str(variable.dtype) == "float32"  # a random generator's state is not


def _assign(model: Any, weights: Mapping[str, NDArray[np.float32]], run_id: str) -> None:
    variables = {v.path: v for v in model.variables if _is_weight(v)}
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
