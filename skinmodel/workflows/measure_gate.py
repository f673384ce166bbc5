"""A network's gate and rules: fitted on training and validation, measured, written."""

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skinmodel import paths
from skinmodel.data.sets import ham10000
from skinmodel.data.sets.loading import load_evaluation_set
from skinmodel.data.splits import split_grouped
from skinmodel.errors import ConfigError
from skinmodel.evaluation.measures.bootstrap import Interval, resample, to_interval
from skinmodel.evaluation.measures.calibration import apply_temperature, compute_ece_interval
from skinmodel.evaluation.measures.metrics import Floats
from skinmodel.evaluation.measures.selective import compute_risk_area
from skinmodel.evaluation.measures.thresholds import compute_target_interval
from skinmodel.evaluation.report import PREDICTIONS
from skinmodel.faithfulness.session import Chunks
from skinmodel.imaging import preprocess
from skinmodel.inference.base import BaseClassifier
from skinmodel.libraries import read_versions
from skinmodel.results import DISCLAIMER, Outcome
from skinmodel.trust.foreign_pictures import ForeignPicture, list_foreign
from skinmodel.trust.gate import GateModel, fit_gate
from skinmodel.trust.guard import Guard, ViewRules
from skinmodel.trust.picture import describe
from skinmodel.trust.report import SCHEMA_VERSION, Calibrated, GateReport, Reaction, SetFigures
from skinmodel.trust.subspace import Subspace, fit_subspace
from skinmodel.weights.record import WeightsRecord
from skinmodel.workflows.fit_rules import ABROAD, fit_rules, read_answers
from skinmodel.workflows.look import Looked, look, look_at_set

PICTURE_AXES: Final = 40
FEATURE_AXES: Final = 64
TRAINING: Final = 3000
"""Training pictures that the gate knows."""
FORMAT: Final = 1
"""Raise it when a description changes, so that what was kept of before is not taken for it."""
_TIMED: Final = 15
_VIEWS: Final = (1, 8)
_TITLES: Final = {
    "ham10000:val": "HAM10000, validation lesions, where the limits were set",
    "ham10000:test": "HAM10000, test lesions",
    ABROAD: "ISIC 2019 outside HAM10000, which is here in 84 x 84 pixels only",
    "foreign": "Pictures that are no dermoscopy",
}


@dataclass(frozen=True, eq=False)
class Judged:
    """What the gate says of N pictures.

    Attributes:
        declined: bool, (N,).
        cautioned: bool, (N,), for whatever reason, and not declined.
        at_size: bool, (N,), cautioned for another reason than size, and not declined.
        foreign: bool, (N,).
        foreign_at_size: bool, (N,), foreign for another reason than size.
        small: bool, (N,).
    """

    declined: NDArray[np.bool_]
    cautioned: NDArray[np.bool_]
    at_size: NDArray[np.bool_]
    foreign: NDArray[np.bool_]
    foreign_at_size: NDArray[np.bool_]
    small: NDArray[np.bool_]


def measure_gate(
    classifier: BaseClassifier, record: WeightsRecord, results: Path, data: Path, sample: int
) -> tuple[Guard, GateReport]:
    """Return a network's guard, fitted, and everything that was measured of it.

    Args:
        classifier: the network.
        record: of its weights, trained on the grouped split.
        results: folder of the run's results, with its predictions on validation and test lesions
            for one view, and eight where answers of eight views are to have rules, and on ISIC
            2019.
        data: folder that holds ``HAM10000`` and ``ISIC2019``.
        sample: pictures of ISIC 2019 to look at, drawn; all where there are fewer.

    Raises:
        ConfigError: predictions are missing, or the run was trained on another split.
        DatasetError: pictures are missing or damaged.
    """
    rules: dict[int, ViewRules] = {}
    sets: list[SetFigures] = []
    for views in _list_views(results):  # first: it costs seconds, and says what is missing
        rules[views], found = fit_rules(results, views)
        sets += found
    foreign = list_foreign()
    looked = _look_at_all(classifier, record, data, sample, foreign)
    gate = _fit(looked["train"], looked["ham10000:val"])
    side = min(classifier.preprocessing.height, classifier.preprocessing.width)
    judged = {name: judge_all(gate, part, side) for name, part in looked.items()}
    guard = Guard(record.run_id, record.sha256, gate, rules)
    kinds = {kind: [p.kind == kind for p in foreign] for kind in {p.kind: 0 for p in foreign}}
    report = GateReport(
        schema_version=SCHEMA_VERSION,
        disclaimer=DISCLAIMER,
        run_id=record.run_id,
        model=record.model,
        weights_sha256=record.sha256,
        reactions={
            name: _react(title, judged[name], looked[name].groups)
            for name, title in _TITLES.items()
        },
        kinds={
            kind: _react(kind, _select(judged["foreign"], mine), looked["foreign"].groups[mine])
            for kind, chosen in kinds.items()
            for mine in [np.array(chosen)]
        },
        auroc=_compare_measures(gate, looked),
        fpr95=_compute_fpr95(gate, looked["ham10000:test"], looked["foreign"]),
        share_of_answer=_time(classifier, guard),
        calibration=tuple(_measure_calibration(rules, looked, judged, results)),
        sets=tuple(sets),
        views=rules,
        risk_area={views: _measure_risk(results, views, rule) for views, rule in rules.items()},
        versions=read_versions(),
    )
    return guard, report


