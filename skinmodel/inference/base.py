"""What every classifier answers alike, whatever computes: probabilities, predictions, features."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from skinmodel.errors import ConfigError
from skinmodel.evaluation.measures.calibration import apply_temperature
from skinmodel.explain.registry import methods_of
from skinmodel.imaging import preprocess
from skinmodel.imaging.preprocess import Preprocessing
from skinmodel.inference.engine import Outputs
from skinmodel.inference.views import average_views, make_views
from skinmodel.models.registry import ModelSpec
from skinmodel.results import Prediction, Trust
from skinmodel.trust.guard import Guard
from skinmodel.weights.record import WeightsRecord

Image = NDArray[np.uint8]


class BaseClassifier:
    """One trained network that answers; its subclasses say what computes.

    Args:
        spec: the network.
        preprocessing: how an image becomes its input.
        run_id: the training run the weights come from.
        temperature: what its answers are calibrated with; 1 leaves them as they are.
        record: what the manifest says of the weights; None for a run that is not published.

    Attributes:
        guard: the gate and the rules of trust; None where none were fitted for the weights.
    """

    def __init__(
        self,
        spec: ModelSpec,
        preprocessing: Preprocessing,
        run_id: str,
        temperature: float = 1.0,
        record: WeightsRecord | None = None,
    ):
        self.spec = spec
        self.preprocessing = preprocessing
        self.run_id = run_id
        self.temperature = temperature
        self.record = record
        self.guard: Guard | None = None

    @property
    def methods(self) -> tuple[str, ...]:
        """Names of the methods that can explain this network, the slow ones last."""
        return methods_of(self.spec)

    def compute(self, inputs: NDArray[np.float32]) -> Outputs:
        """Return what the network makes of preprocessed inputs, as ``Engine.run``."""
        raise NotImplementedError

    def predict(self, images: Sequence[Image], views: int = 1) -> NDArray[np.float32]:
        """Return calibrated class probabilities.

        Args:
            images: N arrays, uint8, (H, W, 3), RGB, 0-255; sizes may differ.
            views: 1, or 8 to average over all flips and quarter turns.

        Returns:
            float32, (N, K), rows summing to 1, columns in the order of ``CODES``; the same for
            an image whatever stands beside it, within 1e-5.

        Raises:
            ConfigError: no images, or another number of views.
            ImageError: an image is no such array.
        """
        inputs = make_views(self._prepare(images), views)
        averaged = average_views(self.compute(inputs).probabilities, views)
        return apply_temperature(averaged, self.temperature)

    def classify(
        self,
        images: Sequence[Image],
        views: int = 1,
        sizes: Sequence[tuple[int, int]] | None = None,
    ) -> list[Prediction]:
        """Return one prediction an image, with how far it can be trusted where that is known.

        Args:
            images: as in ``predict``, whose errors are raised.
            views: likewise.
            sizes: (H, W) of each picture before it was reduced; None where ``images`` are as they
                were given.
        """
        if self.guard is None or views not in self.guard.views:
            rows = self.predict(images, views)
            return [self._build(row, self.temperature) for row in rows]
        if not len(images):
            raise ConfigError("There is no image to classify; give at least one.")
        pixels = [preprocess.resize(image, self.preprocessing) for image in images]
        found = self.compute(make_views(preprocess.apply(pixels, self.preprocessing), views))
        raw, features = average_views(found.probabilities, views), found.features[::views]
        given = sizes or [(image.shape[0], image.shape[1]) for image in images]
        answers = []
        for row, seen, picture, size in zip(raw, features, pixels, given, strict=True):
            values, temperature, trust = self.guard.appraise(picture, size, row, seen, views=views)
            answers.append(self._build(values, temperature, trust))
        return answers

    def _build(
        self,
        probabilities: Iterable[float],
        temperature: float,
        trust: Trust | None = None,
    ) -> Prediction:
        values = tuple(float(p) for p in probabilities)
        return Prediction(self.spec.name, self.run_id, values, temperature, trust)

    def features(self, images: Sequence[Image]) -> NDArray[np.float32]:
        """Return what the last layer sees of each image: float32, (N, D).

        Args:
            images: as in ``predict``, whose errors are raised.
        """
        return self.compute(self._prepare(images)).features

    def _prepare(self, images: Sequence[Image]) -> NDArray[np.float32]:
        if not len(images):
            raise ConfigError("There is no image to classify; give at least one.")
        return preprocess.apply(images, self.preprocessing)
