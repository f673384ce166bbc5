"""EfficientNet-Lite0: EfficientNet-B0 without squeeze-and-excitation, with ReLU6 for swish.

Architecture: Tan and Le, "EfficientNet", ICML 2019, Table 1, and the notes on EfficientNet-Lite of
TensorFlow's TPU models (2020): no squeeze-and-excitation, ReLU6, stem and head of fixed width.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from keras import layers
from numpy.typing import NDArray

LAST_LAYER: Final = "head_relu"
CHANNELS: Final = 1280
_EPSILON: Final = 1e-3


@dataclass(frozen=True)
class _Stage:
    """Inverted residual blocks of one width; the first one has the stage's stride."""

    repeats: int
    kernel: int
    stride: int
    expansion: int
    filters: int


_STAGES: Final = (
    _Stage(1, 3, 1, 1, 16),
    _Stage(2, 3, 2, 6, 24),
    _Stage(2, 5, 2, 6, 40),
    _Stage(3, 3, 2, 6, 80),
    _Stage(3, 5, 1, 6, 112),
    _Stage(4, 5, 2, 6, 192),
    _Stage(1, 3, 1, 6, 320),
)


def add_features(inputs: Any, momentum: float = 0.99, initializer: str = "he_normal") -> Any:
    """Return the last feature map of EfficientNet-Lite0 on ``inputs``.

    Args:
        inputs: Keras tensor, float, (N, h, w, 3), RGB, (pixel - 127) / 128.
        momentum: of every batch normalisation.
        initializer: of every convolution; ``zeros`` where weights follow.

    Returns:
        Keras tensor, float, (N, ceil(h / 32), ceil(w / 32), 1280), 0 to 6.
    """
    blocks = _Layers(momentum, initializer)
    x = blocks.conv(inputs, "stem", 32, kernel=3, stride=2)
    for number, (stage, is_first) in enumerate(_blocks()):
        x = blocks.residual(x, f"block{number}", stage, stage.stride if is_first else 1)
    return blocks.conv(x, "head", CHANNELS)


def convert_checkpoint(
    tensors: Mapping[str, NDArray[Any]],
) -> dict[str, NDArray[np.float32]]:
    """Return the weights of ``add_features`` by Keras path, from PyTorch's names and layouts.

    Args:
        tensors: of the checkpoint, see ``torch_checkpoint.read_checkpoint``; the classifier over
            ImageNet's classes is passed over.

    Raises:
        KeyError: a tensor is missing.
    """
    found: dict[str, NDArray[np.float32]] = {}
    for theirs, ours, is_depthwise in _convolutions():
        kernel = tensors[f"{theirs[0]}.weight"]
        order = (2, 3, 0, 1) if is_depthwise else (2, 3, 1, 0)
        found[f"{ours}_conv/kernel"] = np.ascontiguousarray(kernel.transpose(order))
        for name, part in _BATCH_NORM.items():
            found[f"{ours}_bn/{name}"] = tensors[f"{theirs[1]}.{part}"]
    return found


_BATCH_NORM: Final = {
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}


def _blocks() -> Iterator[tuple[_Stage, bool]]:
    for stage in _STAGES:
        for repeat in range(stage.repeats):
            yield stage, repeat == 0


def _convolutions() -> Iterator[tuple[tuple[str, str], str, bool]]:
    """Yield PyTorch's names of convolution and normalisation, ours, and whether depthwise."""
    yield ("_conv_stem", "_bn0"), "stem", False
    for number, (stage, _) in enumerate(_blocks()):
        theirs, ours = f"_blocks.{number}", f"block{number}"
        if stage.expansion > 1:
            yield (f"{theirs}._expand_conv", f"{theirs}._bn0"), f"{ours}_expand", False
        yield (f"{theirs}._depthwise_conv", f"{theirs}._bn1"), f"{ours}_depthwise", True
        yield (f"{theirs}._project_conv", f"{theirs}._bn2"), f"{ours}_project", False
    yield ("_conv_head", "_bn1"), "head", False


class _Layers:
    """The pieces of the network, with their settings."""

    def __init__(self, momentum: float, initializer: str):
        self.momentum = momentum
        self.initializer = initializer

    def conv(self, x: Any, name: str, filters: int, *, kernel: int = 1, stride: int = 1) -> Any:
        """Convolution, batch normalisation, ReLU6."""
        x = layers.Conv2D(
            filters,
            kernel,
            strides=stride,
            padding="same",
            use_bias=False,
            kernel_initializer=self.initializer,
            name=f"{name}_conv",
        )(x)
        return self._activate(self._normalize(x, name), name)

    def residual(self, x: Any, name: str, stage: _Stage, stride: int) -> Any:
        """Expansion, depthwise convolution, projection; added to its input where shapes allow."""
        before, filters = x, x.shape[-1]
        if stage.expansion > 1:
            x = self.conv(x, f"{name}_expand", filters * stage.expansion)
        x = layers.DepthwiseConv2D(
            stage.kernel,
            strides=stride,
            padding="same",
            use_bias=False,
            depthwise_initializer=self.initializer,
            name=f"{name}_depthwise_conv",
        )(x)
        x = self._activate(self._normalize(x, f"{name}_depthwise"), f"{name}_depthwise")
        x = layers.Conv2D(
            stage.filters,
            1,
            use_bias=False,
            kernel_initializer=self.initializer,
            name=f"{name}_project_conv",
        )(x)
        x = self._normalize(x, f"{name}_project")
        if stride == 1 and filters == stage.filters:
            x = layers.Add(name=f"{name}_add")([before, x])
        return x

    def _normalize(self, x: Any, name: str) -> Any:
        return layers.BatchNormalization(
            momentum=self.momentum, epsilon=_EPSILON, name=f"{name}_bn"
        )(x)

    def _activate(self, x: Any, name: str) -> Any:
        return layers.ReLU(max_value=6.0, name=f"{name}_relu")(x)
