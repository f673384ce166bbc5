"""``data status``: what is there of each data set, where, how big, and whether it was verified."""

import argparse
from datetime import datetime
from typing import Any, Final

from skinmodel.cli.arguments import add_data
from skinmodel.data.verify.report import describe_result
from skinmodel.data.verify.status import DatasetStatus, Status, read_status
from skinmodel.errors import DatasetError

_VERIFY: Final = "python -m skinmodel data verify"


def add_parser(actions: Any) -> None:
    """Add the action to ``data``."""
    parser = actions.add_parser(
        "status",
        help="what is there, where, how big, whether verified",
        description="Say what is there of each data set, where, how big it is, and whether it was "
        "verified since it last changed. Opens no image.",
    )
    add_data(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print what is there; an incomplete or missing data set is no failure."""
    status = read_status(options.data)
    if status.data is not None and not status.is_here:
        raise DatasetError(
            f"There is no folder '{status.data}'. Name the folder that holds HAM10000 and ISIC2019 "
            "with --data DIR, or set SKINMODEL_DATA."
        )
    where = f"'{status.data}'" if status.data else "none is named; give --data or SKINMODEL_DATA"
    print(f"Data folder: {where}")
    for dataset in status.datasets:
        print("\n" + "\n".join(_describe(dataset)))
    print(f"\n{_describe_caches(status)}")
    print(f"Free on the disk: {status.free / 1e9:,.1f} GB")
    return 0


def _describe(dataset: DatasetStatus) -> list[str]:
    if dataset.folder is None:
        lines = [f"{dataset.title}: absent"]
    else:
        lines = [f"{dataset.title}: {dataset.state}, {_size(dataset.bytes)}, '{dataset.folder}'"]
    lines += [
        f"  {part.found:>6,} of {part.expected:>6,} {part.kind} in {part.name}"
        + ("" if part.is_here else " (no such folder)")
        for part in dataset.parts
    ]
    if dataset.folder is not None:
        lines += [f"  missing: {table}" for table in dataset.missing_tables]
    for file in dataset.unfinished:
        so_far = f"{_size(file.stat().st_size)} so far" if file.is_file() else "being unpacked"
        lines.append(f"  unfinished download: {file.name}, {so_far}")
    if dataset.folder is not None:
        lines.append(f"  {_describe_verification(dataset)}")
    if dataset.state != "complete" or dataset.unfinished:
        lines.append(f"  {dataset.how_to_get}")
    return lines


def _describe_verification(dataset: DatasetStatus) -> str:
    last = dataset.verification
    if dataset.problem:
        return dataset.problem
    if last is None:
        return f"never verified; do it with: {_VERIFY} {dataset.name}"
    when = datetime.fromisoformat(last.finished).strftime("%Y-%m-%d %H:%M UTC")
    words = f"verified {when}: {describe_result(last.defects, last.remarks)}"
    if last.has_changed:
        return f"{words}; CHANGED since, verify again with: {_VERIFY} {dataset.name}"
    return f"{words}; unchanged since; {last.file}"


def _describe_caches(status: Status) -> str:
    total = sum(cache.bytes for cache in status.caches)
    lines = [f"Decoded arrays in '{status.home / 'decoded'}': {len(status.caches)}, {_size(total)}"]
    lines += [f"  {_size(cache.bytes):>9} {cache.file.name}" for cache in status.caches]
    return "\n".join(lines)


def _size(count: int) -> str:
    return f"{count / 1e9:,.1f} GB" if count >= 1e9 else f"{count / 1e6:,.1f} MB"
