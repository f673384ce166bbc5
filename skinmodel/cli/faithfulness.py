"""``faithfulness``: measure whether a network's maps can be believed, on held-out lesions."""

import argparse
from pathlib import Path
from typing import Any

from skinmodel import paths
from skinmodel.cli.arguments import add_data, require_data
from skinmodel.errors import UsageError
from skinmodel.explain.registry import get_method, quick_methods_of
from skinmodel.faithfulness.report import describe, write_report
from skinmodel.faithfulness.session import Plan, Source
from skinmodel.faithfulness.subjects import SIDES, load_set
from skinmodel.imaging.preprocess import Preprocessing
from skinmodel.libraries import quiet_start
from skinmodel.models.registry import get_spec
from skinmodel.training.checkpoint import read_under_way
from skinmodel.weights import store
from skinmodel.workflows.measure_faithfulness import digest_weights, run


def add_parser(commands: Any) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "faithfulness", help="measure a network's maps", description=__doc__
    )
    parser.add_argument(
        "--model",
        required=True,
        metavar="NAME|RUN",
        help="a network, a run in the store, or the folder of a run, finished or under way",
    )
    add_data(parser)
    parser.add_argument(
        "--methods",
        nargs="+",
        metavar="NAME",
        help="methods to measure (default: the quick ones the network has)",
    )
    parser.add_argument("--split", choices=SIDES, default="test", help="lesions to measure on")
    parser.add_argument("--sample", type=int, metavar="N", help="pictures to draw (default: all)")
    parser.add_argument(
        "--balanced", action="store_true", help="draw as many pictures of each diagnosis"
    )
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="of all that is drawn")
    parser.add_argument(
        "--stretched",
        action="store_true",
        help="place maps over the whole picture, not where their cells look",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="folder for the results (default: beside the network's other results)",
    )
    parser.set_defaults(run=run_command)


def run_command(options: argparse.Namespace) -> int:
    """Print the main figures and where the rest is."""
    if options.sample is not None and options.sample < 1:
        raise UsageError(f"--sample is {options.sample}; give a number of pictures above 0.")
    if options.seed < 0:
        raise UsageError(f"--seed is {options.seed}; give a number of at least 0.")
    dataset, masks = load_set(require_data(options), options.split)
    with quiet_start():
        source, root = _load(options.model)
    methods = tuple(options.methods or quick_methods_of(source.spec))
    for name in methods:
        get_method(name, source.spec)
    plan = Plan(
        methods=tuple(dict.fromkeys(methods)),
        sample=options.sample,
        balanced=options.balanced,
        seed=options.seed,
        stretched=options.stretched,
    )
    report, table = run(source, dataset, masks, plan, paths.home() / "maps")
    out = options.out or root / source.run_id / folder_name(dataset.folder(), plan)
    write_report(out, report, table)
    print(describe(report))
    print(f"Results: {out}")
    return 0


def folder_name(dataset: str, plan: Plan) -> str:
    """Return what the folder with the results is called, as ``ham10000-test-maps``."""
    return f"{dataset}-maps{'-stretched' if plan.stretched else ''}"


def _load(name: str) -> tuple[Source, Path]:
    """Return the network and the folder of its results.

    Raises:
        SkinModelError: there is no such network, run or folder, or its weights cannot be used.
    """
    from skinmodel.inference.classifier import Classifier

    if Path(name).is_dir():
        finished = read_under_way(Path(name))
        spec = get_spec(finished.config["model"])
        preprocessing = Preprocessing(**finished.config["preprocessing"])
        run_id = finished.result.run_id
        classifier = Classifier(spec, finished.weights, preprocessing, run_id)
        split, digest = finished.data["split"], digest_weights(finished.weights)
        recipe = finished.config
        root = paths.evaluations()
    else:
        record, folder = store.find(name)
        classifier = Classifier.load(name)
        split, digest, recipe = record.split, record.sha256, record.recipe
        root = paths.RESULTS if folder == paths.SHIPPED_WEIGHTS else paths.evaluations()
    source = Source(
        probe=classifier.probe(),
        spec=classifier.spec,
        preprocessing=classifier.preprocessing,
        run_id=classifier.run_id,
        split=split,
        digest=digest,
        guided=recipe.get("guidance", 0) > 0,  # runs of before know no such setting
    )
    return source, root
