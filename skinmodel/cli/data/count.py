"""``data count``: make the small tables that the Datasets page shows without any data."""

import argparse
from pathlib import Path
from typing import Any

from skinmodel.cli.arguments import add_data, require_data
from skinmodel.data.counts.measure import count
from skinmodel.data.counts.tables import DATASETS, FOLDER, write_counts


def add_parser(actions: Any) -> None:
    """Add the action to ``data``."""
    parser = actions.add_parser(
        "count",
        help="make the tables of counts that ship with the program",
        description="Make the small tables of counts that the Datasets page shows without any "
        "data, from the label tables of both sets; no image is needed.",
    )
    add_data(parser)
    parser.add_argument(
        "--out",
        type=Path,
        default=FOLDER,
        metavar="DIR",
        help="folder for the tables (default: those that ship, assets/counts)",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Write the tables; print the totals and the files."""
    counts = count(require_data(options))
    for name in DATASETS:
        rows = counts.of(name)
        print(f"{name}: {rows['images'].sum():,} images of {rows['lesions'].sum():,} lesions")
    for file in write_counts(counts, options.out):
        print(file)
    return 0
