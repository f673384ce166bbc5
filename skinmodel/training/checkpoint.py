"""The state of a run on disk: always one whole checkpoint, whatever is killed when."""

import json
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from skinmodel.errors import ConfigError
from skinmodel.files import flush_to_disk, write_atomically
from skinmodel.training.runs import CHECKPOINTS

Arrays = dict[str, NDArray[Any]]

_PREFIX: Final = "epoch-"


@dataclass(frozen=True)
class RunState:
    """Where a run stands after a whole epoch.

    Attributes:
        epoch: number of epochs done.
        best_epoch: the epoch (from 1) picked so far; 0 before the first.
        best_score: its smoothed validation figure.
        history: one row of figures an epoch.
        fingerprint: of the settings it was trained with; empty in checkpoints of before it was
            written down.
    """

    epoch: int = 0
    best_epoch: int = 0
    best_score: float = -1.0
    history: list[dict[str, float]] = field(default_factory=list)
    fingerprint: str = ""


def save(run: Path, state: RunState, weights: Arrays, optimizer: Arrays) -> None:
    """Write the checkpoint of an epoch, then remove the one before.

    A checkpoint is a folder that appears by one rename when all of it has reached the disk.

    Raises:
        ConfigError: the disk is full or cannot be written; the checkpoint before stays.
    """
    folder = run / CHECKPOINTS
    final = folder / f"{_PREFIX}{state.epoch:04d}"
    temporary = folder / f".{final.name}.tmp"
    try:
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        _save_arrays(temporary / "weights.safetensors", weights)
        _save_arrays(temporary / "optimizer.safetensors", optimizer)
        (temporary / "state.json").write_text(json.dumps(asdict(state)), encoding="utf-8")
        flush_to_disk(temporary / "state.json")
        flush_to_disk(temporary)
        temporary.rename(final)
        flush_to_disk(folder)
    except (OSError, SafetensorError) as error:
        shutil.rmtree(temporary, ignore_errors=True)
        raise ConfigError(
            f"The checkpoint of epoch {state.epoch} could not be written to '{folder}' ({error}). "
            f"Epoch {state.epoch - 1} is safe: free some space (about 1 GB) and go on with "
            "--resume."
        ) from error
    for other in _finished(folder):
        if other != final:
            shutil.rmtree(other)
    for best in run.glob("best-*.safetensors"):
        if best != best_file(run, state.best_epoch):
            best.unlink()
    for left in run.glob(".best-*.tmp"):  # by a process killed while it wrote
        left.unlink()


def load(run: Path) -> tuple[RunState, Arrays, Arrays] | None:
    """Return state, weights and optimizer of the last whole epoch, or None before the first.

    Raises:
        ConfigError: the checkpoint is damaged.
    """
    state = load_state(run)
    if state is None:
        return None
    newest = _finished(run / CHECKPOINTS)[-1]
    try:
        weights = load_file(newest / "weights.safetensors")
        optimizer = load_file(newest / "optimizer.safetensors")
    except (OSError, SafetensorError) as error:
        raise ConfigError(_damaged(newest, error)) from error
    return state, weights, optimizer


def load_state(run: Path) -> RunState | None:
    """Return the state of the last whole epoch alone, or None before the first.

    Raises:
        ConfigError: the checkpoint is damaged.
    """
    finished = _finished(run / CHECKPOINTS)
    if not finished:
        return None
    file = finished[-1] / "state.json"
    try:
        return RunState(**json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError(_damaged(finished[-1], error)) from error


def last_epoch(run: Path) -> int:
    """Return the last whole epoch on disk, 0 before the first."""
    finished = _finished(run / CHECKPOINTS)
    return int(finished[-1].name.removeprefix(_PREFIX)) if finished else 0


def save_best(run: Path, epoch: int, weights: Arrays) -> None:
    """Write the weights of the epoch that validation picks so far.

    Raises:
        ConfigError: the disk is full or cannot be written.
    """
    try:
        write_atomically(best_file(run, epoch), lambda path: _save_arrays(path, weights))
    except (OSError, SafetensorError) as error:
        raise ConfigError(
            f"The weights of epoch {epoch} could not be written to '{run}' ({error}). Free some "
            "space (about 1 GB) and go on with --resume."
        ) from error


def best_file(run: Path, epoch: int) -> Path:
    """Return where the weights of a picked epoch are."""
    return run / f"best-{epoch:04d}.safetensors"


def discard(run: Path) -> None:
    """Remove the checkpoints of a finished run; the picked weights stay."""
    shutil.rmtree(run / CHECKPOINTS, ignore_errors=True)


def _damaged(folder: Path, reason: object) -> str:
    return f"The checkpoint '{folder}' cannot be read ({reason}). Start the run again with --force."


def _save_arrays(path: Path, arrays: Arrays) -> None:
    save_file({name: np.asarray(a, order="C") for name, a in arrays.items()}, path)
    flush_to_disk(path)


def _finished(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"{_PREFIX}*")) if folder.is_dir() else []
