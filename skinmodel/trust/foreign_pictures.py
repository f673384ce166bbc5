"""Pictures that are no dermoscopy: drawn ones, and the photographs that come with scikit-image."""

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from skinmodel.drawings.foreign import list_drawings
from skinmodel.errors import ConfigError

PHOTOGRAPHS: Final = (
    *("astronaut", "brick", "camera", "cell", "chelsea", "checkerboard", "clock", "coffee"),
    *("coins", "colorwheel", "grass", "gravel", "horse", "hubble_deep_field"),
    *("immunohistochemistry", "logo", "microaneurysms", "moon", "page", "retina", "rocket", "text"),
    *("shepp_logan_phantom", "stereo_motorcycle"),
)
"""Functions of ``skimage.data`` whose pictures come with the package."""
PHOTOGRAPH: Final = "photograph"
CLOSE_UP: Final = "close-up of skin"

# Rows and columns of the astronaut's face: skin seen without a dermatoscope.
_SKIN: Final = (
    ((100, 190), (180, 260)),
    ((130, 170), (190, 240)),
    ((60, 230), (150, 300)),
    ((150, 200), (185, 255)),
)


@dataclass(frozen=True)
class ForeignPicture:
    """One picture that is no dermoscopy: uint8, (H, W, 3), RGB, with its kind and name."""

    kind: str
    name: str
    image: NDArray[np.uint8] = field(repr=False)


def list_foreign() -> list[ForeignPicture]:
    """Return every picture, drawings first; a close-up of skin is cut out of a portrait.

    Raises:
        ConfigError: scikit-image is not installed.
    """
    drawn = [ForeignPicture(*part) for part in list_drawings()]
    photographs = [ForeignPicture(PHOTOGRAPH, name, _read(name)) for name in PHOTOGRAPHS]
    [portrait] = [picture.image for picture in photographs if picture.name == "astronaut"]
    close_ups = [
        ForeignPicture(
            CLOSE_UP,
            f"face-{number}",
            np.ascontiguousarray(portrait[slice(*rows), slice(*columns)]),
        )
        for number, (rows, columns) in enumerate(_SKIN, start=1)
    ]
    return [*drawn, *photographs, *close_ups]


def _read(name: str) -> NDArray[np.uint8]:
    try:
        from skimage import data
    except ImportError as error:
        raise ConfigError(
            "The gate is measured on photographs that come with scikit-image, which is not "
            "installed: pip install scikit-image."
        ) from error
    found: Any = getattr(data, name)()
    picture = np.asarray(found[0] if isinstance(found, tuple) else found)
    if picture.dtype != np.uint8:
        picture = np.rint(picture.astype(float) / max(float(picture.max()), 1e-9) * 255)
    if picture.ndim == 2:
        picture = np.repeat(picture[..., None], 3, axis=2)
    return np.ascontiguousarray(picture[..., :3].astype(np.uint8))
