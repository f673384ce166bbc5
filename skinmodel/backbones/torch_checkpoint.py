"""Read the tensors of a PyTorch checkpoint without PyTorch and without running what is in it.

A checkpoint of before PyTorch 1.6 is five pickles in a row (magic number, version, platform, the
tensors' descriptions, the storages' keys) and then each storage's length and raw bytes. A pickle
can name any function to be called; here the four names that a table of tensors needs stand for
our own code, and every other one is refused.
"""

import hashlib
import io
import pickle
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from skinmodel.errors import WeightsError

MAX_BYTES: Final = 1024 * 1024**2
_MAGIC: Final = 0x1950A86A20F9469CFC6C
_VERSION: Final = 1001
_DTYPES: Final[Mapping[str, np.dtype[Any]]] = {
    "FloatStorage": np.dtype("<f4"),
    "LongStorage": np.dtype("<i8"),
}


@dataclass(frozen=True)
class _Storage:
    key: str
    dtype: np.dtype[Any]
    size: int


@dataclass(frozen=True)
class _Tensor:
    """A view of a storage, counted in elements."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read_checkpoint(path: Path, sha256: str) -> dict[str, NDArray[Any]]:
    """Return every tensor of a checkpoint by its name.

    Args:
        path: a file as ``torch.save`` of PyTorch 1.5 and older wrote a state dictionary.
        sha256: what its content must be, in hexadecimal; checked before a byte is interpreted.

    Returns:
        float32 or int64 arrays of the tensors' shapes.

    Raises:
        WeightsError: the file cannot be read, is another file, or is not such a checkpoint.
    """
    content = _read(path)
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise WeightsError(
            f"'{path}' has the SHA-256 {found}, expected {sha256}. It is damaged or another file; "
            "get it again."
        )
    try:
        return _parse(io.BytesIO(content))
    except WeightsError:
        raise
    except Exception as error:
        raise WeightsError(
            f"'{path}' is no checkpoint of PyTorch 1.5 or older ({error}). Give one of those."
        ) from error


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise WeightsError(f"'{path}' cannot be read ({error.strerror}).") from error
    if len(content) > MAX_BYTES:
        raise WeightsError(
            f"'{path}' is larger than {MAX_BYTES // 1024**2} MB, the most that is read of one."
        )
    return content


def _parse(file: BinaryIO) -> dict[str, NDArray[Any]]:
    magic, version, platform = (_Unpickler(file).load() for _ in range(3))
    if magic != _MAGIC or version != _VERSION or not platform.get("little_endian"):
        raise WeightsError(
            f"The checkpoint has magic number {magic!r}, version {version!r} and platform "
            f"{platform!r}; expected {_MAGIC}, {_VERSION} and little-endian numbers."
        )
    described = _Unpickler(file).load()
    if not isinstance(described, Mapping) or not all(
        isinstance(name, str) and isinstance(tensor, _Tensor) for name, tensor in described.items()
    ):
        raise WeightsError("The checkpoint holds more than tensors with a name each.")
    keys = _Unpickler(file).load()
    storages = {tensor.storage.key: tensor.storage for tensor in described.values()}
    data = {key: _read_storage(file, storages[key]) for key in keys}
    return {name: _view(tensor, data[tensor.storage.key]) for name, tensor in described.items()}


def _read_storage(file: BinaryIO, storage: _Storage) -> NDArray[Any]:
    size = int.from_bytes(file.read(8), "little")
    content = file.read(size * storage.dtype.itemsize)
    if size != storage.size or len(content) != size * storage.dtype.itemsize:
        raise WeightsError(
            f"Storage '{storage.key}' of the checkpoint ends early: {len(content):,} bytes for "
            f"{storage.size:,} numbers."
        )
    return np.frombuffer(content, storage.dtype)


def _view(tensor: _Tensor, data: NDArray[Any]) -> NDArray[Any]:
    last = tensor.offset + sum(
        (n - 1) * step for n, step in zip(tensor.shape, tensor.strides, strict=True)
    )
    if min((tensor.offset, *tensor.shape, *tensor.strides, 0)) < 0 or last >= len(data):
        raise WeightsError(
            f"A tensor of shape {tensor.shape} reaches beyond its {len(data):,} numbers."
        )
    bytes_a_step = tuple(step * data.itemsize for step in tensor.strides)
    start = data[tensor.offset :]
    return np.lib.stride_tricks.as_strided(start, tensor.shape, bytes_a_step).copy()


def _rebuild(
    storage: _Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: object
) -> _Tensor:
    return _Tensor(storage, int(offset), tuple(map(int, shape)), tuple(map(int, strides)))


_KNOWN: Final[Mapping[tuple[str, str], Callable[..., Any] | str]] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _rebuild,
    **{("torch", name): name for name in _DTYPES},
}


class _Unpickler(pickle.Unpickler):
    """Unpickles tables of tensors and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _KNOWN:
            raise WeightsError(
                f"The checkpoint asks for '{module}.{name}', which a table of tensors does not "
                "need; it is not read."
            )
        return _KNOWN[module, name]

    def persistent_load(self, pid: Any) -> _Storage:
        kind, storage, key, _, size, view = pid
        if kind != "storage" or view is not None:
            raise WeightsError("The checkpoint refers to something that is no storage.")
        return _Storage(str(key), _DTYPES[storage], int(size))
