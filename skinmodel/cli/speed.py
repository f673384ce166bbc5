"""``speed``: how fast this machine trains each network."""

import argparse
import json
from pathlib import Path
from typing import Any, get_args

from skinmodel.files import write_text
from skinmodel.libraries import quiet_start, read_versions
from skinmodel.models.registry import MODELS
from skinmodel.training.recipes import DEFAULT_ENGINE, EngineName, Precision


def add_parser(commands: Any) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "speed", help="measure how fast this machine trains", description=__doc__
    )
    parser.add_argument("--engine", default=DEFAULT_ENGINE, choices=get_args(EngineName))
    default = ["cnn", "cnn_sa", "efficientnet_lite0_sa"]
    parser.add_argument("--models", nargs="+", default=default, choices=sorted(MODELS))
    parser.add_argument("--batch", nargs="+", type=int, default=[64, 256], help="images a step")
    parser.add_argument(
        "--precision",
        nargs="+",
        default=["bfloat16", "float32"],
        choices=get_args(Precision),
        help="to compute in (default: bfloat16 and float32)",
    )
    parser.add_argument("--steps", type=int, default=30, help="timed, after as many to warm up")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Measure, print a table, and write it down where asked."""
    from skinmodel.training.engine import open_engine
    from skinmodel.training.speed import measure

    with quiet_start():
        device = open_engine(options.engine).choose_device()
    versions = read_versions(options.engine)
    print(f"{device.kind} {device.name}")
    print(", ".join(f"{name} {version}" for name, version in versions.items()))
    print(f"{'network':<24} {'precision':<9} {'batch':>5} {'images/s':>9} {'TFLOP/s':>8} of peak")
    rates = []
    for rate in measure(
        options.engine, options.models, options.batch, options.precision, options.steps
    ):
        share = "unknown" if rate.share is None else f"{rate.share:.1%}"
        print(
            f"{rate.model:<24} {rate.precision:<9} {rate.batch_size:>5} "
            f"{rate.images_per_second:>9.1f} {rate.tflops:>8.2f} {share:>7}",
            flush=True,
        )
        rates.append(rate.to_dict())
    if options.json:
        known = {"device": f"{device.kind} {device.name}", "versions": versions, "rates": rates}
        write_text(options.json, json.dumps(known, indent=1) + "\n")
    return 0
