"""``compare``: what two evaluated runs differ by on the same images, with paired intervals."""

import argparse
from pathlib import Path
from typing import Any, Final

from skinmodel import paths
from skinmodel.errors import UsageError
from skinmodel.evaluation.comparison import describe_difference
from skinmodel.evaluation.comparisons import compare_evaluations, write_comparison
from skinmodel.evaluation.report import Evaluation, find_evaluations
from skinmodel.models.registry import get_spec
from skinmodel.results import DISCLAIMER

_HEADLINES: Final = ("accuracy", "balanced_accuracy", "macro_f1", "macro_auc", "recall.mel")


def add_parser(commands: Any) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("compare", help="compare two runs", description=__doc__)
    for name in ("first", "second"):
        parser.add_argument(name, metavar="RUN", help="id of an evaluated run, or a network's name")
    parser.add_argument(
        "--dataset", help="folder name of one data set, such as isic2019 (default: all they share)"
    )
    parser.add_argument(
        "--results", type=Path, default=paths.RESULTS, metavar="DIR", help="evaluations are here"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print and keep the difference on every data set that both runs were evaluated on."""
    found = find_evaluations(options.results, paths.evaluations())
    first, second = (_of_run(found, name) for name in (options.first, options.second))
    if first and first == second:
        run_id = next(iter(first.values())).provenance.run_id
        raise UsageError(
            f"'{options.first}' and '{options.second}' are one run, {run_id}, which differs from "
            "itself by nothing. Name two."
        )
    shared = [name for name in first if name in second and options.dataset in (None, name)]
    if not shared:
        raise UsageError(
            f"'{options.first}' and '{options.second}' were not evaluated on the same data set"
            f"{f' {options.dataset}' if options.dataset else ''}: {_list(first)} and "
            f"{_list(second)}. Evaluate both first, with: python -m skinmodel evaluate."
        )
    for name in shared:
        saved = compare_evaluations(first[name], second[name])
        file = write_comparison(options.results, saved)
        one, other = (get_spec(p.model).title for p in (saved.first, saved.second))
        print(f"{saved.first.dataset_title}, {saved.first.views} view(s):")
        for figure in _HEADLINES:
            interval = saved.comparison.differences[figure]
            words = describe_difference(interval, one, other, figure)
            print(f"  {figure}: {words}")
        print(f"  {file}")
    print(DISCLAIMER)
    return 0


def _of_run(found: tuple[Evaluation, ...], name: str) -> dict[str, Evaluation]:
    """Return the evaluations of a run, or of a network's first run, by their folder's name."""
    ids = [e.provenance.run_id for e in found if name in (e.provenance.run_id, e.provenance.model)]
    return {e.folder.name: e for e in found if ids and e.provenance.run_id == ids[0]}


def _list(evaluations: dict[str, Evaluation]) -> str:
    return ", ".join(evaluations) or "none"
