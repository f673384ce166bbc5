"""A stored network that answers without TensorFlow, and the door to whichever can answer."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from skinmodel.explain.registry import SOFT_ATTENTION, get_method
from skinmodel.imaging import preprocess
from skinmodel.imaging.placement import WHOLE
from skinmodel.imaging.preprocess import Preprocessing
from skinmodel.inference.base import BaseClassifier, Image
from skinmodel.inference.engine import OnnxEngine, Outputs
from skinmodel.inference.messages import Network
from skinmodel.libraries import give_memory_back, quiet_start
from skinmodel.models.registry import ModelSpec, get_spec
from skinmodel.results import Explanation
from skinmodel.trust.guard import read_guard
from skinmodel.weights import store
from skinmodel.weights.record import WeightsRecord

if TYPE_CHECKING:  # at run time this loads TensorFlow
    from skinmodel.inference.classifier import Classifier


_OPENED_AT_ONCE: Final = 2  # each takes twice its weights' memory meanwhile
LOGITS_LAYER: Final = "probabilities/linear"
"""What ``Classifier.activations`` calls the logits, which need no TensorFlow."""


class QuickClassifier(BaseClassifier):
    """One network in ONNX Runtime; safe to share between threads.

    Probabilities, soft attention and features are its own; it hands on to TensorFlow what needs
    gradients or the inside of the network.

    Args:
        spec: as in ``BaseClassifier``, with the next four.
        preprocessing: how an image becomes its input.
        run_id: the training run the weights come from.
        temperature: what its answers are calibrated with.
        record: of the weights; None for a run that is not published.
        open_engine: returns what computes; called each time there is something to compute.
        open_tensorflow: returns the same network in TensorFlow; called when it is needed.
    """

    def __init__(
        self,
        spec: ModelSpec,
        preprocessing: Preprocessing,
        run_id: str,
        temperature: float = 1.0,
        record: WeightsRecord | None = None,
        *,
        open_engine: Callable[[], OnnxEngine],
        open_tensorflow: Callable[[], Network],
    ):
        super().__init__(spec, preprocessing, run_id, temperature, record)
        self._open_engine = open_engine
        self._open_tensorflow = open_tensorflow

    @classmethod
    def of_record(
        cls,
        record: WeightsRecord,
        open_engine: Callable[[], OnnxEngine],
        open_tensorflow: Callable[[], Network],
    ) -> "QuickClassifier":
        """Return the classifier of a record; nothing is loaded yet."""
        return cls(
            get_spec(record.model),
            record.preprocessing,
            record.run_id,
            record.temperature,
            record,
            open_engine=open_engine,
            open_tensorflow=open_tensorflow,
        )

    @classmethod
    def from_stored(
        cls, record: WeightsRecord, folder: Path, open_tensorflow: Callable[[], Network]
    ) -> "QuickClassifier":
        """Return the classifier of stored weights, loaded; errors as in ``load_engine``."""
        engine = load_engine(record, folder)
        classifier = cls.of_record(record, lambda: engine, open_tensorflow)
        classifier.guard = read_guard(record, folder)
        return classifier

    def compute(self, inputs: NDArray[np.float32]) -> Outputs:
        """Return what the network makes of preprocessed inputs, as ``Engine.run``.

        Raises:
            WeightsError: the weights or the graph are missing or corrupt.
        """
        return self._open_engine().run(inputs)

    def explain(self, image: Image, method: str, code: str | None = None) -> Explanation:
        """Return where the network looked on one image; as ``Classifier.explain``."""
        chosen = get_method(method, self.spec)
        if chosen.name != SOFT_ATTENTION:
            return self._open_tensorflow().explain(image, method, code)
        engine = self._open_engine()
        heads = engine.run(preprocess.apply([image], self.preprocessing)).attention
        layer = chosen.layer(self.spec)
        assert heads is not None
        assert layer is not None
        return Explanation(
            model=self.spec.name,
            run_id=self.run_id,
            method=method,
            layer=layer,
            code=None,
            values=heads[0].sum(axis=-1),
            heads=heads[0],
            placement=engine.placement or WHOLE,
        )

    def activations(self, image: Image, layers: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """Return what some layers hand on for one image; as ``Classifier.activations``."""
        if tuple(layers) == (LOGITS_LAYER,):
            inputs = preprocess.apply([image], self.preprocessing)
            return {LOGITS_LAYER: self.compute(inputs).logits[0]}
        return self._open_tensorflow().activations(image, layers)


def load_engine(record: WeightsRecord, folder: Path) -> OnnxEngine:
    """Return the engine of stored weights with a graph, both checked by SHA-256.

    Raises:
        WeightsError: weights or graph are missing, corrupt, or of a network that the program no
            longer has.
    """
    graph = store.load_graph(record, folder)
    engine = OnnxEngine(graph, store.load_weights(record, folder))
    give_memory_back()  # what decoding took, about half as much as the weights
    return engine


def open_stored(record: WeightsRecord, folder: Path) -> "QuickClassifier | Classifier":
    """Return the classifier of stored weights, for a program that ends when it has answered.

    TensorFlow is loaded only for weights without a graph, or once it is needed.

    Args:
        record: from a manifest.
        folder: where its files are.

    Raises:
        WeightsError: as ``load_engine``.
    """
    if record.graph is None:
        return _load_classifier(record, folder)
    open_tensorflow = _Once(lambda: _load_classifier(record, folder))
    return QuickClassifier.from_stored(record, folder, open_tensorflow)


def open_named(name: str) -> "QuickClassifier | Classifier":
    """Return the classifier of a model's or a run's stored weights; as ``open_stored``.

    Args:
        name: registry name of a model, or the id of a run in the store.

    Raises:
        WeightsError: nothing of this name is stored, or as ``open_stored``.
    """
    return open_stored(*store.find(name))


def open_all(names: Sequence[str]) -> "dict[str, QuickClassifier | Classifier]":
    """Return the classifiers of several names, by name; as ``open_named``."""
    found = {name: store.find(name) for name in names}
    with ThreadPoolExecutor(_OPENED_AT_ONCE) as pool:
        opening = {
            name: pool.submit(open_stored, *stored)
            for name, stored in found.items()
            if stored[0].graph is not None
        }
        others = {n: open_stored(*stored) for n, stored in found.items() if n not in opening}
    return {name: others[name] if name in others else opening[name].result() for name in names}


def _load_classifier(record: WeightsRecord, folder: Path) -> "Classifier":
    with quiet_start():
        from skinmodel.inference.classifier import Classifier

    return Classifier.from_stored(record, folder)


class _Once:
    """Calls a function once, however many threads ask."""

    def __init__(self, load: Callable[[], Network]):
        self._load = load
        self._lock = threading.Lock()
        self._loaded: Network | None = None

    def __call__(self) -> Network:
        with self._lock:
            if self._loaded is None:
                self._loaded = self._load()
            return self._loaded
