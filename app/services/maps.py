"""What pages ask of saved measurements of maps, and of lesion masks."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from app.services.attempts import Problem, Stamps, attempt, stamp
from app.services.pictures import Origin, Picture
from skinmodel import paths
from skinmodel.data.masks import find_masks, read_mask
from skinmodel.data.sets import ham10000
from skinmodel.faithfulness import verdict
from skinmodel.faithfulness.report import FILE, IMAGES, FaithfulnessReport, read_images
from skinmodel.faithfulness.verdict import FOLDER

Measured = tuple[FaithfulnessReport, Path]

_FROM_HAM10000 = (
    Origin.HAM10000,
    Origin.HAM10000_VAL,
    Origin.HAM10000_TRAIN,
    Origin.HAM10000_UNPLACED,
)


def read_of_run(run_id: str) -> Measured | Problem | None:
    """Return what was measured of a run's maps and in which folder; None where nothing was."""
    roots = (paths.RESULTS, paths.evaluations())
    stamps = stamp(root / run_id / FOLDER / FILE for root in roots)
    return attempt(lambda: _read_of_run(run_id, tuple(map(str, roots)), stamps))


@st.cache_resource(show_spinner=False, max_entries=64)
def _read_of_run(run_id: str, roots: tuple[str, ...], stamps: Stamps) -> Measured | None:
    return verdict.read_of_run(run_id, [Path(root) for root in roots])


def read_report(run_id: str) -> FaithfulnessReport | None:
    """Return what was measured of a run's maps; None where nothing was or it cannot be read.

    A damaged file takes no page down: the Compare page says what is wrong with it.
    """
    found = read_of_run(run_id)
    return None if found is None or isinstance(found, Problem) else found[0]


def choose_method(run_id: str, methods: Sequence[str]) -> str:
    """Return the method that a run's measurements favour, or its first one."""
    return verdict.choose_method(methods, read_report(run_id))


def list_measured(first: Sequence[str] = ()) -> tuple[Measured | Problem, ...]:
    """Return what was measured of every run that ships or is the user's own.

    Args:
        first: ids of the runs that come first, where something was measured of them.
    """
    roots = (paths.RESULTS, paths.evaluations())
    others = sorted(f.parent.parent.name for r in roots for f in r.glob(f"*/{FOLDER}/{FILE}"))
    found = (read_of_run(run_id) for run_id in dict.fromkeys([*first, *others]))
    return tuple(measured for measured in found if measured is not None)


def read_rows(folder: Path) -> pd.DataFrame | Problem:
    """Return the rows of a measurement, one a picture and method, read once until they change."""
    return attempt(lambda: _read_rows(str(folder), stamp([folder / IMAGES])))


@st.cache_resource(show_spinner=False, max_entries=16)
def _read_rows(folder: str, stamps: Stamps) -> pd.DataFrame:
    return read_images(Path(folder))


def find_mask(image_id: str) -> str | None:
    """Return the path of the lesion mask of one of HAM10000's images; None where there is none."""
    folder = paths.data_dir()
    if folder is None:
        return None
    found = attempt(lambda: _find_masks(str(folder)))
    return None if isinstance(found, Problem) else found.get(image_id)


def find_mask_of(picture: Picture) -> str | None:
    """Return the path of a picture's lesion mask; None where there is none."""
    known = picture.origin in _FROM_HAM10000 and picture.title is not None and not picture.crop
    return find_mask(str(picture.title)) if known else None


@st.cache_resource(show_spinner=False, max_entries=2)
def _find_masks(folder: str) -> Mapping[str, str]:
    return find_masks(ham10000.find_root(Path(folder)))


def open_mask(path: str) -> NDArray[np.uint8] | Problem:
    """Return a mask, uint8, (H, W), 255 in the lesion, or why it cannot be read."""
    return attempt(lambda: read_mask(Path(path)))
