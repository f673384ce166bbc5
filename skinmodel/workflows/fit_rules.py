"""Temperature, conformal sets and thresholds of one network: fitted on validation, measured."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from skinmodel.errors import ConfigError
from skinmodel.evaluation.measures.bootstrap import Interval, resample, to_interval
from skinmodel.evaluation.measures.calibration import apply_temperature, fit_temperature
from skinmodel.evaluation.measures.conformal import (
    LEVELS,
    fit_quantiles,
    make_sets,
    measure_sets,
)
from skinmodel.evaluation.measures.thresholds import (
    TARGETS,
    compute_operating_intervals,
    target_of,
    threshold_for_sensitivity,
)
from skinmodel.evaluation.predictions import read_predictions, to_arrays
from skinmodel.evaluation.report import PREDICTIONS, read_report
from skinmodel.results import Figure
from skinmodel.trust.guard import SetRule, ThresholdRule, ViewRules
from skinmodel.trust.report import SetFigures

SENSITIVITIES: Final = (0.90, 0.95, 0.98)
ABROAD: Final = "isic2019"


@dataclass(frozen=True, eq=False)
class Answers:
    """Saved predictions of one run on one set, before calibration.

    Attributes:
        ids: str, (N,), of the images.
        truth: int64, (N,).
        raw: float32, (N, K).
        lesions: str, (N,).
    """

    ids: NDArray[np.str_]
    truth: NDArray[np.int64]
    raw: NDArray[np.float32]
    lesions: NDArray[np.str_]


def read_answers(results: Path, dataset: str, views: int) -> Answers:
    """Return a run's saved predictions.

    Args:
        results: folder of the run's results.
        dataset: as ``ham10000-val``.
        views: 1 or 8.

    Raises:
        ConfigError: they are missing or damaged; it says which command makes them.
    """
    folder = results / (dataset if views == 1 else f"{dataset}-{views}-views")
    if not (folder / PREDICTIONS).is_file():
        more = " --tta" if views > 1 else ""
        raise ConfigError(
            f"There are no predictions in '{folder}'. Make them first: python -m skinmodel "
            f"evaluate --model {results.name} --dataset {dataset.replace('-', ':', 1)}{more} "
            f"--out {folder}."
        )
    table = read_predictions(folder / PREDICTIONS)
    truth, probabilities, lesions = to_arrays(table)
    temperature = read_report(folder).provenance.temperature
    raw = apply_temperature(probabilities, 1 / temperature)
    return Answers(table["image_id"].to_numpy(str), truth, raw, lesions)


def fit_rules(results: Path, views: int) -> tuple[ViewRules, list[SetFigures]]:
    """Return what holds for a number of views, and the sets' figures in full.

    Raises:
        ConfigError: as ``read_answers``; ISIC 2019 may be missing for eight views.
    """
    val, test = (read_answers(results, f"ham10000-{side}", views) for side in ("val", "test"))
    abroad = read_answers(results, ABROAD, 1) if views == 1 else None
    temperature = fit_temperature(val.truth, val.raw)
    sets, measured = [], []
    for level in LEVELS:
        least = fit_quantiles(
            val.truth, apply_temperature(val.raw, temperature), val.lesions, level
        )
        found = [
            SetFigures(name, views, level, _measure(answers, temperature, least))
            for name, answers in (("ham10000:test", test), (ABROAD, abroad))
            if answers is not None
        ]
        coverage = [to_figure(part.figures["coverage"]) for part in found]
        sets.append(
            SetRule(
                level,
                tuple(float(value) for value in least),
                coverage[0],
                coverage[1] if len(coverage) > 1 else None,
            )
        )
        measured += found
    rules = ViewRules(temperature, tuple(sets), tuple(_fit_thresholds(val, test, temperature)))
    return rules, measured


def to_figure(interval: Interval) -> Figure:
    """Return an interval as answers carry it."""
    return Figure(interval.value, interval.low, interval.high)


def _measure(
    answers: Answers, temperature: float, least: NDArray[np.float64]
) -> dict[str, Interval]:
    sets = make_sets(apply_temperature(answers.raw, temperature), least)
    ones = measure_sets(answers.truth, sets, np.ones((1, len(sets))))
    drawn = resample(lambda weights: measure_sets(answers.truth, sets, weights), answers.lesions)
    return {name: to_interval(float(value[0]), drawn[name]) for name, value in ones.items()}


def _fit_thresholds(val: Answers, test: Answers, temperature: float) -> list[ThresholdRule]:
    rules = []
    chosen, measured = (apply_temperature(part.raw, temperature) for part in (val, test))
    for target in TARGETS:
        positive, score = target_of(target, val.truth, chosen)
        against, scored = target_of(target, test.truth, measured)
        for level in SENSITIVITIES:
            threshold = threshold_for_sensitivity(positive, score, level)
            found = compute_operating_intervals(against, scored, test.lesions, threshold)
            rules.append(
                ThresholdRule(
                    target,
                    level,
                    threshold,
                    to_figure(found["sensitivity"]),
                    to_figure(found["specificity"]),
                )
            )
    return rules
