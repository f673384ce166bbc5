"""HAM10000 in small pictures: a set of its own layout that fits where the whole one does not."""

import os
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skinmodel.data import masks
from skinmodel.data.sets import ham10000
from skinmodel.errors import ConfigError
from skinmodel.imaging import images

SIZE: Final = (192, 144)
"""Width and height in pixels, the shape of HAM10000's own pictures."""
LIMIT_MIB: Final = 45.0
LICENCE_FILE: Final = "LICENCE.txt"

_MIB: Final = 1024 * 1024
_SAMPLE: Final = 200
_BEST, _WORST = 95, 30
# A sample may be lighter than the rest.
_MARGIN: Final = 0.98
_LICENCE: Final = (
    "HAM10000 (Tschandl, Rosendahl and Kittler, Sci. Data 5:180161, 2018, doi:10.7910/DVN/DBW86T; "
    "ViDIR Group, Medical University of Vienna), reduced to small pictures. CC BY-NC 4.0: "
    "non-commercial use only.\n"
)


@dataclass(frozen=True)
class Packed:
    """What was written.

    Attributes:
        pictures: number of pictures.
        masks: number of lesions' masks.
        quality: of the JPEG files.
        mib: size of all files, in MiB.
    """

    pictures: int
    masks: int
    quality: int
    mib: float


def pack(
    data: Path, out: Path, *, size: tuple[int, int] = SIZE, limit_mib: float = LIMIT_MIB
) -> Packed:
    """Write every picture of HAM10000 small, in the best JPEG quality that fits.

    Args:
        data: folder that holds HAM10000.
        out: folder to make; it then holds HAM10000 as ``data`` does, masks included.
        size: width and height of the pictures, in pixels.
        limit_mib: of all files together, in MiB.

    Raises:
        ConfigError: ``out`` is there already or cannot be written, the size is too small to be
            read again, or nothing fits the limit.
        DatasetError: HAM10000 is not complete.
        ImageError: a picture is damaged.
    """
    if out.exists():
        raise ConfigError(f"'{out}' is there already. Name a folder that is not, or remove it.")
    if min(size) < images.MIN_SIDE:
        raise ConfigError(
            f"Pictures of {size[0]} x {size[1]} pixels would not be read again: each side needs at "
            f"least {images.MIN_SIDE}. Give a larger --width and --height."
        )
    index = ham10000.read_index(data)
    root = ham10000.find_root(data)
    outlines = masks.find_masks(root)
    temporary = out.with_name(f".{out.name}.tmp")
    try:
        shutil.rmtree(temporary, ignore_errors=True)
        packed = _write(index, root, outlines, temporary / "HAM10000", size, limit_mib * _MIB)
        temporary.rename(out)
    except OSError as error:
        raise ConfigError(
            f"The small pictures cannot be written to '{out}' ({error}). Free some space, or name "
            "another folder."
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return packed


def _write(
    index: pd.DataFrame,
    root: Path,
    outlines: dict[str, str],
    folder: Path,
    size: tuple[int, int],
    limit: float,
) -> Packed:
    pictures, drawn = folder / ham10000.IMAGE_FOLDERS[-1], folder / masks.FOLDER
    pictures.mkdir(parents=True)
    shutil.copyfile(root / ham10000.METADATA, folder / ham10000.METADATA)
    (folder / LICENCE_FILE).write_text(_LICENCE, encoding="utf-8")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        used = sum(file.stat().st_size for file in folder.iterdir() if file.is_file())
        chosen = {i: outlines[i] for i in index["image_id"] if i in outlines}
        if chosen:
            drawn.mkdir()
            files = [drawn / f"{image}{masks.SUFFIX}.png" for image in chosen]
            sizes = pool.map(lambda p, f: _write_mask(Path(p), f, size), chosen.values(), files)
            used += sum(sizes)
        paths = [Path(path) for path in index["path"]]
        quality = _choose_quality(paths, size, (limit - used) / len(paths))
        files = [pictures / f"{image}.jpg" for image in index["image_id"]]
        used += sum(pool.map(lambda p, f: _write_file(f, _encode(p, size, quality)), paths, files))
    if used > limit:
        raise ConfigError(
            f"At JPEG quality {quality} the pictures take {used / _MIB:.1f} MiB, more than the "
            f"limit of {limit / _MIB:.1f}, though a sample of them did not. Raise --limit a little."
        )
    return Packed(len(paths), len(chosen), quality, used / _MIB)


def _choose_quality(paths: Sequence[Path], size: tuple[int, int], room: float) -> int:
    """Return the best quality in which a picture takes ``room`` bytes on average.

    Raises:
        ConfigError: not even the worst does.
    """
    step = max(1, len(paths) // _SAMPLE)
    small = [_reduce(path, size) for path in paths[::step]]

    def mean(quality: int) -> float:
        return float(np.mean([len(_compress(picture, quality)) for picture in small]))

    low, high = _WORST, _BEST
    if mean(low) > room * _MARGIN:
        raise ConfigError(
            f"At JPEG quality {low} a picture of {size[0]} x {size[1]} takes {mean(low):.0f} "
            f"bytes, but the limit leaves {max(room, 0):.0f}. Raise --limit, or make them smaller."
        )
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if mean(middle) <= room * _MARGIN else (low, middle - 1)
    return low


def _reduce(path: Path, size: tuple[int, int]) -> NDArray[np.uint8]:
    picture = images.read(path)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def _compress(picture: NDArray[np.uint8], quality: int) -> bytes:
    settings = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_OPTIMIZE, 1]
    return bytes(cv2.imencode(".jpg", picture[..., ::-1], settings)[1])


def _encode(path: Path, size: tuple[int, int], quality: int) -> bytes:
    return _compress(_reduce(path, size), quality)


def _write_mask(path: Path, file: Path, size: tuple[int, int]) -> int:
    mask = cv2.resize(masks.read_mask(path), size, interpolation=cv2.INTER_AREA)
    lesion = np.where(mask >= masks.HALF, 255, 0).astype(np.uint8)
    return _write_file(file, bytes(cv2.imencode(".png", lesion, [cv2.IMWRITE_PNG_BILEVEL, 1])[1]))


def _write_file(file: Path, content: bytes) -> int:
    file.write_bytes(content)
    return len(content)
