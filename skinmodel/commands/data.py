"""``data``: fetch the data sets and check them; each action has a module of its own."""

from typing import Any

from skinmodel.commands import check, count, download, status, verify


def add_parser(commands: Any) -> None:
    """Add the command and its actions to the command line."""
    parser = commands.add_parser("data", help="fetch and check the data sets", description=__doc__)
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    for action in (check, count, download, verify, status):
        action.add_parser(actions)
