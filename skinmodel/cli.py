"""The command line: ``python -m skinmodel COMMAND``."""

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from skinmodel import paths
from skinmodel.errors import ConfigError, SkinModelError
from skinmodel.models.registry import MODELS
from skinmodel.training.recipes import recipe_names


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns 0, or 1 where it failed. Wrong usage exits with 2."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except SkinModelError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m skinmodel", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    train = commands.add_parser("train", help="train a network on HAM10000")
    train.add_argument("--model", required=True, choices=sorted(MODELS))
    train.add_argument(
        "--recipe", default="grouped", help=f"{', '.join(recipe_names())}, or FILE.toml"
    )
    train.add_argument("--data", type=Path, default=paths.data_dir())
    train.add_argument("--runs", type=Path, default=paths.home() / "runs")
    train.add_argument("--seed", type=int)
    train.add_argument("--epochs", type=int)
    train.add_argument("--resume", action="store_true", help="go on with an unfinished run")
    train.add_argument("--force", action="store_true", help="throw an earlier run away")
    train.set_defaults(run=_train)
    return parser


def _train(options: argparse.Namespace) -> int:
    from skinmodel.training.session import run_training

    if options.data is None:
        raise ConfigError("No data folder. Name the folder that holds HAM10000 with --data.")
    folder, result = run_training(
        options.model,
        options.recipe,
        options.data,
        options.runs,
        seed=options.seed,
        epochs=options.epochs,
        resume=options.resume,
        force=options.force,
    )
    print(f"{result.run_id}: kept epoch {result.epoch}, {result.val}, in {folder}")
    return 0
