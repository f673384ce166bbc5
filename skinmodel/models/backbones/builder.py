"""One way to make a classifier of a pretrained network, with soft attention or without.

The network's last feature map goes, as in Datta et al. 2021, through soft attention and is joined
to what comes out of it; the mean over positions of the joint map decides. The control without
attention is the same without that step.
"""

from collections.abc import Callable, Mapping
from typing import Final

import keras
from keras import layers

from skinmodel.diagnoses import CODES
from skinmodel.errors import UnknownNameError
from skinmodel.models.backbones.efficientnet_lite import add_features
from skinmodel.models.catalogue import BACKBONES
from skinmodel.models.soft_attention import SoftAttention

HEADS: Final = 12

_APPLICATIONS: Final[Mapping[str, Callable[..., keras.Model]]] = {
    "vgg16": keras.applications.VGG16,
    "resnet50": keras.applications.ResNet50,
    "inception_resnet_v2": keras.applications.InceptionResNetV2,
    "densenet201": keras.applications.DenseNet201,
}


def build_classifier(
    input_shape: tuple[int, int, int],
    name: str,
    backbone: str,
    attention: bool,
    batch_norm_momentum: float = 0.99,
    dropout: float = 0.5,
    kernel_initializer: str = "glorot_uniform",
) -> keras.Model:
    """Return a classifier on a network of ``catalogue``, as one flat graph, freshly initialised.

    Args:
        input_shape: (h, w, 3); at least 75 pixels a side.
        name: the model's name.
        backbone: a name of the catalogue.
        attention: join soft attention to the last feature map.
        batch_norm_momentum: of every batch normalisation.
        dropout: on the feature map that decides, with attention and without.
        kernel_initializer: of what is ours; ``zeros`` where weights follow.

    Returns:
        Input float, (N, h, w, 3), as the weights' preprocessing says; output float32, (N, 7),
        rows summing to 1, columns in the order of ``CODES``.

    Raises:
        UnknownNameError: there is no such backbone.
    """
    if backbone not in BACKBONES:
        raise UnknownNameError("backbone", backbone, BACKBONES)
    inputs = keras.Input(input_shape, name="image")
    if backbone in _APPLICATIONS:
        network = _APPLICATIONS[backbone](include_top=False, weights=None, input_tensor=inputs)
        for layer in network.layers:
            if isinstance(layer, layers.BatchNormalization):
                layer.momentum = batch_norm_momentum
        x = network.output
    else:
        x = add_features(inputs, batch_norm_momentum, kernel_initializer)
    if attention:
        attended, _ = SoftAttention(heads=HEADS, name="soft_attention")(x)
        x = layers.Concatenate(name="joined")([x, attended])
        x = layers.ReLU(name="joined_relu")(x)
    x = layers.Dropout(dropout, name="dropout")(x)
    x = layers.GlobalAveragePooling2D(name="pooled")(x)
    # Softmax in float32 whatever the precision of the rest; as the activation of the last Dense,
    # which tf-keras-vis needs to find it.
    outputs = layers.Dense(
        len(CODES),
        activation="softmax",
        dtype="float32",
        kernel_initializer=kernel_initializer,
        name="probabilities",
    )(x)
    return keras.Model(inputs, outputs, name=name)
