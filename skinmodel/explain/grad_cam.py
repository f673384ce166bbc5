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
        last = model.layers[-1]
        twin = keras.layers.Dense(last.units, dtype="float32", name="logits")
        logits = keras.Model(model.inputs, twin(last.input), name="logits")
        twin.set_weights(last.get_weights())
        self._layer = layer
        self._gradcam = Gradcam(logits, clone=False)

    def __call__(self, inputs: NDArray[np.float32], class_index: int, /) -> Map:
        """Return the map of one image for one class.

        Returns:
            float32, (h, w), >= 0, in units of the logit's gradient times the activation; all
            zero where nothing speaks for the class.
        """
        cam = self._gradcam(
            CategoricalScore([class_index]),
            tf.constant(inputs),
            penultimate_layer=self._layer,
            seek_penultimate_conv_layer=False,
            expand_cam=False,
            normalize_cam=False,
        )
        return Map(values=np.asarray(cam, dtype=np.float32)[0])
