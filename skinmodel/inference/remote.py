"""A network that answers from the networks' own process."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from skinmodel import preprocess
from skinmodel.explain.registry import methods_of
from skinmodel.inference.messages import Activate, Classify, Explain, Load, Stored
from skinmodel.inference.process import NetworkProcess
from skinmodel.models.registry import ModelSpec, get_spec
from skinmodel.preprocess import Preprocessing
from skinmodel.results import Explanation, Prediction
from skinmodel.weights.record import WeightsRecord


class RemoteClassifier:
    """One stored network in the networks' process; what pages ask in place of a ``Classifier``.

    Making one loads nothing. The first request does, and so does one after the process has ended;
    pictures are reduced to the network's input size here, so that no more than it sees travels.

    Args:
        process: where the network is to be.
        record: of its weights.
        folder: where their file is.
    """

    def __init__(self, process: NetworkProcess, record: WeightsRecord, folder: Path):
        self._process = process
        self._network = Stored(record, folder)
        self.record = record

    @property
    def spec(self) -> ModelSpec:
        """The network's description."""
        return get_spec(self.record.model)

    @property
    def run_id(self) -> str:
        """The training run the weights come from."""
        return self.record.run_id

    @property
    def temperature(self) -> float:
        """What its answers are calibrated with."""
        return self.record.temperature

    @property
    def preprocessing(self) -> Preprocessing:
        """How an image becomes its input."""
        return self.record.preprocessing

    @property
    def methods(self) -> tuple[str, ...]:
        """Names of the methods that can explain this network."""
        return methods_of(self.spec)

    @property
    def is_held(self) -> bool:
        """Whether the process has the network ready now."""
        return self._network.key in self._process.progress.held

    def load(self) -> None:
        """Have the network ready; takes seconds. Errors as in ``NetworkProcess.ask``.

        Raises:
            WeightsError: as ``Classifier.from_stored``.
        """
        self._process.ask(Load(self._network))

    def classify(self, images: Sequence[NDArray[np.uint8]], views: int = 1) -> list[Prediction]:
        """Return one prediction an image; as ``Classifier.classify`` and ``load``."""
        reduced = tuple(preprocess.resize(image, self.preprocessing) for image in images)
        predictions: list[Prediction] = self._process.ask(Classify(self._network, reduced, views))
        return predictions

    def explain(
        self, image: NDArray[np.uint8], method: str, code: str | None = None
    ) -> Explanation:
        """Return where the network looked on one image; as ``Classifier.explain`` and ``load``."""
        reduced = preprocess.resize(image, self.preprocessing)
        explanation: Explanation = self._process.ask(Explain(self._network, reduced, method, code))
        return explanation

    def activations(
        self, image: NDArray[np.uint8], layers: Sequence[str]
    ) -> dict[str, NDArray[np.float32]]:
        """Return what some layers hand on; as ``Classifier.activations`` and ``load``."""
        reduced = preprocess.resize(image, self.preprocessing)
        outputs: dict[str, NDArray[np.float32]] = self._process.ask(
            Activate(self._network, reduced, tuple(layers))
        )
        return outputs
