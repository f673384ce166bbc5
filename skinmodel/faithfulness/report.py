"""What measuring a network's maps gave, as files that pages read."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import pandas as pd

from skinmodel.errors import ConfigError
from skinmodel.evaluation.measures.bootstrap import Interval
from skinmodel.files import write_atomically, write_text
from skinmodel.results import DISCLAIMER

FILE: Final = "faithfulness.json"
IMAGES: Final = "faithfulness.csv"
SCHEMA_VERSION: Final = 1

Intervals = dict[str, Interval]


@dataclass(frozen=True)
class MethodReport:
    """What one method's maps are worth.

    Attributes:
        method: its name.
        layer: the layer its maps are read from.
        cells: rows and columns of a map.
        placement: top, left, bottom, right of the cells, in shares of the picture's sides.
        null_maps: number of pictures without a positive value anywhere, left out of all figures.
        masked: number of pictures with a mask and a map.
        off_centre: number of those whose lesion lies off centre.
        seconds: to make one map, on the machine that measured.
        figures: means over pictures.
        differences: paired means by picture, see ``summary.DIFFERENCES``.
        figures_off_centre: means over the pictures whose lesion lies off centre.
        differences_off_centre: likewise.
        shuffled: layers shuffled at each step of the cascade whose similarities are in the figures
            as ``weights_1``, ``weights_2`` and so on.
        cascade_images: number of pictures the cascade was measured on.
        effect: of soft attention only: the mean total variation, 0 to 1, between the network's
            probabilities and those it gives where its attention adds nothing (gamma = 0), over as
            many pictures; None for other methods and for layers without gamma.
    """

    method: str
    layer: str
    cells: tuple[int, int]
    placement: tuple[float, float, float, float]
    null_maps: int
    masked: int
    off_centre: int
    seconds: float
    figures: Intervals = field(repr=False)
    differences: Intervals = field(repr=False)
    figures_off_centre: Intervals = field(repr=False)
    differences_off_centre: Intervals = field(repr=False)
    shuffled: tuple[int, ...]
    cascade_images: int
    effect: float | None = None


@dataclass(frozen=True)
class FaithfulnessReport:
    """What a network's maps are worth on one set of pictures.

    Attributes:
        run_id: the training run.
        model: registry name of the network.
        dataset: name of the set.
        dataset_title: in words.
        leaks: whether the network may have been trained on these lesions.
        remark: what a reader must know beside the figures; empty if nothing.
        images: number of pictures measured.
        lesions: number of lesions they show.
        sample: number of pictures asked for; None for all.
        balanced: whether as many of each diagnosis were drawn.
        seed: of all that was drawn.
        placed: ``field`` where cells lie around what they look at, ``stretched`` over the picture.
        methods: one report a method.
        versions: of the libraries it was measured with.
        guided: whether lesions' outlines taught the soft attention where to lie.
        schema_version: of the file.
        disclaimer: what the figures are not.
    """

    run_id: str
    model: str
    dataset: str
    dataset_title: str
    leaks: bool
    remark: str
    images: int
    lesions: int
    sample: int | None
    balanced: bool
    seed: int
    placed: str
    methods: dict[str, MethodReport]
    versions: dict[str, str]
    guided: bool = False
    schema_version: int = SCHEMA_VERSION
    disclaimer: str = DISCLAIMER

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; an undefined figure is None."""
        plain: dict[str, Any] = _without_nan(asdict(self))
        return plain

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "FaithfulnessReport":
        """Return the report of plain values, such as ``to_dict`` gives.

        Raises:
            ConfigError: another layout, or a field missing or unknown.
        """
        if values.get("schema_version") != SCHEMA_VERSION:
            raise ConfigError(
                f"A report on maps has schema_version {values.get('schema_version')!r}; this "
                f"program reads {SCHEMA_VERSION}. Measure again: python -m skinmodel faithfulness."
            )
        try:
            methods = {name: _read_method(m) for name, m in values["methods"].items()}
            return cls(**{**values, "methods": methods})
        except (TypeError, KeyError, AttributeError) as error:
            raise ConfigError(
                f"A report on maps cannot be read ({error}). Measure again: python -m skinmodel "
                "faithfulness."
            ) from error


