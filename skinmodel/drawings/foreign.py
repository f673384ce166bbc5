"""Pictures that are no dermoscopy, drawn: what people try a classifier with, by kind.

They test whether a network declines what it cannot judge. Each is repeatable: a kind and a number
give the same picture on the same library versions.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from skinmodel.drawings.strokes import Sheet

Image = NDArray[np.uint8]
Color = tuple[int, int, int]
Draw = Callable[[np.random.Generator, int], Image]

HEIGHT: Final = 450
WIDTH: Final = 600

_PLAIN: Final[tuple[Color, ...]] = (
    (0, 0, 0),
    (255, 255, 255),
    (128, 128, 128),
    (200, 30, 40),
    (30, 140, 60),
    (30, 70, 190),
    (228, 184, 166),
    (94, 60, 44),
)
_PAIRS: Final[tuple[tuple[Color, Color], ...]] = (
    ((0, 0, 0), (255, 255, 255)),
    ((20, 30, 120), (240, 240, 255)),
    ((250, 220, 60), (200, 40, 20)),
    ((20, 120, 60), (220, 255, 200)),
    ((228, 184, 166), (120, 70, 55)),
    ((255, 225, 210), (228, 184, 166)),
    ((60, 0, 80), (255, 120, 0)),
    ((40, 40, 40), (90, 90, 90)),
)
_WORDS: Final = (
    "the",
    "of",
    "and",
    "report",
    "page",
    "table",
    "figure",
    "skin",
    "between",
    "light",
)


def list_drawings() -> Iterator[tuple[str, str, Image]]:
    """Yield kind, name and picture, uint8, (450, 600, 3), RGB, 0-255, of every drawing."""
    for kind, (count, draw) in KINDS.items():
        for number in range(count):
            yield kind, f"{kind}-{number + 1}", draw_foreign(kind, number, draw)


def draw_foreign(kind: str, number: int, draw: Draw | None = None) -> Image:
    """Return one picture of a kind of ``KINDS``, uint8, (450, 600, 3), RGB, 0-255."""
    seed = [number, *kind.encode()]
    return (draw or KINDS[kind][1])(np.random.default_rng(seed), number)


def _blank(color: Color) -> Image:
    return np.full((HEIGHT, WIDTH, 3), color, np.uint8)


def _draw_plain(_: np.random.Generator, number: int) -> Image:
    return _blank(_PLAIN[number])


def _draw_gradient(_: np.random.Generator, number: int) -> Image:
    rows, columns = np.mgrid[0 : 1 : HEIGHT * 1j, 0 : 1 : WIDTH * 1j]
    radius = np.hypot(rows - 0.5, columns - 0.5) / np.hypot(0.5, 0.5)
    share = (rows, columns, radius, (rows + columns) / 2)[number % 4][..., None]
    first, second = (np.array(color, float) for color in _PAIRS[number])
    return _round(first + share * (second - first))


def _draw_noise(rng: np.random.Generator, number: int) -> Image:
    shape = (HEIGHT, WIDTH, 3)
    if number == 0:
        return np.asarray(rng.integers(0, 256, shape), np.uint8)
    if number == 1:
        return _round(np.repeat(rng.normal(128, 50, (HEIGHT, WIDTH, 1)), 3, axis=2))
    if number == 2:
        return np.asarray(np.repeat(rng.integers(0, 2, (HEIGHT, WIDTH, 1)) * 255, 3, 2), np.uint8)
    if number == 3:  # what a camera gives in the dark
        return _round(rng.normal(18, 9, shape))
    sheet = Sheet(HEIGHT, WIDTH, number)
    clouds = [sheet.noise((0.5, 0.15, 0.05, 0.02)[number - 4], octaves=3) for _ in range(3)]
    return _round(128 + 60 * np.stack(clouds, axis=2))


def _write_lines(page: Image, rng: np.random.Generator, ink: Color, box: tuple[int, ...]) -> None:
    """Fill a box (left, top, right, bottom, distance of lines, in pixels) with words."""
    left, top, right, bottom, step = box
    size = step / 42
    for y in range(top, bottom, step):
        x = left
        end = right - (int(rng.integers(0, (right - left) // 2)) if rng.random() < 0.2 else 0)
        while True:
            word = f"{rng.choice(_WORDS)} "
            (wide, _), _ = cv2.getTextSize(word, cv2.FONT_HERSHEY_SIMPLEX, size, 1)
            if x + wide > end:
                break
            place = (x, y)
            cv2.putText(page, word, place, cv2.FONT_HERSHEY_SIMPLEX, size, ink, 1, cv2.LINE_AA)
            x += wide


def _draw_text(rng: np.random.Generator, number: int) -> Image:
    paper: Color = ((255, 255, 255), (24, 26, 30), (246, 236, 214), (250, 250, 250))[number % 4]
    ink: Color = (20, 20, 20) if number % 4 != 1 else (220, 220, 220)
    page, step = _blank(paper), (16, 20, 26, 34)[number // 2]
    if number % 2:
        _write_lines(page, rng, ink, (30, 40, WIDTH // 2 - 15, HEIGHT - 20, step))
        _write_lines(page, rng, ink, (WIDTH // 2 + 15, 40, WIDTH - 30, HEIGHT - 20, step))
    else:
        _write_lines(page, rng, ink, (40, 50, WIDTH - 40, HEIGHT - 20, step))
    return page


def _draw_screenshot(rng: np.random.Generator, number: int) -> Image:
    dark = number % 2 == 1
    page = _blank((32, 34, 40) if dark else (240, 242, 246))
    ink: Color = (225, 225, 225) if dark else (40, 40, 40)
    accent: Color = tuple(int(v) for v in rng.integers(40, 220, 3))  # type: ignore[assignment]
    cv2.rectangle(page, (0, 0), (WIDTH, 36), accent, -1)
    panel: Color = (48, 51, 60) if dark else (255, 255, 255)
    if number // 2 == 0:  # a form beside a menu
        cv2.rectangle(page, (0, 36), (130, HEIGHT), panel, -1)
        _write_lines(page, rng, ink, (10, 70, 120, HEIGHT - 20, 24))
        for y in range(80, HEIGHT - 60, 60):
            cv2.rectangle(page, (160, y), (WIDTH - 40, y + 34), panel, -1)
            cv2.rectangle(page, (160, y), (WIDTH - 40, y + 34), accent, 1)
    elif number // 2 == 1:  # a chart of bars
        for x, tall in zip(range(60, WIDTH - 60, 50), rng.integers(40, 330, 10), strict=False):
            cv2.rectangle(page, (x, HEIGHT - 40 - int(tall)), (x + 34, HEIGHT - 40), accent, -1)
        cv2.line(page, (40, HEIGHT - 40), (WIDTH - 30, HEIGHT - 40), ink, 2)
    elif number // 2 == 2:  # a table
        for y in range(60, HEIGHT - 20, 30):
            cv2.line(page, (20, y), (WIDTH - 20, y), ink, 1)
        for x in range(20, WIDTH, 112):
            cv2.line(page, (x, 60), (x, HEIGHT - 30), ink, 1)
            _write_lines(page, rng, ink, (x + 6, 80, x + 100, HEIGHT - 30, 30))
    else:  # a talk in bubbles
        for row, y in enumerate(range(60, HEIGHT - 70, 80)):
            x = 30 if row % 2 else 230
            cv2.rectangle(page, (x, y), (x + 330, y + 60), panel if row % 2 else accent, -1)
            _write_lines(page, rng, ink, (x + 12, y + 24, x + 310, y + 58, 22))
    return page


def _draw_texture(rng: np.random.Generator, number: int) -> Image:
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH].astype(float)
    grain = Sheet(HEIGHT, WIDTH, number)
    if number == 0:
        return _two_tone((rows // 40 + columns // 40) % 2, (20, 20, 20), (235, 235, 235))
    if number == 1:
        return _two_tone((columns + rows) // 18 % 2, (200, 30, 40), (250, 250, 250))
    if number == 2:  # bricks
        shifted = columns + (rows // 40 % 2) * 45
        joint = (rows % 40 < 5) | (shifted % 90 < 5)
        wall = _two_tone(joint, (160, 70, 52), (205, 200, 192)).astype(float)
        return _round(wall + 12 * grain.noise(0.03, octaves=2)[..., None])
    if number == 3:  # wood
        rings = np.sin((columns + 60 * grain.noise(0.6)) / 9)
        return _round(np.array((170, 120, 70)) + 28 * rings[..., None] + 5 * rng.normal(size=1))
    if number == 4:  # cloth
        weave = (np.sin(rows / 2.2) * np.sin(columns / 2.2))[..., None]
        return _round(np.array((70, 90, 140)) + 45 * weave)
    if number == 5:  # leaves
        leaf = grain.noise(0.04, octaves=3)[..., None]
        return _round(np.array((60, 120, 40)) + np.array((40, 55, 30)) * leaf)
    if number == 6:
        return _two_tone(
            np.hypot(rows % 60 - 30, columns % 60 - 30) < 18, (250, 240, 90), (40, 60, 160)
        )
    if number == 7:  # rings around the middle, dark inside
        radius = np.hypot(rows - HEIGHT / 2, columns - WIDTH / 2)
        return _two_tone(radius // 24 % 2, (10, 10, 10), (250, 250, 250))
    if number == 8:  # tiles
        joint = (rows % 75 < 4) | (columns % 75 < 4)
        return _two_tone(joint, (225, 232, 236), (150, 155, 160))
    stone = grain.noise(0.08, octaves=4)[..., None]
    return _round(np.array((130, 125, 118)) + 38 * stone)


def _draw_landscape(rng: np.random.Generator, number: int) -> Image:
    sheet = Sheet(HEIGHT, WIDTH, number)
    sky = ((120, 170, 230), (250, 170, 110), (190, 200, 210), (30, 40, 80))[number]
    sheet.pixels[:] = sky
    sheet.lay((255, 255, 255), np.clip(sheet.noise(0.4, octaves=3), 0, 1) * 0.6)
    ground = (((60, 110, 50), (40, 80, 40)), ((90, 60, 40), (50, 35, 30)),
              ((200, 190, 150), (90, 120, 150)), ((20, 30, 25), (10, 14, 14)))[number]  # fmt: skip
    for depth, color in enumerate(ground):
        edge = 0.02 + 0.18 * depth + 0.08 * np.sin(sheet.x * (4 + 3 * depth) + rng.uniform(0, 6))
        sheet.lay(color, (sheet.y > edge).astype(float))
    sheet.shade(1 + 0.06 * sheet.noise(0.02, octaves=2))
    return _round(sheet.pixels)


def _draw_hair(rng: np.random.Generator, number: int) -> Image:
    """A strand of hair that fills the picture."""
    tone: Color = ((38, 26, 20), (120, 84, 50), (200, 165, 110), (70, 66, 66))[number]
    picture = _blank(tone)
    lean = float(rng.uniform(-0.5, 0.5))
    for _ in range(1400):
        x = float(rng.uniform(-150, WIDTH + 150))
        ys = np.linspace(-10, HEIGHT + 10, 12)
        bend = rng.normal(0, 6, 12).cumsum() + lean * ys
        points = np.stack([x + bend, ys], axis=1).astype(np.int32)
        shade = float(rng.uniform(0.45, 1.7))
        color = tuple(float(min(255, shade * part)) for part in tone)
        cv2.polylines(picture, [points], False, color, 1, cv2.LINE_AA)
    return picture


def _two_tone(mask: NDArray[np.generic], first: Color, second: Color) -> Image:
    picture = np.where(np.asarray(mask, bool)[..., None], second, first)
    return np.asarray(picture, np.uint8)


def _round(values: NDArray[np.floating]) -> Image:
    whole = np.clip(np.rint(np.broadcast_to(values, (HEIGHT, WIDTH, 3))), 0, 255)
    return np.ascontiguousarray(whole.astype(np.uint8))


KINDS: Final[Mapping[str, tuple[int, Draw]]] = {
    "plain colour": (8, _draw_plain),
    "gradient": (8, _draw_gradient),
    "noise": (8, _draw_noise),
    "page of text": (8, _draw_text),
    "screenshot": (8, _draw_screenshot),
    "texture": (10, _draw_texture),
    "landscape": (4, _draw_landscape),
    "hair": (4, _draw_hair),
}
"""Number of drawings and how one is drawn, by kind."""
