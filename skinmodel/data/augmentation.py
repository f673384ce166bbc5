"""What a recipe may do to training images; the values only, without TensorFlow."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field

Switch = Annotated[bool, Field(strict=True)]
Angle = Annotated[float, Field(strict=True, ge=0, le=180)]
Share = Annotated[float, Field(strict=True, ge=0, lt=1)]


@dataclass(frozen=True)
class Augmentation:
    """Random changes, drawn anew for every image and epoch, uniformly in the given ranges.

    Attributes:
        horizontal_flip: mirror left and right, one time in two.
        vertical_flip: mirror top and bottom, one time in two.
        rotation: largest turn either way, in degrees.
        zoom: both axes scaled by one factor in [1 - zoom, 1 + zoom].
        stretch: each axis scaled by its own factor in [1 - stretch, 1 + stretch].
        shear: largest shear angle either way, in degrees.
        shift: largest shift either way, as a share of the side.
        brightness: pixel values scaled by a factor in [1 - brightness, 1 + brightness].
        contrast: distance from the image's mean scaled likewise.
        saturation: distance from each pixel's grey scaled likewise.
        resolution: pictures of the first half of a batch are reduced to one share of their side,
            drawn evenly on a logarithmic scale from [resolution, 1], and enlarged again; 1 for
            none. Users bring pictures of every size.
        fill: what is beyond the border: the mirrored image, or its nearest pixel.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    horizontal_flip: Switch = False
    vertical_flip: Switch = False
    rotation: Angle = 0.0
    zoom: Share = 0.0
    stretch: Share = 0.0
    shear: Annotated[float, Field(strict=True, ge=0, lt=90)] = 0.0
    shift: Share = 0.0
    brightness: Share = 0.0
    contrast: Share = 0.0
    saturation: Share = 0.0
    resolution: Annotated[float, Field(strict=True, ge=0.1, le=1)] = 1.0
    fill: Literal["reflect", "nearest"] = "reflect"