def _list_views(results: Path) -> list[int]:
    """Return the numbers of views there are predictions of; one view is always asked for."""
    return [
        views
        for views in _VIEWS
        if views == 1 or (results / f"ham10000-val-{views}-views" / PREDICTIONS).is_file()
    ]


def _look_at_all(
    classifier: BaseClassifier,
    record: WeightsRecord,
    data: Path,
    sample: int,
    foreign: list[ForeignPicture],
) -> dict[str, Looked]:
    whole = ham10000.read_index(data)
    split = split_grouped(whole)
    if split.fingerprint != record.split["fingerprint"]:
        raise ConfigError(
            f"Run '{record.run_id}' was trained on the split {record.split}, but this data gives "
            f"{split.to_dict()}: its test lesions would not be unseen. Use the same data."
        )
    rng = np.random.default_rng(1)
    indices = {"train": draw(split.of(whole, "train"), TRAINING, rng)}
    for name in ("ham10000:val", "ham10000:test", ABROAD):
        index = load_evaluation_set(name, data).index
        indices[name] = draw(index, sample, rng) if name == ABROAD else index
    kept = Chunks(paths.home() / "gate" / record.sha256[:16])
    looked = {name: _keep(kept, classifier, name, index) for name, index in indices.items()}
    names = np.array([picture.name for picture in foreign])
    chunks = ([picture.image] for picture in foreign)
    none = np.full(len(foreign), -1)
    return {**looked, "foreign": look(classifier, chunks, names, none, "no dermoscopy")}


def _keep(kept: Chunks, classifier: BaseClassifier, name: str, index: pd.DataFrame) -> Looked:
    """Return what is seen of a set, from what was kept of it where it is there."""
    ids = hashlib.sha256("\n".join(map(str, index["image_id"])).encode()).hexdigest()
    arrays = kept.get(
        f"{name.replace(':', '-')}-{FORMAT}-{ids[:8]}",
        lambda: vars(look_at_set(classifier, index, name)),
    )
    return Looked(**arrays)


def draw(index: pd.DataFrame, count: int, rng: np.random.Generator) -> pd.DataFrame:
    """Return some rows, drawn and in their order; all where there are no more."""
    chosen = rng.permutation(len(index))[:count]
    return index.iloc[np.sort(chosen)].reset_index(drop=True)


def _fit(train: Looked, val: Looked) -> GateModel:
    picture = fit_subspace(train.described, PICTURE_AXES, standardize=True)
    features = fit_subspace(train.features, FEATURE_AXES)
    return fit_gate(picture, features, val.described, val.features)


def judge_all(gate: GateModel, looked: Looked, side: int) -> Judged:
    """Return what the gate says of every picture.

    Args:
        gate: the gate.
        looked: what was seen of them.
        side: shorter side of the network's input, in pixels.
    """
    rows = []
    for described, features, size in zip(
        looked.described, looked.features, looked.sizes, strict=True
    ):
        given = (int(size[0]), int(size[1]))
        verdict, foreign = gate.judge(described, features, given, side)
        large, foreign_at_size = gate.judge(described, features, (side, side), side)
        rows.append(
            (
                verdict.declined,
                verdict.outcome is Outcome.CAUTION,
                large.outcome is Outcome.CAUTION,
                foreign,
                foreign_at_size,
                min(given) < side,
            )
        )
    return Judged(*(np.array(column, bool) for column in zip(*rows, strict=True)))


def _select(judged: Judged, chosen: NDArray[np.bool_]) -> Judged:
    return Judged(*(getattr(judged, name)[chosen] for name in Judged.__dataclass_fields__))


def _react(title: str, judged: Judged, groups: NDArray[np.str_]) -> Reaction:
    return Reaction(
        title=title,
        pictures=len(groups),
        declined=compute_share(judged.declined, groups),
        cautioned=compute_share(judged.cautioned, groups),
        small=float(judged.small.mean()),
        unusual_cautioned=float(judged.at_size.mean()),
    )


def compute_share(hit: NDArray[np.bool_], groups: NDArray[np.str_]) -> Interval:
    """Return the share of pictures that are hit, with its 95 % interval over the groups."""

    def compute(weights: Floats) -> dict[str, Floats]:
        return {"share": weights @ hit / weights.sum(axis=1)}

    return to_interval(float(hit.mean()), resample(compute, groups)["share"])


