"""``data``: fetch the data sets and check them; each action has a module of its own."""

from typing import Any

from skinmodel.cli.data import check, count, download, pack, status, verify


def add_parser(commands: Any) -> None:
    """Add the command and its actions to the command line."""
    parser = commands.add_parser(
        "data",
        help="fetch and check the data sets",
        description="The data sets on this machine: what is there, fetch them, check them.",
        epilog="To begin: data download ham10000 --data DIR, then data verify --data DIR. "
        "'data ACTION --help' says more.",
    )
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    for action in (status, download, verify, check, count, pack):
        action.add_parser(actions)
