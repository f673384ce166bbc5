"""Every file read and decoded in full, in several processes, into what the checks compare.

A truncated JPEG or PNG is always found, and any change of a PNG (it carries checksums). A JPEG has
none: damage inside it that leaves its codes valid cannot be seen by anyone who has but the file.
"""

import hashlib
import io
import multiprocessing
import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image
from tqdm import tqdm

from skinmodel.errors import DatasetError, ImageError
from skinmodel.imaging import images
from skinmodel.imaging.containers import NO_END_MARKER, strip
from skinmodel.imaging.signatures import name_format

_CHUNK: Final = 32
_PNG_END: Final = b"\0\0\0\0IEND\xaeB`\x82"
_WHITE: Final = 255


@dataclass(frozen=True)
class Decoded:
    """What is known of a file once it is decoded.

    Attributes:
        fault: why it cannot be decoded, in a sentence; empty where it can.
        kind: what its first bytes say it is, such as ``JPEG``; None where nothing known fits.
        size: width and height in pixels, as stored; None where it cannot be decoded.
        content: digest of the file's bytes; empty where it cannot be read.
        pixels: digest of the decoded picture; empty where it cannot be decoded.
        inner: share of pixels that are neither 0 nor 255.
        cover: share of pixels above half the range: of a mask, the lesion's.
    """

    fault: str = ""
    kind: str | None = None
    size: tuple[int, int] | None = None
    content: bytes = b""
    pixels: bytes = b""
    inner: float = 0.0
    cover: float = 0.0


def decode_all(
    paths: Sequence[Path], *, workers: int | None = None, progress: bool = True, title: str = ""
) -> list[Decoded]:
    """Read and decode every file, under the limits of ``images.decode``.

    Args:
        paths: N files.
        workers: processes; None for one a core. With 1, or few files, this process does it.
        progress: show a progress bar with files a second, where there is a terminal.
        title: what the bar is called.

    Returns:
        One a path, in their order. A file that cannot be decoded has its ``fault`` there.

    Raises:
        DatasetError: a worker process was ended from outside.
    """
    chunks = [paths[i : i + _CHUNK] for i in range(0, len(paths), _CHUNK)]
    done: list[Decoded] = []
    hidden = None if progress else True  # None: only where there is a terminal
    count = count_workers(workers, len(paths))
    with tqdm(total=len(paths), desc=title, unit="img", disable=hidden) as bar:
        for decoded in _decode_chunks(chunks, count):
            done += decoded
            bar.update(len(decoded))
    return done


def count_workers(asked: int | None, files: int) -> int:
    """Return how many processes decode ``files`` files: not more than have a chunk to do."""
    return max(1, min(asked or os.cpu_count() or 1, files // _CHUNK))


def _decode_chunks(chunks: list[Sequence[Path]], workers: int) -> Iterator[list[Decoded]]:
    if workers == 1:
        yield from map(_decode_chunk, chunks)
        return
    # A fresh interpreter each: a fork of one with threads, as progress bars have, may hang.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_ignore_interrupts)
    try:
        yield from pool.map(_decode_chunk, chunks)
    except BrokenProcessPool as error:
        raise DatasetError(
            "A process that decoded images was ended from outside, perhaps because memory ran "
            "out. Run it again with fewer: --workers 1."
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _ignore_interrupts() -> None:
    """Leave Ctrl-C to the parent, which cancels what is left."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _decode_chunk(paths: Sequence[Path]) -> list[Decoded]:
    return [decode_file(path) for path in paths]


def decode_file(path: Path) -> Decoded:
    """Read and decode one file."""
    try:
        with path.open("rb") as file:
            data = file.read(images.MAX_BYTES + 1)
    except OSError as error:
        return Decoded(f"The file cannot be read ({error.strerror}).")
    kind, _ = name_format(data)
    content = _digest(data)
    try:
        decoded = images.decode_noted(data)
        if decoded.note == NO_END_MARKER:  # fit for a user's own picture, no part of a release
            raise ImageError(decoded.note)
        picture = decoded.image
        size = _check_to_the_end(data)
    except ImageError as error:
        # What comes after the first sentence is advice for an upload.
        return Decoded(f"{str(error).split('. ')[0].rstrip('.')}.", kind, content=content)
    shape = repr(picture.shape).encode()
    channel = picture[..., 0]
    return Decoded(
        kind=kind,
        size=size,
        content=content,
        pixels=_digest(shape + picture.tobytes()),
        inner=float(np.mean((channel > 0) & (channel < _WHITE))),
        cover=float(np.mean(channel > _WHITE // 2)),
    )


def _check_to_the_end(data: bytes) -> tuple[int, int]:
    """Return a decodable picture's stored width and height; a PNG's checksums and end must hold."""
    stripped = strip(data).data
    with Image.open(io.BytesIO(stripped), formats=("JPEG", "PNG")) as image:
        size, is_png = image.size, image.format == "PNG"
        try:
            image.verify()
        except (OSError, SyntaxError, ValueError) as error:
            raise ImageError("The PNG file is damaged.") from error
    if is_png and not stripped.endswith(_PNG_END):
        raise ImageError("The PNG file is damaged or incomplete at its end.")
    return size


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=16).digest()
