"""How each of the seven diagnoses is drawn: the textbook's main dermoscopic signs, schematically.

Signs after Kittler et al., "Standardization of terminology in dermoscopy/dermatoscopy", J Am Acad
Dermatol 74(6), 2016.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np

from skinmodel.drawings.strokes import Mask, Point, Sheet, rise


def pick_middle(sheet: Sheet) -> Point:
    """Return a point near the middle of the picture."""
    x, y = sheet.rng.uniform(-0.03, 0.03, 2)
    return float(x), float(y)


def _draw_nevus(sheet: Sheet) -> None:
    """Round and even: one brown, a regular net that fades at the border."""
    depth = sheet.blob(pick_middle(sheet), 0.3, lobes=0.06, rough=0.04)
    sheet.lay((184, 128, 92), 0.85 * rise(depth, -0.04, 0.35))
    sheet.lay((138, 86, 58), 0.7 * rise(depth + 0.12 * sheet.noise(0.14, 2), 0.1, 0.85))
    net = sheet.honeycomb(0.03, warp=0.016) * rise(sheet.noise(0.1, octaves=2), -1.3, 0.3)
    sheet.lay((86, 48, 32), 0.72 * net * rise(depth, -0.02, 0.35))
    dots = sheet.scatter(depth - 0.55, 14, 0.03)
    sheet.lay((74, 40, 28), 0.7 * sheet.discs(dots, pick_sizes(sheet, dots, 0.004, 0.007)))


def _draw_melanoma(sheet: Sheet) -> None:
    """Asymmetric and notched, many colours, a blue-white veil, streaks and uneven dots."""
    x, y = pick_middle(sheet)
    depth = sheet.blob((x, y), 0.31, lobes=0.3, rough=0.09)
    body = rise(depth, -0.02, 0.12)
    sheet.lay((176, 116, 82), 0.9 * body)
    streaks = radiate(sheet, depth, (x, y), 30)
    sheet.lay((66, 38, 30), 0.8 * sheet.curves(streaks, blur=0.0035))
    mottle = sheet.noise(0.2, octaves=4)
    sheet.lay((104, 58, 40), 0.9 * body * rise(mottle, -0.5, 0.3))
    sheet.lay((196, 104, 92), 0.75 * body * rise(sheet.noise(0.3, octaves=2), 0.1, 0.9))
    net = sheet.honeycomb(0.042, warp=0.035, line=1.6) * rise(sheet.noise(0.2), -0.5, 0.4)
    sheet.lay((62, 34, 28), 0.75 * body * net)
    dark = sheet.blob((x - 0.12, y + 0.07), 0.14, lobes=0.3, rough=0.2)
    sheet.lay((30, 20, 24), 0.93 * rise(dark, -0.1, 0.5) * body)
    veil = sheet.blob((x + 0.07, y - 0.05), 0.17, lobes=0.25, rough=0.16)
    sheet.lay((92, 108, 138), 0.9 * rise(veil, -0.1, 0.7) * rise(depth, 0.0, 0.25))
    sheet.lay((178, 190, 206), 0.6 * rise(veil, 0.15, 0.9) * rise(sheet.noise(0.09, 3), -0.5, 0.8))
    scar = sheet.blob((x + 0.02, y + 0.17), 0.09, lobes=0.3, rough=0.2)
    sheet.lay((236, 206, 196), 0.7 * rise(scar, 0.0, 0.7) * body)
    dots = sheet.scatter(rise(depth, 0.0, 0.1) - 0.5, 34, 0.022)
    sheet.lay((36, 22, 22), 0.85 * sheet.discs(dots, pick_sizes(sheet, dots, 0.0025, 0.0075)))


def _draw_keratosis(sheet: Sheet) -> None:
    """Stuck on: a sharp border, a waxy ridged surface, white cysts and dark openings."""
    depth = sheet.blob(pick_middle(sheet), 0.31, lobes=0.1, rough=0.045)
    body = rise(depth, 0.0, 0.03)
    cast_shadow(sheet, body)
    sheet.lay((172, 128, 88), 0.95 * body)
    folds = np.abs(sheet.noise(0.085, octaves=2))
    sheet.lay((112, 74, 48), 0.8 * body * (1 - rise(folds, 0.0, 0.3)))
    sheet.lay((206, 168, 120), 0.5 * body * rise(folds, 0.35, 0.9))
    sheet.lay((140, 96, 62), 0.5 * body * rise(sheet.noise(0.3, octaves=2), 0.0, 0.9))
    surface = sheet.blur(body, 0.01) * (0.75 + 0.25 * rise(folds, 0, 0.5))
    sheet.shade(sheet.relief(sheet.blur(surface, 0.004), 0.014))
    openings = sheet.scatter(depth - 0.12, 24, 0.045)
    sizes = pick_sizes(sheet, openings, 0.006, 0.013)
    sheet.lay((88, 58, 38), 0.6 * sheet.discs(openings, [1.5 * s for s in sizes], blur=0.004))
    sheet.lay((54, 34, 24), 0.92 * sheet.discs(openings, sizes))
    cysts = sheet.scatter(depth - 0.1, 34, 0.036)
    sizes = pick_sizes(sheet, cysts, 0.004, 0.009)
    sheet.lay((238, 218, 178), 0.5 * sheet.discs(cysts, [1.8 * s for s in sizes], blur=0.005))
    sheet.lay((253, 246, 226), 0.95 * sheet.discs(cysts, sizes))


def _draw_basal_cell(sheet: Sheet) -> None:
    """Pearly and pink, with branching vessels in focus and blue-grey nests."""
    x, y = pick_middle(sheet)
    depth = sheet.blob((x, y), 0.31, lobes=0.11, rough=0.04)
    body = rise(depth, -0.02, 0.14)
    cast_shadow(sheet, rise(depth, 0.0, 0.06))
    sheet.lay((228, 158, 150), 0.85 * body)
    sheet.lay((246, 214, 206), 0.75 * rise(depth, 0.2, 0.8) * rise(sheet.noise(0.22, 2), -0.8, 0.5))
    sheet.lay((250, 226, 218), 0.6 * rise(depth, 0.0, 0.1) * (1 - rise(depth, 0.12, 0.3)))
    dome = np.sqrt(np.clip(depth + 0.02, 0, 1))
    sheet.shade(sheet.relief(sheet.blur(dome, 0.02), 0.03))
    nests = sheet.scatter((depth > 0.14) * (depth < 0.55) * np.float32(1), 9, 0.085)
    sizes = pick_sizes(sheet, nests, 0.014, 0.03)
    sheet.lay((104, 110, 138), 0.8 * sheet.discs(nests, sizes, blur=0.006))
    inside = rise(depth, -0.03, 0.1)
    vessels = grow_vessels(sheet, depth)
    sheet.lay((196, 84, 80), 0.4 * inside * sheet.curves(vessels, blur=0.006))
    sheet.lay((176, 38, 44), 0.9 * inside * sheet.curves(vessels, blur=0.0012))
    gleam = sheet.blob((x - 0.1, y - 0.12), 0.08, lobes=0.2, rough=0.1)
    sheet.lay((255, 248, 244), 0.5 * rise(gleam, 0.0, 0.9) * body)


def _draw_actinic(sheet: Sheet) -> None:
    """Red with a strawberry pattern: pale follicles in a red net, under white scale."""
    depth = sheet.blob(pick_middle(sheet), 0.33, lobes=0.16, rough=0.1)
    body = rise(depth, -0.12, 0.3)
    sheet.lay((210, 112, 98), 0.78 * body)
    sheet.lay((180, 62, 60), 0.6 * body * rise(sheet.noise(0.05, octaves=3), -0.2, 0.8))
    follicles = sheet.scatter(depth - 0.02, 70, 0.05)
    sizes = pick_sizes(sheet, follicles, 0.012, 0.018)
    sheet.lay((246, 216, 198), 0.85 * body * sheet.discs(follicles, sizes, blur=0.004))
    sheet.lay((216, 156, 100), 0.9 * body * sheet.discs(follicles, [0.42 * s for s in sizes]))
    scale = sheet.noise(0.045, octaves=4) + 0.6 * sheet.noise(0.25)
    flakes = rise(scale, 0.75, 1.2) * rise(depth, -0.02, 0.2)
    sheet.lay((252, 243, 226), 0.85 * flakes)
    sheet.shade(sheet.relief(sheet.blur(flakes, 0.003), 0.0022))


def _draw_vascular(sheet: Sheet) -> None:
    """Red, purple and blue-black lacunae, parted by pale septa, in a sharp border."""
    depth = sheet.blob(pick_middle(sheet), 0.28, lobes=0.12, rough=0.03)
    body = rise(depth, -0.02, 0.06)
    cast_shadow(sheet, body)
    sheet.lay((214, 142, 146), 0.92 * body)
    sheet.lay((236, 190, 190), 0.6 * body * rise(sheet.noise(0.08, octaves=2), 0.0, 0.9))
    centers = sheet.scatter(depth - 0.1, 60, 0.062)
    sizes = pick_sizes(sheet, centers, 0.032, 0.039)
    for turn, color in enumerate(((182, 36, 52), (146, 26, 56), (116, 30, 78), (64, 26, 62))):
        mine, radii = centers[turn::4], sizes[turn::4]
        fill = sheet.discs(mine, radii, blur=0.0035) * body
        sheet.lay(color, 0.94 * fill)
        sheet.shade(sheet.relief(sheet.blur(fill, 0.007), 0.0035))
        gleams = [(x - 0.3 * r, y - 0.3 * r) for (x, y), r in zip(mine, radii, strict=True)]
        sheet.lay((236, 150, 160), 0.35 * sheet.discs(gleams, [0.24 * r for r in radii], 0.005))


def _draw_dermatofibroma(sheet: Sheet) -> None:
    """A white, scar-like middle in a ring of delicate brown net."""
    depth = sheet.blob(pick_middle(sheet), 0.31, lobes=0.06, rough=0.06)
    ring = rise(depth, -0.08, 0.3) * (1 - 0.75 * rise(depth, 0.4, 0.75))
    sheet.lay((202, 148, 118), 0.75 * ring)
    net = sheet.honeycomb(0.027, warp=0.016, line=1.0) * rise(sheet.noise(0.12, 2), -1.3, 0.4)
    sheet.lay((122, 76, 54), 0.7 * rise(ring, 0.1, 0.9) * net)
    sheet.lay((230, 178, 166), 0.7 * rise(depth, 0.25, 0.6))
    scar = rise(depth + 0.16 * sheet.noise(0.09, octaves=3), 0.42, 0.78)
    sheet.lay((248, 232, 224), 0.9 * scar)
    sheet.shade(1 - 0.05 * scar * rise(np.abs(sheet.noise(0.05, octaves=2)), 0.3, 0.0))


def cast_shadow(sheet: Sheet, body: Mask) -> None:
    """Darken the skin beside a raised lesion, away from the light."""
    step = round(0.012 * sheet.height)
    moved = np.roll(sheet.blur(body, 0.012), (step, step), axis=(0, 1))
    sheet.shade(1 - 0.28 * moved * (1 - body))


def radiate(
    sheet: Sheet, depth: Mask, center: Point, count: int
) -> list[tuple[list[Point], float]]:
    """Return short strokes that leave the border of a lesion, away from ``center``."""
    rim = (np.abs(depth - 0.06) < 0.05) * rise(sheet.noise(0.5), 0.0, 0.1)
    strokes: list[tuple[list[Point], float]] = []
    for x, y in sheet.scatter(rim, count, 0.018):
        out = np.arctan2(y - center[1], x - center[0]) + sheet.rng.normal(0, 0.2)
        reach = sheet.rng.uniform(0.015, 0.035)
        tip = (x + reach * float(np.cos(out)), y + reach * float(np.sin(out)))
        strokes.append(([(x, y), tip], float(sheet.rng.uniform(0.006, 0.012))))
    return strokes


def pick_sizes(sheet: Sheet, points: list[Point], low: float, high: float) -> list[float]:
    """Return a radius for each point, between two bounds."""
    return [float(v) for v in sheet.rng.uniform(low, high, len(points))]


def grow_vessels(sheet: Sheet, depth: Mask) -> list[tuple[list[Point], float]]:
    """Return tree-like strokes that enter at the border and thin out with every fork."""
    strokes: list[tuple[list[Point], float]] = []
    rim = (np.abs(depth - 0.06) < 0.03).astype(np.float32)
    roots = sheet.scatter(rim, 4, 0.36)
    growing = [(p, float(np.arctan2(-p[1], -p[0])), 0.009, 0) for p in roots]
    while growing:
        point, heading, thickness, forks = growing.pop()
        line = [point]
        for _ in range(int(sheet.rng.integers(5, 10))):
            heading += float(sheet.rng.normal(0, 0.28))
            x, y = line[-1]
            line.append((x + 0.014 * float(np.cos(heading)), y + 0.014 * float(np.sin(heading))))
        strokes.append((line, thickness))
        if forks < 3:
            for side in (-1, 1):
                turn = heading + side * float(sheet.rng.uniform(0.25, 0.75))
                growing.append((line[-1], turn, thickness * 0.62, forks + 1))
    return strokes


PAINTERS: Final[Mapping[str, Callable[[Sheet], None]]] = MappingProxyType(
    {
        "nv": _draw_nevus,
        "mel": _draw_melanoma,
        "bkl": _draw_keratosis,
        "bcc": _draw_basal_cell,
        "akiec": _draw_actinic,
        "vasc": _draw_vascular,
        "df": _draw_dermatofibroma,
    }
)
