"""The network's own attention maps, read out of its soft-attention layer."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from skinmodel.explain.registry import Map


class SoftAttentionMap:
    """Reads the maps of one network.

    Args:
        model: a network with a soft-attention layer.
        layer: name of that layer.
    """

    def __init__(self, model: Any, layer: str):
        _, maps = model.get_layer(layer).output
        reader = keras.Model(model.inputs, maps, name="attention_maps")
        self._read = tf.function(
            lambda inputs: reader(inputs, training=False),
            input_signature=[tf.TensorSpec((1, *model.input_shape[1:]), tf.float32)],
        )
        self._read_many = tf.function(
            lambda inputs: tf.reduce_sum(reader(inputs, training=False), axis=-1),
            input_signature=[tf.TensorSpec((None, *model.input_shape[1:]), tf.float32)],
        )

    def __call__(self, inputs: NDArray[np.float32], _class_index: int, /) -> Map:
        """Return the maps of one image; they know no class.

        Returns:
            The sum over heads, float32, (h, w), and the heads, float32, (h, w, M), each summing
            to 1 over its positions.
        """
        heads = self._read(tf.constant(inputs)).numpy()[0]
        return Map(values=heads.sum(axis=-1), heads=heads)

    def explain_many(
        self, inputs: NDArray[np.float32], _class_indices: NDArray[np.int64], /
    ) -> NDArray[np.float32]:
        """Return the sums over heads of many images, float32, (N, h, w)."""
        return np.asarray(self._read_many(tf.constant(inputs)))