def write_report(folder: Path, report: FaithfulnessReport, table: pd.DataFrame) -> None:
    """Write the report and the pictures' rows.

    Raises:
        ConfigError: the folder cannot be written.
    """
    try:
        write_atomically(
            folder / IMAGES, lambda path: table.to_csv(path, index=False, float_format="%.6g")
        )
        write_text(folder / FILE, json.dumps(report.to_dict(), indent=1, allow_nan=False) + "\n")
    except OSError as error:
        raise ConfigError(
            f"The results could not be written to '{folder}' ({error}). Free some space, or name "
            "another folder with --out."
        ) from error


def read_report(folder: Path) -> FaithfulnessReport:
    """Return the report in a folder.

    Raises:
        ConfigError: it is missing or cannot be read.
    """
    file = folder / FILE
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"'{file}' cannot be read ({error}). Measure again: python -m skinmodel faithfulness."
        ) from error
    if not isinstance(values, dict):
        raise ConfigError(f"'{file}' holds no report on maps. Measure again.")
    return FaithfulnessReport.from_dict(values)


def read_images(folder: Path) -> pd.DataFrame:
    """Return the rows in a folder, one a picture and method.

    Raises:
        ConfigError: the file is missing or cannot be read.
    """
    try:
        return pd.read_csv(folder / IMAGES)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"'{folder / IMAGES}' cannot be read ({error}). Measure again: python -m skinmodel "
            "faithfulness."
        ) from error


_INTERVALS: Final = (
    "figures",
    "differences",
    "figures_off_centre",
    "differences_off_centre",
)


def _read_method(values: dict[str, Any]) -> MethodReport:
    intervals = {
        part: {
            name: Interval(**{k: float("nan") if v is None else v for k, v in ends.items()})
            for name, ends in values[part].items()
        }
        for part in _INTERVALS
    }
    tuples = {name: tuple(values[name]) for name in ("cells", "placement", "shuffled")}
    return MethodReport(**{**values, **tuples, **intervals})


def _without_nan(value: Any) -> Any:
    """Return plain values with None for NaN, which JSON does not know."""
    if isinstance(value, dict):
        return {name: _without_nan(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(part) for part in value]
    return None if isinstance(value, float) and value != value else value


MAIN: Final = (
    "area",
    "mass",
    "mass_ratio",
    "mass_ratio_uniform",
    "mass_mean",
    "mass_gaussian",
    "mass_uniform",
    "mass_over_mean",
    "mass_over_gaussian",
    "mass_over_matched",
    "hit",
    "hit_mean",
    "hit_gaussian",
    "deletion_gain",
    "insertion_gain",
    "upside_down_gain",
    "drop",
    "drop_over_random",
    "drop_over_rolled",
    "drop_over_centre",
    "mean_similarity",
    "class_similarity",
    "outer",
    "outer_uniform",
    "corners",
    "corners_uniform",
    "follow_shift",
    "stay_shift",
    "follow_turn",
    "stay_turn",
    "follow_crop",
    "stay_crop",
    "follow",
    "stay",
    "weights_1",
    "weights_2",
    "weights_3",
    "weights_4",
    "weights_5",
)
"""Figures and differences that are printed."""


def describe(report: FaithfulnessReport, names: Sequence[str] = ()) -> str:
    """Return the main figures of a report as a table in text.

    Args:
        report: what was measured.
        names: of figures to print beside the main ones.
    """
    lines = [
        f"{report.run_id} on {report.dataset_title}: {report.images:,} pictures of "
        f"{report.lesions:,} lesions, maps placed: {report.placed}",
        *([f"LEAKS. {report.remark}"] if report.leaks else [report.remark] * bool(report.remark)),
    ]
    for method in report.methods.values():
        lines += [
            "",
            f"{method.method} ({method.layer}, {method.cells[0]} x {method.cells[1]} cells): "
            f"{method.masked:,} maps with a mask, {method.off_centre:,} of them off centre, "
            f"{method.null_maps:,} null, {method.seconds * 1000:.0f} ms a map",
            f"{'':<28} {'all':<24} lesion off centre",
        ]
        for name in (*MAIN, *names):
            both = [
                {**f, **d}.get(name)
                for f, d in (
                    (method.figures, method.differences),
                    (method.figures_off_centre, method.differences_off_centre),
                )
            ]
            if any(interval is not None for interval in both):
                cells = [
                    "" if i is None else f"{i.value:7.3f} [{i.low:6.3f}, {i.high:6.3f}]"
                    for i in both
                ]
                lines.append(f"{name:<28} {cells[0]:<24} {cells[1]}".rstrip())
    return "\n".join([*lines, report.disclaimer])
