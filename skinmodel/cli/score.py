"""``predict FOLDER --out DIR``: any number of pictures into files, which any stop can go on."""

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tqdm import tqdm

from skinmodel.errors import SkinModelError, UsageError, escape
from skinmodel.imaging import images
from skinmodel.results import DISCLAIMER

if TYPE_CHECKING:  # at run time this loads TensorFlow, and pandas, which one picture does without
    from skinmodel.inference.classifier import Classifier
    from skinmodel.inference.quick import QuickClassifier
    from skinmodel.workflows.scoring.plan import Plan
    from skinmodel.workflows.scoring.run import Outcome, Progress

_OVERLAYS: Final = "overlays"
_EVERY: Final = 20.0  # seconds between lines where there is no terminal


def is_bulk(options: argparse.Namespace) -> bool:
    """Return whether ``predict`` is to write files of rows instead of printing them."""
    if options.format in ("parquet", "isic") or options.shard is not None:
        return True
    return options.out is not None and any(Path(file).is_dir() for file in options.files)


def list_files(named: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the files that were named, and all pictures below the folders that were.

    Returns:
        The files, each once, and sentences on what was passed over.
    """
    found: list[str] = []
    told = []
    for name in named:
        if not Path(name).is_dir():
            found.append(name)
            continue
        from skinmodel.data.image_files import walk

        walked = walk(Path(name))
        found += map(str, walked.files)
        if said := walked.describe():
            told.append(f"'{escape(name)}': {said}")
    return list(dict.fromkeys(found)), told


def read_shard(text: str | None) -> tuple[int, int]:
    """Return ``i/n`` as numbers; the whole where nothing is given.

    Raises:
        UsageError: it is no share of a whole.
    """
    if text is None:
        return 1, 1
    first, _, count = text.partition("/")
    if not (first.isdecimal() and count.isdecimal() and 1 <= int(first) <= int(count)):
        raise UsageError(f"--shard '{escape(text)}' is no share; 1/4 to 4/4 are the four of four.")
    return int(first), int(count)


def check_bulk(options: argparse.Namespace) -> None:
    """Refuse options that do not go together, before anything is loaded.

    Raises:
        UsageError: they do not.
    """
    read_shard(options.shard)
    if is_bulk(options) and options.out is None:
        raise UsageError(f"--format {options.format} and --shard need --out DIR for the results.")


def run_bulk(
    options: argparse.Namespace, classifiers: "Mapping[str, Classifier | QuickClassifier]"
) -> int:
    """Score, show how far it is, and say where the results are; 1 where a file has no row.

    Args:
        options: of ``predict``.
        classifiers: by the name they were asked for.
    """
    from skinmodel.workflows.scoring.parts import FORMATS
    from skinmodel.workflows.scoring.plan import Settings, make_plan
    from skinmodel.workflows.scoring.run import score

    form = options.format if options.format in FORMATS else "csv"
    files, told = list_files(options.files)
    by_run = {classifier.run_id: classifier for classifier in classifiers.values()}
    settings = Settings(tuple(by_run), options.views, form, options.explain, options.force)
    plan = make_plan(options.out, files, settings)
    shard = read_shard(options.shard)
    for line in (*told, *_describe_plan(plan, shard)):
        print(line, flush=True)
    overlays = _Overlays(options, by_run) if options.explain else None
    with _Display() as display:
        outcome = score(
            plan, by_run, options.out, shard=shard, report=display.show, overlay=overlays
        )
    failed = overlays.failed if overlays else 0
    for line in _describe_outcome(outcome, plan, options.out, failed):
        print(line)
    return 1 if outcome.unreadable or failed else 0


def _describe_plan(plan: "Plan", shard: tuple[int, int]) -> list[str]:
    number, count = shard
    share = f", share {number} of {count}" if count > 1 else ""
    added = (
        f"{plan.added:,} pictures were added since the first start and are not scored; name "
        "another folder with --out for them."
    )
    return [
        f"{len(plan.files):,} pictures in {plan.parts:,} parts{share}; list {plan.digest[:12]}",
        *([added] if plan.added else []),
    ]


def _describe_outcome(outcome: "Outcome", plan: "Plan", out: Path, failed: int) -> list[str]:
    from skinmodel.workflows.scoring.parts import ERRORS_FILE, SUBMISSION

    rate = outcome.scored / outcome.seconds if outcome.seconds else 0.0
    lines = [f"Scored now: {outcome.scored:,} pictures, {rate:.1f} images/s"]
    if outcome.unreadable:
        lines.append(f"Unreadable: {outcome.unreadable:,}, each with its reason in {ERRORS_FILE}")
    if failed:
        lines.append(f"Overlays that could not be drawn: {failed:,}")
    if outcome.waiting:
        lines.append(f"Parts of other shares not done yet: {outcome.waiting:,}")
    whole = plan.settings.format == "isic" and not outcome.waiting
    return [*lines, f"Results: {out / SUBMISSION if whole else out}", DISCLAIMER]


class _Overlays:
    """Draws the overlays that were asked for, one file a picture and network."""

    def __init__(
        self, options: argparse.Namespace, classifiers: "Mapping[str, Classifier | QuickClassifier]"
    ):
        self._options = options
        self._classifiers = classifiers
        self.failed = 0

    def __call__(self, file: str, number: int) -> None:
        from skinmodel.inference.batch import draw_overlay

        out, method = self._options.out / _OVERLAYS, self._options.explain
        image = images.read(Path(file))
        for run_id, classifier in self._classifiers.items():
            if method in classifier.methods:
                try:
                    draw_overlay(out, file, number, run_id, classifier, image, method)
                except SkinModelError as error:
                    self.failed += 1
                    print(f"'{escape(file)}': {error}", file=sys.stderr)


class _Display:
    """Shows images a second and time left: a bar on a terminal, else a line now and then."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._last = time.monotonic()

    def __enter__(self) -> "_Display":
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def show(self, progress: "Progress") -> None:
        """Show how far it is."""
        if sys.stderr.isatty():
            if self._bar is None:
                self._bar = tqdm(total=progress.total, unit="img", initial=progress.done)
            self._bar.update(progress.done - self._bar.n)
        elif time.monotonic() - self._last >= _EVERY:
            self._last = time.monotonic()
            print(
                f"{progress.done:,} of {progress.total:,} pictures, {progress.rate:.1f} images/s, "
                f"{progress.left / 60:.0f} min left",
                file=sys.stderr,
                flush=True,
            )
