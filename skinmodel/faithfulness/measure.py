"""All measures of one network's maps on a set of pictures, a row each picture and method."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from skinmodel.faithfulness import scores
from skinmodel.faithfulness.pictures import Move, blur, find_black_corners, move_map
from skinmodel.faithfulness.scores import (
    centred_gaussian,
    compute_hit,
    compute_mass,
    correlate,
    outer_frame,
)
from skinmodel.imaging.placement import Floats, Placement, average_over_cells, cells_of_pixels

Pixels = NDArray[np.uint8]
Row = dict[str, float]

RANDOM_DRAWS: Final = 4
"""How often as many cells are blanked at random, of which the mean drop is taken."""

_LEAST_CORNERS: Final = 0.01


class Network(Protocol):
    """What is measured: see ``explain.probe.Probe``."""

    def predict(self, pixels: Pixels) -> NDArray[np.float32]:
        """Return probabilities, float32, (N, K)."""

    def explain(
        self, method: str, pixels: Pixels, class_indices: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Return maps, float32, (N, h, w)."""


@dataclass(frozen=True)
class Subject:
    """One picture as the measures need it.

    Attributes:
        image_id: its id, which seeds what is drawn for it.
        pixels: uint8, (H, W, 3), RGB, at the size of the network's input.
        moved: the picture moved in each of ``moves``, likewise.
        moves: how.
        lesion: bool, (P, Q), the lesion's mask at any size; None where it has none.
    """

    image_id: str
    pixels: Pixels
    moved: tuple[Pixels, ...]
    moves: tuple[Move, ...]
    lesion: NDArray[np.bool_] | None


@dataclass(frozen=True)
class Measured:
    """What a method gave on some pictures.

    Attributes:
        maps: float32, (N, h, w), unnormalised.
        lesions: float64, (N, h, w), the lesion's share of each cell; NaN without a mask.
        rows: one a picture, figures by name; NaN where one is not defined.
        seconds: that one map took.
    """

    maps: NDArray[np.float32]
    lesions: Floats
    rows: tuple[Row, ...]
    seconds: float


Chance = Callable[[int, int], Floats]
"""Gives ``measure_chance`` for maps of h rows and w columns, computed or kept."""


def measure(
    network: Network,
    subjects: Sequence[Subject],
    probabilities: NDArray[np.float32],
    method: str,
    placement: Placement,
    *,
    per_class: bool,
    seed: int,
    chance: Chance | None = None,
) -> Measured:
    """Return what can be said of each picture on its own.

    Args:
        network: whose maps they are.
        subjects: the pictures.
        probabilities: float32, (N, K), the network's answers on them.
        method: one of the network's methods.
        placement: where the cells lie.
        per_class: whether the map speaks for one diagnosis; it is the leading one.
        seed: of all that is drawn, together with each picture's id.
        chance: what blanking without any map does, where methods with cells alike share it.
    """
    pixels = np.stack([s.pixels for s in subjects])
    leading = probabilities.argmax(axis=1).astype(np.int64)
    started = time.perf_counter()
    maps = network.explain(method, pixels, leading)
    seconds = (time.perf_counter() - started) / len(subjects)
    h, w = maps.shape[1:]
    lesions = np.stack([_lesion_on_cells(s, h, w, placement) for s in subjects])
    rows: list[Row] = [
        _localise(values, lesion, subject, placement)
        for values, lesion, subject in zip(maps, lesions, subjects, strict=True)
    ]
    by_chance = (
        measure_chance(network, subjects, leading, h, w, placement, seed)
        if chance is None
        else chance(h, w)
    )
    plans = [_plan(s, values, placement, seed) for s, values in zip(subjects, maps, strict=True)]
    blanked = _ask(network, plans, leading)
    for number, (row, values) in enumerate(zip(rows, maps, strict=True)):
        seen = dict(zip(plans[number], blanked[number], strict=True))
        seen |= dict(zip(BY_CHANCE, by_chance[number], strict=True))
        row |= _read_curves(float(probabilities[number, leading[number]]), seen, values)
    _follow(network, subjects, leading, method, maps, placement, rows)
    if per_class:
        least = probabilities.argmin(axis=1).astype(np.int64)
        other = network.explain(method, pixels, least)
        for row, first, second in zip(rows, maps, other, strict=True):
            row["class_similarity"] = _correlate_shown(first, second)
    return Measured(maps, lesions, tuple(rows), seconds)


