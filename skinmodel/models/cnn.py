"""The report's two networks (Köfler 2023, Figures 10 and 11), each one flat functional graph."""

from typing import Any

import keras
from keras import layers

from skinmodel.diagnoses import CODES
from skinmodel.models.soft_attention import PublishedSoftAttention, SoftAttention

HEADS = 12


def build_cnn(input_shape: tuple[int, int, int], **settings: Any) -> keras.Model:
    """Return the CNN: six convolutions and a dense head.

    Args:
        input_shape: (h, w, 3); at least 75 pixels a side.
        **settings: see ``_Blocks``.

    Returns:
        Input float, (N, h, w, 3), as the weights' preprocessing says; output float32, (N, 7),
        rows summing to 1, columns in the order of ``CODES``.
    """
    blocks = _Blocks(**settings)
    inputs, x = blocks.trunk(input_shape)
    x = blocks.pool(x, 5)
    return blocks.head(inputs, x)


def build_cnn_sa(input_shape: tuple[int, int, int], **settings: Any) -> keras.Model:
    """Return the CNN-SA: soft attention after the fifth convolution, joined to its input.

    Arguments and output are those of ``build_cnn``.
    """
    return _build_with_attention(input_shape, SoftAttention, settings)


def build_cnn_sa_published(input_shape: tuple[int, int, int], **settings: Any) -> keras.Model:
    """Return the CNN-SA with the attention layer of the published notebooks.

    Arguments and output are those of ``build_cnn``.
    """
    return _build_with_attention(input_shape, PublishedSoftAttention, settings)


def _build_with_attention(
    input_shape: tuple[int, int, int], attention: type, settings: dict[str, Any]
) -> keras.Model:
    blocks = _Blocks(**settings)
    inputs, x = blocks.trunk(input_shape)
    attended, _ = attention(heads=HEADS, name="soft_attention")(x)
    x = layers.Concatenate(name="joined")([x, attended])
    x = blocks.pool(x, 5)
    x = layers.ReLU(name="joined_relu")(x)
    return blocks.head(inputs, x)


class _Blocks:
    """The pieces both networks are made of.

    Args:
        name: the model's name.
        batch_norm_momentum: 0.99 in the report.
        dropout: 0.5 in the report.
        kernel_initializer: of convolutions and dense layers; ``zeros`` where weights follow.
        width: share of the report's channels and units; below 1 for tests only.
    """

    def __init__(
        self,
        name: str,
        batch_norm_momentum: float = 0.99,
        dropout: float = 0.5,
        kernel_initializer: str = "glorot_uniform",
        width: float = 1.0,
    ):
        self.name = name
        self.momentum = batch_norm_momentum
        self.dropout = dropout
        self.initializer = kernel_initializer
        self.width = width

    def conv(self, x: Any, number: int, filters: int, **settings: Any) -> Any:
        """Convolution, ReLU, then batch normalisation, in the report's order."""
        kernel = settings.pop("kernel_size", 3)
        x = layers.Conv2D(
            max(1, round(filters * self.width)),
            kernel,
            padding=settings.pop("padding", "same"),
            activation="relu",
            kernel_initializer=self.initializer,
            name=f"conv{number}",
            **settings,
        )(x)
        return layers.BatchNormalization(momentum=self.momentum, name=f"bn{number}")(x)

    def pool(self, x: Any, number: int, strides: int = 1) -> Any:
        """Max pooling over 3x3."""
        return layers.MaxPooling2D(3, strides=strides, name=f"pool{number}")(x)

    def trunk(self, input_shape: tuple[int, int, int]) -> tuple[Any, Any]:
        """Everything up to the batch normalisation of the fifth convolution: 8x8x512."""
        inputs = keras.Input(input_shape, name="image")
        x = self.conv(inputs, 1, 64, kernel_size=7, strides=2, padding="valid")
        x = self.pool(x, 1, strides=2)
        x = self.pool(self.conv(x, 2, 128, strides=2), 2)
        x = self.pool(self.conv(x, 3, 256), 3)
        x = self.conv(x, 4, 512)
        return inputs, self.conv(x, 5, 512)

    def head(self, inputs: Any, x: Any) -> keras.Model:
        """The sixth convolution, two dense layers of 4096 with dropout, and the softmax."""
        x = self.pool(self.conv(x, 6, 512), 6)
        x = layers.Flatten(name="flatten")(x)
        for number in (1, 2):
            units = max(1, round(4096 * self.width))
            x = layers.Dense(
                units,
                activation="relu",
                kernel_initializer=self.initializer,
                name=f"dense{number}",
            )(x)
            x = layers.Dropout(self.dropout, name=f"dropout{number}")(x)
        # Softmax in float32 whatever the precision of the rest; as the activation of the last
        # Dense, which tf-keras-vis needs to find it.
        outputs = layers.Dense(
            len(CODES), activation="softmax", dtype="float32", name="probabilities"
        )(x)
        return keras.Model(inputs, outputs, name=self.name)
