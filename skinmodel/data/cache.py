"""Images decoded once into one array on disk, so that training never decodes again."""

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from filelock import FileLock
from numpy.typing import NDArray
from tqdm import tqdm

from skinmodel import images
from skinmodel.errors import ConfigError, ImageError
from skinmodel.files import write_atomically
from skinmodel.paths import home
from skinmodel.preprocess import Preprocessing, resize

# Part of the key: raise it when decoding or resizing changes what the array holds.
FORMAT: Final = 1


def load_pixels(
    paths: Sequence[str], spec: Preprocessing, *, progress: bool = True
) -> NDArray[np.uint8]:
    """Return all images at a network's input size, decoding them only the first time.

    The array is kept under ``home()/decoded``, keyed by the SHA-256 of every file's content, in
    order, and by the size and interpolation asked for: a folder that is moved or copied is not
    decoded again. It is mapped from disk, read-only.

    Args:
        paths: N image files.
        spec: gives the size and the interpolation; channel order and scale are applied later.
        progress: show a progress bar while decoding.

    Returns:
        uint8, (N, height, width, 3), RGB, 0-255.

    Raises:
        ImageError: a file cannot be read or is no image.
        ConfigError: the cache cannot be written.
    """
    file = home() / "decoded" / f"{_key(paths, spec)}.npy"
    size = len(paths) * spec.height * spec.width * 3
    with _writing_to(file.parent, size):
        file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(file.with_suffix(".lock")):
            if not file.exists():
                pixels = _decode_all(paths, spec, progress)
                write_atomically(file, lambda temporary: _save(temporary, pixels))
    return np.load(file, mmap_mode="r", allow_pickle=False)


def fingerprint(pixels: NDArray[np.uint8]) -> str:
    """Return the SHA-256 of the decoded pixels: what a network really was trained on."""
    return hashlib.sha256(np.ascontiguousarray(pixels).data).hexdigest()


def _decode_all(paths: Sequence[str], spec: Preprocessing, progress: bool) -> NDArray[np.uint8]:
    pixels = np.empty((len(paths), spec.height, spec.width, 3), dtype=np.uint8)
    # Decoders and OpenCV release the interpreter lock, so threads use every core; OpenCV's own
    # threads would only compete with them.
    cv2.setNumThreads(1)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        rows: Iterator[NDArray[np.uint8]] = pool.map(lambda path: _decode(path, spec), paths)
        for i, row in enumerate(
            tqdm(rows, total=len(paths), desc="decoding", unit="img", disable=not progress)
        ):
            pixels[i] = row
    return pixels


def _decode(path: str, spec: Preprocessing) -> NDArray[np.uint8]:
    try:
        return resize(images.read(Path(path)), spec)
    except ImageError as error:
        # What is wrong with an upload needs no name; one file of ten thousand does.
        raise ImageError(f"'{path}' cannot be decoded: {error}") from error


@contextmanager
def _writing_to(folder: Path, size: int) -> Iterator[None]:
    try:
        yield  # whatever is wrong with an image's own file is an ImageError already
    except OSError as error:
        raise ConfigError(
            f"The decoded images ({size / 1e6:,.1f} MB) could not be kept in '{folder}' ({error}). "
            "Free that much space, or name another cache folder with SKINMODEL_HOME."
        ) from error


def _save(path: Path, pixels: NDArray[np.uint8]) -> None:
    with path.open("wb") as stream:
        np.save(stream, pixels, allow_pickle=False)


def _key(paths: Sequence[str], spec: Preprocessing) -> str:
    digest = hashlib.sha256(
        json.dumps([FORMAT, spec.height, spec.width, spec.interpolation]).encode()
    )
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for content in pool.map(_content_of, paths):
            digest.update(content)
    return digest.hexdigest()[:32]


def _content_of(path: str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError as error:
        raise ImageError(
            f"'{path}' cannot be read ({error.strerror}). Check the file and the disk."
        ) from error
