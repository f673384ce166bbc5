"""``compare``: what two evaluated runs differ by on the same images, with paired intervals.

A network's name means the run whose weights that name means everywhere else: the one that comes
with the program, never one of a leaky split. Such a run must be named by its id.
"""

import argparse
from pathlib import Path
from typing import Any, Final

from skinmodel import paths
from skinmodel.errors import ConfigError, UnknownNameError, UsageError, WeightsError
from skinmodel.evaluation.comparison import (
    SavedComparison,
    compare_evaluations,
    describe_difference,
    find_file,
    read_comparison,
    remark_on_many,
    write_comparison,
)
from skinmodel.evaluation.measures.metrics import PRINTED
from skinmodel.evaluation.report import Evaluation, find_evaluations
from skinmodel.models.registry import MODELS, get_spec
from skinmodel.results import DISCLAIMER
from skinmodel.weights import store

_FIGURES: Final = (*PRINTED, "recall.mel")


def add_parser(commands: Any) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("compare", help="compare two runs", description=__doc__)
    for name in ("first", "second"):
        parser.add_argument(name, metavar="RUN", help="id of an evaluated run, or a network's name")
    parser.add_argument(
        "--dataset", help="folder name of one data set, such as isic2019 (default: all they share)"
    )
    parser.add_argument(
        "--results",
        type=Path,
        metavar="DIR",
        help="evaluations are here, and their comparisons are kept here (default: those that come "
        "with the program are read, and a new comparison is kept in the user's store)",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print and keep the difference on every data set that both runs were evaluated on."""
    found = find_evaluations(options.results or paths.RESULTS, paths.evaluations())
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
        pair = first[name], second[name]
        saved = compare_evaluations(*pair)
        _print(saved)
        print(f"  {_keep(saved, _choose_root(options.results, *pair))}")
    print(remark_on_many(len(shared) * len(_FIGURES)))
    print(DISCLAIMER)
    return 0


def _choose_root(results: Path | None, first: Evaluation, second: Evaluation) -> Path:
    """Return where a comparison is kept: with both its evaluations, else in the user's store.

    What comes with the program gets no new file unless its folder is named, but a file that it has
    is kept up to date.
    """
    root = results or paths.RESULTS
    together = all(e.folder.is_relative_to(root) for e in (first, second))
    wanted = results is not None or find_file(root, first.provenance, second.provenance).exists()
    return root if together and wanted else paths.evaluations()


def _keep(saved: SavedComparison, root: Path) -> Path:
    """Keep a comparison and return its file, which is not touched where it holds just that."""
    try:
        same = read_comparison(root, saved.first, saved.second) == saved
    except ConfigError:  # a damaged one is made anew
        same = False
    return find_file(root, saved.first, saved.second) if same else write_comparison(root, saved)


def _print(saved: SavedComparison) -> None:
    origins = (saved.first, saved.second)
    one, other = (get_spec(origin.model).title for origin in origins)
    if one == other:
        one, other = (origin.run_id for origin in origins)
    print(f"{saved.first.dataset_title}, {saved.first.views} view(s):")
    for origin in origins:
        if origin.leaks:
            print(f"  {origin.run_id} LEAKS. {origin.remark}")
    for figure in _FIGURES:
        words = describe_difference(saved.comparison.differences[figure], one, other, figure)
        print(f"  {figure}: {words}")


def _of_run(found: tuple[Evaluation, ...], name: str) -> dict[str, Evaluation]:
    """Return the evaluations of a run, or of a network's default run, by their folder's name.

    Of two evaluations of one run on one set, the one in ``--results`` counts.
    """
    run_id = name
    if name not in {e.provenance.run_id for e in found}:
        run_id = _default_run(found, name)
        print(f"{name}: run {run_id}")
    of_run = [e for e in found if e.provenance.run_id == run_id]
    names = dict.fromkeys(e.folder.name for e in of_run)
    return {name: next(e for e in of_run if e.folder.name == name) for name in names}


def _default_run(found: tuple[Evaluation, ...], model: str) -> str:
    """Return the run that a network's name means; prefers none to one that was not asked for."""
    runs = list(dict.fromkeys(e.provenance.run_id for e in found if e.provenance.model == model))
    if model not in MODELS:
        raise UnknownNameError(
            "network or evaluated run", model, (*MODELS, *{e.provenance.run_id: 0 for e in found})
        )
    try:
        default = store.find(model)[0].run_id
    except WeightsError:  # figures without weights
        leaky = {e.provenance.run_id for e in found if e.provenance.leaks}
        sound = [run_id for run_id in runs if run_id not in leaky]
        if len(sound) == 1:
            return sound[0]
        reason = "has no weights here to say which of its runs is meant"
    else:
        if default in runs:
            return default
        reason = f"means run {default}, which was not evaluated"
    raise UsageError(
        f"'{model}' {reason}. Evaluated runs of it: {', '.join(runs) or 'none'}. Name one by its "
        f"id, or evaluate first, with: python -m skinmodel evaluate --model {model}."
    )


def _list(evaluations: dict[str, Evaluation]) -> str:
    return ", ".join(evaluations) or "none"
