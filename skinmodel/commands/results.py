"""``results``: the measured figures of the shipped weights, as a Markdown table."""

import argparse
from pathlib import Path
from typing import Any

from skinmodel import paths
from skinmodel.evaluation.table import read_reports, render_markdown
from skinmodel.results import DISCLAIMER


def add_parser(commands: Any) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("results", help="measured figures", description=__doc__)
    parser.add_argument("--results", type=Path, default=paths.RESULTS, metavar="DIR")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the table."""
    print(render_markdown(read_reports(options.results)))
    print(f"\n{DISCLAIMER}")
    return 0
