"""A folder of any size through the networks: decoding beside inference, part by part."""

import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from skinmodel.errors import ConfigError, ImageError
from skinmodel.imaging import images
from skinmodel.imaging.preprocess import Preprocessing, resize
from skinmodel.results import Prediction
from skinmodel.workflows.scoring.parts import (
    ERRORS_FILE,
    SUBMISSION,
    Fault,
    find_part,
    iterate_errors,
    join,
    write_part,
)
from skinmodel.workflows.scoring.plan import Plan

if TYPE_CHECKING:  # at run time this loads TensorFlow
    from skinmodel.inference.classifier import Classifier
    from skinmodel.inference.quick import QuickClassifier

BATCH: Final = 64
"""Pictures that a network is given at once."""
_AHEAD: Final = 2 * BATCH


@dataclass(frozen=True)
class Reduced:
    """A picture at the inputs' sizes, which is all of it that stays in memory.

    Attributes:
        file: its path.
        place: its place in the part.
        size: (H, W) before it was reduced.
        pixels: uint8, (h, w, 3), RGB, 0-255, by network.
    """

    file: str
    place: int
    size: tuple[int, int]
    pixels: Mapping[str, NDArray[np.uint8]]


@dataclass(frozen=True)
class Progress:
    """How far a run is.

    Attributes:
        done: pictures of this share that have their row or their reason.
        total: pictures of this share.
        rate: pictures a second since this start.
        left: seconds left at that rate.
    """

    done: int
    total: int
    rate: float
    left: float


@dataclass(frozen=True)
class Outcome:
    """What a run has come to.

    Attributes:
        scored: pictures that this start has scored.
        unreadable: pictures without a row, of all that is done.
        waiting: parts of other shares that are not done yet.
        seconds: this start took.
    """

    scored: int
    unreadable: int
    waiting: int
    seconds: float


Report = Callable[[Progress], None]


def score(
    plan: Plan,
    classifiers: "Mapping[str, Classifier | QuickClassifier]",
    out: Path,
    *,
    shard: tuple[int, int] = (1, 1),
    report: Report,
    overlay: Callable[[str, int], None] | None = None,
) -> Outcome:
    """Score every picture of a share that has no row yet.

    A part that is there is passed over, so that the same call goes on after any stop. Where all
    shares are done, the lists of unreadable pictures, and a submission, are joined.

    Args:
        plan: see there.
        classifiers: by run id, in the order of the plan.
        out: folder for the results.
        shard: ``(i, n)``: every n-th part from the i-th, counted from 1.
        report: is told how far it is, after each batch.
        overlay: draws what was asked for of one readable file, given its number in the list.

    Raises:
        ConfigError: another process scores this share, or the folder cannot be written.
    """
    number, count = shard
    mine = [part for part in range(plan.parts) if part % count == number - 1]
    lock = FileLock(out / f".share-{number}-of-{count}.lock", timeout=0)
    started = time.monotonic()
    try:
        with lock:
            scored = _score_parts(plan, classifiers, out, mine, report, overlay)
    except Timeout as error:
        raise ConfigError(
            f"Another process is at work on this share in '{out}'. Let it finish, or stop it."
        ) from error
    except OSError as error:
        raise ConfigError(
            f"The results could not be written to '{out}' ({error}). Free some space; the same "
            "command then goes on."
        ) from error
    waiting = sum(not find_part(out, plan, part).exists() for part in range(plan.parts))
    unreadable = _finish(out, plan, waiting)
    return Outcome(scored, unreadable, waiting, time.monotonic() - started)


def _score_parts(
    plan: Plan,
    classifiers: "Mapping[str, Classifier | QuickClassifier]",
    out: Path,
    mine: Sequence[int],
    report: Report,
    overlay: Callable[[str, int], None] | None,
) -> int:
    left = [part for part in mine if not find_part(out, plan, part).exists()]
    total = sum(len(plan.of_part(part)) for part in mine)
    before = total - sum(len(plan.of_part(part)) for part in left)
    done, started = 0, time.monotonic()
    specs = {name: classifier.preprocessing for name, classifier in classifiers.items()}
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for part in left:
            for stale in out.glob(f".part-{part:05d}.*.tmp"):  # of a start that was killed
                stale.unlink(missing_ok=True)
            rows: list[tuple[str, Prediction]] = []
            faults: list[Fault] = []
            for batch in _read_batches(plan.of_part(part), specs, pool):
                readable = [item for item in batch if isinstance(item, Reduced)]
                faults += [item for item in batch if isinstance(item, Fault)]
                rows += classify(readable, classifiers, plan.settings.views)
                if overlay is not None:
                    for item in readable:
                        overlay(item.file, part * plan.settings.part + item.place + 1)
                done += len(batch)
                rate = done / max(time.monotonic() - started, 1e-9)
                left_over = (total - before - done) / rate
                report(Progress(before + done, total, rate, left_over))
            write_part(out, plan, part, rows, faults)
    return done


def classify(
    pictures: Sequence[Reduced],
    classifiers: "Mapping[str, Classifier | QuickClassifier]",
    views: int,
) -> list[tuple[str, Prediction]]:
    """Return a row for each picture and network, the networks of one picture side by side."""
    if not pictures:
        return []
    answers = [
        classifier.classify(
            [picture.pixels[name] for picture in pictures],
            views,
            [picture.size for picture in pictures],
        )
        for name, classifier in classifiers.items()
    ]
    return [
        (picture.file, answer)
        for picture, of_picture in zip(pictures, zip(*answers, strict=True), strict=True)
        for answer in of_picture
    ]


def _read_batches(
    files: Sequence[str], specs: Mapping[str, Preprocessing], pool: ThreadPoolExecutor
) -> Iterator[list[Reduced | Fault]]:
    """Yield the pictures in their order; the next ones are decoded meanwhile."""
    ahead: deque[Future[Reduced | Fault]] = deque()
    batch: list[Reduced | Fault] = []
    waiting = enumerate(files)
    while True:
        for place, file in islice(waiting, _AHEAD - len(ahead)):
            ahead.append(pool.submit(read_reduced, file, place, specs))
        if not ahead:
            break
        batch.append(ahead.popleft().result())
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def read_reduced(file: str, place: int, specs: Mapping[str, Preprocessing]) -> Reduced | Fault:
    """Return a picture at the inputs' sizes, or why it cannot be read."""
    try:
        image = images.read(Path(file))
    except ImageError as error:
        return Fault(file, str(error))
    return Reduced(
        file, place, image.shape[:2], {name: resize(image, spec) for name, spec in specs.items()}
    )


def _finish(out: Path, plan: Plan, waiting: int) -> int:
    """Join what has to be one file; returns how many pictures could not be read so far."""
    lists = list(iterate_errors(out))
    unreadable = join(lists, out / ERRORS_FILE) if lists else 0
    if plan.settings.format == "isic" and not waiting:
        join((find_part(out, plan, part) for part in range(plan.parts)), out / SUBMISSION)
    return unreadable
