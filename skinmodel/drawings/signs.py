"""How single dermoscopic signs are drawn, one a picture: schematically, to be recognised.

Terms after Kittler et al., "Standardization of terminology in dermoscopy/dermatoscopy", J Am Acad
Dermatol 74(6), 2016, and Argenziano et al., J Am Acad Dermatol 48(5), 2003.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np

from skinmodel.drawings.lesions import grow_vessels, pick_middle, pick_sizes, radiate
from skinmodel.drawings.strokes import Color, Mask, Point, Sheet, rise

_TAN: Final[Color] = (190, 134, 98)
_BROWN: Final[Color] = (150, 98, 68)
_DARK: Final[Color] = (72, 40, 28)
_BLACK: Final[Color] = (34, 22, 22)
_RED: Final[Color] = (172, 40, 46)


def _lay_body(
    sheet: Sheet, color: Color = _TAN, lobes: float = 0.06, radius: float = 0.36
) -> tuple[Mask, Mask]:
    """Draw a plain lesion; return its depth (0 on the outline) and the mask of its inside."""
    depth = sheet.blob(pick_middle(sheet), radius, lobes=lobes, rough=0.04)
    body = rise(depth, -0.03, 0.15)
    sheet.lay(color, 0.85 * body)
    return depth, body


def _spot(sheet: Sheet, points: list[Point], low: float, high: float, color: Color) -> None:
    sheet.lay(color, 0.9 * sheet.discs(points, pick_sizes(sheet, points, low, high)))


def _draw_typical_network(sheet: Sheet) -> None:
    """Thin, even brown lines around holes of one size, fading at the border."""
    depth, _ = _lay_body(sheet)
    net = sheet.honeycomb(0.05, warp=0.008, line=1.1)
    sheet.lay(_DARK, 0.75 * net * rise(depth, -0.02, 0.4))


def _draw_atypical_network(sheet: Sheet) -> None:
    """Thick, uneven lines around holes of many sizes, ending abruptly."""
    depth, body = _lay_body(sheet, lobes=0.25)
    for period, line, low in ((0.045, 1.4, -0.1), (0.085, 1.9, 0.1)):
        part = rise(sheet.noise(0.3, octaves=2), low, low + 0.3)
        net = sheet.honeycomb(period, warp=0.04, line=line)
        sheet.lay(_BLACK, 0.85 * net * part * rise(depth, 0.0, 0.05))
    sheet.lay(_DARK, 0.4 * body * rise(sheet.noise(0.2, octaves=2), 0.1, 0.9))


def _draw_regular_globules(sheet: Sheet) -> None:
    """Round brown globules of one size, spread evenly."""
    depth, _ = _lay_body(sheet)
    points = sheet.scatter(depth - 0.12, 90, 0.058)
    _spot(sheet, points, 0.019, 0.021, _DARK)


def _draw_irregular_dots(sheet: Sheet) -> None:
    """Dots and globules of many sizes and colours, crowded on one side."""
    depth, _ = _lay_body(sheet, lobes=0.22)
    crowd = sheet.blob((-0.14, 0.08), 0.22, lobes=0.3, rough=0.2)
    inside = (depth > 0.05).astype(np.float32)
    _spot(sheet, sheet.scatter(inside * (crowd > 0), 46, 0.026), 0.004, 0.021, _BLACK)
    _spot(sheet, sheet.scatter(inside, 16, 0.07), 0.006, 0.024, _DARK)


def _draw_starburst(sheet: Sheet) -> None:
    """Streaks all around the edge, evenly, of a dark symmetric lesion."""
    center = pick_middle(sheet)
    depth = sheet.blob(center, 0.27, lobes=0.02, rough=0.02)
    sheet.lay(_BROWN, 0.9 * rise(depth, -0.05, 0.1))
    sheet.lay(_BLACK, 0.75 * rise(depth, 0.1, 0.7))
    rays: list[tuple[list[Point], float]] = []
    for angle in np.linspace(0, 2 * np.pi, 44, endpoint=False):
        out = np.array([np.cos(angle), np.sin(angle)])
        start, end = 0.25 * out, float(sheet.rng.uniform(0.33, 0.35)) * out
        rays.append(([_add(center, start), _add(center, end)], 0.014))
    sheet.lay(_DARK, 0.9 * sheet.curves(rays, blur=0.003))


def _draw_irregular_streaks(sheet: Sheet) -> None:
    """Streaks at one part of the edge only."""
    center = pick_middle(sheet)
    depth = sheet.blob(center, 0.3, lobes=0.25, rough=0.06)
    sheet.lay(_BROWN, 0.9 * rise(depth, -0.03, 0.12))
    side = (sheet.x > center[0] + 0.02).astype(np.float32)
    strokes = radiate(sheet, np.where(side > 0, depth, 1).astype(np.float32), center, 40)
    longer = [([a, _add(a, 1.6 * (np.array(b) - np.array(a)))], w) for (a, b), w in strokes]
    sheet.lay(_BLACK, 0.88 * sheet.curves(longer, blur=0.003))
    sheet.lay(_BLACK, 0.7 * rise(sheet.x - center[0], -0.06, 0.12) * rise(depth, 0.1, 0.4))


def _draw_homogeneous(sheet: Sheet) -> None:
    """One colour without structure: here the blue of a blue nevus."""
    _lay_body(sheet, color=(98, 112, 140), lobes=0.04)


def _draw_blue_white_veil(sheet: Sheet) -> None:
    """A blurred blue area under a whitish haze, over part of the lesion."""
    depth, _ = _lay_body(sheet, color=_BROWN, lobes=0.22)
    veil = sheet.blob((0.06, -0.03), 0.24, lobes=0.25, rough=0.16)
    inside = rise(depth, 0.05, 0.25)
    sheet.lay((74, 92, 130), 0.95 * rise(veil, -0.05, 0.4) * inside)
    haze = rise(veil, 0.1, 0.8) * rise(sheet.noise(0.12, octaves=3), -0.6, 0.7)
    sheet.lay((206, 214, 228), 0.65 * haze * inside)


def _draw_blotch(sheet: Sheet) -> None:
    """A black structureless area off the middle, with an uneven edge."""
    depth, body = _lay_body(sheet, lobes=0.18)
    net = sheet.honeycomb(0.05, warp=0.015, line=1.1)
    sheet.lay(_DARK, 0.55 * net * rise(depth, -0.02, 0.4))
    dark = sheet.blob((-0.14, 0.07), 0.17, lobes=0.35, rough=0.25)
    sheet.lay(_BLACK, 0.95 * rise(dark, -0.05, 0.2) * body)


def _draw_regression(sheet: Sheet) -> None:
    """A white, scar-like area and grey granules like pepper."""
    depth, body = _lay_body(sheet, color=_BROWN, lobes=0.2)
    scar = sheet.blob((0.08, 0.02), 0.2, lobes=0.3, rough=0.2)
    sheet.lay((244, 224, 214), 0.92 * rise(scar, 0.0, 0.35) * body)
    near = ((scar > -0.15) & (scar < 0.75) & (depth > 0.08)).astype(np.float32)
    _spot(sheet, sheet.scatter(near, 130, 0.016), 0.0035, 0.0065, (112, 116, 128))


def _draw_atypical_vessels(sheet: Sheet) -> None:
    """Red dots and short, irregular, bent vessels of several calibres, in a pinkish lesion."""
    depth, _ = _lay_body(sheet, color=(220, 150, 140), lobes=0.2)
    inside = (depth > 0.1).astype(np.float32)
    _spot(sheet, sheet.scatter(inside * (sheet.x < 0), 44, 0.026), 0.0045, 0.008, _RED)
    lines: list[tuple[list[Point], float]] = []
    for x, y in sheet.scatter(inside * (sheet.x > 0.02), 16, 0.055):
        heading = float(sheet.rng.uniform(0, 2 * np.pi))
        line = [(x, y)]
        for _ in range(7):
            heading += float(sheet.rng.normal(0, 0.7))
            line.append(_add(line[-1], 0.012 * np.array([np.cos(heading), np.sin(heading)])))
        lines.append((line, float(sheet.rng.uniform(0.005, 0.011))))
    sheet.lay(_RED, 0.9 * sheet.curves(lines, blur=0.0015))


def _draw_milia_like_cysts(sheet: Sheet) -> None:
    """White or yellowish shining spots, and dark plugs: the comedo-like openings."""
    depth, body = _lay_body(sheet, color=(166, 122, 84), lobes=0.08)
    sheet.lay((120, 80, 52), 0.5 * body * rise(sheet.noise(0.12, octaves=2), 0.0, 0.8))
    _spot(sheet, sheet.scatter(depth - 0.15, 12, 0.1), 0.014, 0.022, (50, 32, 24))
    cysts = sheet.scatter(depth - 0.12, 22, 0.07)
    sizes = pick_sizes(sheet, cysts, 0.009, 0.016)
    sheet.lay((236, 214, 172), 0.5 * sheet.discs(cysts, [1.8 * s for s in sizes], blur=0.006))
    sheet.lay((254, 248, 230), 0.95 * sheet.discs(cysts, sizes, blur=0.003))


def _draw_arborising_vessels(sheet: Sheet) -> None:
    """Bright red vessels in sharp focus that branch like a tree, on a pearly ground."""
    depth, body = _lay_body(sheet, color=(236, 178, 168), lobes=0.08, radius=0.4)
    sheet.lay((248, 220, 212), 0.7 * rise(depth, 0.2, 0.8))
    trees = grow_vessels(sheet, depth)
    sheet.lay(_RED, 0.95 * body * sheet.curves([(p, 1.4 * w) for p, w in trees], blur=0.0012))


def _draw_ovoid_nests(sheet: Sheet) -> None:
    """Blue-grey, sharply bordered, oval areas that do not touch, and no network."""
    depth, _ = _lay_body(sheet, color=(232, 178, 166), lobes=0.1)
    nests = sheet.scatter(depth - 0.18, 12, 0.13)
    sheet.lay((92, 100, 132), 0.9 * sheet.discs(nests, pick_sizes(sheet, nests, 0.03, 0.055)))


def _draw_lacunae(sheet: Sheet) -> None:
    """Red to purple, sharply bordered round areas, parted by pale lines."""
    depth, body = _lay_body(sheet, color=(222, 160, 160), radius=0.34)
    centers = sheet.scatter(depth - 0.1, 40, 0.105)
    sizes = pick_sizes(sheet, centers, 0.044, 0.056)
    for turn, color in enumerate(((186, 38, 54), (150, 30, 62), (112, 32, 80))):
        fill = sheet.discs(centers[turn::3], sizes[turn::3], blur=0.003)
        sheet.lay(color, 0.95 * fill * body)


def _draw_strawberry(sheet: Sheet) -> None:
    """A red net around pale follicles that hold a yellowish plug."""
    depth, body = _lay_body(sheet, color=(206, 92, 84), radius=0.42)
    follicles = sheet.scatter(depth - 0.05, 60, 0.09)
    sizes = pick_sizes(sheet, follicles, 0.026, 0.034)
    sheet.lay((248, 222, 206), 0.95 * body * sheet.discs(follicles, sizes, blur=0.004))
    sheet.lay((214, 160, 96), 0.95 * sheet.discs(follicles, [0.45 * s for s in sizes]))


def _draw_white_patch(sheet: Sheet) -> None:
    """A white, scar-like middle within a delicate brown network."""
    depth, _ = _lay_body(sheet, color=(206, 154, 122))
    net = sheet.honeycomb(0.042, warp=0.012, line=0.9)
    sheet.lay((122, 76, 54), 0.65 * net * rise(depth, -0.02, 0.2))
    scar = rise(depth + 0.1 * sheet.noise(0.09, octaves=3), 0.4, 0.6)
    sheet.lay((250, 236, 228), 0.95 * scar)


def _add(point: Point, step: "np.ndarray[tuple[int, ...], np.dtype[np.floating]]") -> Point:
    return point[0] + float(step[0]), point[1] + float(step[1])


SIGNS: Final[Mapping[str, Callable[[Sheet], None]]] = MappingProxyType(
    {
        "typical network": _draw_typical_network,
        "atypical network": _draw_atypical_network,
        "regular globules": _draw_regular_globules,
        "irregular dots and globules": _draw_irregular_dots,
        "starburst": _draw_starburst,
        "irregular streaks": _draw_irregular_streaks,
        "homogeneous area": _draw_homogeneous,
        "blue-white veil": _draw_blue_white_veil,
        "irregular blotch": _draw_blotch,
        "regression structures": _draw_regression,
        "atypical vessels": _draw_atypical_vessels,
        "milia-like cysts": _draw_milia_like_cysts,
        "arborising vessels": _draw_arborising_vessels,
        "ovoid nests": _draw_ovoid_nests,
        "lacunae": _draw_lacunae,
        "strawberry pattern": _draw_strawberry,
        "central white patch": _draw_white_patch,
    }
)
"""Each sign's painter, by its name in words."""
