"""``release``: measure a finished run on the test folds and ship its weights in compact form."""

import argparse
from pathlib import Path
from typing import Any

from skinmodel import paths
from skinmodel.cli.arguments import add_data, require_data
from skinmodel.libraries import quiet_start


def add_parser(commands: Any) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("release", help="measure and ship a run", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="RUN", help="folder of a finished run")
    add_data(parser)
    parser.add_argument("--weights", type=Path, default=paths.SHIPPED_WEIGHTS)
    parser.add_argument("--results", type=Path, default=paths.RESULTS)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print what was shipped and how good it is."""
    with quiet_start():
        from skinmodel.workflows.release import release

    shipped = release(options.folder, require_data(options), options.weights, options.results)
    record = shipped.record
    print(f"{record.run_id}: {record.bytes / 1e6:.1f} MB, temperature {record.temperature:.3f}")
    for form in ("float32", "shipped"):
        for name, figures in shipped.summary[form].items():
            text = ", ".join(
                f"{figure} {i['value']:.4f} [{i['low']:.4f}, {i['high']:.4f}]"
                for figure, i in figures.items()
            )
            print(f"{form} {name}: {text}")
    print(f"Results: {shipped.folder}")
    return 0
