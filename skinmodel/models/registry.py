"""Every network the program knows, described without loading TensorFlow.

A further network is one entry here and one builder.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from types import MappingProxyType
from typing import Any, Final

from skinmodel.errors import UnknownNameError
from skinmodel.imaging.preprocess import Preprocessing
from skinmodel.models.catalogue import BACKBONES, Backbone


@dataclass(frozen=True)
class ModelSpec:
    """One network.

    Attributes:
        name: what the command line and the weights call it.
        title: what a page calls it.
        builder: ``module:function``; the function takes the input shape (h, w, 3) and keyword
            settings and returns one flat functional Keras model that ends in a softmax.
        preprocessing: what the network is trained on unless a recipe says otherwise.
        attention_layer: name of its SoftAttention layer; None without one.
        cam_layer: name of the last convolution, from which Grad-CAM is read.
        parameters: number of weights, trainable or not, at the default settings.
        source: where the architecture is described.
        settings: what its builder gets beside what a caller asks for.
        head: names of the layers whose steps a recipe's ``head_rate`` scales.
        bfloat16: whether it trains faster in bfloat16 on a processor that has it; depthwise
            convolutions take twice the time there.
        backbone: name of the pretrained network it starts from, see ``models.catalogue``; None
            for a network that is trained from scratch.
    """

    name: str
    title: str
    builder: str
    preprocessing: Preprocessing
    attention_layer: str | None
    cam_layer: str
    parameters: int
    source: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    head: tuple[str, ...] = ("dense1", "dense2")
    bfloat16: bool = True
    backbone: str | None = None

    def build(self, **settings: Any) -> Any:
        """Return a freshly initialised network (loads TensorFlow).

        Args:
            **settings: passed to the builder, such as ``batch_norm_momentum``.
        """
        module, function = self.builder.split(":")
        build = getattr(import_module(module), function)
        shape = (self.preprocessing.height, self.preprocessing.width, 3)
        return build(shape, name=self.name, **self.settings, **settings)


RGB_100: Final = Preprocessing(
    height=100,
    width=100,
    channels="RGB",
    scale=1 / 127.5,
    offset=-1.0,
    interpolation="area",
)
_REPORT: Final = "Köfler 2023, section 4.3"

_SPECS: Final = (
    ModelSpec(
        name="cnn",
        title="CNN",
        builder="skinmodel.models.cnn:build_cnn",
        preprocessing=RGB_100,
        attention_layer=None,
        cam_layer="conv6",
        parameters=56_654_727,
        source=f"{_REPORT}, Figure 10",
    ),
    ModelSpec(
        name="cnn_sa",
        title="CNN-SA",
        builder="skinmodel.models.cnn:build_cnn_sa",
        preprocessing=RGB_100,
        attention_layer="soft_attention",
        cam_layer="conv6",
        parameters=59_069_332,
        source=f"{_REPORT}, Figure 11, with the soft attention of its section 3.3",
    ),
    ModelSpec(
        name="cnn_sa_published",
        title="CNN-SA (layer as published)",
        builder="skinmodel.models.cnn:build_cnn_sa_published",
        preprocessing=RGB_100,
        attention_layer="soft_attention",
        cam_layer="conv6",
        parameters=59_069_331,
        source=f"{_REPORT}, Figure 11, with the layer of the published notebooks",
    ),
)


REPORTED: Final = ("cnn", "cnn_sa")
"""The networks of the report: those that a program asks unless it is told otherwise."""


def _specify(backbone: Backbone, *, attention: bool) -> ModelSpec:
    """Return a classifier on a pretrained network, with or without soft attention."""
    return ModelSpec(
        name=f"{backbone.name}_sa" if attention else backbone.name,
        title=f"{backbone.title}-SA" if attention else backbone.title,
        builder="skinmodel.models.backbones.builder:build_classifier",
        preprocessing=backbone.preprocessing,
        attention_layer="soft_attention" if attention else None,
        cam_layer=backbone.last_layer,
        parameters=backbone.parameters_with_attention if attention else backbone.parameters,
        source=f"{backbone.source}; joined to soft attention as in Datta et al. 2021"
        if attention
        else backbone.source,
        settings={"backbone": backbone.name, "attention": attention},
        head=("soft_attention", "probabilities"),
        bfloat16=backbone.bfloat16,
        backbone=backbone.name,
    )


MODELS: Final[Mapping[str, ModelSpec]] = MappingProxyType(
    {
        spec.name: spec
        for spec in (
            *_SPECS,
            *(_specify(b, attention=a) for b in BACKBONES.values() for a in (False, True)),
        )
    }
)


def get_spec(name: str) -> ModelSpec:
    """Return the network called ``name``; raises UnknownNameError for any other word."""
    if name not in MODELS:
        raise UnknownNameError("model", name, MODELS)
    return MODELS[name]
