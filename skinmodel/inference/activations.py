"""What a network's layers hand on for one image: feature maps and the steps between them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import keras
import numpy as np
from numpy.typing import NDArray

from skinmodel.errors import ConfigError, UnknownNameError

INPUT: Final = "input"
LINEAR: Final = "linear"


class ActivationReader:
    """Reads some layers of one network; built once, called under the classifier's lock.

    A name is a layer's, which means its output, the first one where it has several. After a slash
    may follow ``input`` (what enters it), ``linear`` (a Conv2D or Dense before its activation,
    which Keras runs inside the layer) or the number of one of its outputs, from 0.

    Args:
        model: a flat functional network.
        names: what to read, at least one.

    Raises:
        ConfigError: ``names`` is empty.
        UnknownNameError: the network has no such layer, or the layer no such part.
    """

    def __init__(self, model: Any, names: Sequence[str]):
        if not names:
            raise ConfigError("There is no layer to read; name at least one.")
        self._model = keras.Model(model.input, {name: _find(model, name) for name in names})

    def __call__(self, inputs: NDArray[np.float32]) -> Mapping[str, NDArray[np.float32]]:
        """Return what the layers hand on.

        Args:
            inputs: float32, (1, height, width, 3), preprocessed.

        Returns:
            By name, float32, without the batch axis: (h, w, C) of a convolution or pooling, (U,)
            of a dense layer.
        """
        read = self._model(inputs, training=False)
        return {name: np.asarray(values, dtype=np.float32)[0] for name, values in read.items()}


class _Linear(keras.layers.Layer):
    """A Conv2D or Dense without its activation, on the same weights."""

    def __init__(self, source: Any):
        super().__init__(name=f"{source.name}_{LINEAR}")
        self.source = source

    def call(self, inputs: Any) -> Any:
        source = self.source
        if isinstance(source, keras.layers.Dense):
            product = keras.ops.matmul(inputs, source.kernel)
        else:
            product = source.convolution_op(inputs, source.kernel)
        return product + source.bias if source.use_bias else product


def _find(model: Any, name: str) -> Any:
    """Return the symbolic tensor that a name means."""
    layers = {layer.name: layer for layer in model.layers}
    layer_name, _, part = name.partition("/")
    if layer_name not in layers:
        raise UnknownNameError(f"layer of {model.name}", layer_name, layers)
    layer = layers[layer_name]
    outputs = layer.output if isinstance(layer.output, list | tuple) else [layer.output]
    parts = {"": outputs[0], INPUT: layer.input}
    parts |= {str(number): output for number, output in enumerate(outputs)}
    if part == LINEAR and isinstance(layer, keras.layers.Conv2D | keras.layers.Dense):
        return _Linear(layer)(layer.input)
    if part not in parts:
        raise UnknownNameError(f"part of the layer {layer_name}", part, filter(None, parts))
    return parts[part]
