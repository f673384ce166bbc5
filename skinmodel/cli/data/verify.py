"""``data verify``: decode every image, compare the data sets with their releases, keep a report."""

import argparse
import textwrap
from pathlib import Path
from typing import Any, Final

from skinmodel.cli.arguments import add_data, require_data
from skinmodel.data.verify import layout
from skinmodel.data.verify.report import (
    Check,
    Report,
    describe_result,
    write_report,
    write_reports,
)
from skinmodel.data.verify.run import verify
from skinmodel.errors import DatasetError, UsageError

_INDENT: Final = 10
_WIDTH: Final = 100


def add_parser(actions: Any) -> None:
    """Add the action to ``data``."""
    parser = actions.add_parser(
        "verify",
        help="decode every image, compare all with the release, keep a report",
        description="Decode every image and mask, compare files, ids, labels and sizes with what "
        "the release says, and find pictures that stand there twice. The report is kept for 'data "
        "status'. Exit status 1 on a defect, 0 on remarks.",
    )
    sets = ", ".join(layout.NAMES)
    parser.add_argument("names", nargs="*", metavar="SET", help=f"{sets} (default: all there are)")
    add_data(parser)
    parser.add_argument("--out", type=Path, metavar="REPORT.json", help="write the report here too")
    parser.add_argument(
        "--workers", type=int, metavar="N", help="processes that decode (default: one a core)"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print what was found and keep it; returns 1 if anything is not as released."""
    data = require_data(options)
    if options.workers is not None and options.workers < 1:
        raise UsageError(f"--workers is {options.workers}; 1 or more processes are expected.")
    names = [layout.get_layout(name).name for name in options.names] or _find_sets(data)
    reports = []
    for name in dict.fromkeys(names):
        report = verify(data, name, workers=options.workers)
        print(_describe(report))
        # Kept one by one: an interruption in the second set does not lose the first.
        print(f"  report  {write_report(report, Path(report.folder))}\n", flush=True)
        reports.append(report)
    if options.out:
        write_reports(options.out, reports)
        print(f"All reports: {options.out}")
    return 1 if any(report.defects for report in reports) else 0


def _find_sets(data: Path) -> list[str]:
    releases = [layout.get_layout(name) for name in layout.NAMES]
    found = [release.name for release in releases if layout.find_folder(data, release)]
    if not found:
        ways = "\n".join(f"- {release.how_to_get}" for release in releases)
        raise DatasetError(f"No data set is in '{data}'. What can be verified:\n{ways}")
    return found


def _describe(report: Report) -> str:
    lines = [f"{report.title} in '{report.folder}'"]
    lines += [_wrap("DEFECT", check) for check in report.defects]
    lines += [_wrap("remark", check) for check in report.remarks]
    sound = ", ".join(check.name for check in report.checks if check.verdict == "ok")
    lines.append(_wrap("ok", sound))
    result = describe_result(len(report.defects), len(report.remarks))
    speed = f"{report.files:,} files, {report.bytes / 1e6:,.1f} MB, in {report.seconds:,.1f} s"
    lines.append(_wrap("result", f"{result}; {speed}"))
    return "\n".join(lines)


def _wrap(word: str, text: Check | str) -> str:
    return textwrap.fill(
        str(text),
        width=_WIDTH,
        initial_indent=f"  {word:<{_INDENT - 2}}",
        subsequent_indent=" " * _INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )
