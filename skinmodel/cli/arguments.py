"""Arguments that several commands share."""

import argparse
from pathlib import Path

from skinmodel import paths
from skinmodel.errors import UsageError


def add_data(parser: argparse.ArgumentParser) -> None:
    """Add ``--data``, which defaults to ``SKINMODEL_DATA``."""
    parser.add_argument(
        "--data",
        type=Path,
        default=paths.data_dir(),
        metavar="DIR",
        help="folder that holds HAM10000 and ISIC2019 (default: SKINMODEL_DATA)",
    )


def add_views(parser: argparse.ArgumentParser) -> None:
    """Add ``--views``: how many flips and turns of each picture are averaged over."""
    parser.add_argument(
        "--views",
        type=int,
        choices=(1, 8),
        default=1,
        help="1, or 8 to average over all flips and quarter turns of each picture (default: 1)",
    )


def require_data(options: argparse.Namespace) -> Path:
    """Return the data folder.

    Raises:
        UsageError: none is named.
    """
    if options.data is None:
        raise UsageError(
            "No data folder is named. Give the folder that holds HAM10000 with --data DIR, or set "
            "SKINMODEL_DATA."
        )
    return Path(options.data)
