"""``gate.json``: what the gate, sets, thresholds and calibration of one network measured."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from skinmodel.errors import ConfigError
from skinmodel.evaluation.measures.bootstrap import Interval
from skinmodel.evaluation.report import MAX_BYTES, with_nan, without_nan
from skinmodel.files import read_json, write_text
from skinmodel.results import DISCLAIMER
from skinmodel.trust.guard import ViewRules

FOLDER: Final = "gate"
FILE: Final = "gate.json"
SCHEMA_VERSION: Final = 1


@dataclass(frozen=True)
class Reaction:
    """What the gate makes of one set or kind of pictures.

    Attributes:
        title: of the set, in words.
        pictures: how many there are.
        declined: share, with the interval over lesions (over pictures where there are none).
        cautioned: share that gets a caution of the gate and is answered.
        small: share of these pictures with a side below the network's input.
        unusual_cautioned: the share cautioned for another reason than size.
    """

    title: str
    pictures: int
    declined: Interval
    cautioned: Interval
    small: float
    unusual_cautioned: float


@dataclass(frozen=True)
class Calibrated:
    """Expected calibration error of one set with one number of views.

    Attributes:
        raw: of the network's own probabilities.
        calibrated: with the temperature throughout.
        shown: as a user gets them: raw where the gate finds the picture foreign.
        shown_at_size: as ``shown`` if size alone made no picture foreign; None where it was not
            worked out.
    """

    dataset: str
    views: int
    temperature: float
    raw: Interval
    calibrated: Interval
    shown: Interval | None
    shown_at_size: Interval | None


@dataclass(frozen=True)
class SetFigures:
    """Conformal sets of one level measured on one set: coverage, by class too, and mean size."""

    dataset: str
    views: int
    level: float
    figures: dict[str, Interval]


@dataclass(frozen=True)
class GateReport:
    """Everything ``python -m skinmodel gate`` measured of one network.

    Attributes:
        schema_version: of this layout.
        disclaimer: what the figures are not.
        run_id: of the network.
        model: registry name.
        weights_sha256: of the weights measured.
        reactions: by set, such as ``ham10000:test``.
        kinds: by kind of picture that is no dermoscopy.
        auroc: test pictures against those that are no dermoscopy, by measure; ``gate`` is the one
            in use, with its interval over lesions and pictures.
        fpr95: share of test pictures beyond the limit that 95 % of the others exceed.
        share_of_answer: time of the gate over that of one answer.
        calibration: by set and views.
        sets: conformal sets by set, views and level.
        views: the rules as they ship, with thresholds measured on test.
        risk_area: area under risk against coverage on test, by views.
        versions: of the libraries.
    """

    schema_version: int
    disclaimer: str
    run_id: str
    model: str
    weights_sha256: str
    reactions: dict[str, Reaction]
    kinds: dict[str, Reaction]
    auroc: dict[str, Interval]
    fpr95: Interval
    share_of_answer: float
    calibration: tuple[Calibrated, ...]
    sets: tuple[SetFigures, ...]
    views: dict[int, ViewRules]
    risk_area: dict[int, Interval]
    versions: dict[str, str]


def write_gate_report(folder: Path, report: GateReport) -> None:
    """Write a report into a run's folder of results.

    Raises:
        ConfigError: it cannot be written.
    """
    path = folder / FOLDER / FILE
    try:
        write_text(path, json.dumps(without_nan(asdict(report)), indent=1) + "\n")
    except OSError as error:
        raise ConfigError(
            f"'{path}' could not be written ({error}). Free some space, or choose another folder."
        ) from error


def read_gate_report(folder: Path) -> GateReport | None:
    """Return the report in a run's folder of results; None where the gate was not measured.

    Raises:
        ConfigError: the file is damaged or of another version.
    """
    path = folder / FOLDER / FILE
    if not path.is_file():
        return None
    try:
        values = with_nan(read_json(path, MAX_BYTES), keep=("shown", "shown_at_size", "abroad"))
        report = TypeAdapter(GateReport).validate_python(values)
        if (report.schema_version, report.disclaimer) != (SCHEMA_VERSION, DISCLAIMER):
            raise ValueError(f"schema_version {report.schema_version}, expected {SCHEMA_VERSION}")
    except (OSError, ValueError, ValidationError) as error:
        raise ConfigError(
            f"'{path}' cannot be used ({error}). Restore it from the repository, or measure again: "
            "python -m skinmodel gate."
        ) from error
    return report
