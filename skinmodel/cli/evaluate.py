"""``evaluate``: measure a network on a data set, with intervals, from every image of it."""

import argparse
from pathlib import Path
from typing import Any

from skinmodel import paths
from skinmodel.cli.arguments import add_data, add_views, require_data
from skinmodel.data.sets.evaluation_set import EvaluationSet
from skinmodel.data.sets.loading import DATASETS, load_evaluation_set, load_folder
from skinmodel.errors import UsageError
from skinmodel.evaluation import two_classes
from skinmodel.evaluation.measures.metrics import PRINTED
from skinmodel.evaluation.measures.thresholds import TARGETS
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
    parser.add_argument(
        "--truth",
        type=Path,
        metavar="TABLE",
        help="what they show: a table of diagnoses, of the ISIC Archive, or of two classes "
        "(default: metadata.csv among them, else folders called as the diagnoses)",
    )
    parser.add_argument(
        "--allow-missing",
        action="store_true",
        help="count rows without an image and images without a row instead of refusing them",
    )
    parser.add_argument(
        "--target",
        choices=sorted(TARGETS),
        help="what a table of two classes calls positive (default: as the table says it)",
    )
    parser.add_argument(
        "--skip-unreadable",
        action="store_true",
        help="leave out images that cannot be read; they are listed, counted and said",
    )
    add_data(parser)
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="folder for the results (default: the store's, where the Compare page finds them)",
    )
    add_views(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the headline figures and where the rest is."""
    dataset = _load(options)
    record, _ = store.find(options.model)
    with quiet_start():
        from skinmodel.inference.quick import open_named
        from skinmodel.workflows.evaluate import evaluate, evaluate_two_classes

    classifier = open_named(options.model)
    views = options.views
    out = options.out or paths.evaluations() / record.run_id / dataset.folder(views)
    chosen: dict[str, Any] = {"views": views, "skip": options.skip_unreadable}
    if dataset.target is None:
        told = describe(evaluate(classifier, record.split, dataset, out, **chosen))
    else:
        report = evaluate_two_classes(classifier, record.split, dataset, out, **chosen)
        told = two_classes.describe(report)
    print(told)
    print(f"Results: {out}")
    return 0


def describe(report: EvaluationReport) -> str:
    """Return the headline figures of a report in a few lines."""
    origin = report.provenance
    before, after = report.calibration["before"], report.calibration["after"]
    lines = [
        f"{origin.run_id} on {origin.dataset_title}: {report.images:,} images, "
        f"{report.lesions:,} {report.intervals['unit']}s, {origin.views} view(s), "
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
    of_folder = (options.truth, options.target, options.allow_missing)
    if options.dataset is not None and options.images is None and not any(of_folder):
        return load_evaluation_set(options.dataset, require_data(options))
    if options.dataset is None and options.images is not None:
        return load_folder(
            options.images,
            options.truth,
            allow_missing=options.allow_missing,
            target=options.target,
        )
    raise UsageError(
        "Name what to measure on: either --dataset NAME with --data DIR, or --images DIR, with "
        "--truth TABLE where the folder itself does not say what its pictures show."
    )
