"""Grad-CAM (Selvaraju et al. 2017) through tf-keras-vis, for any network and class."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tf_keras_vis.gradcam import Gradcam
from tf_keras_vis.utils.scores import CategoricalScore

from skinmodel.explain.registry import Map


class GradCam:
    """Grad-CAM of one network.

    The score is the class's logit. tf-keras-vis would get it by cloning the whole network (226 MB)
    or by changing the shared one; here a twin of its last layer is put on the same layers.

    Args:
        model: a network that ends in a Dense layer with softmax.
        layer: name of the convolution whose activations are weighted.
    """

    def __init__(self, model: Any, layer: str):
        self._last = model.layers[-1]
        self._twin = keras.layers.Dense(self._last.units, dtype="float32", name="logits")
        logits = keras.Model(model.inputs, self._twin(self._last.input), name="logits")
        self._layer = layer
        self._gradcam = Gradcam(logits, clone=False)

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
        # Whatever has become of the network's weights since: those of the other layers are shared.
        self._twin.set_weights(self._last.get_weights())
        cam = self._gradcam(
            CategoricalScore([int(index) for index in class_indices]),
            tf.constant(inputs),
            penultimate_layer=self._layer,
            seek_penultimate_conv_layer=False,
            expand_cam=False,
            normalize_cam=False,
        )
        return np.asarray(cam, dtype=np.float32)
