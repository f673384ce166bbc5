"""``results``: the measured figures of the shipped weights, as a Markdown table."""

import argparse
from pathlib import Path
from typing import Any, Final

from skinmodel import paths
from skinmodel.evaluation.report import find_evaluations, read_report, render_markdown
from skinmodel.results import DISCLAIMER
from skinmodel.weights.manifest import read_manifest

_REMARK: Final = (
    "Each row is one run of one seed. Two rows' intervals are no test of their difference: that is "
    "python -m skinmodel compare."
)


def add_parser(commands: Any) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("results", help="measured figures", description=__doc__)
    parser.add_argument("--results", type=Path, default=paths.RESULTS, metavar="DIR")
    parser.add_argument(
        "--dataset",
        action="append",
        metavar="NAME",
        help="folder name of a data set, such as isic2019; give it again for more (default: all)",
    )
    parser.add_argument(
        "--all",
        action="store_true",
        help="also of runs whose weights are not shipped (always so with --results)",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the table."""
    shipped = {record.run_id for record in read_manifest(paths.SHIPPED_WEIGHTS)}
    every = options.all or options.results != paths.RESULTS
    reports = [
        read_report(evaluation.folder)
        for evaluation in find_evaluations(options.results)
        if options.dataset is None or evaluation.folder.name in options.dataset
    ]
    print(render_markdown([r for r in reports if every or r.provenance.run_id in shipped]))
    print(f"\n{_REMARK} {DISCLAIMER}")
    return 0
