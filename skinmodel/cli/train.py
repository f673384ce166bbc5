"""``train``: train a network on HAM10000, resumable at any moment."""

import argparse
from pathlib import Path
from typing import Any, Final, get_args

from skinmodel import paths
from skinmodel.cli.arguments import add_data, require_data
from skinmodel.models.registry import MODELS
from skinmodel.training.recipes import DEFAULT_ENGINE, EngineName, Precision, recipe_names

_AUTO: Final = "auto"


def add_parser(commands: Any) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("train", help="train a network", description=__doc__)
    parser.add_argument("--model", required=True, choices=sorted(MODELS))
    recipes = ", ".join(recipe_names())
    recipe_help = f"{recipes}, or FILE.toml; 'report' reproduces a protocol that leaks"
    parser.add_argument("--recipe", default="grouped", help=recipe_help)
    add_data(parser)
    parser.add_argument("--runs", type=Path, default=paths.home() / "runs", help="folder of runs")
    parser.add_argument("--seed", type=int, help="instead of the recipe's")
    parser.add_argument("--epochs", type=int, help="instead of the recipe's")
    parser.add_argument(
        "--precision",
        default=_AUTO,
        choices=(_AUTO, *get_args(Precision)),
        help="auto: the fastest sound one of this machine (default); name one to go on with a run "
        "of another machine",
    )
    parser.add_argument(
        "--engine",
        default=DEFAULT_ENGINE,
        choices=get_args(EngineName),
        help=f"what computes (default {DEFAULT_ENGINE}); jax needs requirements-jax.txt",
    )
    parser.add_argument("--resume", action="store_true", help="go on with an unfinished run")
    force_help = "throw an earlier run of these settings away"
    parser.add_argument("--force", action="store_true", help=force_help)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Train to the end and keep the weights in the user's store."""
    from skinmodel.workflows.train import keep, run_training

    folder, result = run_training(
        options.model,
        options.recipe,
        require_data(options),
        options.runs,
        seed=options.seed,
        epochs=options.epochs,
        precision=None if options.precision == _AUTO else options.precision,
        engine=options.engine,
        resume=options.resume,
        force=options.force,
    )
    keep(folder)
    figures = ", ".join(f"{name} {value:.4f}" for name, value in result.val.items())
    print(f"{result.run_id}: epoch {result.epoch} kept, validation {figures}")
    print(f"Run: {folder}. Use it with: python -m skinmodel predict FILE --model {result.run_id}")
    return 0
