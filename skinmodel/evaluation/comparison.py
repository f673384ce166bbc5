"""Two networks on the same images, paired: computed, written and read."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from skinmodel.errors import ConfigError, UnknownNameError, escape, summarize_ids
from skinmodel.evaluation.measures.bootstrap import DRAWS, SEED, Interval, resample, to_interval
from skinmodel.evaluation.measures.metrics import NAMES, Floats, WeightedFigures, compute_metrics
from skinmodel.evaluation.predictions import read_predictions, to_arrays
from skinmodel.evaluation.report import (
    MAX_BYTES,
    PREDICTIONS,
    Evaluation,
    EvaluationReport,
    Provenance,
    check_provenance,
    with_nan,
    without_nan,
)
from skinmodel.files import read_json, write_text
from skinmodel.results import DISCLAIMER


@dataclass(frozen=True)
class McNemar:
    """Exact test of whether two models are right equally often.

    Attributes:
        only_first: number of cases in which only the first model is right.
        only_second: number of cases in which only the second is.
        p: two-sided exact binomial probability of a split at least as uneven, were both equally
            good; 1 where the models never differ.
    """

    only_first: int
    only_second: int
    p: float


@dataclass(frozen=True)
class Comparison:
    """What two models differ by on the same images.

    Attributes:
        differences: second minus first of every figure of ``Metrics.flat``, with the interval of
            the paired draws.
        images: McNemar's test on images, which takes pictures of one lesion for independent.
        lesions: the sign test on lesions: a case is a lesion of which one model has more images
            right than the other.
    """

    differences: dict[str, Interval]
    images: McNemar
    lesions: McNemar


def compare(
    truth: NDArray[np.int64],
    first: NDArray[np.floating],
    second: NDArray[np.floating],
    lesions: NDArray[np.str_],
    draws: int = DRAWS,
    seed: int = SEED,
) -> Comparison:
    """Return what two models differ by; each draw takes the same lesions for both.

    A draw in which a figure is undefined for either model is left out of that difference.

    Args:
        truth: int64, (N,), class indices.
        first: float, (N, K), probabilities of one model.
        second: float, (N, K), those of the other on the same images in the same order.
        lesions: str, (N,), the lesion each image shows; whole lesions are drawn.
        draws: number of resamples.
        seed: of the resampling.

    Raises:
        ConfigError: there is not one row an image and one column a class.
    """
    figures_of_first = WeightedFigures(truth, first)
    figures_of_second = WeightedFigures(truth, second)

    def subtract(weights: Floats) -> dict[str, Floats]:
        less, more = figures_of_first(weights), figures_of_second(weights)
        return {name: more[name] - less[name] for name in NAMES}

    drawn = resample(subtract, lesions, draws, seed)
    less, more = (compute_metrics(truth, p).flat() for p in (first, second))
    gains = (second.argmax(axis=1) == truth).astype(int) - (first.argmax(axis=1) == truth)
    _, lesion_of = np.unique(lesions, return_inverse=True)
    return Comparison(
        {name: to_interval(more[name] - less[name], drawn[name]) for name in NAMES},
        _test_signs(gains),
        _test_signs(np.bincount(lesion_of, weights=gains)),
    )


def describe_difference(interval: Interval, first_title: str, second_title: str, name: str) -> str:
    """Return in words what may be claimed of a difference, in points (hundredths).

    Nothing is claimed where the interval holds 0.

    Args:
        interval: second minus first of a figure, as a share.
        first_title: name of the first model for readers.
        second_title: name of the second.
        name: of the figure, one of ``metrics.NAMES``: all of them are better when higher.

    Raises:
        UnknownNameError: there is no such figure, so that "better" would be a guess.
    """
    if name not in NAMES:
        raise UnknownNameError("figure", name, NAMES)
    low, high = interval.low, interval.high
    if np.isnan([interval.value, low, high]).any():
        return "not defined"
    if low > 0:
        return f"{second_title} better by {_points(low)} to {_points(high)} points"
    if high < 0:
        return f"{first_title} better by {_points(-high)} to {_points(-low)} points"
    return f"no difference shown ({_signed(low)} to {_signed(high)} points)"


def remark_on_many(count: int) -> str:
    """Return what the reader of several differences at once must know, in one or two sentences.

    No correction is computed: 1,000 draws do not reach the tails that one for dozens of figures
    needs, and figures of one pair of runs go together, so that it would claim too little.

    Args:
        count: how many differences are shown.
    """
    return (
        f"These are {count} differences, each judged at 95 % by itself: without any true "
        "difference, about one in twenty would be claimed by chance. Each is between two runs of "
        "one seed, and another seed may turn those near 0."
    )


def _test_signs(gains: NDArray[np.number]) -> McNemar:
    """Test whether as many cases gain (> 0) as lose (< 0)."""
    # Takes half a second to load, and pages that only show a saved comparison do without it.
    from scipy.stats import binomtest

    only_first, only_second = int((gains < 0).sum()), int((gains > 0).sum())
    cases = only_first + only_second
    p = float(binomtest(only_second, cases, 0.5).pvalue) if cases else 1.0
    return McNemar(only_first, only_second, p)


def _points(share: float) -> str:
    """Return hundredths to one decimal, or to one figure where that would hide all of them."""
    points = 100 * share
    return f"{points:.1f}" if points == 0 or abs(points) >= 0.05 else f"{points:.1g}"


def _signed(share: float) -> str:
    sign = "+" if share > 0 else "−" if share < 0 else ""
    return sign + _points(abs(share))


FOLDER: Final = "comparisons"


@dataclass(frozen=True)
class SavedComparison:
    """What two runs differ by on the same images.

    Attributes:
        disclaimer: what the figures are not.
        first: where the first run's predictions come from.
        second: likewise; differences are second minus first.
        comparison: the figures.
    """

    disclaimer: str
    first: Provenance
    second: Provenance
    comparison: Comparison


def compare_evaluations(first: Evaluation, second: Evaluation) -> SavedComparison:
    """Compare two saved evaluations of one data set.

    Raises:
        ConfigError: they are not of the same images with the same truth.
    """
    tables = [read_predictions(e.folder / PREDICTIONS) for e in (first, second)]
    check_paired(*tables)
    truth, ours, lesions = to_arrays(tables[0])
    _, theirs, _ = to_arrays(tables[1])
    found = compare(truth, ours, theirs, lesions)
    return SavedComparison(DISCLAIMER, first.provenance, second.provenance, found)


def check_paired(first: pd.DataFrame, second: pd.DataFrame) -> None:
    """Refuse tables that are not, row by row, of the same images.

    Raises:
        ConfigError: ids, lesions or truth differ.
    """
    same = len(first) == len(second) and all(
        np.array_equal(first[name].to_numpy(str), second[name].to_numpy(str))
        for name in ("image_id", "lesion_id", "truth")
    )
    if not same:
        raise ConfigError(
            f"The two tables of predictions ({len(first):,} and {len(second):,} rows) are not of "
            "the same images, lesions and diagnoses in the same order, so nothing can be paired. "
            "Evaluate both runs on the same data set."
        )


def check_of_one(report: EvaluationReport, table: pd.DataFrame, folder: Path) -> None:
    """Refuse a report and predictions that are not of one evaluation.

    Raises:
        ConfigError: the predictions give another confusion matrix than the report.
    """
    truth, probabilities, _ = to_arrays(table)
    if compute_metrics(truth, probabilities).confusion != report.confusion:
        raise ConfigError(
            f"Report and predictions in '{folder}' are not of one evaluation: their confusion "
            "matrices differ. Restore both from the repository, or make them again with: python "
            "-m skinmodel evaluate."
        )


def write_comparison(root: Path, saved: SavedComparison) -> Path:
    """Write a comparison below ``root`` and return its file."""
    file = find_file(root, saved.first, saved.second)
    write_text(file, json.dumps(without_nan(asdict(saved)), indent=1) + "\n")
    return file


def read_comparison(root: Path, first: Provenance, second: Provenance) -> SavedComparison | None:
    """Return the saved comparison of two evaluations, or None where none is saved.

    One of the same names but of other predictions, such as those before a temperature was fitted
    anew, does not count.

    Raises:
        ConfigError: the file is damaged.
    """
    file = find_file(root, first, second)
    if not file.is_file():
        return None
    try:
        saved = _VALIDATOR.validate_python(with_nan(read_json(file, MAX_BYTES)))
        for provenance in (saved.first, saved.second):
            check_provenance(provenance)
        if missing := sorted(set(NAMES) - set(saved.comparison.differences)):
            raise ValueError(f"differences lack {summarize_ids(missing)}")
    except (OSError, ValueError, ValidationError) as error:
        reason = escape(str(error).splitlines()[0])
        raise ConfigError(
            f"The comparison '{file}' cannot be read ({reason}). Restore it from the repository, "
            "or make it again with: python -m skinmodel compare."
        ) from error
    return saved if (saved.first, saved.second) == (first, second) else None


def find_file(root: Path, first: Provenance, second: Provenance) -> Path:
    """Return where the comparison of two evaluations is kept."""
    return root / FOLDER / f"{first.folder}--{first.run_id}--{second.run_id}.json"


_VALIDATOR: Final = TypeAdapter(SavedComparison)
