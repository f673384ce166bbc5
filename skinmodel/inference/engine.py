"""What computes a network's answers, and the one that needs no TensorFlow: ONNX Runtime.

ONNX Runtime was chosen by measurement: one picture takes it a third of TensorFlow's time, and it
takes weights from memory, so that one weights file serves both.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from skinmodel.errors import WeightsError
from skinmodel.imaging.placement import Placement

INPUT: Final = "image"
LOGITS: Final = "logits"
FEATURES: Final = "features"
ATTENTION: Final = "attention"
PLACEMENT: Final = "attention_placement"
"""Names in a graph: of its input, its outputs, and where the attention's cells lie (metadata)."""

BULK: Final = 16
"""Pictures, or views of pictures, computed at once."""


@dataclass(frozen=True)
class Outputs:
    """What a network makes of N inputs.

    Attributes:
        logits: float32, (N, K), before the softmax, columns in the order of ``CODES``.
        features: float32, (N, D), what the last layer sees.
        attention: float32, (N, h, w, M), the maps of the soft attention, each summing to 1 over
            its positions; None for a network without.
    """

    logits: NDArray[np.float32]
    features: NDArray[np.float32]
    attention: NDArray[np.float32] | None = None

    @property
    def probabilities(self) -> NDArray[np.float32]:
        """The softmax of the logits: float32, (N, K), rows summing to 1; not calibrated."""
        powers = np.exp(self.logits - self.logits.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float32)


class Engine(Protocol):
    """Runs one network; safe to share between threads."""

    def run(self, inputs: NDArray[np.float32]) -> Outputs:
        """Return what the network makes of float32, (N, h, w, 3), preprocessed; any N >= 1.

        A row is the same within 1e-5 whatever stands beside it.
        """


class OnnxEngine:
    """A network in ONNX Runtime.

    Args:
        graph: from ``graph.build_graph``.
        weights: every weight by its path, float32; given up by the caller.
        threads: processors that one call uses; 0 for all.

    Attributes:
        placement: where the cells of the attention's maps lie; None for a network without.

    Raises:
        WeightsError: the weights are not those of the graph.
    """

    def __init__(self, graph: bytes, weights: Mapping[str, NDArray[np.float32]], threads: int = 0):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        # Threads that wait by spinning take the processor from those that decode pictures: on a
        # busy machine EfficientNet-Lite0 answered half as many pictures a second.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # Handed in as files, which are copied as they are packed: arrays handed in as they are
        # would have to be kept beside that, in twice the memory.
        arrays = [np.asarray(values, np.float32, order="C") for values in weights.values()]
        files = [array.reshape(-1).view(np.uint8) for array in arrays]
        options.add_external_initializers_from_files_in_memory(
            list(weights), files, [len(file) for file in files]
        )
        try:
            self._session = onnxruntime.InferenceSession(
                graph, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            raise WeightsError(
                f"A network's graph and its weights do not fit each other ({error}). Restore both "
                "from the repository, or write the graph anew: python -m skinmodel weights graphs."
            ) from error
        self._outputs = [output.name for output in self._session.get_outputs()]
        told = self._session.get_modelmeta().custom_metadata_map.get(PLACEMENT)
        self.placement = None if told is None else Placement(*json.loads(told))

    def run(self, inputs: NDArray[np.float32]) -> Outputs:
        """Return what the network makes of the inputs, as ``Engine``."""
        parts = [
            self._session.run(self._outputs, {INPUT: inputs[start : start + BULK]})
            for start in range(0, len(inputs), BULK)
        ]
        joined = (np.concatenate(part) for part in zip(*parts, strict=True))
        found = dict(zip(self._outputs, joined, strict=True))
        return Outputs(found[LOGITS], found[FEATURES], found.get(ATTENTION))
