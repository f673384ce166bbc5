"""The methods of explanation and which network has which, without loading TensorFlow."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from skinmodel.errors import UnknownNameError
from skinmodel.models.registry import ModelSpec

SOFT_ATTENTION: Final = "soft_attention"
GRAD_CAM: Final = "grad_cam"


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
    """

    name: str
    title: str
    per_class: bool

    def layer(self, spec: ModelSpec) -> str | None:
        """Return the layer the map is read from; None where the network has no such layer."""
        return spec.attention_layer if self.name == SOFT_ATTENTION else spec.cam_layer


METHODS: Final[Mapping[str, Method]] = MappingProxyType(
    {
        SOFT_ATTENTION: Method(SOFT_ATTENTION, "Soft attention", per_class=False),
        GRAD_CAM: Method(GRAD_CAM, "Grad-CAM", per_class=True),
    }
)


def methods_of(spec: ModelSpec) -> tuple[str, ...]:
    """Return the names of the methods that can explain a network."""
    return tuple(name for name, method in METHODS.items() if method.layer(spec) is not None)


def get_method(name: str, spec: ModelSpec) -> Method:
    """Return the method called ``name``; raises UnknownNameError if the network lacks it."""
    known = methods_of(spec)
    if name not in known:
        raise UnknownNameError(f"method of explaining {spec.name}", name, known)
    return METHODS[name]


def build_explainer(name: str, model: Any, spec: ModelSpec) -> Explainer:
    """Return the explainer of a loaded network (loads TensorFlow)."""
    method = get_method(name, spec)
    layer = method.layer(spec)
    assert layer is not None
    if method.name == SOFT_ATTENTION:
        from skinmodel.explain.soft_attention_map import SoftAttentionMap

        return SoftAttentionMap(model, layer)
    from skinmodel.explain.grad_cam import GradCam

    return GradCam(model, layer)
