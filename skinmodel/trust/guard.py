"""What stands between a network's output and its answer, as it ships beside the weights.

One file a network: the gate's arrays, and what was fitted on validation lesions and measured on
test lesions for each number of views. Safetensors, as the weights: it runs no code on reading.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load, save

from skinmodel.diagnoses import CODES
from skinmodel.errors import WeightsError
from skinmodel.evaluation.measures.calibration import apply_temperature
from skinmodel.evaluation.measures.conformal import make_sets
from skinmodel.evaluation.measures.thresholds import TARGETS
from skinmodel.results import Figure, LabelSet, Threshold, Trust
from skinmodel.trust.gate import GateModel
from skinmodel.trust.picture import describe
from skinmodel.trust.subspace import Subspace
from skinmodel.weights import store
from skinmodel.weights.record import WeightsRecord

MAX_BYTES: Final = 2_000_000
"""Largest file that is written or read."""
VERSION: Final = 1
_FACTS: Final = "facts"
_PARTS: Final = ("mean", "scale", "axes", "variance")
_TARGET_COLUMNS: Final = {
    name: [CODES.index(code) for code in codes] for name, codes in TARGETS.items()
}


@dataclass(frozen=True)
class SetRule:
    """How a set of diagnoses is made, and how often such sets hold the truth.

    Attributes:
        level: coverage aimed at.
        least: probability a diagnosis needs to be in the set, in the order of ``CODES``.
        coverage: measured on HAM10000's test lesions.
        abroad: measured on ISIC 2019 outside HAM10000; None where it was not.
    """

    level: float
    least: tuple[float, ...]
    coverage: Figure
    abroad: Figure | None


@dataclass(frozen=True)
class ThresholdRule:
    """A threshold chosen on validation lesions; see ``results.Threshold``."""

    target: str
    level: float
    threshold: float
    sensitivity: Figure
    specificity: Figure


@dataclass(frozen=True)
class ViewRules:
    """What holds for one number of views; everything but ``temperature`` is of calibrated values.

    Attributes:
        temperature: fitted on validation lesions with this number of views.
        sets: by rising level.
        thresholds: by target, then rising level.
    """

    temperature: float
    sets: tuple[SetRule, ...]
    thresholds: tuple[ThresholdRule, ...]


@dataclass(frozen=True, eq=False)
class Guard:
    """One network's gate and rules.

    Attributes:
        run_id: of the weights it was fitted for.
        weights_sha256: of those weights; of others it says nothing.
        gate: decides whether to answer.
        views: rules by number of views.
    """

    run_id: str
    weights_sha256: str
    gate: GateModel
    views: Mapping[int, ViewRules]

    def appraise(
        self,
        pixels: NDArray[np.uint8],
        size: tuple[int, int],
        raw: NDArray[np.floating],
        features: NDArray[np.floating],
        *,
        views: int,
    ) -> tuple[tuple[float, ...], float, Trust]:
        """Return one answer's probabilities, the temperature in them, and how far to trust it.

        Args:
            pixels: uint8, (h, w, 3), RGB, 0-255, at the size of the network's input.
            size: (H, W) of the picture as it was given.
            raw: float, (K,), the network's probabilities, averaged over the views.
            features: float, (F,), of the picture as it stands.
            views: 1 or 8.
        """
        rules = self.views[views]
        gate, foreign = self.gate.judge(describe(pixels), features, size, min(pixels.shape[:2]))
        plain = tuple(float(p) for p in raw)
        calibrated = apply_temperature(np.asarray(raw)[None], rules.temperature)[0]
        trust = Trust(
            gate=gate,
            raw=plain,
            calibrated=not foreign,
            sets=tuple(_make_set(rule, calibrated) for rule in rules.sets),
            thresholds=tuple(_make_threshold(rule, calibrated) for rule in rules.thresholds),
        )
        if foreign:
            return plain, 1.0, trust
        return tuple(float(p) for p in calibrated), rules.temperature, trust


def read_guard(record: WeightsRecord, folder: Path) -> Guard | None:
    """Return the guard of stored weights, checked by SHA-256; None where they have none.

    Args:
        record: of the weights.
        folder: where their files are.

    Raises:
        WeightsError: the file is missing, not the recorded one, damaged, or of other weights.
    """
    data = store.load_guard(record, folder)
    if data is None:
        return None
    guard = from_bytes(data)
    if guard.weights_sha256 != record.sha256:
        raise WeightsError(
            f"The gate of run '{record.run_id}' was fitted for weights with the SHA-256 "
            f"{guard.weights_sha256}, not for those of the manifest, {record.sha256}. Fit it anew: "
            "python -m skinmodel gate."
        )
    return guard


def _make_set(rule: SetRule, calibrated: NDArray[np.float32]) -> LabelSet:
    [inside] = make_sets(calibrated[None], np.array(rule.least))
    order = np.argsort(-calibrated, kind="stable")
    codes = tuple(CODES[index] for index in order if inside[index])
    return LabelSet(rule.level, codes, rule.coverage, rule.abroad)


def _make_threshold(rule: ThresholdRule, calibrated: NDArray[np.float32]) -> Threshold:
    score = float(calibrated[_TARGET_COLUMNS[rule.target]].sum(dtype=np.float64))
    return Threshold(
        rule.target, rule.level, rule.threshold, score, rule.sensitivity, rule.specificity
    )


def to_bytes(guard: Guard) -> bytes:
    """Return the content of a guard's file.

    Raises:
        WeightsError: it would be larger than ``MAX_BYTES``.
    """
    arrays: dict[str, NDArray[Any]] = {"groups": guard.gate.groups}
    spaces = {}
    for name in ("picture", "features"):
        space: Subspace = getattr(guard.gate, name)
        spaces[name] = {"rest": space.rest, "unit": space.unit, "within": space.within}
        for part in _PARTS:
            arrays[f"{name}.{part}"] = np.ascontiguousarray(getattr(space, part))
    gate = guard.gate
    facts = {
        "version": VERSION,
        "run_id": guard.run_id,
        "weights_sha256": guard.weights_sha256,
        "spaces": spaces,
        "centres": gate.centres,
        "spreads": gate.spreads,
        "caution": gate.caution,
        "decline": gate.decline,
        "low": dict(gate.low),
        "high": dict(gate.high),
        "views": {str(number): asdict(rules) for number, rules in guard.views.items()},
    }
    text = json.dumps(facts, sort_keys=True).encode()
    data = bytes(save({**arrays, _FACTS: np.frombuffer(text, np.uint8)}))
    if len(data) > MAX_BYTES:
        raise WeightsError(
            f"The gate of run '{guard.run_id}' takes {len(data):,} bytes; at most {MAX_BYTES:,} "
            "ship. Keep fewer axes."
        )
    return data


def from_bytes(data: bytes) -> Guard:
    """Return the guard in a file's content, whose hash was checked.

    Raises:
        WeightsError: it is damaged or of another version.
    """
    try:
        arrays = load(data)
        facts = json.loads(arrays.pop(_FACTS).tobytes())
        if facts["version"] != VERSION:
            raise ValueError(f"version {facts['version']}, expected {VERSION}")
        spaces = {
            name: Subspace(
                **{
                    part: arrays[f"{name}.{part}"] for part in ("mean", "scale", "axes", "variance")
                },
                **facts["spaces"][name],
            )
            for name in ("picture", "features")
        }
        views = TypeAdapter(dict[int, ViewRules]).validate_python(facts["views"])
        gate = GateModel(
            picture=spaces["picture"],
            features=spaces["features"],
            centres=tuple(facts["centres"]),
            spreads=tuple(facts["spreads"]),
            caution=facts["caution"],
            decline=facts["decline"],
            groups=arrays["groups"],
            low=facts["low"],
            high=facts["high"],
        )
        return Guard(facts["run_id"], facts["weights_sha256"], gate, views)
    except (SafetensorError, ValidationError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(
            f"The gate's file is damaged or of another version of the program ({error!r}). Restore "
            "it from the repository, or write it anew: python -m skinmodel gate."
        ) from error
