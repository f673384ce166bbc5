"""``claims``: hold the README's and the pages' sentences to the saved reports."""

import argparse
from pathlib import Path
from typing import Any

from skinmodel import paths
from skinmodel.claims.documents import Fault, find_faults, list_documents, write_document
from skinmodel.claims.facts import Facts


def add_parser(commands: Any) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "claims",
        help="check the README's and the pages' sentences against the reports",
        description=__doc__,
        epilog="Status 1 where a sentence says what no report says. How a sentence is marked: "
        "skinmodel/claims/markdown.py and claim.py.",
    )
    parser.add_argument(
        "--write", action="store_true", help="first write tables and marked figures anew"
    )
    parser.add_argument("--root", type=Path, default=paths.ROOT, metavar="DIR", help="repository")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print what was written and what does not hold."""
    facts = Facts(options.root / "assets")
    faults: list[Fault] = []
    for file in list_documents(options.root):
        if options.write and write_document(file, facts):
            print(f"{file}: written")
        faults.extend(find_faults(file, facts))
    for fault in faults:
        print(fault)
    print(f"{len(faults)} sentences or tables do not hold" if faults else "Every claim holds.")
    return 1 if faults else 0
