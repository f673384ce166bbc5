"""``gate``: fit when a network declines, what stands beside its answers, and measure both."""

import argparse
from pathlib import Path
from typing import Any

from skinmodel import paths
from skinmodel.cli.arguments import add_data, require_data
from skinmodel.errors import UsageError
from skinmodel.inference.quick import open_stored
from skinmodel.trust.guard import to_bytes
from skinmodel.trust.report import FILE, FOLDER, GateReport, write_gate_report
from skinmodel.weights import store
from skinmodel.workflows.measure_gate import measure_gate


def add_parser(commands: Any) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("gate", help="fit and measure the gate", description=__doc__)
    parser.add_argument(
        "--model",
        action="append",
        metavar="NAME|RUN",
        help="a network, or a run in the store; repeat for several (default: all that ship)",
    )
    add_data(parser)
    parser.add_argument(
        "--sample",
        type=int,
        default=2000,
        metavar="N",
        help="pictures of ISIC 2019 to look at (default: 2000)",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Write each network's guard beside its weights and its figures beside its results."""
    if options.sample < 1:
        raise UsageError(f"--sample is {options.sample}; give a number of pictures above 0.")
    data = require_data(options)
    names = options.model or [
        s.record.run_id for s in store.list_all() if s.where == "shipped" and not s.record.leaks
    ]
    for name in names:
        record, folder = store.find(name)
        root = paths.RESULTS if folder == paths.SHIPPED_WEIGHTS else paths.evaluations()
        results = root / record.run_id
        guard, report = measure_gate(
            open_stored(record, folder), record, results, data, options.sample
        )
        changed = store.replace_guard(folder, record, to_bytes(guard))
        write_gate_report(results, report)
        assert changed.guard is not None
        print(describe(report))
        print(f"Gate: {folder / changed.guard.file}, {changed.guard.bytes:,} bytes")
        print(f"Results: {Path(results) / FOLDER / FILE}")
    return 0


def describe(report: GateReport) -> str:
    """Return the main figures in a few lines."""
    lines = [report.run_id]
    lines += [
        f"  {reaction.title}, {reaction.pictures:,} pictures: declined "
        f"{100 * reaction.declined.value:.1f} %, cautioned {100 * reaction.cautioned.value:.1f} %"
        for reaction in (*report.reactions.values(), *report.kinds.values())
    ]
    lines += [f"  AUROC, {name}: {figure.value:.3f}" for name, figure in report.auroc.items()]
    lines.append(f"  FPR at 95 % recall {report.fpr95.value:.4f}")
    lines.append(f"  time of the gate over that of an answer {report.share_of_answer:.2f}")
    for row in report.calibration:
        shown = "" if row.shown is None else f", shown {row.shown.value:.3f}"
        at_size = "" if row.shown_at_size is None else f" ({row.shown_at_size.value:.3f} at size)"
        lines.append(
            f"  ECE {row.dataset}, {row.views} view(s), T {row.temperature:.3f}: raw "
            f"{row.raw.value:.3f}, calibrated {row.calibrated.value:.3f}{shown}{at_size}"
        )
    for sets in report.sets:
        lines.append(
            f"  sets at {sets.level:.2f}, {sets.dataset}, {sets.views} view(s): coverage "
            f"{sets.figures['coverage'].value:.3f}, size {sets.figures['size'].value:.2f}"
        )
    for views, rules in report.views.items():
        lines += [
            f"  {rule.target} at {rule.level:.2f}, {views} view(s): sensitivity "
            f"{rule.sensitivity.value:.3f}, specificity {rule.specificity.value:.3f} on test"
            for rule in rules.thresholds
        ]
    lines.append(report.disclaimer)
    return "\n".join(lines)
