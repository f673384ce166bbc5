"""``leak``: measure a run of the report's protocol where it leaks and where it does not."""

import argparse
from pathlib import Path
from typing import Any

from skinmodel import paths
from skinmodel.cli.arguments import add_data, require_data
from skinmodel.evaluation.leak import DATASETS, LeakRow
from skinmodel.evaluation.measures.metrics import HEADLINES
from skinmodel.libraries import quiet_start
from skinmodel.results import DISCLAIMER


def add_parser(commands: Any) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("leak", help="a run of the leaky protocol", description=__doc__)
    parser.add_argument(
        "folder",
        type=Path,
        metavar="RUN",
        help="folder of a run of the recipe 'report', finished or stopped on the way",
    )
    parser.add_argument("--ours", required=True, metavar="ID", help="evaluated run to set beside")
    add_data(parser)
    parser.add_argument("--results", type=Path, default=paths.RESULTS, metavar="DIR")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the rows of the table."""
    data = require_data(options)
    with quiet_start():
        from skinmodel.workflows.measure_leak import measure_leak

    for row in measure_leak(options.folder, options.ours, data, options.results):
        print(describe(row))
    print(DISCLAIMER)
    return 0


def describe(row: LeakRow) -> str:
    """Return a row in one line."""
    figures = ", ".join(
        f"{name} {row.figures[name].value:.3f} "
        f"[{row.figures[name].low:.3f}, {row.figures[name].high:.3f}]"
        for name in HEADLINES
    )
    leaks = " LEAKS" if row.leaks else ""
    return f"{row.weights} on {DATASETS[row.dataset]}{leaks}, {row.images:,} images: {figures}"
