"""``data pack``: HAM10000 in small pictures, to train on another machine."""

import argparse
from pathlib import Path
from typing import Any

from skinmodel.cli.arguments import add_data, require_data
from skinmodel.data.pack import LIMIT_MIB, SIZE, pack


def add_parser(actions: Any) -> None:
    """Add the action to ``data``."""
    parser = actions.add_parser(
        "pack",
        help="write HAM10000 in small pictures, to train on another machine",
        description="Write HAM10000 in small pictures, in the best JPEG quality that fits. The "
        "folder made is data like any: train on it with --data.",
    )
    add_data(parser)
    parser.add_argument("out", type=Path, metavar="OUT", help="folder to make")
    parser.add_argument("--width", type=int, default=SIZE[0], help=f"in pixels (default {SIZE[0]})")
    parser.add_argument(
        "--height", type=int, default=SIZE[1], help=f"in pixels (default {SIZE[1]})"
    )
    parser.add_argument(
        "--limit", type=float, default=LIMIT_MIB, help=f"MiB of all files (default {LIMIT_MIB:.0f})"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Pack, and say what came of it."""
    size = (options.width, options.height)
    packed = pack(require_data(options), options.out, size=size, limit_mib=options.limit)
    print(
        f"'{options.out}': {packed.pictures:,} pictures of {size[0]} x {size[1]}, JPEG quality "
        f"{packed.quality}, and {packed.masks:,} masks, {packed.mib:.1f} MiB"
    )
    return 0
