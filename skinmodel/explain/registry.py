"""The methods of explanation and which network has which, without loading TensorFlow."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from skinmodel.errors import UnknownNameError
from skinmodel.imaging.placement import WHOLE, Placement
from skinmodel.models.receptive_field import place_cells
from skinmodel.models.registry import ModelSpec

SOFT_ATTENTION: Final = "soft_attention"
GRAD_CAM: Final = "grad_cam"
GRAD_CAM_PLUS_PLUS: Final = "grad_cam_plus_plus"
LAYER_CAM: Final = "layer_cam"
FASTER_SCORE_CAM: Final = "faster_score_cam"
SMOOTH_GRAD: Final = "smooth_grad"

SCORED_CHANNELS: Final = 16
"""Channels that Faster Score-CAM tries, one pass each."""

NOISY_COPIES: Final = 16
"""Copies of a picture that SmoothGrad averages over, two passes each."""

INPUT: Final = "image"
"""The input layer of every network here."""


@dataclass(frozen=True)
class Map:
    """What an explainer returns: ``values`` and ``heads`` as in ``results.Explanation``."""

    values: NDArray[np.float32]
    heads: NDArray[np.float32] | None = None


class Explainer(Protocol):
    """Explains one network; built once, called under the classifier's lock."""

    def __call__(self, inputs: NDArray[np.float32], class_index: int, /) -> Map:
        """Return the map of one image.

        Args:
            inputs: float32, (1, height, width, 3), preprocessed.
            class_index: the diagnosis the map speaks for, where the method knows one.
        """

    def explain_many(
        self, inputs: NDArray[np.float32], class_indices: NDArray[np.int64], /
    ) -> NDArray[np.float32]:
        """Return the maps of many images: the same values as one by one, without heads.

        Args:
            inputs: float32, (N, height, width, 3), preprocessed.
            class_indices: int64, (N,), the diagnosis each map speaks for.

        Returns:
            float32, (N, h, w).
        """


@dataclass(frozen=True)
class Method:
    """One way to ask where a network looked.

    Attributes:
        name: what the command line calls it.
        title: what a page calls it.
        per_class: whether the map speaks for one diagnosis.
        cost: what a map takes, in words that hold on any machine.
        slow: whether it runs only when it is asked for by name.
        source: where it is described.
    """

    name: str
    title: str
    per_class: bool
    cost: str
    source: str
    slow: bool = False

    def layer(self, spec: ModelSpec) -> str | None:
        """Return the layer the map is read from; None where the network has no such layer."""
        if self.name == SOFT_ATTENTION:
            return spec.attention_layer
        return INPUT if self.name == SMOOTH_GRAD else spec.cam_layer


_THERE_AND_BACK: Final = "one pass through the network and one back through its end"

_METHODS: Final = (
    Method(
        SOFT_ATTENTION,
        "Soft attention",
        per_class=False,
        cost="one pass through a part of the network",
        source="Köfler 2023, section 3.3; Datta et al. 2021",
    ),
    Method(
        GRAD_CAM,
        "Grad-CAM",
        per_class=True,
        cost=_THERE_AND_BACK,
        source="Selvaraju et al. 2017",
    ),
    Method(
        GRAD_CAM_PLUS_PLUS,
        "Grad-CAM++",
        per_class=True,
        cost=_THERE_AND_BACK,
        source="Chattopadhyay et al. 2018",
    ),
    Method(
        LAYER_CAM,
        "Layer-CAM",
        per_class=True,
        cost=_THERE_AND_BACK,
        source="Jiang et al. 2021",
    ),
    Method(
        FASTER_SCORE_CAM,
        "Faster Score-CAM",
        per_class=True,
        cost=f"{SCORED_CHANNELS + 1} passes through the network",
        source="Wang et al. 2020, on the channels that vary most",
        slow=True,
    ),
    Method(
        SMOOTH_GRAD,
        "SmoothGrad",
        per_class=True,
        cost=f"{NOISY_COPIES} passes through the network and as many back through all of it",
        source="Smilkov et al. 2017",
        slow=True,
    ),
)

METHODS: Final[Mapping[str, Method]] = MappingProxyType({m.name: m for m in _METHODS})


def methods_of(spec: ModelSpec) -> tuple[str, ...]:
    """Return the names of the methods that can explain a network, the slow ones last."""
    return tuple(name for name, method in METHODS.items() if method.layer(spec) is not None)


def quick_methods_of(spec: ModelSpec) -> tuple[str, ...]:
    """Return the names of the methods that run without being asked for by name."""
    return tuple(name for name in methods_of(spec) if not METHODS[name].slow)


def get_method(name: str, spec: ModelSpec) -> Method:
    """Return the method called ``name``; raises UnknownNameError if the network lacks it."""
    known = methods_of(spec)
    if name not in known:
        raise UnknownNameError(f"method of explaining {spec.name}", name, known)
    return METHODS[name]


def place_map(name: str, model: Any, spec: ModelSpec) -> Placement:
    """Return where in a picture the cells of a method's maps lie."""
    layer = get_method(name, spec).layer(spec)
    assert layer is not None
    return WHOLE if layer == INPUT else place_cells(model, layer)
