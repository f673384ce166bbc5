"""Two measured runs on one data set: what every part of the Compare page is given."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skinmodel.evaluation.comparison import check_of_one, check_paired
from skinmodel.evaluation.predictions import read_predictions, to_arrays
from skinmodel.evaluation.report import (
    PREDICTIONS,
    Evaluation,
    EvaluationReport,
    Provenance,
    read_report,
)
from skinmodel.models.registry import MODELS

Slot = Literal["first", "second"]
SLOTS: Final[tuple[Slot, Slot]] = ("first", "second")

LEAKY: Final = "leaky"
_ORDER: Final = (
    "ham10000-test",
    "ham10000-test-8-views",
    "ham10000-test-84px",
    "isic2019",
    "isic2019-8-views",
    "isic2019-scc-as-akiec",
    "isic2018-test",
    "report-test",
    "ham10000-val",
)


@dataclass(frozen=True, eq=False)
class Measured:
    """One run on one data set.

    Attributes:
        label: what tables and legends call the network; says so where its figures leak.
        report: every figure.
        predictions: one row an image; see ``evaluation.predictions``.
        folder: of the evaluation.
    """

    label: str
    report: EvaluationReport
    predictions: pd.DataFrame = field(repr=False)
    folder: Path

    @property
    def provenance(self) -> Provenance:
        """Where the figures come from."""
        return self.report.provenance

    @cached_property
    def arrays(self) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.str_]]:
        """Truth int64 (N,), calibrated probabilities float32 (N, K) and lesions str (N,)."""
        return to_arrays(self.predictions)

    @cached_property
    def leading(self) -> NDArray[np.int64]:
        """The class index of each image's most probable diagnosis, int64, (N,)."""
        return self.arrays[1].argmax(axis=1).astype(np.int64)


@dataclass(frozen=True, eq=False)
class Pair:
    """Two runs on the same images of one data set; differences are second minus first."""

    first: Measured
    second: Measured

    @property
    def both(self) -> tuple[Measured, Measured]:
        """First and second."""
        return self.first, self.second

    def of(self, slot: Slot) -> Measured:
        """Return the first or the second."""
        return self.first if slot == "first" else self.second

    @property
    def dataset(self) -> Provenance:
        """What is known of the data set; the same for both."""
        return self.first.provenance

    @property
    def leaks(self) -> bool:
        """True where figures of either run are too good, and must be labelled so."""
        return any(measured.provenance.leaks for measured in self.both)


def name_dataset(provenance: Provenance) -> str:
    """Return what a data set and the way of looking at it are called."""
    views = f", {provenance.views} views averaged" if provenance.views > 1 else ""
    return f"{provenance.dataset_title}{views}"


def name_run(provenance: Provenance) -> str:
    """Return what one run is called in a list of runs."""
    return f"{name_network(provenance)} · {provenance.run_id}"


def name_network(provenance: Provenance) -> str:
    """Return the network's title; its name where the program no longer has it."""
    spec = MODELS.get(provenance.model)
    return spec.title if spec else provenance.model


def sort_datasets(evaluations: tuple[Evaluation, ...]) -> dict[str, tuple[Evaluation, ...]]:
    """Return evaluations by data set and number of views, the ones to read first in front."""
    names = {e.provenance.folder for e in evaluations}
    known = [name for name in _ORDER if name in names]
    return {
        name: tuple(e for e in evaluations if e.provenance.folder == name)
        for name in (*known, *sorted(names - set(known)))
    }


def read_pair(first: Evaluation, second: Evaluation) -> Pair:
    """Return two saved evaluations with their predictions.

    Raises:
        ConfigError: a report or predictions cannot be read, or do not belong together.
    """
    labels = _label(first.provenance, second.provenance)
    ours, theirs = (
        Measured(label, read_report(e.folder), read_predictions(e.folder / PREDICTIONS), e.folder)
        for label, e in zip(labels, (first, second), strict=True)
    )
    for measured in (ours, theirs):
        check_of_one(measured.report, measured.predictions, measured.folder)
    check_paired(ours.predictions, theirs.predictions)
    return Pair(ours, theirs)


def _label(*provenances: Provenance) -> list[str]:
    titles = [name_network(p) for p in provenances]
    if len(set(titles)) < len(titles):
        titles = [f"{t} {p.run_id}" for t, p in zip(titles, provenances, strict=True)]
    return [
        f"{title} ({LEAKY})" if p.leaks else title
        for title, p in zip(titles, provenances, strict=True)
    ]
