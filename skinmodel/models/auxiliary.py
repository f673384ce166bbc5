"""A second classifier that helps to train a network and is then thrown away.

The report's networks end in two dense layers of 4096 units with dropout, a long and noisy path
for gradients to the convolutions. A classifier straight on their averaged features gives them a
short one (deep supervision: Lee et al. 2015, Szegedy et al. 2015). The network that is kept is
exactly the published one.
"""

from typing import Final

import keras
from keras import layers

from skinmodel.diagnoses import CODES
from skinmodel.errors import ConfigError

_FLATTEN: Final = "flatten"


def add_auxiliary(model: keras.Model) -> keras.Model:
    """Return a network that shares every layer of ``model`` and has a second output.

    Args:
        model: a network with a layer ``flatten`` between its convolutions and its dense layers.

    Returns:
        Two outputs, each float32, (N, K): that of ``model``, and the softmax of one dense layer on
        the mean of the last feature map over its positions.

    Raises:
        ConfigError: the network has no such layer.
    """
    if _FLATTEN not in {layer.name for layer in model.layers}:
        raise ConfigError(
            f"Network '{model.name}' has no layer '{_FLATTEN}', so no auxiliary classifier fits "
            "before it. Set auxiliary = 0.0 in the recipe."
        )
    features = model.get_layer(_FLATTEN).input
    x = layers.GlobalAveragePooling2D(name="auxiliary_pool")(features)
    auxiliary = layers.Dense(len(CODES), activation="softmax", dtype="float32", name="auxiliary")(x)
    return keras.Model(model.input, [model.output, auxiliary], name=f"{model.name}_auxiliary")