def measure_chance(
    network: Network,
    subjects: Sequence[Subject],
    leading: NDArray[np.int64],
    h: int,
    w: int,
    placement: Placement,
    seed: int,
) -> Floats:
    """Return the leading probability of each picture blanked without asking any map.

    Args:
        network: who is asked.
        subjects: the pictures.
        leading: int64, (N,), the diagnosis whose probability is taken.
        h: rows of cells.
        w: columns of cells.
        placement: where the cells lie.
        seed: of the random orders, together with each picture's id.

    Returns:
        float64, (N, C), a column for each of ``BY_CHANCE``.
    """
    return _ask(network, [_plan_chance(s, h, w, placement, seed) for s in subjects], leading)


def _ask(
    network: Network, plans: Sequence[Mapping[str, Pixels]], leading: NDArray[np.int64]
) -> Floats:
    """Return the leading probability of each plan's pictures, float64, (N, C), asked at once."""
    answers = network.predict(np.stack([picture for plan in plans for picture in plan.values()]))
    shaped = answers.reshape(len(plans), -1, answers.shape[1])
    return np.stack(
        [rows[:, code].astype(np.float64) for rows, code in zip(shaped, leading, strict=True)]
    )


def _lesion_on_cells(subject: Subject, h: int, w: int, placement: Placement) -> Floats:
    if subject.lesion is None:
        return np.full((h, w), np.nan)
    return average_over_cells(subject.lesion, h, w, placement)


def _localise(
    values: NDArray[np.float32], lesion: Floats, subject: Subject, placement: Placement
) -> Row:
    h, w = values.shape
    frame = outer_frame(h, w, placement)
    row = {
        "null": float(not values.max() > 0),
        "outer": compute_mass(values, frame),
        "outer_uniform": float(frame.mean()),
        "corners": float("nan"),
        "corners_uniform": float("nan"),
        "mass": float("nan"),
        "hit": float("nan"),
    }
    black = find_black_corners(subject.pixels)
    if black.mean() >= _LEAST_CORNERS:
        on_cells = average_over_cells(black, h, w, placement)
        row["corners"] = compute_mass(values, on_cells)
        row["corners_uniform"] = float(on_cells.mean())
    if subject.lesion is not None:
        row["mass"] = compute_mass(values, lesion)
        row["hit"] = compute_hit(values, lesion)
    return row


_INNER: Final = scores.STEPS[1:-1]

BY_CHANCE: Final = (
    "all",
    *(f"random {step}" for step in _INNER),
    *(f"drawn {number}" for number in range(1, RANDOM_DRAWS)),
    "centre",
)
"""What is blanked without asking a map: all cells, random ones, and those in the middle."""


def _plan_chance(
    subject: Subject, h: int, w: int, placement: Placement, seed: int
) -> dict[str, Pixels]:
    """Return the pictures of one subject blanked without a map, in the order of ``BY_CHANCE``."""
    rng = chance_of(seed, subject.image_id, f"chance {h} x {w}")
    draws = [rng.permutation(h * w) for _ in range(RANDOM_DRAWS)]
    centre = scores.order_cells(centred_gaussian(h, w, placement), rng)
    chosen = [np.ones(h * w, dtype=bool)]
    chosen += [scores.choose_cells(draws[0], step) for step in _INNER]
    chosen += [scores.choose_cells(order, scores.SHARE) for order in (*draws[1:], centre)]
    pictures = _blank_all(subject, chosen, h, w, placement)
    return dict(zip(BY_CHANCE, pictures, strict=True))


