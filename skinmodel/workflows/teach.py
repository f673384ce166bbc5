"""What shipped networks answer to the training pictures of one that they teach."""

import hashlib
import logging
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from skinmodel import paths
from skinmodel.data import cache
from skinmodel.diagnoses import CODES
from skinmodel.errors import ConfigError
from skinmodel.files import write_atomically
from skinmodel.inference.quick import open_stored
from skinmodel.weights import store
from skinmodel.weights.record import WeightsRecord

_CHUNK = 64
_BACKEND = "tensorflow"

log = logging.getLogger(__name__)


def load_answers(
    teachers: Sequence[str], files: Sequence[str], *, progress: bool = True
) -> tuple[NDArray[np.float32], list[str]]:
    """Return the mean answer of shipped networks to pictures, not augmented and not calibrated.

    A temperature fitted on other pictures would sharpen answers to the teachers' own training
    pictures, which are sharp already. Answers are kept under ``home()/answers``, keyed by run and
    files, since a run that is resumed needs them again.

    Args:
        teachers: registry names of networks that ship; at least one.
        files: N image files.
        progress: show progress bars.

    Returns:
        float32, (N, K), rows summing to 1, columns in the order of ``CODES``; and the teachers'
        run ids.

    Raises:
        WeightsError: one of them does not ship, or its weights are corrupt.
        ImageError: a file cannot be read or is no image.
        ConfigError: the answers cannot be kept.
    """
    total = np.zeros((len(files), len(CODES)), np.float64)
    runs = []
    for teacher in teachers:
        record, folder = store.find(teacher, "shipped")
        pixels = cache.load_pixels(files, record.preprocessing, progress=progress)
        key = hashlib.sha256(f"{record.sha256} {cache.fingerprint(pixels)}".encode()).hexdigest()
        kept = paths.home() / "answers" / f"{record.run_id}-{key[:16]}.npy"
        if not kept.is_file():
            _keep(_ask_here_or_elsewhere(record, folder, files, pixels, progress), kept)
        total += np.load(kept)
        runs.append(record.run_id)
        log.info("taught by %s", record.run_id)
    return (total / len(runs)).astype(np.float32), runs


def _ask_here_or_elsewhere(
    record: WeightsRecord,
    folder: Path,
    files: Sequence[str],
    pixels: NDArray[np.uint8],
    progress: bool,
) -> NDArray[np.float32]:
    """Ask in a process of its own where Keras runs on another backend than the classifier's."""
    if "keras" not in sys.modules or sys.modules["keras"].config.backend() == _BACKEND:
        return _ask(record, folder, pixels, progress)
    with ProcessPoolExecutor(1, get_context("spawn"), _use_tensorflow) as pool:
        return pool.submit(_ask_of_files, record, folder, list(files), progress).result()


def _use_tensorflow() -> None:
    os.environ["KERAS_BACKEND"] = _BACKEND


def _ask_of_files(
    record: WeightsRecord, folder: Path, files: Sequence[str], progress: bool
) -> NDArray[np.float32]:
    return _ask(record, folder, cache.load_pixels(files, record.preprocessing), progress)


def _ask(
    record: WeightsRecord, folder: Path, pixels: NDArray[np.uint8], progress: bool
) -> NDArray[np.float32]:
    teacher = open_stored(replace(record, temperature=1.0), folder)
    bar = tqdm(total=len(pixels), desc=f"asking {record.model}", unit="img", disable=not progress)
    rows = []
    with bar:
        for start in range(0, len(pixels), _CHUNK):
            rows.append(teacher.predict(list(pixels[start : start + _CHUNK])))
            bar.update(len(rows[-1]))
    return np.concatenate(rows)


def _keep(answers: NDArray[np.float32], file: Path) -> None:
    def save(temporary: Path) -> None:
        with temporary.open("wb") as opened:  # np.save would add an ending to a name without one
            np.save(opened, answers)

    try:
        write_atomically(file, save)
    except OSError as error:
        raise ConfigError(
            f"The teachers' answers cannot be kept in '{file.parent}': {error}. Free some disk "
            "space, or set SKINMODEL_HOME to a folder that can be written."
        ) from error
