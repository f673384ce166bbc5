"""The file that holds coded weights: safetensors with a layout of its own.

Safetensors runs no code on reading, and its header is checked against the file (sizes, overlaps,
gaps) by a library made for that. Unlike .npz it compresses nothing by itself, so the only thing
that inflates is the bounded stream of ``quantization.restore``. Beside the arrays stands one JSON
text, the tensor ``layout``: format, version, and name, shape and coding of every weight in the
order written. It is a tensor and not safetensors metadata because those are only read from a path,
while a file here is parsed from the very bytes whose hash was checked.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import prod
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from skinmodel.errors import WeightsError
from skinmodel.files import write_atomically
from skinmodel.weights.quantization import Quantized

FORMAT: Final = "skinmodel-weights"
VERSION: Final = 1
MAX_VALUES: Final = 250_000_000
MAX_FILE_BYTES: Final = 1_000_000_000

_LAYOUT: Final = "layout"
_EXACT: Final = "float32"
_QUANTIZED: Final = "quantized"
_DTYPES: Final = {"codes": "uint8", "steps": "float32", "positions": "uint32", "exact": "float32"}


@dataclass(frozen=True)
class Coded:
    """One weight as it stands in a file.

    Attributes:
        shape: of the weight.
        content: float32, ``shape``, or the same quantised.
    """

    shape: tuple[int, ...]
    content: NDArray[np.float32] | Quantized

    @property
    def bytes(self) -> int:
        """Size in the file, without the layout."""
        content = self.content
        return content.bytes if isinstance(content, Quantized) else content.nbytes


def pack(weights: Mapping[str, Coded]) -> bytes:
    """Return the content of a file that holds ``weights`` in their order."""
    tensors: dict[str, NDArray[Any]] = {}
    entries = []
    for index, (name, coded) in enumerate(weights.items()):
        quantized = isinstance(coded.content, Quantized)
        coding = _QUANTIZED if quantized else _EXACT
        entries.append({"name": name, "shape": list(coded.shape), "coding": coding})
        for part, array in _parts(coded.content).items():
            tensors[f"{index}.{part}"] = np.asarray(array, order="C")
    layout = json.dumps({"format": FORMAT, "version": VERSION, "weights": entries})
    tensors[_LAYOUT] = np.frombuffer(layout.encode(), dtype=np.uint8)
    return bytes(save(tensors))


def unpack(data: bytes) -> dict[str, Coded]:
    """Return what ``pack`` packed; nothing is inflated, and no memory taken on a file's promise.

    Raises:
        WeightsError: the bytes are damaged, of another format or version, or ask for more than
            ``MAX_VALUES`` values.
    """
    try:
        tensors = load(data)
        layout = json.loads(tensors.pop(_LAYOUT).tobytes())
        kind, version = layout["format"], layout["version"]
    except (SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise WeightsError(
            f"it is damaged, or no weights file of this program ({error})"
        ) from error
    if kind != FORMAT or version != VERSION:
        raise WeightsError(
            f"its format is {kind!r}, version {version!r}; expected {FORMAT!r}, version {VERSION}; "
            "a newer file asks for a newer skinmodel"
        )
    try:
        weights = {
            str(entry["name"]): _to_coded(index, entry, tensors)
            for index, entry in enumerate(layout["weights"])
        }
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(f"its layout does not fit its content ({error!r})") from error
    if tensors or len(weights) != len(layout["weights"]):
        raise WeightsError("its layout does not name each of its weights once")
    total = sum(prod(coded.shape) for coded in weights.values())
    if total > MAX_VALUES:
        raise WeightsError(f"it asks for {total:,} values; at most {MAX_VALUES:,} are read")
    return weights


def read_bytes(path: Path, max_bytes: int = MAX_FILE_BYTES) -> bytes:
    """Return a file's content, never more than ``max_bytes``.

    Raises:
        WeightsError: the file cannot be read or is larger.
    """
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            data = file.read(size) if size <= max_bytes else b""
    except OSError as error:
        raise WeightsError(
            f"The weights file '{path}' cannot be read ({error}). Restore it from the repository, "
            "or train the model again."
        ) from error
    if size > max_bytes:
        raise WeightsError(
            f"The weights file '{path}' has {size:,} bytes; at most {max_bytes:,} are read. It is "
            "no weights file of this program: restore the right one, or train the model again."
        )
    return data


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file, whole or not at all.

    Raises:
        WeightsError: the file cannot be written; what was there before is untouched.
    """

    def write(temporary: Path) -> None:
        temporary.write_bytes(data)

    try:
        write_atomically(path, write)
    except OSError as error:
        raise WeightsError(
            f"The weights file '{path}' of {len(data):,} bytes could not be written ({error}); "
            "what was there before is untouched. Free some space, or choose a folder you may "
            "write to (SKINMODEL_HOME)."
        ) from error


def _parts(content: NDArray[np.float32] | Quantized) -> dict[str, NDArray[Any]]:
    if isinstance(content, Quantized):
        return {f.name: getattr(content, f.name) for f in fields(Quantized)}
    return {_EXACT: content}


def _to_coded(index: int, entry: Mapping[str, Any], tensors: dict[str, NDArray[Any]]) -> Coded:
    """Take a weight's tensors out of ``tensors``; what is left at the end belongs to none."""
    shape = tuple(entry["shape"])
    if not all(type(side) is int and side >= 0 for side in shape):
        raise ValueError(f"shape {shape}")
    if entry["coding"] == _EXACT:
        array = _take(tensors, f"{index}.{_EXACT}", "float32")
        if array.shape != shape:
            raise ValueError(f"shape {array.shape} where the layout says {shape}")
        return Coded(shape, array)
    if entry["coding"] != _QUANTIZED or not shape:
        raise ValueError(f"coding {entry['coding']!r} of shape {shape}")
    parts = {part: _take(tensors, f"{index}.{part}", dtype) for part, dtype in _DTYPES.items()}
    return Coded(shape, Quantized(**parts))


def _take(tensors: dict[str, NDArray[Any]], name: str, dtype: str) -> NDArray[Any]:
    array = tensors.pop(name)
    if array.dtype != dtype:
        raise ValueError(f"{name} is {array.dtype}, not {dtype}")
    return array