def _plan(
    subject: Subject, values: NDArray[np.float32], placement: Placement, seed: int
) -> dict[str, Pixels]:
    """Return the pictures of one subject blanked by a map, by what is blanked in them."""
    h, w = values.shape
    rng = chance_of(seed, subject.image_id, "map")
    order = scores.order_cells(values, rng)
    rolled = scores.order_cells(scores.roll(values, rng), rng)
    chosen = {f"deletion {step}": scores.choose_cells(order, step) for step in _INNER}
    chosen |= {f"insertion {step}": ~scores.choose_cells(order, step) for step in _INNER}
    chosen["rolled"] = scores.choose_cells(rolled, scores.SHARE)
    pictures = _blank_all(subject, list(chosen.values()), h, w, placement)
    return dict(zip(chosen, pictures, strict=True))


def _blank_all(
    subject: Subject, chosen: Sequence[NDArray[np.bool_]], h: int, w: int, placement: Placement
) -> list[Pixels]:
    height, width = subject.pixels.shape[:2]
    cells = cells_of_pixels(height, width, h, w, placement)
    blurred = blur(subject.pixels)
    return [scores.blank(subject.pixels, blurred, cells, which) for which in chosen]


def _read_curves(leading: float, seen: Mapping[str, float], values: NDArray[np.float32]) -> Row:
    """Return areas and drops from the leading probability of each blanked picture."""
    if not values.max() > 0:
        return dict.fromkeys(FROM_BLANKING, float("nan"))
    curves = {
        "deletion": [leading, *(seen[f"deletion {s}"] for s in _INNER), seen["all"]],
        "insertion": [seen["all"], *(seen[f"insertion {s}"] for s in _INNER), leading],
        "random": [leading, *(seen[f"random {s}"] for s in _INNER), seen["all"]],
    }
    areas = {name: scores.compute_auc(curve, values.size) for name, curve in curves.items()}
    chance = [seen[f"random {scores.SHARE}"]]
    chance += [value for name, value in seen.items() if name.startswith("drawn ")]
    return {
        "deletion": areas["deletion"],
        "insertion": areas["insertion"],
        # In a random order, putting back is blanking in another random order, read backwards.
        "auc_random": areas["random"],
        "drop": leading - seen[f"deletion {scores.SHARE}"],
        "drop_random": leading - float(np.mean(chance)),
        "drop_rolled": leading - seen["rolled"],
        "drop_centre": leading - seen["centre"],
    }


FROM_BLANKING: Final = (
    "deletion",
    "insertion",
    "auc_random",
    "drop",
    "drop_random",
    "drop_rolled",
    "drop_centre",
)


def _follow(
    network: Network,
    subjects: Sequence[Subject],
    leading: NDArray[np.int64],
    method: str,
    maps: NDArray[np.float32],
    placement: Placement,
    rows: list[Row],
) -> None:
    """Add how the map of each moved picture correlates with the moved and the unmoved map."""
    count = len(subjects[0].moves)
    moved = np.stack([picture for s in subjects for picture in s.moved])
    seen = network.explain(method, moved, np.repeat(leading, count))
    for number, (subject, values, row) in enumerate(zip(subjects, maps, rows, strict=True)):
        for move, found in zip(subject.moves, seen[number * count :], strict=False):
            expected = move_map(values, move, placement)
            comparable = np.where(np.isnan(expected), np.nan, values)
            known = values.max() > 0 and found.max() > 0
            row[f"follow_{move.kind}"] = correlate(found, expected) if known else float("nan")
            row[f"stay_{move.kind}"] = correlate(found, comparable) if known else float("nan")


def _correlate_shown(first: NDArray[Any], second: NDArray[Any]) -> float:
    """Return the correlation of two maps, NaN if one of them is null."""
    return correlate(first, second) if first.max() > 0 and second.max() > 0 else float("nan")


def chance_of(seed: int, image_id: str, purpose: str) -> np.random.Generator:
    """Return chance that depends on the picture alone, whatever others are measured with it."""
    return np.random.default_rng([seed, *f"{image_id}/{purpose}".encode()])
