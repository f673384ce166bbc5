"""What the server's process and the networks' process say to each other, and how it is written.

Requests and answers are dataclasses of plain values and NumPy arrays, pickled one after another
into a pipe that only these two processes hold.
"""

import pickle
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, ClassVar, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from skinmodel.results import Explanation, Prediction
from skinmodel.weights.record import WeightsRecord

Image = NDArray[np.uint8]
_PROTOCOL: Final = 5


class Network(Protocol):
    """What answers a request: the methods of ``Classifier`` that pages need."""

    def classify(
        self,
        images: Sequence[Image],
        views: int = 1,
        sizes: Sequence[tuple[int, int]] | None = None,
    ) -> list[Prediction]:
        """As in ``Classifier``."""

    def explain(self, image: Image, method: str, code: str | None = None) -> Explanation:
        """As in ``Classifier``."""

    def activations(self, image: Image, layers: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """As in ``Classifier``."""


@dataclass(frozen=True, eq=False)
class Stored:
    """A network by the weights it is to have, so that every copy of the process has the same.

    Attributes:
        record: of the weights.
        folder: where their file is.
    """

    record: WeightsRecord
    folder: Path

    @property
    def key(self) -> str:
        """What tells networks apart: the digest of the weights, in hexadecimal."""
        return self.record.sha256


@dataclass(frozen=True, eq=False)
class Prepare:
    """Load what every network needs, and no network."""


@dataclass(frozen=True, eq=False)
class Load:
    """Have one network ready."""

    network: Stored


@dataclass(frozen=True, eq=False)
class Classify:
    """Ask for predictions; goes before what takes longer and is waited for less."""

    priority: ClassVar[int] = 0
    network: Stored
    images: tuple[Image, ...] = field(repr=False)
    views: int = 1
    sizes: tuple[tuple[int, int], ...] | None = None

    def apply(self, network: Network) -> list[Prediction]:
        """Return one prediction an image."""
        return network.classify(self.images, self.views, self.sizes)


@dataclass(frozen=True, eq=False)
class Explain:
    """Ask where a network looked."""

    priority: ClassVar[int] = 1
    network: Stored
    image: Image = field(repr=False)
    method: str
    code: str | None

    def apply(self, network: Network) -> Explanation:
        """Return the explanation."""
        return network.explain(self.image, self.method, self.code)


@dataclass(frozen=True, eq=False)
class Activate:
    """Ask what some layers hand on."""

    priority: ClassVar[int] = 1
    network: Stored
    image: Image = field(repr=False)
    layers: tuple[str, ...]

    def apply(self, network: Network) -> dict[str, NDArray[np.float32]]:
        """Return the layers' outputs by name."""
        return network.activations(self.image, self.layers)


NetworkTask = Load | Classify | Explain | Activate
Task = Prepare | NetworkTask


@dataclass(frozen=True, eq=False)
class Request:
    """One task under a number that its answer repeats; requests of one priority go by number."""

    number: int
    task: Task


@dataclass(frozen=True, eq=False)
class Answer:
    """What became of a request.

    Attributes:
        number: of the request.
        value: what the task returns; None where it failed.
        error: an error of the ``SkinModelError`` family; None otherwise.
        unexpected: of any other error, its type and where it was raised, without its message,
            which may quote what a user sent; empty where there was none.
        held: keys of the networks that the process holds now.
    """

    number: int
    value: Any = None
    error: Exception | None = None
    unexpected: str = ""
    held: tuple[str, ...] = ()


def encode(message: Request | Answer) -> bytes:
    """Return a message as it goes into a pipe."""
    return pickle.dumps(message, _PROTOCOL)


def read(pipe: IO[bytes]) -> Any:
    """Take one message out of a pipe.

    Raises:
        EOFError: the other process has ended, or what comes from it is no message.
    """
    try:
        return pickle.load(pipe)  # noqa: S301 - the other end is this program
    except EOFError:
        raise
    except Exception as error:
        raise EOFError("What came through the pipe is no message.") from error
