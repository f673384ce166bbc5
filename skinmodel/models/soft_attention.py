"""Soft attention: the report's equation, and the layer its notebooks really ran.

Equation (Köfler 2023, section 3.3, after Shaikh et al. 2020 and Datta et al. 2021)::

    f = gamma * x * sum_k softmax_ij(w_k * x)

with K kernels of 3x3xC, each softmax taken over the positions of its map.
"""

from typing import Any

import keras
from keras import ops


class SpatialAttention(keras.layers.Layer):
    """What both layers share: scores become maps, and their sum weighs the input.

    Input: float, (N, h, w, C). Output: a pair of the attended features, float, (N, h, w, C), and
    the attention maps, float32, (N, h, w, M), one a head, >= 0, each summing to 1 over its
    positions.

    Args:
        heads: number of kernels M.
        **kwargs: of every Keras layer.

    Raises:
        ValueError: ``heads`` is below 1.
    """

    def __init__(self, heads: int = 12, **kwargs: Any):
        super().__init__(**kwargs)
        if heads < 1:
            raise ValueError(f"{type(self).__name__} needs at least one head, received {heads}.")
        self.heads = heads

    def compute_scores(self, inputs: Any) -> Any:
        """Return what each head says of each position, float, (N, h, w, M)."""
        raise NotImplementedError

    def scale(self, inputs: Any) -> Any:
        """Return the features that the attention weighs; the input itself unless overridden."""
        return inputs

    def call(self, inputs: Any) -> tuple[Any, Any]:
        """Return the attended features and the maps."""
        maps = spatial_softmax(ops.relu(self.compute_scores(inputs)))
        attention = ops.cast(ops.sum(maps, axis=-1, keepdims=True), inputs.dtype)
        return self.scale(inputs) * attention, maps

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[Any, Any]:
        """Return the shapes of both outputs."""
        return input_shape, (*input_shape[:-1], self.heads)

    def compute_output_spec(self, inputs: Any) -> tuple[Any, Any]:
        """Return shapes and dtypes of both outputs; the maps are float32 in any precision."""
        features, maps = self.compute_output_shape(inputs.shape)
        return (
            keras.KerasTensor(features, dtype=inputs.dtype),
            keras.KerasTensor(maps, dtype="float32"),
        )

    def get_config(self) -> dict[str, Any]:
        """Return every argument (the published layer dropped them)."""
        return {**super().get_config(), "heads": self.heads}


@keras.saving.register_keras_serializable(package="skinmodel")
class SoftAttention(SpatialAttention):
    """Soft attention as the report's equation states it.

    Inputs and outputs are those of ``SpatialAttention``.

    Args:
        heads: number of kernels M.
        gamma: initial value of the learnable scalar; 0.01 in Datta et al. 2021.
        **kwargs: of every Keras layer.

    Raises:
        ValueError: ``heads`` is below 1.
    """

    def __init__(self, heads: int = 12, gamma: float = 0.01, **kwargs: Any):
        super().__init__(heads, **kwargs)
        self.initial_gamma = gamma

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create the kernels (3, 3, C, M), the bias (M,) and gamma ()."""
        self.kernel = self.add_weight(
            name="kernel",
            shape=(3, 3, input_shape[-1], self.heads),
            initializer="he_uniform",
        )
        self.bias = self.add_weight(name="bias", shape=(self.heads,), initializer="zeros")
        self.gamma = self.add_weight(
            name="gamma",
            shape=(),
            initializer=keras.initializers.Constant(self.initial_gamma),
        )

    def compute_scores(self, inputs: Any) -> Any:
        """Return each head's 3x3 convolution over all channels."""
        return ops.conv(inputs, self.kernel, padding="same") + self.bias

    def scale(self, inputs: Any) -> Any:
        """Return the input times gamma."""
        return ops.cast(self.gamma, inputs.dtype) * inputs

    def get_config(self) -> dict[str, Any]:
        """Return every argument, so that a saved layer comes back as it was."""
        return {**super().get_config(), "gamma": self.initial_gamma}


@keras.saving.register_keras_serializable(package="skinmodel")
class PublishedSoftAttention(SpatialAttention):
    """Soft attention as the published notebooks compute it, kept to reproduce their results.

    The input is seen as a volume (h, w, C) with one channel, but the kernels have shape
    (C, 3, 3, 1, M), and the stride over the last axis is C: a head reads channels 0, 1 and 2
    only, over every row and three columns. There is no gamma. Arguments, inputs and outputs are
    those of ``SpatialAttention``.

    Raises:
        ValueError: the input has fewer than three channels.
    """

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create the kernels (C, 3, 3, 1, M) and the bias (M,)."""
        self.channels = int(input_shape[-1] or 0)
        if self.channels < 3:
            raise ValueError(f"{self.name} reads three channels, received {self.channels}.")
        self.kernel = self.add_weight(
            name="kernel",
            shape=(self.channels, 3, 3, 1, self.heads),
            initializer="he_uniform",
        )
        self.bias = self.add_weight(name="bias", shape=(self.heads,), initializer="zeros")

    def compute_scores(self, inputs: Any) -> Any:
        """Return each head's convolution over rows, three columns and three channels.

        It is written as the two-dimensional convolution that it is: TensorFlow 2.21's conv3d reads
        beyond its memory on a CPU where kernels are this much taller than the input. Of the C rows
        of a kernel only those that can meet the input's h rows are taken.
        """
        height, middle = inputs.shape[1], (self.channels - 1) // 2
        first, last = max(middle - height + 1, 0), min(middle + height, self.channels) - 1
        border = ((0, 0), (middle - first, last - middle), (1, 1), (0, 0))
        kernel = self.kernel[first : last + 1, :, :, 0]
        return ops.conv(ops.pad(inputs[..., :3], border), kernel, padding="valid") + self.bias


def spatial_softmax(scores: Any) -> Any:
    """Return the softmax over positions, in float32 whatever the precision around it.

    Args:
        scores: float, (N, h, w, M).

    Returns:
        float32, (N, h, w, M); each of the N*M maps sums to 1.
    """
    height, width, heads = scores.shape[1:]
    flat = ops.reshape(ops.cast(scores, "float32"), (-1, height * width, heads))
    return ops.reshape(ops.softmax(flat, axis=1), (-1, height, width, heads))
