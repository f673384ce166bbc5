"""Read the tensors of a PyTorch checkpoint without PyTorch and without running what is in it.

A checkpoint of before PyTorch 1.6 is five pickles in a row (magic number, version, platform, the
tensors' descriptions, the storages' keys) and then each storage's length and raw bytes. A pickle
can name any function to be called; here the four names that a table of tensors needs stand for
our own code, and every other one is refused.
"""

import pickle
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skinmodel.errors import WeightsError


class _Storage(NamedTuple):
    key: str
    dtype: np.dtype[Any]


class _Tensor(NamedTuple):
    """A view of a storage, counted in elements."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read_checkpoint(path: Path) -> dict[str, NDArray[Any]]:
    """Return every tensor of a checkpoint by its name.

    Args:
        path: a state dictionary as ``torch.save`` of PyTorch 1.5 and older wrote it, found to be
            the published file: nothing but the names that it asks for is checked here.

    Returns:
        float32 or int64 arrays of the tensors' shapes.

    Raises:
        WeightsError: it asks for something that a table of tensors does not need.
    """
    with path.open("rb") as file:
        *_, tensors, keys = (_Unpickler(file).load() for _ in range(5))
        dtypes = {tensor.storage.key: tensor.storage.dtype for tensor in tensors.values()}
        data = {}
        for key in keys:
            count = int.from_bytes(file.read(8), "little")
            data[key] = file.read(count * dtypes[key].itemsize)
    return {name: _view(tensor, data[tensor.storage.key]) for name, tensor in tensors.items()}


def _view(tensor: _Tensor, data: bytes) -> NDArray[Any]:
    dtype = tensor.storage.dtype
    start, *steps = (n * dtype.itemsize for n in (tensor.offset, *tensor.strides))
    return np.ndarray(tensor.shape, dtype, data, start, steps).copy()


_KNOWN: Final[Mapping[tuple[str, str], Any]] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): lambda *parts: _Tensor(*parts[:4]),
    ("torch", "FloatStorage"): np.dtype("<f4"),
    ("torch", "LongStorage"): np.dtype("<i8"),
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
        _, dtype, key, *_ = pid
        return _Storage(key, dtype)
