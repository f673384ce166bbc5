"""``weights``: list what is stored, check it, and write the graphs that answer without TensorFlow.

``verify`` holds every file against its recorded SHA-256 and, where weights have a graph, the
answers of both engines against each other.
"""

import argparse
from pathlib import Path
from typing import Any

from skinmodel.errors import WeightsError
from skinmodel.libraries import quiet_start
from skinmodel.models.registry import get_spec
from skinmodel.weights import store
from skinmodel.weights.record import WeightsRecord
from skinmodel.weights.store import WeightsState


def add_parser(commands: Any) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("weights", help="stored weights", description=__doc__)
    actions = parser.add_subparsers(required=True, metavar="list|verify|graphs")
    actions.add_parser("list", help="what is stored").set_defaults(run=run_list)
    actions.add_parser("verify", help="check every file").set_defaults(run=run_verify)
    help_ = "write the graphs of the weights that come with the program anew"
    actions.add_parser("graphs", help=help_).set_defaults(run=run_graphs)


def run_list(_options: argparse.Namespace) -> int:
    """Print one line a record."""
    stored = store.list_all()
    if not stored:
        print("No weights are stored. Train with: python -m skinmodel train --model cnn")
    for record, folder, where in stored:
        leaky = ", LEAKY SPLIT" if record.leaks else ""
        print(
            f"{record.model:<18} {record.run_id:<32} {where:<8} {record.form:<8} "
            f"{record.bytes / 1e6:6.1f} MB  split {record.split['name']}{leaky}  {folder}"
        )
    return 0


def run_verify(_options: argparse.Namespace) -> int:
    """Print the state of every file; returns 1 if one is not sound."""
    stored = store.list_all()
    if not stored:
        print("No weights are stored: there is nothing to verify.")
    sound = True
    for record, folder, where in stored:
        state = store.verify(folder, record)
        subject = f"{record.run_id} ({record.model}, {where})"
        sound = _report(state, f"{subject}: {folder / record.file}") and sound
        guard = store.verify_guard(folder, record)
        if record.guard is not None and guard is not None:
            sound = _report(guard, f"{subject}: {folder / record.guard.file}") and sound
        graph = store.verify_graph(folder, record)
        if record.graph is None or graph is None:
            continue
        told = _report(graph, f"{subject}: {folder / record.graph.file}")
        sound = told and sound
        if told and state is WeightsState.OK:
            sound = _report_parity(subject, record, folder) and sound
    return 0 if sound else 1


def run_graphs(_options: argparse.Namespace) -> int:
    """Write the graph of every shipped network anew; prints its size, or why it has none."""
    with quiet_start():
        from skinmodel.inference.graph import build_graph, find_unknown
    for record, folder, where in store.list_all():
        if where != "shipped":
            continue
        spec = get_spec(record.model)
        model = spec.build(kernel_initializer="zeros")
        if unknown := find_unknown(model):
            print(f"{record.run_id}: no graph, for want of a rule for {', '.join(unknown)}")
            continue
        graph = build_graph(model, spec.attention_layer)
        changed = store.replace_graph(folder, record, graph)
        assert changed.graph is not None
        print(f"{record.run_id}: {changed.graph.file}, {changed.graph.bytes:,} bytes")
    return 0


def _report(state: WeightsState, subject: str) -> bool:
    """Print the state of a file and what to do; returns whether it is sound."""
    print(f"{state:<8} {subject}")
    if state is not WeightsState.OK:
        print(f"         {_REMEDY[state]}")
    return state is WeightsState.OK


def _report_parity(subject: str, record: WeightsRecord, folder: Path) -> bool:
    with quiet_start():
        from skinmodel.inference.parity import check_stored
    try:
        gap = check_stored(record, folder)
    except WeightsError as error:
        print(f"apart    {subject}: {error}")
        return False
    print(f"same     {subject}: both engines answer alike, at most {gap:.1g} apart")
    return True


_REMEDY = {
    WeightsState.MISSING: "Restore the file from the repository, or train the model again.",
    WeightsState.CORRUPT: "The file is not the recorded one. Restore it from the repository.",
    WeightsState.STALE: "The network has changed since. Train the model again.",
}
