"""Drawn spots, a network that looks at them, and maps of it that are sound or broken."""

from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from skinmodel.faithfulness.measure import Subject, chance_of, measure
from skinmodel.faithfulness.pictures import draw_moves, move_picture
from skinmodel.faithfulness.report import FaithfulnessReport, MethodReport, write_report
from skinmodel.faithfulness.scores import centre_offset, centred_gaussian
from skinmodel.faithfulness.summary import add_controls, summarize
from skinmodel.faithfulness.verdict import FOLDER
from skinmodel.imaging.placement import WHOLE, average_over_cells

SIDE = 64
CELLS = 8


def draw_subject(number: int, off_centre: bool) -> Subject:
    """Return one picture of a dark spot on light skin, with its mask."""
    rng = np.random.default_rng(number)
    way = rng.uniform(11, 16) if off_centre else rng.uniform(0, 4)
    angle = rng.uniform(0, 2 * np.pi)
    centre = (
        round(SIDE / 2 + way * float(np.cos(angle))),
        round(SIDE / 2 + way * float(np.sin(angle))),
    )
    mask = np.zeros((SIDE, SIDE), np.uint8)
    cv2.circle(mask, centre, int(rng.integers(7, 11)), 1, -1)
    picture = rng.integers(190, 210, (SIDE, SIDE, 3)).astype(np.uint8)
    picture[mask == 1] = rng.integers(60, 90, 3)
    moves = draw_moves(chance_of(1, str(number), "moves"))
    moved = tuple(move_picture(picture, move) for move in moves)
    return Subject(str(number), picture, moved, moves, mask.astype(bool))


def draw_subjects(number: int = 40) -> list[Subject]:
    """Return pictures of which every other has its spot off centre."""
    return [draw_subject(n, bool(n % 2)) for n in range(number)]


class SpotNetwork:
    """Answers by how much dark there is; its methods are maps of it, sound and broken.

    ``sound`` marks the dark, ``upside_down`` the rest, ``random`` anything, ``centre`` always the
    middle, ``null`` nothing.
    """

    def __init__(self) -> None:
        self.asked = 0
        self.mixed = 0

    def predict(self, pixels):
        self.asked += len(pixels)
        dark = (pixels.mean(axis=3) < 130).mean(axis=(1, 2))
        leading = np.clip(0.2 + 8 * dark, 0, 0.95)
        rest = np.repeat((1 - leading)[:, None] / 6, 6, axis=1)
        return np.concatenate([leading[:, None], rest], axis=1).astype(np.float32)

    def explain(self, method, pixels, _class_indices):
        return np.stack([self._map(method, p) for p in pixels]).astype(np.float32)

    def place(self, _method):
        return WHOLE

    def count_weighted_layers(self):
        return 4

    @contextmanager
    def mixed_up(self, layers, _seed):
        self.mixed = layers
        yield
        self.mixed = 0

    def _map(self, method, picture):
        dark = average_over_cells(picture.mean(axis=2) < 130, CELLS, CELLS)
        rng = np.random.default_rng(list(picture[::7, ::7, 0].ravel()))
        noise = rng.random((CELLS, CELLS))
        if self.mixed:
            share = self.mixed / 4
            dark = (1 - share) * dark + share * noise
        if method == "sound":
            return dark + 0.01 * noise
        if method == "upside_down":
            return 1.01 - dark + 0.01 * noise
        if method == "centre":
            return centred_gaussian(CELLS, CELLS) + 1e-6 * noise
        return np.zeros((CELLS, CELLS)) if method == "null" else noise


def to_table(subjects, measured, probabilities) -> pd.DataFrame:
    """Return the rows that ``summary.add_controls`` takes."""
    return pd.DataFrame(list(measured.rows)).assign(
        group_id=[s.image_id for s in subjects],
        area=[float(s.lesion.mean()) for s in subjects],
        offset=[centre_offset(s.lesion) for s in subjects],
        probability=probabilities.max(axis=1),
    )


@cache
def measure_kind(kind: str) -> tuple[MethodReport, pd.DataFrame]:
    """Return the report and the rows of one of ``SpotNetwork``'s kinds of map."""
    network, subjects = SpotNetwork(), draw_subjects()
    probabilities = network.predict(np.stack([s.pixels for s in subjects]))
    found = measure(network, subjects, probabilities, kind, WHOLE, per_class=False, seed=1)
    table = to_table(subjects, found, probabilities)
    table = add_controls(table, found.maps, found.lesions, WHOLE).assign(
        image_id=[f"ISIC_{n:07d}" for n in range(len(table))], truth="nv", prediction="mel"
    )
    # As a cascade would give them: a centre blob needs no weights at all.
    for step, alike in ((1, 0.9), (2, 1.0 if kind == "centre" else 0.1)):
        table[f"weights_{step}"] = alike
    names = [n for n in table.columns if table[n].dtype.kind == "f" and n != "offset"]
    off = table[table["off_centre"] == 1]
    whole, part = (summarize(t, tuple(names), draws=100) for t in (table, off))
    report = MethodReport(
        method=kind,
        layer="conv6",
        cells=(CELLS, CELLS),
        placement=(0.0, 0.0, 1.0, 1.0),
        null_maps=0,
        masked=len(table),
        off_centre=len(off),
        seconds=0.01,
        figures=whole["figures"],
        differences=whole["differences"],
        figures_off_centre=part["figures"],
        differences_off_centre=part["differences"],
        shuffled=(1, 4),
        cascade_images=8,
    )
    return report, table


def make_report(run_id: str, model: str, kinds: Mapping[str, str]) -> FaithfulnessReport:
    """Return what measuring a network might have given.

    Args:
        run_id: of the run.
        model: registry name.
        kinds: kind of map by method, such as ``{"grad_cam": "sound"}``.
    """
    return FaithfulnessReport(
        run_id=run_id,
        model=model,
        dataset="ham10000:test",
        dataset_title="HAM10000, test lesions",
        leaks=False,
        remark="",
        images=40,
        lesions=40,
        sample=40,
        balanced=True,
        seed=1,
        placed="field",
        methods={m: replace(measure_kind(kind)[0], method=m) for m, kind in kinds.items()},
        versions={"numpy": "2"},
    )


def write_maps(root: Path, run_id: str, model: str, kinds: Mapping[str, str]) -> Path:
    """Write a measurement below ``root`` as the command does, and return its folder."""
    folder = root / run_id / FOLDER
    tables = [measure_kind(kind)[1].assign(method=m) for m, kind in kinds.items()]
    write_report(folder, make_report(run_id, model, kinds), pd.concat(tables))
    return folder