def _compare_measures(gate: GateModel, looked: Mapping[str, Looked]) -> dict[str, Interval]:
    """Return how well each measure tells test pictures from those that are no dermoscopy."""
    test, foreign, train = looked["ham10000:test"], looked["foreign"], looked["train"]
    within = replace(gate.features, rest=float("inf"))
    beyond = replace(gate.features, within=0.0)
    measures = {
        "gate": lambda part: sum(gate.score(part.described, part.features)),
        "picture alone": lambda part: gate.picture.score(part.described),
        "features alone": lambda part: gate.features.score(part.features),
        "features, Mahalanobis distance": lambda part: within.score(part.features),
        "features, residual": lambda part: beyond.score(part.features),
        "features, k nearest neighbours": lambda part: _nearest(gate.features, train, part),
        "leading probability": lambda part: -part.raw.max(axis=1),
    }
    positive = np.repeat([False, True], [len(test.groups), len(foreign.groups)])
    groups = np.concatenate([test.groups, foreign.groups])
    return {
        name: compute_target_interval(
            positive, np.concatenate([measure(test), measure(foreign)]), groups
        )
        for name, measure in measures.items()
    }


def _nearest(space: Subspace, train: Looked, part: Looked, k: int = 5) -> Floats:
    known, asked = (
        space.deviations(p.features) @ space.axes.astype(np.float32) / np.sqrt(space.variance)
        for p in (train, part)
    )
    squares = (asked**2).sum(axis=1)[:, None] + (known**2).sum(axis=1) - 2 * asked @ known.T
    return np.partition(squares, k - 1, axis=1)[:, k - 1].astype(np.float64)


def _compute_fpr95(gate: GateModel, test: Looked, foreign: Looked) -> Interval:
    """Return the share of test pictures beyond the limit that 95 % of the others exceed."""
    usual, strange = (sum(gate.score(p.described, p.features)) for p in (test, foreign))
    scores = np.concatenate([usual, strange])
    groups = np.concatenate([test.groups, foreign.groups])
    order = np.argsort(-scores)
    positive = (np.arange(len(scores)) >= len(test.groups))[order]

    def compute(weights: Floats) -> dict[str, Floats]:
        drawn = weights[:, order]
        found = (drawn * positive).cumsum(axis=1) / (drawn @ positive)[:, None]
        wrong = (drawn * ~positive).cumsum(axis=1) / (drawn @ ~positive)[:, None]
        reached = (found >= 0.95).argmax(axis=1)
        return {"share": wrong[np.arange(len(wrong)), reached]}

    value = float(compute(np.ones((1, len(scores))))["share"][0])
    return to_interval(value, resample(compute, groups)["share"])


def _time(classifier: BaseClassifier, guard: Guard) -> float:
    """Return the time of one network's gate over that of its answer, median of alternate calls."""
    rng = np.random.default_rng(1)
    picture = rng.integers(0, 256, (450, 600, 3), dtype=np.uint8)
    shares = []
    for _ in range(_TIMED):
        started = time.perf_counter()
        pixels = preprocess.resize(picture, classifier.preprocessing)
        found = classifier.compute(preprocess.apply([pixels], classifier.preprocessing))
        answered = time.perf_counter()
        guard.gate.judge(describe(pixels), found.features[0], (450, 600), min(pixels.shape[:2]))
        shares.append((time.perf_counter() - answered) / (answered - started))
    return float(np.median(shares))


def _measure_calibration(
    rules: Mapping[int, ViewRules],
    looked: Mapping[str, Looked],
    judged: Mapping[str, Judged],
    results: Path,
) -> list[Calibrated]:
    rows = []
    for name, views in (*(("ham10000:test", views) for views in rules), (ABROAD, 1)):
        temperature = rules[views].temperature
        part, verdicts = looked[name], judged[name]
        raw = part.raw
        if views > 1:  # in the order of the data set, as what was looked at
            raw = read_answers(results, "ham10000-test", views).raw
        calibrated = apply_temperature(raw, temperature)
        shown, at_size = (
            np.where(foreign[:, None], raw, calibrated)
            for foreign in (verdicts.foreign, verdicts.foreign_at_size)
        )
        errors = [
            compute_ece_interval(part.truth, values, part.groups)
            for values in (raw, calibrated, shown, at_size)
        ]
        rows.append(Calibrated(name, views, temperature, *errors))
    return rows


def _measure_risk(results: Path, views: int, rules: ViewRules) -> Interval:
    test = read_answers(results, "ham10000-test", views)
    return compute_risk_area(
        test.truth, apply_temperature(test.raw, rules.temperature), test.lesions
    )
