"""The command line: ``python -m skinmodel COMMAND``."""

import argparse
import errno
import io
import logging
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType
from typing import Final

from skinmodel.errors import (
    ConfigError,
    SkinModelError,
    UnknownNameError,
    UsageError,
    escape,
)
from skinmodel.results import DISCLAIMER

_COMMANDS: Final = (
    "predict",
    "train",
    "speed",
    "evaluate",
    "compare",
    "faithfulness",
    "gate",
    "leak",
    "release",
    "results",
    "claims",
    "models",
    "weights",
    "data",
)
"""In the order of the help; each is a module, or package, of ``skinmodel.cli``."""

_FAILED: Final = 1
_WRONG_USAGE: Final = 2
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
_INTERRUPTED: Final = 130  # 128 + SIGINT, as shells have it

log = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        0; 1 where it failed or a file could not be read; 2 for wrong usage; 130 when interrupted.
        No path ends in a traceback unless ``SKINMODEL_DEBUG`` is set.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    if isinstance(sys.stdout, io.TextIOWrapper):  # a file's name may hold what cannot be printed
        sys.stdout.reconfigure(errors="backslashreplace")
    given = sys.argv[1:] if arguments is None else list(arguments)
    options = _build_parser(given).parse_args(given)
    try:
        status = int(options.run(options))
        sys.stdout.flush()
    except (UsageError, UnknownNameError) as error:
        _complain(error)
        return _WRONG_USAGE
    except SkinModelError as error:
        _complain(error)
        return _FAILED
    except KeyboardInterrupt as interrupt:  # a command that can be gone on with says how
        message = str(interrupt) or "interrupted; nothing that was finished is lost"
        print(message, file=sys.stderr)
        return _INTERRUPTED
    except BrokenPipeError:  # the reader, such as head, has had enough
        _drop_output()
        return _FAILED
    except Exception as error:
        if os.environ.get("SKINMODEL_DEBUG"):
            raise
        if isinstance(error, OSError) and error.filename is None and error.errno in _FULL:
            _drop_output()
            reason = f"The output could not be written ({error.strerror})."
            _complain(ConfigError(f"{reason} Make room, or send it elsewhere."))
            return _FAILED
        log.error(
            "error: unexpected %s: %s. Set SKINMODEL_DEBUG=1 to see where.",
            type(error).__name__,
            error,
        )
        return _FAILED
    return status


def _complain(error: SkinModelError) -> None:
    """Print an error; what a file's name may do to a terminal is spelled out."""
    lines = str(error).split("\n")
    print("error:", "\n".join(escape(line, 10_000) for line in lines), file=sys.stderr)


def _drop_output() -> None:
    """Let nothing be written any more: Python would try once again when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def load_commands(given: Sequence[str]) -> list[ModuleType]:
    """Return the module of the command that is given, or of all where none is, as for help.

    Loading all of them takes longer than some of them do.
    """
    names = given[:1] if given and given[0] in _COMMANDS else _COMMANDS
    return [import_module(f"skinmodel.cli.{name}") for name in names]


def _build_parser(given: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m skinmodel",
        description="Train, evaluate and explain skin-lesion classifiers.",
        epilog=DISCLAIMER,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in load_commands(given):
        command.add_parser(commands)
    return parser
