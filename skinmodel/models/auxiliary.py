"""Classifiers that help to train a network and are then thrown away.

The network that is kept is exactly the published one, to the last parameter.

*Deep supervision* (Lee et al. 2015, Szegedy et al. 2015). The report's networks end in two dense
layers of 4096 units with dropout, a long and noisy path for gradients to the convolutions. A
classifier straight on their averaged features gives them a short one.

*Attended supervision*. Soft attention as published learns next to nothing of where to look: its
softmax leaves each of 64 cells 12/64 on average and gamma starts at 0.01, so that the attended half
of the joined features is some 500 times smaller than the plain half beside it, and what comes back
to the scores is as much smaller. A classifier that sees nothing but the features pooled by the
summed map (as in the attention pooling of Ilse et al. 2018, arXiv:1802.04712) can only be right
where the map lies on what tells the diagnosis, and its gradient reaches the scores undiminished.
"""

from dataclasses import dataclass
from typing import Any, Final

import keras
from keras import layers, ops

from skinmodel.diagnoses import CODES
from skinmodel.errors import ConfigError
from skinmodel.imaging.placement import WHOLE, Placement
from skinmodel.models.receptive_field import place_cells
from skinmodel.models.soft_attention import SpatialAttention

_FLATTEN: Final = "flatten"


@dataclass(frozen=True)
class Supervised:
    """A network with the helping classifiers it is trained with.

    Attributes:
        model: shares every layer of the network; its outputs are the network's own, then one a
            name.
        names: of the further outputs, in their order: ``deep`` and ``attended``, helping
            classifiers, each float32, (N, K), rows summing to 1; ``maps``, those of the soft
            attention, float32, (N, h, w, M).
        placement: of the cells of those maps in the picture.
    """

    model: keras.Model
    names: tuple[str, ...]
    placement: Placement = WHOLE


def add_helpers(
    model: keras.Model, *, deep: bool, attended: bool, maps: bool = False
) -> Supervised:
    """Return a network with the classifiers that help to train it.

    Args:
        model: the network.
        deep: add one on the mean of the last feature map over its positions, which stands before
            the layer ``flatten``.
        attended: add one on the features that go into the soft attention, pooled by its summed
            map. A network without such a layer gets none: one recipe serves both twins.
        maps: give the soft attention's maps out as well, to be guided; as with ``attended``.

    Raises:
        ConfigError: ``deep`` is asked for and the network has no layer ``flatten``.
    """
    outputs: dict[str, Any] = {}
    placement = WHOLE
    if deep:
        outputs["deep"] = _classify(_pool_last(model), "auxiliary")
    found = [layer for layer in model.layers if isinstance(layer, SpatialAttention)]
    for attention in found:
        _, given = attention.output
        if attended:
            pooled = AttentionPooling(name="attended_pool")([attention.input, given])
            outputs["attended"] = _classify(pooled, "attended")
        if maps:
            outputs["maps"] = given
            placement = place_cells(model, attention.name)
    if not outputs:
        return Supervised(model, ())
    whole = keras.Model(model.input, [model.output, *outputs.values()], name=f"{model.name}_helped")
    return Supervised(whole, tuple(outputs), placement)


def _classify(features: Any, name: str) -> Any:
    return layers.Dense(len(CODES), activation="softmax", dtype="float32", name=name)(features)


def _pool_last(model: keras.Model) -> Any:
    if _FLATTEN not in {layer.name for layer in model.layers}:
        raise ConfigError(
            f"Network '{model.name}' has no layer '{_FLATTEN}', so no auxiliary classifier fits "
            "before it. Set auxiliary = 0.0 in the recipe."
        )
    return layers.GlobalAveragePooling2D(name="auxiliary_pool")(model.get_layer(_FLATTEN).input)


class AttentionPooling(layers.Layer):
    """The mean of features over positions, weighed by the summed attention maps.

    Input: a pair of features, float, (N, h, w, C), and maps, float32, (N, h, w, M), each summing
    to 1 over its positions. Output: float32, (N, C).
    """

    def call(self, inputs: tuple[Any, Any]) -> Any:
        """Return the pooled features."""
        features, maps = inputs
        weights = ops.mean(maps, axis=-1, keepdims=True)
        return ops.sum(ops.cast(features, "float32") * weights, axis=(1, 2))

    def compute_output_spec(self, inputs: tuple[Any, Any]) -> Any:
        """Return shape and dtype of the pooled features."""
        features, _ = inputs
        return keras.KerasTensor((features.shape[0], features.shape[-1]), dtype="float32")
