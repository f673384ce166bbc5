"""Drawn lesions for demonstrations and tests: synthetic art, no photograph and no patient.

``python -m skinmodel.drawings.draw --out assets/samples`` writes one file a diagnosis and an index.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from skinmodel.diagnoses import CODES
from skinmodel.drawings.lesions import PAINTERS
from skinmodel.drawings.signs import SIGNS
from skinmodel.drawings.strokes import Point, Sheet, rise
from skinmodel.errors import ConfigError, UnknownNameError

MARK: Final = "DRAWING"
INDEX: Final = "index.json"
_MIN_SIDE: Final = 32
_QUALITY: Final = 92
SEEDS: Final = {"nv": 1, "mel": 3, "bkl": 1, "bcc": 2, "akiec": 3, "vasc": 2, "df": 1}
"""Chosen by eye, by diagnosis, for drawings that show their signs well."""


def draw_lesion(
    code: str, seed: int, height: int = 450, width: int = 600, mark: bool = True
) -> NDArray[np.uint8]:
    """Return a schematic drawing of a lesion as a dermatoscope shows it.

    It has the signs a textbook names for the diagnosis; it is not a sample of what lesions look
    like, and what a network says of it means nothing.

    Args:
        code: a diagnosis code.
        seed: the same seed gives the same drawing on the same library versions.
        height: rows, in pixels, at least 32.
        width: columns, in pixels, at least 32.
        mark: write the word DRAWING into the lower right corner.

    Returns:
        uint8, (height, width, 3), RGB, 0-255.

    Raises:
        UnknownNameError: ``code`` is none of the seven.
        ConfigError: the picture asked for is too small.
    """
    if code not in PAINTERS:
        raise UnknownNameError("diagnosis", code, PAINTERS)
    return _paint((PAINTERS[code], _draw_hairs), seed, height, width, mark)


def draw_sign(
    name: str, seed: int = 1, height: int = 300, width: int = 400, mark: bool = True
) -> NDArray[np.uint8]:
    """Return a schematic drawing of one dermoscopic sign; otherwise as ``draw_lesion``.

    Raises:
        UnknownNameError: ``name`` is none of ``skinmodel.drawings.signs.SIGNS``.
        ConfigError: the picture asked for is too small.
    """
    if name not in SIGNS:
        raise UnknownNameError("dermoscopic sign", name, SIGNS)
    return _paint((SIGNS[name],), seed, height, width, mark)


def _paint(
    painters: Sequence[Callable[[Sheet], None]], seed: int, height: int, width: int, mark: bool
) -> NDArray[np.uint8]:
    if min(height, width) < _MIN_SIDE:
        raise ConfigError(
            f"A drawing of {width} x {height} pixels was asked for; each side needs {_MIN_SIDE}."
        )
    sheet = Sheet(height, width, seed)
    for paint in (_draw_skin, *painters, _finish):
        paint(sheet)
    pixels = np.clip(np.rint(sheet.pixels), 0, 255).astype(np.uint8)
    return _write_mark(pixels) if mark else pixels


def _draw_skin(sheet: Sheet) -> None:
    """Light skin: uneven tone, a fine relief of furrows, here and there a small vessel."""
    sheet.pixels[:] = (228, 184, 166)
    sheet.lay((214, 148, 134), 0.4 * rise(sheet.noise(0.45, octaves=2), -0.3, 1.3))
    sheet.lay((240, 208, 190), 0.6 * rise(sheet.noise(0.3, octaves=3), -0.2, 1.2))
    furrows = sheet.honeycomb(0.055, warp=0.02)
    sheet.shade(1 - 0.03 * furrows + 0.012 * sheet.noise(0.008))


def _draw_hairs(sheet: Sheet) -> None:
    """A few fine hairs, bent one way."""
    hairs: list[tuple[Sequence[Point], float]] = []
    lean = sheet.rng.uniform(0, np.pi)
    for _hair in range(int(sheet.rng.integers(2, 6))):
        x, y = sheet.rng.uniform(-0.6, 0.6), sheet.rng.uniform(-0.45, 0.45)
        angle, bend = lean + sheet.rng.normal(0, 0.25), sheet.rng.normal(0, 2.0)
        line = []
        for _ in range(24):
            line.append((float(x), float(y)))
            angle += bend * 0.014
            x, y = x + 0.014 * np.cos(angle), y + 0.014 * np.sin(angle)
        hairs.append((line, 0.003))
    strands = sheet.curves(hairs, blur=0.0012)
    sheet.lay((82, 56, 44), 0.75 * strands)


def _finish(sheet: Sheet) -> None:
    """Light of a dermatoscope: brightest in the middle, softly darker at the rim."""
    corner = np.hypot(sheet.x, sheet.y) / np.hypot(0.5, 0.5 * sheet.width / sheet.height)
    sheet.shade((1.03 - 0.34 * corner**2.6).astype(np.float32))
    sheet.pixels += sheet.rng.normal(0, 1.2, sheet.x.shape).astype(np.float32)[..., np.newaxis]


def _write_mark(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    font, scale = cv2.FONT_HERSHEY_DUPLEX, min(height, width) / 450 * 0.62
    stroke = max(1, round(scale * 1.4))
    (text_width, text_height), _ = cv2.getTextSize(MARK, font, scale, stroke)
    pad = max(2, round(text_height * 0.6))
    left, bottom = width - text_width - pad, height - pad
    plate = pixels[bottom - text_height - pad :, left - pad :]
    plate[...] = np.rint(0.35 * plate + 0.65 * np.float32(28)).astype(np.uint8)
    cv2.putText(pixels, MARK, (left, bottom), font, scale, (250, 250, 250), stroke, cv2.LINE_AA)
    return pixels


def write_samples(folder: Path) -> list[Path]:
    """Write one drawing a diagnosis as JPEG, and ``index.json`` that says how to draw it again.

    Args:
        folder: created where missing; files of the same names are replaced.

    Returns:
        The pictures' paths, in class order.
    """
    folder.mkdir(parents=True, exist_ok=True)
    entries, paths = [], []
    for code in CODES:
        path = folder / f"drawing_{code}.jpg"
        picture = Image.fromarray(draw_lesion(code, SEEDS[code]))
        picture.save(path, format="JPEG", quality=_QUALITY, subsampling=0, optimize=True)
        entries.append({"file": path.name, "code": code, "seed": SEEDS[code]})
        paths.append(path)
    index = {
        "note": "Drawn by skinmodel.drawings.draw; no photographs, no patients.",
        "command": "python -m skinmodel.drawings.draw --out assets/samples",
        "drawings": entries,
    }
    (folder / INDEX).write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")
    return paths


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the samples into the folder given on the command line."""
    parser = argparse.ArgumentParser(prog="skinmodel.drawings.draw", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for the drawings")
    for path in write_samples(parser.parse_args(arguments).out):
        print(path)


if __name__ == "__main__":
    main()
