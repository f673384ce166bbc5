"""The libraries below: their versions, found without loading them, and their chatter held back."""

import ctypes
import os
import platform
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import Final

import skinmodel

_LIBRARIES: Final = ("keras", "numpy")


def read_versions(engine: str = "tensorflow") -> dict[str, str]:
    """Return the versions of skinmodel, Keras, NumPy, Python and of the library that computes."""
    return {
        "skinmodel": skinmodel.__version__,
        **{name: version(name) for name in (engine, *_LIBRARIES)},
        "python": platform.python_version(),
    }


def give_memory_back() -> None:
    """Give memory that was freed back to the system, where the C library keeps it (glibc)."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)


@contextmanager
def quiet_start() -> Iterator[None]:
    """Hold back what native code writes to standard error; show it only if the block fails.

    TensorFlow's libraries write several lines when they are loaded, before any log level applies.
    For single-threaded commands: other threads' messages would be held back too.
    """
    sys.stderr.flush()
    original = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            os.dup2(original, 2)
            held.seek(0)
            sys.stderr.write(held.read().decode(errors="replace"))
            raise
        finally:
            os.dup2(original, 2)
            os.close(original)
