"""Images decoded once into one array on disk, so that training never decodes again."""

import hashlib
import json
import logging
import os
import platform
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from filelock import FileLock
from numpy.typing import NDArray
from PIL import features
from tqdm import tqdm

from skinmodel.errors import ConfigError, ImageError
from skinmodel.files import write_atomically, write_text
from skinmodel.imaging import images
from skinmodel.imaging.preprocess import Preprocessing, resize
from skinmodel.paths import home

# Part of the key: raise it when decoding or resizing changes what the array holds.
FORMAT: Final = 1
# What Pillow decodes JPEG and PNG and converts colours with; a wheel brings its own.
_PILLOW_PARTS: Final = ("pil", "jpg", "libjpeg_turbo", "zlib", "littlecms2")

log = logging.getLogger(__name__)


def load_pixels(
    paths: Sequence[str], spec: Preprocessing, *, progress: bool = True
) -> NDArray[np.uint8]:
    """Return all images at a network's input size, decoding them only the first time.

    The array is kept under ``home()/decoded``, keyed by the SHA-256 of every file's content, in
    order, by the size and interpolation asked for, and by the libraries that decode: a folder that
    is moved or copied is not decoded again, but another decoder's pixels are never read. The
    array's own SHA-256 is kept beside it; where the two do not agree it is decoded anew. It is
    mapped from disk, read-only.

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
            if not _is_sound(file):
                pixels = _decode_all(paths, spec, progress)
                write_atomically(file, lambda temporary: _save(temporary, pixels))
                # Last, so that an array without it is one whose writing was cut short.
                write_text(_hash_file(file), fingerprint(pixels) + "\n")
    return np.load(file, mmap_mode="r", allow_pickle=False)


def fingerprint(pixels: NDArray[np.uint8]) -> str:
    """Return the SHA-256 of the decoded pixels: what a network really was trained on."""
    return hashlib.sha256(np.ascontiguousarray(pixels).data).hexdigest()


def read_decoders() -> dict[str, str]:
    """Return the versions of all that turns a file into these pixels, and the kind of processor."""
    versions = {name: str(features.version(name)) for name in _PILLOW_PARTS}
    return {**versions, "opencv": cv2.__version__, "machine": platform.machine()}


def _is_sound(file: Path) -> bool:
    """Return whether the array is there and holds the very pixels that were decoded."""
    if not file.exists():
        return False
    try:
        expected = _hash_file(file).read_text(encoding="ascii").strip()
        sound = fingerprint(np.load(file, mmap_mode="r", allow_pickle=False)) == expected
    except (FileNotFoundError, ValueError, EOFError):  # no hash, or no array
        sound = False
    if not sound:
        log.warning("the decoded images in '%s' are damaged: decoding them anew", file)
    return sound


def _hash_file(file: Path) -> Path:
    return file.with_suffix(".sha256")


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
        json.dumps(
            [FORMAT, spec.height, spec.width, spec.interpolation, read_decoders()], sort_keys=True
        ).encode()
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
