"""``evaluate``: measure a network on a data set, with intervals, from every image of it."""

import argparse
from pathlib import Path
from typing import Any

from skinmodel import paths
from skinmodel.cli.arguments import add_data, require_data
from skinmodel.data.sets.evaluation_set import EvaluationSet
from skinmodel.data.sets.loading import DATASETS, load_evaluation_set, load_folder
from skinmodel.errors import UsageError
from skinmodel.evaluation.measures.metrics import PRINTED
from skinmodel.evaluation.report import EvaluationReport
from skinmodel.libraries import quiet_start
from skinmodel.weights import store


def add_parser(commands: Any) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("evaluate", help="measure a network", description=__doc__)
    parser.add_argument(
        "--model", required=True, metavar="NAME|RUN", help="a network, or a run in the store"
    )
    parser.add_argument("--dataset", choices=DATASETS, help="a known data set, read from --data")
    parser.add_argument("--images", type=Path, metavar="DIR", help="any folder of images")
    parser.add_argument("--truth", type=Path, metavar="CSV", help="its truth, in ISIC's format")
    add_data(parser)
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="folder for the results (default: the store's, where the Compare page finds them)",
    )
    parser.add_argument("--tta", action="store_true", help="average over eight flips and turns")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the headline figures and where the rest is."""
    dataset = _load(options)
    record, _ = store.find(options.model)
    with quiet_start():
        from skinmodel.inference.quick import open_named
        from skinmodel.workflows.evaluate import evaluate

    classifier = open_named(options.model)
    views = 8 if options.tta else 1
    out = options.out or paths.evaluations() / record.run_id / dataset.folder(views)
    report = evaluate(classifier, record.split, dataset, out, views=views)
    print(describe(report))
    print(f"Results: {out}")
    return 0


def describe(report: EvaluationReport) -> str:
    """Return the headline figures of a report in a few lines."""
    origin = report.provenance
    before, after = report.calibration["before"], report.calibration["after"]
    lines = [
        f"{origin.run_id} on {origin.dataset_title}: {report.images:,} images, "
        f"{report.lesions:,} lesions, {origin.views} view(s), "
        f"{origin.images_per_second:.0f} images/s",
        *(f"Left out, {reason}: {count:,}" for reason, count in origin.dropped.items()),
        *([f"LEAKS. {origin.remark}"] if origin.leaks else [origin.remark] * bool(origin.remark)),
    ]
    for name in PRINTED:
        figure = report.metrics[name]
        lines.append(f"{name} {figure.value:.4f} [{figure.low:.4f}, {figure.high:.4f}]")
    lines.append(
        f"ECE {before.ece:.4f} before and {after.ece:.4f} after temperature "
        f"{origin.temperature:.3f}"
    )
    lines.append(report.disclaimer)
    return "\n".join(lines)


def _load(options: argparse.Namespace) -> EvaluationSet:
    folder = (options.images, options.truth)
    if options.dataset is not None and not any(folder):
        return load_evaluation_set(options.dataset, require_data(options))
    if options.dataset is None and all(folder):
        return load_folder(*folder)
    raise UsageError(
        "Name what to measure on: either --dataset NAME with --data DIR, or both --images DIR and "
        "--truth CSV."
    )
