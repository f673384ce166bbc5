"""``weights``: list what is stored, and check it against its recorded SHA-256."""

import argparse
from typing import Any

from skinmodel.weights import store
from skinmodel.weights.store import WeightsState


def add_parser(commands: Any) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("weights", help="stored weights", description=__doc__)
    actions = parser.add_subparsers(required=True, metavar="list|verify")
    actions.add_parser("list", help="what is stored").set_defaults(run=run_list)
    actions.add_parser("verify", help="check every file").set_defaults(run=run_verify)


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
        sound = sound and state is WeightsState.OK
        print(f"{state:<8} {record.run_id} ({record.model}, {where}): {folder / record.file}")
        if state is not WeightsState.OK:
            print(f"         {_REMEDY[state]}")
    return 0 if sound else 1


_REMEDY = {
    WeightsState.MISSING: "Restore the file from the repository, or train the model again.",
    WeightsState.CORRUPT: "The file is not the recorded one. Restore it from the repository.",
    WeightsState.STALE: "The network has changed since. Train the model again.",
}
