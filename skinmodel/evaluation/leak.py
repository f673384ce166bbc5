"""The report's protocol, measured: the same weights where it leaks and where it does not.

The same weights, trained by the report's recipe, are measured on the report's own leaky test, on
the parts of it that training gives away and does not, and on images that neither protocol has
seen; weights of the grouped split stand beside them. All from predictions tables. On HAM10000 the
lesions that neither has seen are nevi only (see ``report_leakage``): there, compare recall.nv, and
mind that these nevi are mostly photographed once and can be easier ones. The gap between pictures
that leak and others is not what the leak was worth, since the diagnoses differ as well. The
report's test also picked the epoch of its weights, of which only ISIC 2019 is free.
"""

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd

from skinmodel.data.tables import read_table
from skinmodel.diagnoses import CODES
from skinmodel.errors import ConfigError, DatasetError, summarize_ids
from skinmodel.evaluation.measures.bootstrap import DRAWS, SEED, Interval, compute_intervals
from skinmodel.evaluation.measures.metrics import HEADLINES
from skinmodel.evaluation.predictions import PROBABILITIES, to_arrays

FILE: Final = "leak.csv"
FIGURES: Final = (
    *HEADLINES,
    # Where classes are missing, only the figures of those that are there can be compared.
    *(f"recall.{code}" for code in CODES),
)
# What a row was measured on. "Given away": training has a picture of the lesion.
DATASETS: Final = {
    "report-test": "The report's test",
    "report-test-given-away": "The report's test, lesions given away by its training",
    "report-test-unseen": "The report's test, lesions its training has not seen",
    "unseen": "HAM10000 test folds, lesions neither training has seen",
    "ham10000-test": "HAM10000 test folds",
    "isic2019": "ISIC 2019 without HAM10000",
}
_LEAKY: Final = ("report-test", "report-test-given-away")
_COLUMNS: Final = ("image_id", "lesion_id", "truth", *PROBABILITIES)


@dataclass(frozen=True)
class MeasuredWeights:
    """Predictions of one set of weights, as tables of ``predictions``.

    Attributes:
        title: of the weights, as the reader sees it.
        ham10000_test: on the test folds of the grouped split.
        isic2019: on ISIC 2019 without HAM10000; None where it was not measured.
    """

    title: str
    ham10000_test: pd.DataFrame
    isic2019: pd.DataFrame | None = None


@dataclass(frozen=True)
class LeakRow:
    """One set of weights on one data set.

    Attributes:
        weights: title of the weights.
        dataset: a key of ``DATASETS``.
        images: how many were measured; of the report's test, pictures with their turned copies.
        lesions: how many they show; the intervals draw these.
        missing: codes of the diagnoses without a case.
        figures: each of ``FIGURES`` with its 95 % interval by lesion; NaN where undefined.
    """

    weights: str
    dataset: str
    images: int
    lesions: int
    missing: tuple[str, ...]
    figures: dict[str, Interval]

    @property
    def leaks(self) -> bool:
        """True where the training of these weights gives lesions of the data set away."""
        return self.dataset in _LEAKY

    @property
    def remark(self) -> str:
        """Return what the missing classes do to the figures; empty where none is missing."""
        if not self.missing:
            return ""
        if not self.images:
            return "No image: nothing is defined."
        present = [code for code in CODES if code not in self.missing]
        mean = (
            f"balanced accuracy is the sensitivity for {present[0]} alone and macro AUC is not "
            "defined"
            if len(present) == 1
            else f"balanced accuracy and macro AUC are means over {', '.join(present)}"
        )
        return f"No case of {', '.join(self.missing)}: {mean}."


def compute_leak_table(
    report: MeasuredWeights,
    report_test: pd.DataFrame,
    ours: MeasuredWeights,
    unseen: Collection[str],
    report_unseen: Collection[str],
    draws: int = DRAWS,
    seed: int = SEED,
) -> tuple[LeakRow, ...]:
    """Return the rows of the table, the report's weights first.

    Args:
        report: weights trained by the report's recipe on the report's split.
        report_test: their predictions on the report's test side, turned copies included.
        ours: weights trained on the grouped split.
        unseen: image ids of the test folds of which neither training has seen the lesion, see
            ``leakage.unseen_images``.
        report_unseen: image ids of the report's test side of which its training has not seen the
            lesion, see ``leakage.unseen_pictures``.
        draws: number of resamples of the intervals.
        seed: of the resampling.

    Raises:
        DatasetError: a table lacks a column, has an image twice, or has not all images asked for.
    """
    named = [
        (report.title, "report-test", report_test),
        (report.title, "report-test-given-away", _pick(report_test, report_unseen, keep=False)),
        (report.title, "report-test-unseen", _pick(report_test, report_unseen)),
        (report.title, "unseen", _pick(report.ham10000_test, unseen)),
        (report.title, "isic2019", report.isic2019),
        (ours.title, "unseen", _pick(ours.ham10000_test, unseen)),
        (ours.title, "ham10000-test", ours.ham10000_test),
        (ours.title, "isic2019", ours.isic2019),
    ]
    return tuple(
        _measure(title, dataset, table, draws, seed)
        for title, dataset, table in named
        if table is not None
    )


