"""What differs between the engines a run can be trained with, behind one small protocol.

An engine is a package beside this module whose ``engine`` module has ``choose_device`` and
``Engine``. What an epoch is made of, which epoch is kept and what is written stand in ``loop``.
"""

import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from skinmodel.data.rows import PixelRows
from skinmodel.errors import ConfigError
from skinmodel.training.device import Device
from skinmodel.training.recipes import EngineName, TrainConfig

Arrays = dict[str, NDArray[Any]]
Advance = Callable[[int, float], None]
"""Told after every part of an epoch: images done since the last time, mean loss so far."""


@dataclass(frozen=True)
class Images:
    """Decoded images with their truth.

    Attributes:
        pixels: uint8, (N, h, w, 3), RGB, 0-255; may be mapped from disk, or rows of such an array.
        truth: int64, (N,), class indices.
        answers: float32, (N, K), the teachers' probabilities; None where none teach.
    """

    pixels: NDArray[np.uint8] | PixelRows
    truth: NDArray[np.int64]
    answers: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class Epoch:
    """The S steps of one epoch, each on a whole batch of B images.

    Attributes:
        first_step: number of its first step, counted from 0 over the whole run.
        rows: int64, (S, B), the training images of each step.
        rates: float64, (S,), learning rates.
        guidance: float64, (S,), weights of the guidance by masks.
    """

    first_step: int
    rows: NDArray[np.int64]
    rates: NDArray[np.float64]
    guidance: NDArray[np.float64]


class Engine(Protocol):
    """One network under training."""

    def train_epoch(
        self, epoch: Epoch, advance: Advance
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Train on an epoch; return the loss and the hits of each step before its update."""
        ...

    def kept(self) -> AbstractContextManager[None]:
        """Inside, ``predict`` and ``get_weights`` are of the weights that a run keeps."""
        ...

    def predict(self, pixels: NDArray[np.uint8] | PixelRows) -> NDArray[np.float32]:
        """Return float32, (N, K), for uint8 pixels, (N, h, w, 3), without augmentation."""
        ...

    def get_weights(self) -> Arrays:
        """Return the weights of the network alone, without its helpers, by path."""
        ...

    def get_state(self) -> tuple[Arrays, Arrays]:
        """Return all weights, and the optimizer's arrays with the average's, for a checkpoint."""
        ...

    def set_state(self, weights: Arrays, optimizer: Arrays) -> None:
        """Restore what ``get_state`` returned; all of it or nothing.

        Raises:
            ConfigError: the arrays are of another network or of other settings.
        """
        ...


class EngineModule(Protocol):
    """What the ``engine`` module of an engine's package offers."""

    def choose_device(self) -> Device:
        """Return what it computes on, with the fastest sound precision there."""
        ...

    def build(
        self, network: Any, config: TrainConfig, images: Images, weights: NDArray[np.float32]
    ) -> Engine:
        """Return an engine over a network of ``network.build_network``.

        Args:
            network: what is trained.
            config: of the run.
            images: what is trained on.
            weights: float32, (K,), loss weight of each class.
        """
        ...


_BACKEND: Final = "KERAS_BACKEND"
_REQUIREMENTS: Final[dict[EngineName, str]] = {
    "tensorflow": "requirements.txt",
    "jax": "requirements-jax.txt",
}


def open_engine(name: EngineName) -> EngineModule:
    """Return an engine's module, with Keras on its backend.

    Raises:
        ConfigError: Keras runs on another backend in this process, or the engine's library is not
            installed.
    """
    if find_spec(name) is None:
        raise ConfigError(
            f"The engine '{name}' is not installed here. Install it with: "
            f"pip install -r {_REQUIREMENTS[name]}, which also says what an NVIDIA GPU takes."
        )
    if "keras" not in sys.modules:
        os.environ[_BACKEND] = name
    else:
        found = sys.modules["keras"].config.backend()
        if found != name:
            raise ConfigError(
                f"The engine '{name}' needs Keras on its own backend, but in this process it runs "
                f"on '{found}', which cannot be changed. Train in a process of its own: "
                f"python -m skinmodel train ... --engine {name}."
            )
    return cast(EngineModule, import_module(f"skinmodel.training.{name}_engine.engine"))
