"""The kernels that a trained network's first layer has learned, read without the network."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from skinmodel.imaging.preprocess import Preprocessing
from skinmodel.lessons.convolution import Array
from skinmodel.lessons.geometry import CNN_LAYERS, Layer
from skinmodel.weights.record import WeightsRecord
from skinmodel.weights.store import load_weights


@dataclass(frozen=True, eq=False)
class FirstLayer:
    """The first convolution of a trained network.

    Attributes:
        model: registry name.
        run_id: of its training.
        preprocessing: what makes its input of a picture.
        layer: name, side, stride and padding; the same in every network of the registry.
        kernels: float64, (m, m, 3, F), channels in the order of ``preprocessing``.
        biases: float64, (F,).
    """

    model: str
    run_id: str
    preprocessing: Preprocessing
    layer: Layer
    kernels: Array
    biases: Array


def read_first_layer(record: WeightsRecord, folder: Path) -> FirstLayer:
    """Return the first layer of a trained network.

    Args:
        record: of its weights.
        folder: where their file is.

    Raises:
        WeightsError: the file is missing, not the recorded one or damaged.
    """
    layer = CNN_LAYERS[0]
    kernel, bias = f"{layer.name}/kernel", f"{layer.name}/bias"
    weights = load_weights(record, folder, (kernel, bias))
    return FirstLayer(
        model=record.model,
        run_id=record.run_id,
        preprocessing=record.preprocessing,
        layer=layer,
        kernels=weights[kernel].astype(np.float64),
        biases=weights[bias].astype(np.float64),
    )
