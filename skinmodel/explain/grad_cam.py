"""The Grad-CAM family through tf-keras-vis, for any network and class."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tf_keras_vis.gradcam import Gradcam
from tf_keras_vis.gradcam_plus_plus import GradcamPlusPlus
from tf_keras_vis.layercam import Layercam
from tf_keras_vis.utils.scores import CategoricalScore

from skinmodel.explain.registry import GRAD_CAM, GRAD_CAM_PLUS_PLUS, LAYER_CAM, Map

_KINDS: Final[Mapping[str, Any]] = MappingProxyType(
    {GRAD_CAM: Gradcam, GRAD_CAM_PLUS_PLUS: GradcamPlusPlus, LAYER_CAM: Layercam}
)


class LogitTwin:
    """The same layers with logits for an end, whatever becomes of their weights.

    tf-keras-vis would get logits by cloning the whole network (226 MB) or by changing the shared
    one; here a twin of its last layer is put on the same layers.

    Args:
        model: a network that ends in a Dense layer with softmax.
    """

    def __init__(self, model: Any):
        self._last = model.layers[-1]
        self._twin = keras.layers.Dense(self._last.units, dtype="float32", name="logits")
        self.model = keras.Model(model.inputs, self._twin(self._last.input), name="logits")
        self.refresh()

    def refresh(self) -> None:
        """Take the last layer's weights over; those of all others are shared anyway."""
        self._twin.set_weights(self._last.get_weights())


class GradCam:
    """One method of the Grad-CAM family on one network; the score is the class's logit.

    Grad-CAM (Selvaraju et al. 2017), Grad-CAM++ (Chattopadhyay et al. 2018) and Layer-CAM (Jiang
    et al. 2021).

    Args:
        model: a network that ends in a Dense layer with softmax.
        layer: name of the convolution whose activations are weighted.
        kind: name of the method.
    """

    def __init__(self, model: Any, layer: str, kind: str = GRAD_CAM):
        self._layer = layer
        self._twin = LogitTwin(model)
        self._cam = _KINDS[kind](self._twin.model, clone=False)

    def __call__(self, inputs: NDArray[np.float32], class_index: int, /) -> Map:
        """Return the map of one image for one class.

        Returns:
            float32, (h, w), >= 0, in units of the logit's gradient times the activation; all
            zero where nothing speaks for the class.
        """
        return Map(values=self.explain_many(inputs, np.array([class_index]))[0])

    def explain_many(
        self, inputs: NDArray[np.float32], class_indices: NDArray[np.int64], /
    ) -> NDArray[np.float32]:
        """Return the maps of many images, each for a class of its own, float32, (N, h, w)."""
        self._twin.refresh()
        cam = self._cam(
            CategoricalScore([int(index) for index in class_indices]),
            tf.constant(inputs),
            penultimate_layer=self._layer,
            seek_penultimate_conv_layer=False,
            expand_cam=False,
            normalize_cam=False,
        )
        return np.asarray(cam, dtype=np.float32)