def to_frame(rows: Iterable[LeakRow]) -> pd.DataFrame:
    """Return the rows as one flat table, for a CSV: an interval is three columns.

    Columns: weights, dataset, leaks, images, lesions, missing (codes joined by spaces), and of
    each figure FIGURE, FIGURE_low and FIGURE_high.
    """
    lines = []
    for row in rows:
        line = {
            "weights": row.weights,
            "dataset": row.dataset,
            "leaks": row.leaks,
            "images": row.images,
            "lesions": row.lesions,
            "missing": " ".join(row.missing),
        }
        for name, interval in row.figures.items():
            line |= {name: interval.value, f"{name}_low": interval.low}
            line |= {f"{name}_high": interval.high}
        lines.append(line)
    return pd.DataFrame(lines)


def from_frame(table: pd.DataFrame) -> tuple[LeakRow, ...]:
    """Return the rows that ``to_frame`` made a table of, also when it was kept as CSV.

    Raises:
        DatasetError: a column is missing.
    """
    parts = [f"{name}{end}" for name in FIGURES for end in ("", "_low", "_high")]
    _require(table, ("weights", "dataset", "images", "lesions", "missing", *parts))
    return tuple(
        LeakRow(
            weights=str(line["weights"]),
            dataset=str(line["dataset"]),
            images=int(line["images"]),
            lesions=int(line["lesions"]),
            # An empty field of a CSV is read as NaN.
            missing=tuple(line["missing"].split()) if isinstance(line["missing"], str) else (),
            figures={
                name: Interval(*(float(line[f"{name}{end}"]) for end in ("", "_low", "_high")))
                for name in FIGURES
            },
        )
        for line in table.to_dict("records")
    )


def read_leak_table(file: Path) -> tuple[LeakRow, ...]:
    """Return the rows of a table that was kept as CSV.

    Raises:
        ConfigError: it is no table, lacks a column, or holds what is no number.
    """
    try:
        return from_frame(read_table(file).map(lambda cell: cell or math.nan))
    except (DatasetError, ValueError) as error:
        raise ConfigError(
            f"The table '{file}' cannot be read. {error} Restore it from the repository, or make "
            "it again with: python -m skinmodel leak."
        ) from error


def _measure(title: str, dataset: str, table: pd.DataFrame, draws: int, seed: int) -> LeakRow:
    _require(table, _COLUMNS)
    twice = table["image_id"][table["image_id"].duplicated()]
    if len(twice):
        raise DatasetError(
            f"The predictions of {title} on {dataset} have images twice: {summarize_ids(twice)}. "
            "Give one row an image."
        )
    if table.empty:
        nothing = Interval(float("nan"), float("nan"), float("nan"))
        figures = dict.fromkeys(FIGURES, nothing)
    else:
        measured = compute_intervals(*to_arrays(table), draws=draws, seed=seed)
        figures = {name: measured[name] for name in FIGURES}
    cases = set(table["truth"])
    return LeakRow(
        weights=title,
        dataset=dataset,
        images=len(table),
        lesions=int(table["lesion_id"].nunique()),
        missing=tuple(code for code in CODES if code not in cases),
        figures=figures,
    )


def _pick(table: pd.DataFrame, images: Collection[str], *, keep: bool = True) -> pd.DataFrame:
    """Return the rows of ``images``, or all others, of which every one must be in the table."""
    _require(table, _COLUMNS)
    wanted = set(images)
    absent = sorted(wanted - set(table["image_id"]))
    if absent:
        raise DatasetError(
            f"The predictions lack images to compare on: {summarize_ids(absent)}. Measure the "
            "weights on the whole data set of the split that the images were taken from."
        )
    return table[table["image_id"].isin(wanted) == keep]


def _require(table: pd.DataFrame, columns: Iterable[str]) -> None:
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise DatasetError(
            f"A table lacks the columns {', '.join(missing)}; it has "
            f"{', '.join(map(str, table.columns))}. Make it again with: python -m skinmodel "
            "evaluate."
        )
