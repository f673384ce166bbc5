"""``data``: fetch the data sets and check them; each action has a module of its own."""

from typing import Any

from skinmodel.commands import check, count, download


def add_parser(commands: Any) -> None:
    """Add the command and its actions to the command line."""
    parser = commands.add_parser("data", help="check the data sets", description=__doc__)
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    for action in (check, count, download):
        action.add_parser(actions)
