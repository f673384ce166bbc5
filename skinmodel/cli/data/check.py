"""``data check``: what is wrong with HAM10000, and how it is split."""

import argparse
from typing import Any

from skinmodel.cli.arguments import add_data, require_data
from skinmodel.data.sets import ham10000
from skinmodel.data.splits import SIDES, split_grouped
from skinmodel.diagnoses import CODES
from skinmodel.errors import escape


def add_parser(actions: Any) -> None:
    """Add the action to ``data``."""
    parser = actions.add_parser(
        "check",
        help="HAM10000 as training sees it: usable images, split, leakage",
        description="Say what is wrong with HAM10000, and how it is split. Exit status 1 if "
        "anything is not as released.",
    )
    add_data(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print defects, counts and leakage; returns 1 if anything is not as released."""
    data = require_data(options)
    index, defects = ham10000.inspect(data)
    print(f"HAM10000: {len(index):,} usable images of {index['lesion_id'].nunique():,} lesions")
    for defect in defects:
        print(f"- {defect}")
    if unused := ham10000.read_unused_columns(data):
        print(f"Columns that are not used: {', '.join(escape(name, 40) for name in unused)}")
    if index.empty:
        return 1
    split = split_grouped(index)
    if defects:
        print(
            f"\nNOT THE SPLIT OF HAM10000, which has {ham10000.IMAGE_COUNT:,} images: a split of "
            f"the {len(index):,} usable ones here. Networks are trained on the whole only."
        )
    print(f"\nsplit grouped, seed {split.seed}, fingerprint {split.fingerprint}")
    print(f"{'':<6} {'images':>7} {'lesions':>8} " + " ".join(f"{c:>6}" for c in CODES))
    for side in SIDES:
        rows = split.of(index, side)
        counts = rows["truth"].value_counts()
        classes = " ".join(f"{counts.get(c, 0):>6}" for c in CODES)
        print(f"{side:<6} {len(rows):>7} {rows['group_id'].nunique():>8} {classes}")
    leakage = split.leakage
    print(f"on two sides: {len(leakage.lesions)} lesions, {len(leakage.images)} images")
    return 1 if defects else 0
