"""From the colours a file stores to 8-bit sRGB."""

import io
from typing import Final

import numpy as np
from PIL import Image, ImageCms

# Little CMS reports a profile it cannot use through these; which one depends on the damage.
_PROFILE_ERRORS: Final = (ImageCms.PyCMSError, OSError, TypeError, ValueError)


def flatten(image: Image.Image) -> Image.Image:
    """Return a picture of any mode as RGB, on white where it is transparent.

    Of 16-bit grey the upper 8 bits are kept, as Pillow itself does for 16-bit RGB.
    """
    if image.mode.startswith("I"):
        # Pillow's own conversion clips at 255 instead of scaling.
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    return image.convert("RGB")


def convert_to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """Return an RGB picture in sRGB.

    Args:
        image: mode RGB, in the colours of ``profile``.
        profile: an ICC profile as stored in the file.

    Returns:
        mode RGB; ``image`` itself where the profile is sRGB already or cannot be used, which is
        what a viewer without colour management shows.
    """
    try:
        source = ImageCms.getOpenProfile(io.BytesIO(profile))
        if "srgb" in ImageCms.getProfileDescription(source).lower():
            return image
        converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"))
    except _PROFILE_ERRORS:
        return image
    return converted or image
