"""Versions of everything a result depends on, found without loading any of it."""

import platform
from importlib.metadata import version
from typing import Final

import skinmodel

_LIBRARIES: Final = ("tensorflow", "keras", "numpy")


def read_versions() -> dict[str, str]:
    """Return the versions of skinmodel, TensorFlow, Keras, NumPy and Python."""
    return {
        "skinmodel": skinmodel.__version__,
        **{name: version(name) for name in _LIBRARIES},
        "python": platform.python_version(),
    }
