"""All measures of one network's maps on a set of pictures, a row each picture and method."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from skinmodel.explain.placement import (
    Floats,
    Placement,
    average_over_cells,
    cells_of_pixels,
)
from skinmodel.faithfulness import blanking
from skinmodel.faithfulness.following import Move, move_map
from skinmodel.faithfulness.localisation import (
    centred_gaussian,
    compute_hit,
    compute_mass,
    outer_frame,
)
from skinmodel.faithfulness.pictures import blur, find_black_corners
from skinmodel.faithfulness.similarity import correlate

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
    """

    maps: NDArray[np.float32]
    lesions: Floats
    rows: tuple[Row, ...]


def measure(
    network: Network,
    subjects: Sequence[Subject],
    probabilities: NDArray[np.float32],
    method: str,
    placement: Placement,
    *,
    per_class: bool,
    seed: int,
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
    """
    pixels = np.stack([s.pixels for s in subjects])
    leading = probabilities.argmax(axis=1).astype(np.int64)
    maps = network.explain(method, pixels, leading)
    h, w = maps.shape[1:]
    lesions = np.stack([_lesion_on_cells(s, h, w, placement) for s in subjects])
    rows: list[Row] = [
        _localise(values, lesion, subject, placement)
        for values, lesion, subject in zip(maps, lesions, subjects, strict=True)
    ]
    _blank(network, subjects, probabilities, maps, placement, seed, rows)
    _follow(network, subjects, leading, method, maps, placement, rows)
    if per_class:
        least = probabilities.argmin(axis=1).astype(np.int64)
        other = network.explain(method, pixels, least)
        for row, first, second in zip(rows, maps, other, strict=True):
            row["class_similarity"] = _correlate_shown(first, second)
    return Measured(maps, lesions, tuple(rows))


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


def _blank(
    network: Network,
    subjects: Sequence[Subject],
    probabilities: NDArray[np.float32],
    maps: NDArray[np.float32],
    placement: Placement,
    seed: int,
    rows: list[Row],
) -> None:
    """Add the drops and areas of all pictures, asking the network about them in large batches."""
    plans = [
        _plan(subject, values, placement, seed)
        for subject, values in zip(subjects, maps, strict=True)
    ]
    asked = [picture for plan in plans for picture in plan.values()]
    answers = network.predict(np.stack(asked))
    start = 0
    for subject_answers, plan, values, row in zip(probabilities, plans, maps, rows, strict=True):
        stop = start + len(plan)
        code = int(subject_answers.argmax())
        seen = dict(zip(plan, answers[start:stop, code].astype(np.float64), strict=True))
        start = stop
        row |= _read_curves(float(subject_answers[code]), seen, values)


def _plan(
    subject: Subject, values: NDArray[np.float32], placement: Placement, seed: int
) -> dict[str, Pixels]:
    """Return the blanked pictures of one subject by what is blanked in them."""
    rng = chance_of(seed, subject.image_id, "blank")
    h, w = values.shape
    height, width = subject.pixels.shape[:2]
    cells = cells_of_pixels(height, width, h, w, placement)
    blurred = blur(subject.pixels)
    order = blanking.order_cells(values, rng)
    rolled = blanking.order_cells(blanking.roll(values, rng), rng)
    centre = blanking.order_cells(centred_gaussian(h, w, placement), rng)
    chance = [rng.permutation(h * w) for _ in range(RANDOM_DRAWS)]

    def without(chosen: NDArray[np.bool_]) -> Pixels:
        return blanking.blank(subject.pixels, blurred, cells, chosen)

    plan = {"all": without(np.ones(h * w, dtype=bool))}
    for step in blanking.STEPS[1:-1]:
        plan[f"deletion {step}"] = without(blanking.choose_cells(order, step))
        plan[f"insertion {step}"] = without(~blanking.choose_cells(order, step))
        plan[f"random {step}"] = without(blanking.choose_cells(chance[0], step))
    for number, draw in enumerate(chance[1:], 1):
        plan[f"drawn {number}"] = without(blanking.choose_cells(draw, blanking.SHARE))
    plan["rolled"] = without(blanking.choose_cells(rolled, blanking.SHARE))
    plan["centre"] = without(blanking.choose_cells(centre, blanking.SHARE))
    return plan


def _read_curves(leading: float, seen: Mapping[str, float], values: NDArray[np.float32]) -> Row:
    """Return areas and drops from the leading probability of each blanked picture."""
    if not values.max() > 0:
        return dict.fromkeys(FROM_BLANKING, float("nan"))
    inner, cells = blanking.STEPS[1:-1], values.size
    curves = {
        "deletion": [leading, *(seen[f"deletion {s}"] for s in inner), seen["all"]],
        "insertion": [seen["all"], *(seen[f"insertion {s}"] for s in inner), leading],
        "random": [leading, *(seen[f"random {s}"] for s in inner), seen["all"]],
    }
    areas = {name: blanking.compute_auc(curve, cells) for name, curve in curves.items()}
    chance = [seen[f"random {blanking.SHARE}"]]
    chance += [value for name, value in seen.items() if name.startswith("drawn ")]
    return {
        "deletion": areas["deletion"],
        "insertion": areas["insertion"],
        # In a random order, putting back is blanking in another random order, read backwards.
        "auc_random": areas["random"],
        "drop": leading - seen[f"deletion {blanking.SHARE}"],
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
