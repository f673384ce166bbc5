"""A report on maps as the command line prints it."""

from collections.abc import Sequence
from typing import Final

from skinmodel.faithfulness.report import FaithfulnessReport

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
